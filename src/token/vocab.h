/* vocab.h: a vocabulary as one pointer-free image, and the look-ups in it.
 *
 * tools/vocab_build.c writes the image when sluice is built and the linker puts it into
 * read-only memory: nothing is loaded or built at start, and only the pages that are used are
 * read. The builder uses the look-ups below too, so it cannot disagree with the reader.
 *
 * The tables, of which the first three are open addressing with linear probing, filled in order
 * of id, so that the most frequent entries sit in their first slot:
 *
 * - keys: tokens of up to 15 bytes, each the bytes, zeros, and the length in byte 15;
 *   beside them their ids
 * - longs: tokens of 16 to 128 bytes, which stand in `text`
 * - pairs: two ids and that of their concatenation, for the one split by which merging
 *   reaches it (merge.c says why one is enough); before them a filter of one bit a pair
 * - byte pairs: the same for single bytes, as a plain table, since merging begins with these */
#ifndef SLUICE_VOCAB_H
#define SLUICE_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    VOCAB_KEY_BYTES = 15,   /* longest token that is its own key */
    VOCAB_TOKEN_BYTES = 128 /* longest token of any vocabulary; the builder checks it */
};

/* No token: ids need 18 bits. */
#define VOCAB_NONE 0x3FFFFu

struct vocab_key {
    uint64_t low;  /* bytes 0 to 7 */
    uint64_t high; /* bytes 8 to 14, then the length; 0 marks an empty slot */
};

struct vocab_long {
    uint32_t id;
    uint32_t at;     /* offset of its bytes in `text` */
    uint32_t length; /* 0 marks an empty slot */
    uint32_t hash;   /* to skip most comparisons */
};

struct vocab {
    uint64_t size; /* bytes of the whole image */
    /* offsets of the tables from the image's start */
    uint64_t keys_at, ids_at, longs_at, pairs_at, filter_at, byte_pairs_at, text_at;
    uint32_t key_bits, long_bits, pair_bits, filter_bits; /* log2 of slots */
    uint32_t tokens;
    uint32_t byte_id[256]; /* id of every single byte */
};

static inline const void *vocab_at(const struct vocab *v, uint64_t offset)
{
    return (const unsigned char *)v + offset;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "keys are made by masking words");

/* n <= VOCAB_KEY_BYTES; 16 bytes can be read at p. */
static inline struct vocab_key vocab_key_at(const unsigned char *p, size_t n)
{
    static const uint64_t ones_then_zeros[4] = {UINT64_MAX, UINT64_MAX, 0, 0};
    struct vocab_key key, mask;
    memcpy(&key, p, sizeof key);
    memcpy(&mask, (const unsigned char *)ones_then_zeros + sizeof mask - n, sizeof mask);
    key.low &= mask.low;
    key.high = (key.high & mask.high) | (uint64_t)n << 56;
    return key;
}

/* The same where only n bytes can be read. */
static inline struct vocab_key vocab_key_of(const unsigned char *p, size_t n)
{
    unsigned char bytes[VOCAB_KEY_BYTES + 1] = {0};
    memcpy(bytes, p, n);
    return vocab_key_at(bytes, n);
}

static inline uint32_t vocab_key_hash(struct vocab_key key, uint32_t bits)
{
    uint64_t h = key.low * 0x9E3779B97F4A7C15u + key.high * 0xC2B2AE3D27D4EB4Fu;
    return (uint32_t)(h >> (64 - bits));
}

/* Slot of the key, or -1. */
static inline ptrdiff_t vocab_find_key(const struct vocab *v, struct vocab_key key)
{
    const struct vocab_key *keys = vocab_at(v, v->keys_at);
    uint32_t mask = (1u << v->key_bits) - 1;
    for (uint32_t slot = vocab_key_hash(key, v->key_bits);; slot = (slot + 1) & mask) {
        if (keys[slot].low == key.low && keys[slot].high == key.high)
            return (ptrdiff_t)slot;
        if (keys[slot].high == 0)
            return -1;
    }
}

static inline uint32_t vocab_long_hash(const unsigned char *p, size_t n)
{
    uint64_t h = n, word;
    for (size_t i = 0; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        h = (h ^ word) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    memcpy(&word, p + n - 8, 8); /* the tail, overlapping: n >= 16 */
    h = (h ^ word) * 0xC2B2AE3D27D4EB4Fu;
    return (uint32_t)(h >> 32);
}

static inline uint32_t vocab_find_long(const struct vocab *v, const unsigned char *p, size_t n)
{
    const struct vocab_long *longs = vocab_at(v, v->longs_at);
    const unsigned char *text = vocab_at(v, v->text_at);
    uint32_t hash = vocab_long_hash(p, n);
    uint32_t mask = (1u << v->long_bits) - 1;
    for (uint32_t slot = hash & mask;; slot = (slot + 1) & mask) {
        const struct vocab_long *l = &longs[slot];
        if (l->length == 0)
            return VOCAB_NONE;
        if (l->hash == hash && l->length == n && memcmp(text + l->at, p, n) == 0)
            return l->id;
    }
}

/* Id of exactly these bytes, or VOCAB_NONE. */
static inline uint32_t vocab_find(const struct vocab *v, const unsigned char *p, size_t n)
{
    if (n > VOCAB_KEY_BYTES)
        return n <= VOCAB_TOKEN_BYTES ? vocab_find_long(v, p, n) : VOCAB_NONE;
    ptrdiff_t slot = vocab_find_key(v, vocab_key_of(p, n));
    return slot < 0 ? VOCAB_NONE : ((const uint32_t *)vocab_at(v, v->ids_at))[slot];
}

/* A pair's slot holds left (18 bits), right (18 bits) and what they merge into (18 bits). */
#define VOCAB_NO_PAIR UINT64_MAX

static inline uint64_t vocab_pair_hash(uint64_t pair)
{
    return pair * 0x9E3779B97F4A7C15u;
}

/* What two adjacent tokens merge into, or VOCAB_NONE. The id is its rank too. Most pairs merge
 * into nothing: a filter of one bit each, small enough to stay near the processor, says so for
 * nine in ten of them. */
static inline uint32_t vocab_merge(const struct vocab *v, uint32_t left, uint32_t right)
{
    const uint64_t *filter = vocab_at(v, v->filter_at);
    uint64_t pair = (uint64_t)left << 18 | right, hash = vocab_pair_hash(pair);
    uint64_t bit = hash >> (64 - v->filter_bits);
    if (!(filter[bit / 64] >> bit % 64 & 1))
        return VOCAB_NONE;
    const uint64_t *pairs = vocab_at(v, v->pairs_at);
    uint64_t mask = (UINT64_C(1) << v->pair_bits) - 1;
    for (uint64_t slot = hash >> (64 - v->pair_bits);; slot = (slot + 1) & mask) {
        if (pairs[slot] >> 18 == pair)
            return (uint32_t)pairs[slot] & VOCAB_NONE;
        if (pairs[slot] == VOCAB_NO_PAIR)
            return VOCAB_NONE;
    }
}

/* The same for two bytes. */
static inline uint32_t vocab_merge_bytes(const struct vocab *v, unsigned left, unsigned right)
{
    const uint32_t *byte_pairs = vocab_at(v, v->byte_pairs_at);
    return byte_pairs[left << 8 | right];
}

#endif
