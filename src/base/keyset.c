/* keyset.c: see keyset.h.
 *
 * A name is read as symbols of nine bits: each byte plus one, then zeros for ever, so that a
 * name and its own prefix differ. A node asks for one bit; bits are numbered along the name,
 * and on every way down their numbers grow. Hence the bound: no walk is longer than its name.
 */
#include "keyset.h"
#include "arena.h"

#include <stdlib.h>

struct keyset_node {
    uint32_t at;    /* which byte of the name */
    uint16_t mask;  /* which bit of that symbol */
    uint32_t to[2]; /* twice the number of a key, or of a node plus one */
};

static bool is_node(uint32_t ref)
{
    return ref & 1;
}

static unsigned symbol(struct str key, size_t at)
{
    return at < key.n ? (unsigned char)key.p[at] + 1U : 0;
}

static bool bit_of(const struct keyset_node *n, struct str key)
{
    return symbol(key, n->at) & n->mask;
}

/* A key that agrees with this one in every bit asked for on the way. Below a node that asks
 * beyond the end of this name any key will do, and the one it was made for is at hand. */
static struct str nearest(struct keyset *s, struct str key)
{
    uint32_t ref = s->root;
    for (; is_node(ref) && s->nodes[ref >> 1].at <= key.n; s->steps++) {
        const struct keyset_node *n = &s->nodes[ref >> 1];
        ref = n->to[bit_of(n, key)];
    }
    return s->keys[ref >> 1];
}

/* Hangs the new node where the way of its key passes its bit. */
static void insert(struct keyset *s, uint32_t made, struct str key)
{
    struct keyset_node *fresh = &s->nodes[made];
    uint32_t *ref = &s->root;
    for (; is_node(*ref); s->steps++) {
        struct keyset_node *n = &s->nodes[*ref >> 1];
        if (n->at > fresh->at || (n->at == fresh->at && n->mask < fresh->mask))
            break;
        ref = &n->to[bit_of(n, key)];
    }
    bool side = bit_of(fresh, key);
    fresh->to[side] = made << 1;
    fresh->to[!side] = *ref;
    *ref = made << 1 | 1;
}

bool keyset_add(struct keyset *s, struct str key)
{
    size_t at = 0;
    unsigned differ = 0;
    sl_assert(s->count < UINT32_MAX / 2 && key.n < UINT32_MAX);
    if (s->count) {
        struct str other = nearest(s, key);
        for (; at <= key.n && !differ; at++)
            differ = symbol(key, at) ^ symbol(other, at);
        s->steps += at;
        if (!differ)
            return false;
    }
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 64;
        s->keys = mem_grow(s->keys, s->room * sizeof *s->keys);
        s->nodes = mem_grow(s->nodes, s->room * sizeof *s->nodes);
    }
    uint32_t made = (uint32_t)s->count++;
    s->keys[made] = key;
    if (made == 0) {
        s->root = 0;
        return true;
    }
    unsigned mask = 1;
    while (differ >>= 1)
        mask <<= 1;
    s->nodes[made] = (struct keyset_node){.at = (uint32_t)at - 1, .mask = (uint16_t)mask};
    insert(s, made, key);
    return true;
}

void keyset_clear(struct keyset *s)
{
    s->count = 0;
}

void keyset_free(struct keyset *s)
{
    free(s->keys);
    free(s->nodes);
    *s = (struct keyset){0};
}
