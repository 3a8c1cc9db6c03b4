/* merge.c: byte-pair merging: of all adjacent pairs that form a token, the one of lowest rank
 * and leftmost among equals merges first, until none is left.
 *
 * Two facts about this rule carry the module. Take a span of the text that no merge has
 * crossed: its state is one that merging the span alone goes through, since the lowest pair of
 * the whole text, where it lies inside the span, is the lowest of the span.
 *
 * First, a token arises from one split only, the last that merging its own bytes goes through:
 * the table of pairs holds one entry a token.
 *
 * Second, a sequence of tokens is the result for the text exactly if for every two neighbours
 * merging their bytes alone gives these two. A token found at the same place in the results of
 * two overlapping windows therefore joins what stands before it in the first to what follows it
 * in the second.
 *
 * Short pieces and windows merge in arrays; longer pieces merge window by window, joined by the
 * second fact. Where two windows share no token, the whole piece merges through a heap:
 * O(n log n) whatever the input. */
#include "merge.h"

#include "arena.h"

#include <stdlib.h>

enum {
    WINDOW = 512,
    GROUP = 32,
    /* The next window begins so far before the end of the last: room for the longest token
     * whole and for some short ones, of which the very last cannot be trusted. */
    OVERLAP = VOCAB_TOKEN_BYTES + 32,
    INDEX_BITS = 9,
};

#define NO_PAIR INT32_MAX

_Static_assert(WINDOW == 1 << INDEX_BITS, "a pair's key holds its index");
_Static_assert(18 + INDEX_BITS < 32, "a pair's key fits");

/* rank << INDEX_BITS | i for two tokens of which the first starts at byte i: the least key is
 * the pair to merge, leftmost among equals. */
static int32_t pair_key(uint32_t rank, size_t i)
{
    return rank == VOCAB_NONE ? NO_PAIR : (int32_t)(rank << INDEX_BITS | (uint32_t)i);
}

/* Four numbers that the compiler keeps in one register. */
typedef int32_t lanes __attribute__((vector_size(16)));

static inline lanes lanes_min(lanes a, lanes b)
{
    lanes less = a < b;
    return (a & less) | (b & ~less);
}

/* Least of n keys, n a positive multiple of 8. */
static inline int32_t least(const int32_t *keys, size_t n)
{
    lanes a[2];
    memcpy(a, keys, sizeof a);
    for (size_t i = 8; i < n; i += 8) {
        lanes b[2];
        memcpy(b, keys + i, sizeof b);
        a[0] = lanes_min(a[0], b[0]);
        a[1] = lanes_min(a[1], b[1]);
    }
    a[0] = lanes_min(a[0], a[1]);
    int32_t x = a[0][0] < a[0][1] ? a[0][0] : a[0][1];
    int32_t y = a[0][2] < a[0][3] ? a[0][2] : a[0][3];
    return x < y ? x : y;
}

/* Ids and keys of n single bytes; the last has no key. */
static void begin_bytes(const struct vocab *v, const unsigned char *p, size_t n, uint32_t *id,
                        int32_t *pair)
{
    for (size_t i = 0; i < n; i++)
        id[i] = v->byte_id[p[i]];
    for (size_t i = 0; i + 1 < n; i++)
        pair[i] = pair_key(vocab_merge_bytes(v, p[i], p[i + 1]), i);
}

/* ---- short pieces: which bytes start a token fits one word --------------------------- */

enum {
    SHORT = 63 /* bit n of the word bounds the piece */
};

static size_t merge_short(const struct vocab *v, const unsigned char *p, size_t n,
                          uint32_t *ids)
{
    uint32_t id[SHORT + 1];
    int32_t pair[SHORT + 1];
    size_t count = n, keys = (n + 7) / 8 * 8;
    begin_bytes(v, p, n, id, pair);
    for (size_t i = n - 1; i < keys; i++)
        pair[i] = NO_PAIR;
    uint64_t starts = (UINT64_C(2) << n) - 1;
    for (int32_t best; (best = least(pair, keys)) != NO_PAIR;) {
        count--;
        size_t i = (size_t)best & (WINDOW - 1);
        uint64_t after = starts >> i >> 1 << 1 << i;
        size_t gone = (size_t)__builtin_ctzll(after);
        size_t next = (size_t)__builtin_ctzll(after & (after - 1));
        id[i] = (uint32_t)best >> INDEX_BITS;
        starts ^= UINT64_C(1) << gone;
        pair[gone] = NO_PAIR;
        pair[i] = next < n ? pair_key(vocab_merge(v, id[i], id[next]), i) : NO_PAIR;
        uint64_t before = starts & ((UINT64_C(1) << i) - 1);
        if (before) {
            size_t last = 63 - (size_t)__builtin_clzll(before);
            pair[last] = pair_key(vocab_merge(v, id[last], id[i]), last);
        }
    }
    for (size_t i = 0; ids && i < count; i++, starts &= starts - 1)
        ids[i] = id[__builtin_ctzll(starts)];
    return count;
}

