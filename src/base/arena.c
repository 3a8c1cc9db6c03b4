/* arena.c: blocks that double; a reset keeps the newest (largest) one within reason. */
#include "arena.h"
#include "err.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_MIN = 1000,     /* most requests need less, and ten thousand of them are held */
    BLOCK_KEPT = 1 << 20, /* a larger one is not kept for whoever may need it again */
};

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) char data[];
};

void *mem_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    sl_assert(p);
    return p;
}

void *mem_zero(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    sl_assert(p);
    return p;
}

void *mem_grow(void *p, size_t size)
{
    p = realloc(p, size ? size : 1);
    sl_assert(p);
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    sl_assert(need >= size);
    if (!a->head || a->head->size - a->used < need) {
        size_t block = a->head ? a->head->size * 2 : BLOCK_MIN;
        if (block < need)
            block = need;
        struct arena_block *b = mem_alloc(sizeof *b + block);
        b->next = a->head;
        b->size = block;
        a->head = b;
        a->used = 0;
        a->allocated += block;
    }
    void *p = a->head->data + a->used;
    a->used += need;
    return memset(p, 0, size);
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

struct str arena_int(struct arena *a, int64_t n)
{
    char room[STR_DECIMAL];
    return arena_copy(a, str_decimal(n, room));
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    sl_assert(n >= 0);
    char *p = arena_alloc(a, (size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return (struct str){p, (size_t)n};
}

static void free_blocks(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_reset(struct arena *a)
{
    if (!a->head || a->head->size > BLOCK_KEPT) {
        arena_free(a);
        return;
    }
    free_blocks(a->head->next);
    a->head->next = NULL;
    a->used = 0;
    a->allocated = a->head->size;
}

void arena_free(struct arena *a)
{
    free_blocks(a->head);
    *a = (struct arena){0};
}
