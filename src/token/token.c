/* token.c: the encodings, and counting over their pieces.
 *
 * A piece that is a token counts one; any other is merged. Nothing is shared between threads
 * but the read-only images, so any number of them may count. */
#include "token.h"

#include "arena.h"
#include "cuts.h"
#include "merge.h"
#include "scan.h"
#include "utf8.h"
#include "vocab.h"

#include <stdlib.h>

extern const struct vocab vocab_r50k, vocab_p50k, vocab_cl100k, vocab_o200k;

enum {
    WIDE_BYTES = CUTS_BYTES + 16 /* a block, and a key that begins in it */
};

struct encoding {
    const char *name;
    const struct vocab *vocab;
    enum pattern pattern;
    uint8_t number; /* of its vocabulary, for the memo */
};

static const struct encoding encodings[] = {
    {"r50k_base", &vocab_r50k, PATTERN_R50K, 0},
    {"gpt2", &vocab_r50k, PATTERN_R50K, 0},
    {"p50k_base", &vocab_p50k, PATTERN_R50K, 1},
    {"p50k_edit", &vocab_p50k, PATTERN_R50K, 1},
    {"cl100k_base", &vocab_cl100k, PATTERN_CL100K, 2},
    {"o200k_base", &vocab_o200k, PATTERN_O200K, 3},
    {"o200k_harmony", &vocab_o200k, PATTERN_O200K, 3},
};

const struct encoding *encoding_named(struct str name)
{
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        struct str full = str_of(encodings[i].name);
        struct str base = STR("_base");
        if (str_eq(name, full))
            return &encodings[i];
        if (str_ends(full, base) && str_eq(name, str_cut(full, full.n - base.n)))
            return &encodings[i];
    }
    return NULL;
}

const char *encoding_name(const struct encoding *e)
{
    return e->name;
}

struct sink {
    void (*each)(void *ctx, uint32_t id);
    void *ctx;
    uint32_t *ids; /* room for the longest piece met so far */
    size_t cap;
};

static size_t piece_ids(const struct encoding *e, const unsigned char *p, size_t n,
                        struct sink *sink)
{
    uint32_t whole = vocab_find(e->vocab, p, n);
    if (whole != VOCAB_NONE) {
        sink->each(sink->ctx, whole);
        return 1;
    }
    if (n > sink->cap) {
        sink->ids = mem_grow(sink->ids, n * sizeof *sink->ids);
        sink->cap = n;
    }
    size_t count = merge_piece(e->vocab, p, n, sink->ids);
    for (size_t i = 0; i < count; i++)
        sink->each(sink->ctx, sink->ids[i]);
    return count;
}

/* Counts of the pieces met last that were not found at once: merged ones, and tokens that are
 * not in their first slot. One for each thread, so that counting needs no lock. */
enum { MEMO_BITS = 13, MEMO_BYTES = 28 };

struct memo {
    unsigned char piece[MEMO_BYTES]; /* padded with zeros */
    uint16_t count;
    uint8_t length; /* 0: an empty slot */
    uint8_t vocab;  /* number of the encoding's vocabulary */
};

static _Thread_local struct memo memos[1 << MEMO_BITS];

static size_t piece_count_anew(const struct encoding *e, const unsigned char *p, size_t n)
{
    return vocab_find(e->vocab, p, n) != VOCAB_NONE ? 1 : merge_piece(e->vocab, p, n, NULL);
}

static size_t piece_count(const struct encoding *e, const unsigned char *p, size_t n)
{
    if (n > MEMO_BYTES)
        return piece_count_anew(e, p, n);
    struct memo memo = {.length = (uint8_t)n, .vocab = e->number};
    memcpy(memo.piece, p, n);
    uint64_t word[sizeof memo / 8];
    memcpy(word, &memo, sizeof memo);
    uint64_t hash = word[0] * 0x9E3779B97F4A7C15u + word[1] * 0xC2B2AE3D27D4EB4Fu +
                    word[2] * 0xD6E8FEB86659FD93u + word[3] * 0xA24BAED4963EE407u;
    struct memo *slot = &memos[hash >> (64 - MEMO_BITS)];
    memo.count = slot->count;
    if (memcmp(slot, &memo, sizeof memo) != 0) {
        memo.count = (uint16_t)piece_count_anew(e, p, n);
        *slot = memo;
    }
    return memo.count;
}

