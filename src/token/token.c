/* token.c: the encodings, and counting over their pieces.
 *
 * A piece that is a token counts one; any other is merged. Counting keeps no state between
 * texts, so any number of threads may count. */
#include "token.h"

#include "arena.h"
#include "merge.h"
#include "scan.h"
#include "utf8.h"
#include "vocab.h"

#include <stdlib.h>

extern const struct vocab vocab_r50k, vocab_p50k, vocab_cl100k, vocab_o200k;

struct encoding {
    const char *name;
    const struct vocab *vocab;
    enum pattern pattern;
};

static const struct encoding encodings[] = {
    {"r50k_base", &vocab_r50k, PATTERN_R50K},       {"gpt2", &vocab_r50k, PATTERN_R50K},
    {"p50k_base", &vocab_p50k, PATTERN_R50K},       {"p50k_edit", &vocab_p50k, PATTERN_R50K},
    {"cl100k_base", &vocab_cl100k, PATTERN_CL100K}, {"o200k_base", &vocab_o200k, PATTERN_O200K},
    {"o200k_harmony", &vocab_o200k, PATTERN_O200K},
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

static size_t piece_count(const struct encoding *e, const unsigned char *p, size_t n)
{
    return vocab_find(e->vocab, p, n) != VOCAB_NONE ? 1 : merge_piece(e->vocab, p, n, NULL);
}

/* Counts valid UTF-8; stops early behind `limit`. */
static size_t count_valid(const struct encoding *e, struct str text, size_t limit)
{
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    size_t count = 0;
    while (p < end && count <= limit) {
        const unsigned char *next = scan_piece(e->pattern, p, end);
        count += piece_count(e, p, (size_t)(next - p));
        p = next;
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
