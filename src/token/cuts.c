/* cuts.c: the patterns of cl100k and o200k over 64 bytes of ASCII, as arithmetic on bit masks.
 *
 * One mask for each class of characters, bit i for byte i; a shift by one brings the class of
 * the character before. Because a block begins where a piece begins, nothing before it matters.
 * What a rule needs of the characters behind is bounded by CONTEXT, but for runs of white
 * space: a run that touches the end of what is seen is left out. Rules that need a loop (digits
 * by threes, contractions, blank lines) run only where their characters occur.
 *
 * scan.c says the same one piece at a time; the unit tests hold the two against each other. */
#include "cuts.h"

static uint64_t no_cuts(const unsigned char *p)
{
    return 0;
}

#if defined __x86_64__

#include <immintrin.h>

enum {
    CONTEXT = 3 /* longest look ahead of a rule: 'll behind a word */
};

struct classes {
    uint64_t letter, upper, digit;
    uint64_t space;   /* ' ' alone: it may begin a piece of punctuation */
    uint64_t blank;   /* other white space but newlines */
    uint64_t newline; /* \r \n */
    uint64_t other;   /* punctuation and controls */
    uint64_t quote, slash;
    uint64_t alien; /* not ASCII */
};

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t bits_below(unsigned n)
{
    return n < 64 ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0);
}

/* Start of the run in `mask` whose last bit is `last`. */
INLINE unsigned run_start(uint64_t mask, unsigned last)
{
    uint64_t gaps = ~mask & bits_below(last);
    return gaps ? 64 - (unsigned)__builtin_clzll(gaps) : 0;
}

/* Length of 's 't 'm 'd 'll 've 're at p, where a letter follows the quote; else 0. */
INLINE unsigned contraction_length(const unsigned char *p)
{
    unsigned c = p[1] | 0x20, d = p[2] | 0x20;
    if (c == 's' || c == 't' || c == 'm' || c == 'd')
        return 2;
    return (c == 'l' && d == 'l') || ((c == 'v' || c == 'r') && d == 'e') ? 3 : 0;
}

/* Digits in threes from the start of each run. */
INLINE uint64_t digit_cuts(uint64_t digit)
{
    uint64_t cuts = digit & ~(digit << 1);
    uint64_t fourth = digit & digit << 1 & digit << 2 & digit << 3;
    for (uint64_t third = cuts << 3 & fourth; third; third = third << 3 & fourth)
        cuts |= third;
    return cuts;
}

/* \s*[\r\n] takes all up to the last newline of a run of white space: no cut where blanks begin
 * behind one newline and end before another, unless punctuation had taken the first. */
INLINE uint64_t join_blank_lines(const struct classes *c, uint64_t cuts)
{
    uint64_t blank = c->space | c->blank;
    for (uint64_t ends = c->newline & blank << 1; ends; ends &= ends - 1) {
        unsigned start = run_start(blank, (unsigned)__builtin_ctzll(ends) - 1);
        if (start == 0 || !(c->newline >> (start - 1) & 1))
            continue;
        unsigned lines = run_start(c->newline, start - 1);
        if (lines == 0 || !(c->other >> (lines - 1) & 1))
            cuts &= ~(UINT64_C(1) << start);
    }
    return cuts;
}

/* cl100k: a piece of its own, before the word that follows. */
INLINE uint64_t split_contractions(const struct classes *c, uint64_t cuts,
                                   const unsigned char *p)
{
    for (uint64_t at = c->quote & (cuts | 1) & c->letter >> 1; at; at &= at - 1) {
        unsigned i = (unsigned)__builtin_ctzll(at);
        unsigned length = i < CUTS_BYTES - CONTEXT ? contraction_length(p + i) : 0;
        if (length)
            cuts |= UINT64_C(1) << (i + length);
    }
    return cuts;
}

/* o200k: the end of the word before, unless that is a contraction's end. */
INLINE uint64_t append_contractions(const struct classes *c, uint64_t cuts,
                                    const unsigned char *p)
{
    unsigned done = 0;
    for (uint64_t at = c->quote & c->letter << 1 & c->letter >> 1; at; at &= at - 1) {
        unsigned i = (unsigned)__builtin_ctzll(at);
        unsigned length = i < CUTS_BYTES - CONTEXT ? contraction_length(p + i) : 0;
        if (length == 0 || i == done)
            continue;
        done = i + length;
        cuts &= ~(bits_below(done) & ~bits_below(i));
        cuts |= UINT64_C(1) << done;
    }
    return cuts;
}

/* How far the cuts are certain. */
INLINE unsigned certain_bytes(const struct classes *c, enum pattern pattern)
{
    unsigned seen = c->alien ? (unsigned)__builtin_ctzll(c->alien) : CUTS_BYTES;
    if (seen <= CONTEXT)
        return 0;
    unsigned certain = seen - CONTEXT;
    uint64_t blank = c->space | c->blank;
    if (blank >> (seen - 1) & 1) {
        unsigned start = run_start(blank, seen - 1);
        certain = start < certain ? start : certain;
    }
    /* [\r\n/]* behind punctuation: rare enough to leave to scan.c */
    uint64_t slash = pattern == PATTERN_O200K ? c->slash & c->newline << 1 : 0;
    unsigned first = slash ? (unsigned)__builtin_ctzll(slash) : CUTS_BYTES;
    return first < certain ? first : certain;
}