/* Is the piece a token in its first slot? Most are; 16 bytes can be read at p. */
static inline bool found_at_once(const struct vocab *v, const struct vocab_key *keys,
                                 const unsigned char *p, size_t n)
{
    if (n > VOCAB_KEY_BYTES)
        return false;
    struct vocab_key key = vocab_key_at(p, n);
    const struct vocab_key *slot = &keys[vocab_key_hash(key, v->key_bits)];
    return slot->low == key.low && slot->high == key.high;
}

/* Counts the pieces from p to each of the cuts, and moves p to the last of them. */
static size_t count_cuts(const struct encoding *e, const unsigned char **p, uint64_t cuts)
{
    const struct vocab_key *keys = vocab_at(e->vocab, e->vocab->keys_at);
    size_t count = 0, from = 0;
    for (; cuts; cuts &= cuts - 1) {
        size_t to = (size_t)__builtin_ctzll(cuts);
        if (found_at_once(e->vocab, keys, *p + from, to - from))
            count++;
        else
            count += piece_count(e, *p + from, to - from);
        from = to;
    }
    *p += from;
    return count;
}

/* Counts what can be cut at p and moves p behind it; nothing may come of it. */
static size_t count_block(const struct encoding *e, cuts_fn *cuts_of, const unsigned char **p,
                          const unsigned char *end)
{
    if (end - *p >= WIDE_BYTES)
        return count_cuts(e, p, cuts_of(*p));
    /* near the end: bytes that are no characters bound what can be seen */
    unsigned char copy[WIDE_BYTES];
    const unsigned char *at = copy;
    memset(copy, 0xFF, sizeof copy);
    memcpy(copy, *p, (size_t)(end - *p));
    size_t count = count_cuts(e, &at, cuts_of(copy));
    *p += at - copy;
    return count;
}

/* Counts piece by piece till `stop` or the first end of a piece behind it. */
static size_t count_pieces(const struct encoding *e, const unsigned char **p,
                           const unsigned char *stop, const unsigned char *end)
{
    size_t count = 0;
    while (*p < stop) {
        const unsigned char *next = scan_piece(e->pattern, *p, end);
        count += piece_count(e, *p, (size_t)(next - *p));
        *p = next;
    }
    return count;
}

/* Counts valid UTF-8; stops early behind `limit`. Where nothing can be cut, it is not tried
 * again for half a block. */
static size_t count_valid(const struct encoding *e, struct str text, size_t limit)
{
    enum { PAUSE = CUTS_BYTES / 2 };
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    cuts_fn *cuts_of = cuts_for(e->pattern, true);
    size_t count = 0;
    while (p < end && count <= limit) {
        const unsigned char *before = p;
        if (end - p > PAUSE)
            count += count_block(e, cuts_of, &p, end);
        if (p == before)
            count += count_pieces(e, &p, end - p > PAUSE ? p + PAUSE : end, end);
    }
    return count;
}

size_t token_count_till(const struct encoding *e, struct str text, size_t limit)
{
    /* no token is longer, and repair never shortens a text */
    if (text.n / VOCAB_TOKEN_BYTES > limit)
        return text.n / VOCAB_TOKEN_BYTES;
    if (utf8_valid(text) == text.n)
        return count_valid(e, text, limit);
    struct buf repaired = {0};
    utf8_repair(&repaired, text);
    size_t count = count_valid(e, buf_str(&repaired), limit);
    buf_free(&repaired);
    return count;
}

size_t token_count(const struct encoding *e, struct str text)
{
    return token_count_till(e, text, SIZE_MAX);
}

size_t token_ids(const struct encoding *e, struct str text,
                 void (*each)(void *ctx, uint32_t id), void *ctx)
{
    struct buf repaired = {0};
    if (utf8_valid(text) != text.n) {
        utf8_repair(&repaired, text);
        text = buf_str(&repaired);
    }
    struct sink sink = {.each = each, .ctx = ctx};
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    size_t count = 0;
    while (p < end) {
        const unsigned char *next = scan_piece(e->pattern, p, end);
        count += piece_ids(e, p, (size_t)(next - p), &sink);
        p = next;
    }
    free(sink.ids);
    buf_free(&repaired);
    return count;
}
