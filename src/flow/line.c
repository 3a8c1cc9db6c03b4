/* line.c: a doubly linked line of flows through their own prev and next. */
#include "account.h"
#include "err.h"

static void insert_after(struct line *l, struct flow *at, struct flow *f)
{
    f->prev = at;
    f->next = at ? at->next : l->head;
    *(f->next ? &f->next->prev : &l->tail) = f;
    *(at ? &at->next : &l->head) = f;
    l->n++;
}

void line_push(struct line *l, struct flow *f)
{
    insert_after(l, l->tail, f);
}

void line_push_head(struct line *l, struct flow *f)
{
    insert_after(l, NULL, f);
}

void line_insert_due(struct line *l, struct flow *f)
{
    struct flow *at = l->tail;
    while (at && at->due_us > f->due_us)
        at = at->prev;
    insert_after(l, at, f);
}

void line_take(struct line *l, struct flow *f)
{
    sl_assert(l->n > 0);
    *(f->prev ? &f->prev->next : &l->head) = f->next;
    *(f->next ? &f->next->prev : &l->tail) = f->prev;
    f->prev = f->next = NULL;
    l->n--;
}
