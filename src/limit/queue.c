/* queue.c: see queue.h.
 *
 * Invariants: a tenant is in `active`, at the place it remembers, exactly if one of its lists
 * holds an item; n is the sum of all lists. Finding a turn looks at every active tenant:
 * gateways have hundreds of them, not hundreds of thousands. */
#include "queue.h"
#include "arena.h"
#include "err.h"

#include <stdlib.h>

enum { TAG_SCALE = 1024, IDLE = -1 };

struct queue_list {
    struct queue_item *head, *tail;
};

struct queue_tenant {
    struct queue_list lists[QUEUE_PRIORITIES];
    int64_t tag, weight;
    int64_t place; /* in active, IDLE if not there */
    size_t n;
};

void queue_free(struct queue *q)
{
    free(q->tenants);
    free(q->active);
    *q = (struct queue){0};
}

static struct queue_tenant *tenant_at(struct queue *q, uint32_t tenant)
{
    if (tenant < q->tenant_count)
        return &q->tenants[tenant];
    uint32_t count = q->tenant_count ? q->tenant_count : 1;
    while (count <= tenant)
        count *= 2;
    q->tenants = mem_grow(q->tenants, count * sizeof *q->tenants);
    q->active = mem_grow(q->active, count * sizeof *q->active);
    for (uint32_t i = q->tenant_count; i < count; i++)
        q->tenants[i] = (struct queue_tenant){.weight = QUEUE_WEIGHT, .place = IDLE};
    q->tenant_count = count;
    return &q->tenants[tenant];
}

void queue_weight(struct queue *q, uint32_t tenant, int64_t weight)
{
    sl_assert(weight > 0);
    tenant_at(q, tenant)->weight = weight;
}

static struct queue_list *list_of(struct queue_tenant *t, const struct queue_item *item)
{
    sl_assert(item->priority < QUEUE_PRIORITIES);
    return &t->lists[item->priority];
}

static struct queue_tenant *arrive(struct queue *q, const struct queue_item *item)
{
    struct queue_tenant *t = tenant_at(q, item->tenant);
    if (t->n++ == 0) {
        t->place = q->active_count;
        q->active[q->active_count++] = item->tenant;
        if (t->tag < q->served)
            t->tag = q->served;
    }
    q->n++;
    return t;
}

void queue_push(struct queue *q, struct queue_item *item)
{
    struct queue_list *l = list_of(arrive(q, item), item);
    item->prev = l->tail;
    item->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = item;
    l->tail = item;
}

void queue_push_head(struct queue *q, struct queue_item *item)
{
    struct queue_list *l = list_of(arrive(q, item), item);
    item->prev = NULL;
    item->next = l->head;
    *(l->head ? &l->head->prev : &l->tail) = item;
    l->head = item;
}

void queue_take(struct queue *q, struct queue_item *item)
{
    struct queue_tenant *t = &q->tenants[item->tenant];
    struct queue_list *l = list_of(t, item);
    sl_assert(t->n > 0 && q->n > 0);
    *(item->prev ? &item->prev->next : &l->head) = item->next;
    *(item->next ? &item->next->prev : &l->tail) = item->prev;
    item->prev = item->next = NULL;
    q->n--;
    if (--t->n > 0)
        return;
    uint32_t last = q->active[--q->active_count];
    q->active[t->place] = last;
    q->tenants[last].place = t->place;
    t->place = IDLE;
}

static void pay(struct queue_tenant *t, int64_t tokens)
{
    t->tag += (int64_t)((__int128)tokens * TAG_SCALE * QUEUE_WEIGHT / t->weight);
}

void queue_serve(struct queue *q, struct queue_item *item)
{
    struct queue_tenant *t = &q->tenants[item->tenant];
    q->served = t->tag;
    pay(t, item->cost);
    queue_take(q, item);
}

void queue_correct(struct queue *q, uint32_t tenant, int64_t delta)
{
    pay(tenant_at(q, tenant), delta);
}

/* How urgent: priority, raised by waiting. */
static int64_t rank_of(const struct queue_item *item, int64_t now_us)
{
    return item->priority + (now_us - item->since_us) / QUEUE_AGE_US;
}

/* The most urgent of a tenant's first ones. */
static struct queue_item *first_of(const struct queue_tenant *t, int64_t now_us)
{
    struct queue_item *first = NULL;
    for (int p = QUEUE_PRIORITIES - 1; p >= 0; p--) {
        struct queue_item *item = t->lists[p].head;
        if (item && (!first || rank_of(item, now_us) > rank_of(first, now_us)))
            first = item;
    }
    return first;
}

struct queue_item *queue_head(const struct queue *q, size_t i, int64_t now_us)
{
    return i < q->active_count ? first_of(&q->tenants[q->active[i]], now_us) : NULL;
}

struct queue_item *queue_next(const struct queue *q, int64_t now_us)
{
    struct queue_item *next = NULL;
    int64_t next_rank = 0, next_tag = 0;
    for (uint32_t i = 0; i < q->active_count; i++) {
        const struct queue_tenant *t = &q->tenants[q->active[i]];
        struct queue_item *item = first_of(t, now_us);
        int64_t rank = rank_of(item, now_us);
        if (next && (rank < next_rank || (rank == next_rank && t->tag >= next_tag)))
            continue;
        next = item;
        next_rank = rank;
        next_tag = t->tag;
    }
    return next;
}