/* ---- windows ------------------------------------------------------------------------- */

/* The state of merging up to WINDOW bytes: slot i belongs to the token that starts at byte i.
 */
struct window {
    size_t n;
    uint64_t starts[WINDOW / 64];   /* bit i: a token starts at byte i */
    uint32_t id[WINDOW];            /* where one does */
    int32_t pair[WINDOW];           /* its key with its successor */
    int32_t lowest[WINDOW / GROUP]; /* of the keys of a group */
};

static bool is_start(const struct window *w, size_t i)
{
    return w->starts[i / 64] >> i % 64 & 1;
}

/* First start after i, or n. */
static size_t start_after(const struct window *w, size_t i)
{
    size_t word = (i + 1) / 64;
    if (i + 1 >= w->n)
        return w->n;
    uint64_t bits = w->starts[word] >> (i + 1) % 64 << (i + 1) % 64;
    while (bits == 0) {
        if (++word * 64 >= w->n)
            return w->n;
        bits = w->starts[word];
    }
    size_t start = word * 64 + (size_t)__builtin_ctzll(bits);
    return start < w->n ? start : w->n;
}

/* Last start before i > 0; byte 0 is always one. */
static size_t start_before(const struct window *w, size_t i)
{
    size_t word = i / 64;
    uint64_t bits = w->starts[word] & ((UINT64_C(1) << i % 64) - 1);
    while (bits == 0)
        bits = w->starts[--word];
    return word * 64 + 63 - (size_t)__builtin_clzll(bits);
}

static void find_lowest(struct window *w, size_t group)
{
    w->lowest[group] = least(w->pair + group * GROUP, GROUP);
}

static void window_fill(struct window *w, const struct vocab *v, const unsigned char *p,
                        size_t n)
{
    w->n = n;
    memset(w->starts, 0xFF, sizeof w->starts);
    begin_bytes(v, p, n, w->id, w->pair);
    for (size_t i = n - 1; i < WINDOW; i++)
        w->pair[i] = NO_PAIR;
    for (size_t g = 0; g < WINDOW / GROUP; g++)
        find_lowest(w, g);
}

static void window_merge(struct window *w, const struct vocab *v, const unsigned char *p,
                         size_t n)
{
    window_fill(w, v, p, n);
    for (int32_t best; (best = least(w->lowest, WINDOW / GROUP)) != NO_PAIR;) {
        size_t i = (size_t)best & (WINDOW - 1);
        size_t gone = start_after(w, i);
        size_t next = start_after(w, gone);
        w->id[i] = (uint32_t)best >> INDEX_BITS;
        w->starts[gone / 64] &= ~(UINT64_C(1) << gone % 64);
        w->pair[gone] = NO_PAIR;
        w->pair[i] = next < n ? pair_key(vocab_merge(v, w->id[i], w->id[next]), i) : NO_PAIR;
        size_t before = i > 0 ? start_before(w, i) : i;
        if (before < i)
            w->pair[before] = pair_key(vocab_merge(v, w->id[before], w->id[i]), before);
        find_lowest(w, i / GROUP);
        if (gone / GROUP != i / GROUP)
            find_lowest(w, gone / GROUP);
        if (before / GROUP != i / GROUP)
            find_lowest(w, before / GROUP);
    }
}

/* Hands out the tokens that start in [from, to). */
static size_t window_take(const struct window *w, size_t from, size_t to, uint32_t *ids)
{
    size_t count = 0;
    for (size_t i = from; i < to; i = start_after(w, i)) {
        if (ids)
            ids[count] = w->id[i];
        count++;
    }
    return count;
}

/* Start, in a, of a token that b has at the same place; b begins `shift` bytes after a. Gives
 * a->n if they share none. */
static size_t shared_token(const struct window *a, const struct window *b, size_t shift)
{
    for (size_t i = shift; i < a->n; i = start_after(a, i)) {
        if (is_start(b, i - shift) && start_after(a, i) == start_after(b, i - shift) + shift)
            return i;
    }
    return a->n;
}

