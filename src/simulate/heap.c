/* heap.c: a binary heap; see heap.h. */
#include "heap.h"
#include "arena.h"
#include "err.h"

#include <stdbool.h>
#include <stdlib.h>

static bool sooner(const struct happening *a, const struct happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void heap_put(struct heap *h, struct happening what)
{
    if (h->n == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 256;
        h->list = mem_grow(h->list, h->cap * sizeof *h->list);
    }
    what.order = h->puts++;
    size_t i = h->n++;
    for (; i > 0 && sooner(&what, &h->list[(i - 1) / 2]); i = (i - 1) / 2)
        h->list[i] = h->list[(i - 1) / 2];
    h->list[i] = what;
}

struct happening heap_take(struct heap *h)
{
    sl_assert(h->n > 0);
    struct happening top = h->list[0], last = h->list[--h->n];
    size_t i = 0;
    for (size_t child = 1; child < h->n; child = 2 * i + 1) {
        if (child + 1 < h->n && sooner(&h->list[child + 1], &h->list[child]))
            child++;
        if (!sooner(&h->list[child], &last))
            break;
        h->list[i] = h->list[child];
        i = child;
    }
    if (h->n)
        h->list[i] = last;
    return top;
}

int64_t heap_next_us(const struct heap *h)
{
    return h->n ? h->list[0].at_us : INT64_MAX;
}

void heap_free(struct heap *h)
{
    free(h->list);
    *h = (struct heap){0};
}
