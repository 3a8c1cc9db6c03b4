/* arena.h: memory with one lifetime: allocated piece by piece, freed all at once.
 *
 * One arena per request or per parsed document. Allocation never fails visibly: out of memory
 * aborts, because every size is bounded before it is asked for (bounds.h). */
#ifndef SLUICE_ARENA_H
#define SLUICE_ARENA_H

#include "str.h"
#include <stddef.h>

struct arena {
    struct arena_block *head;
    size_t used;      /* bytes handed out of the head block */
    size_t allocated; /* bytes held from libc in all blocks */
};

/* Zeroed memory, aligned for any type, alive until arena_free or arena_reset. */
void *arena_alloc(struct arena *a, size_t size);
/* A NUL-terminated copy; the str's n excludes the NUL. */
struct str arena_copy(struct arena *a, struct str s);
/* The number in decimal. */
struct str arena_int(struct arena *a, int64_t n);
/* printf into the arena. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Forgets everything but keeps one block for reuse, if it is not a huge one. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

/* malloc that aborts instead of returning NULL; for things that outlive an arena. */
void *mem_alloc(size_t size);
void *mem_zero(size_t size);
void *mem_grow(void *p, size_t size);

#endif