/* Merges window by window. False where two windows share no token. */
static bool merge_windows(const struct vocab *v, const unsigned char *p, size_t n,
                          uint32_t *ids, size_t *count)
{
    struct window windows[2], *a = &windows[0], *b = &windows[1];
    size_t at = 0, from = 0; /* where window a begins; its first token not handed out */
    *count = 0;
    window_merge(a, v, p, WINDOW);
    while (at + a->n < n) {
        size_t shift = start_before(a, a->n - OVERLAP);
        size_t rest = n - at - shift;
        window_merge(b, v, p + at + shift, rest < WINDOW ? rest : WINDOW);
        size_t joint = shared_token(a, b, from > shift ? from : shift);
        if (joint == a->n)
            return false;
        *count += window_take(a, from, joint, ids ? ids + *count : NULL);
        at += shift;
        from = joint - shift;
        struct window *swap = a;
        a = b;
        b = swap;
    }
    *count += window_take(a, from, a->n, ids ? ids + *count : NULL);
    return true;
}

/* ---- the heap, for pieces on which windows never agree ------------------------------- */

struct node {
    uint32_t id;
    uint32_t
        rank; /* of merging it with its successor, or VOCAB_NONE; also for a node merged away */
    uint32_t before, after; /* neighbours; `after` is n behind the last */
};

/* A binary heap of rank << 32 | node. Entries go stale when a node's rank changes. */
struct heap {
    uint64_t *entry;
    size_t n;
};

static void heap_push(struct heap *h, uint64_t entry)
{
    size_t i = h->n++;
    for (; i > 0 && h->entry[(i - 1) / 2] > entry; i = (i - 1) / 2)
        h->entry[i] = h->entry[(i - 1) / 2];
    h->entry[i] = entry;
}

static uint64_t heap_pop(struct heap *h)
{
    uint64_t top = h->entry[0], last = h->entry[--h->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && h->entry[child + 1] < h->entry[child])
            child++;
        if (h->entry[child] >= last)
            break;
        h->entry[i] = h->entry[child];
    }
    h->entry[i] = last;
    return top;
}

static void rank_node(const struct vocab *v, struct node *nodes, size_t n, size_t i,
                      struct heap *h)
{
    size_t after = nodes[i].after;
    nodes[i].rank = after < n ? vocab_merge(v, nodes[i].id, nodes[after].id) : VOCAB_NONE;
    if (nodes[i].rank != VOCAB_NONE)
        heap_push(h, (uint64_t)nodes[i].rank << 32 | i);
}

static void absorb_successor(const struct vocab *v, struct node *nodes, size_t n, size_t i,
                             struct heap *h)
{
    struct node *node = &nodes[i], *gone = &nodes[node->after];
    node->id = node->rank;
    node->after = gone->after;
    gone->rank = VOCAB_NONE;
    if (node->after < n)
        nodes[node->after].before = (uint32_t)i;
    rank_node(v, nodes, n, i, h);
    if (i > 0)
        rank_node(v, nodes, n, node->before, h);
}

size_t merge_heap(const struct vocab *v, const unsigned char *p, size_t n, uint32_t *ids)
{
    sl_assert(n < UINT32_MAX);
    struct node *nodes = mem_alloc(n * sizeof *nodes);
    /* n - 1 entries at the start and at most two for each of at most n - 1 merges */
    struct heap heap = {mem_alloc(3 * n * sizeof *heap.entry), 0};
    for (size_t i = 0; i < n; i++)
        nodes[i] =
            (struct node){v->byte_id[p[i]], VOCAB_NONE, (uint32_t)i - 1, (uint32_t)i + 1};
    for (size_t i = 0; i < n; i++)
        rank_node(v, nodes, n, i, &heap);
    while (heap.n > 0) {
        uint64_t top = heap_pop(&heap);
        if (nodes[(uint32_t)top].rank == top >> 32)
            absorb_successor(v, nodes, n, (uint32_t)top, &heap);
    }
    size_t count = 0;
    for (size_t i = 0; i < n; i = nodes[i].after) {
        if (ids)
            ids[count] = nodes[i].id;
        count++;
    }
    free(heap.entry);
    free(nodes);
    return count;
}

size_t merge_piece(const struct vocab *v, const unsigned char *p, size_t n, uint32_t *ids)
{
    if (n <= SHORT)
        return merge_short(v, p, n, ids);
    if (n <= WINDOW) {
        struct window w;
        window_merge(&w, v, p, n);
        return window_take(&w, 0, n, ids);
    }
    size_t count;
    if (merge_windows(v, p, n, ids, &count))
        return count;
    return merge_heap(v, p, n, ids);
}
