/* heap.h: what will happen, soonest first; what is due at the same instant in the order in
 * which it was put in. */
#ifndef SLUICE_HEAP_H
#define SLUICE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct happening {
    int64_t at_us;
    uint64_t order; /* set by heap_put */
    int kind;
    uint32_t job;
    uint32_t step;
};

struct heap {
    struct happening *list;
    size_t n, cap;
    uint64_t puts;
};

void heap_put(struct heap *h, struct happening what);
/* The soonest; the heap must not be empty. */
struct happening heap_take(struct heap *h);
int64_t heap_next_us(const struct heap *h); /* INT64_MAX if empty */
void heap_free(struct heap *h);

#endif