INLINE uint64_t cuts_of(const struct classes *c, enum pattern pattern, const unsigned char *p)
{
    uint64_t blank = c->space | c->blank, white = blank | c->newline;
    uint64_t begins_letters = c->letter & ~(c->letter << 1);
    uint64_t begins_other = c->other & ~(c->other << 1);

    uint64_t cuts = digit_cuts(c->digit);
    /* A single punctuation mark goes with the word behind it, unless a space has taken it. */
    cuts |= begins_letters &
            ((c->digit | c->newline) << 1 | (c->other << 1 & (c->other | c->space) << 2));
    cuts |= begins_other & ~(c->space << 1);
    cuts |= c->newline & ~((white | c->other) << 1);
    /* The last character of a run of blanks goes with what follows the run. */
    cuts |= blank & (~(blank << 1) | ~(white >> 1));
    cuts = join_blank_lines(c, cuts);
    if (pattern == PATTERN_O200K) {
        cuts |= c->upper & (c->letter & ~c->upper) << 1;
        cuts = append_contractions(c, cuts, p);
    } else {
        cuts = split_contractions(c, cuts, p);
    }
    return cuts & bits_below(certain_bytes(c, pattern)) & ~UINT64_C(1);
}

/* ---- classes, 16 and 32 bytes at a time ---------------------------------------------- */

INLINE void add_classes_sse2(struct classes *c, const unsigned char *p, unsigned at)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(p + at));
    __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
#define RANGE(x, low, high)                                                                    \
    _mm_cmpgt_epi8(_mm_add_epi8(x, _mm_set1_epi8((char)(127 - (high)))),                       \
                   _mm_set1_epi8((char)(126 - ((high) - (low)))))
#define BITS(x) ((uint64_t)(unsigned)_mm_movemask_epi8(x) << at)
#define IS(ch)  _mm_cmpeq_epi8(v, _mm_set1_epi8(ch))
    __m128i newline = _mm_or_si128(IS('\n'), IS('\r'));
    c->letter |= BITS(RANGE(folded, 'a', 'z'));
    c->upper |= BITS(RANGE(v, 'A', 'Z'));
    c->digit |= BITS(RANGE(v, '0', '9'));
    c->space |= BITS(IS(' '));
    c->blank |= BITS(_mm_andnot_si128(newline, RANGE(v, '\t', '\r')));
    c->newline |= BITS(newline);
    c->quote |= BITS(IS('\''));
    c->slash |= BITS(IS('/'));
    c->alien |= BITS(v);
#undef RANGE
#undef BITS
#undef IS
}

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

AVX2 INLINE void add_classes_avx2(struct classes *c, const unsigned char *p, unsigned at)
{
    __m256i v = _mm256_loadu_si256((const __m256i *)(p + at));
    __m256i folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
#define RANGE(x, low, high)                                                                    \
    _mm256_cmpgt_epi8(_mm256_add_epi8(x, _mm256_set1_epi8((char)(127 - (high)))),              \
                      _mm256_set1_epi8((char)(126 - ((high) - (low)))))
#define BITS(x) ((uint64_t)(unsigned)_mm256_movemask_epi8(x) << at)
#define IS(ch)  _mm256_cmpeq_epi8(v, _mm256_set1_epi8(ch))
    __m256i newline = _mm256_or_si256(IS('\n'), IS('\r'));
    c->letter |= BITS(RANGE(folded, 'a', 'z'));
    c->upper |= BITS(RANGE(v, 'A', 'Z'));
    c->digit |= BITS(RANGE(v, '0', '9'));
    c->space |= BITS(IS(' '));
    c->blank |= BITS(_mm256_andnot_si256(newline, RANGE(v, '\t', '\r')));
    c->newline |= BITS(newline);
    c->quote |= BITS(IS('\''));
    c->slash |= BITS(IS('/'));
    c->alien |= BITS(v);
#undef RANGE
#undef BITS
#undef IS
}

INLINE void add_other(struct classes *c)
{
    c->other = ~(c->letter | c->digit | c->space | c->blank | c->newline | c->alien);
}

INLINE struct classes classes_sse2(const unsigned char *p)
{
    struct classes c = {0};
    for (unsigned at = 0; at < CUTS_BYTES; at += 16)
        add_classes_sse2(&c, p, at);
    add_other(&c);
    return c;
}

AVX2 INLINE struct classes classes_avx2(const unsigned char *p)
{
    struct classes c = {0};
    add_classes_avx2(&c, p, 0);
    add_classes_avx2(&c, p, 32);
    add_other(&c);
    return c;
}

static uint64_t cuts_cl100k_sse2(const unsigned char *p)
{
    struct classes c = classes_sse2(p);
    return cuts_of(&c, PATTERN_CL100K, p);
}

static uint64_t cuts_o200k_sse2(const unsigned char *p)
{
    struct classes c = classes_sse2(p);
    return cuts_of(&c, PATTERN_O200K, p);
}

AVX2 static uint64_t cuts_cl100k_avx2(const unsigned char *p)
{
    struct classes c = classes_avx2(p);
    return cuts_of(&c, PATTERN_CL100K, p);
}

AVX2 static uint64_t cuts_o200k_avx2(const unsigned char *p)
{
    struct classes c = classes_avx2(p);
    return cuts_of(&c, PATTERN_O200K, p);
}

cuts_fn *cuts_for(enum pattern pattern, bool wide)
{
    bool avx2 = wide && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
    switch (pattern) {
    case PATTERN_R50K:
        return no_cuts;
    case PATTERN_CL100K:
        return avx2 ? cuts_cl100k_avx2 : cuts_cl100k_sse2;
    case PATTERN_O200K:
        break;
    }
    return avx2 ? cuts_o200k_avx2 : cuts_o200k_sse2;
}

#else

cuts_fn *cuts_for(enum pattern pattern, bool wide)
{
    return no_cuts;
}

#endif
