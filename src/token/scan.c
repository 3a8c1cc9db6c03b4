/* scan.c: the encodings' patterns as state machines.
 *
 * Each function performs what one alternative of a pattern does, including what backtracking
 * would give back, in one pass. A character is looked at a bounded number of times over all
 * pieces: what a pass reads beyond the piece it returns is at most one run of letters or of
 * white space, and the next piece or the one after it takes the rest of that run whole. */
#include "scan.h"

#include "unicode.h"

#include <stdbool.h>

#define BIT(class)  (1u << CLASS_##class)
#define LETTERS     (BIT(UPPER) | BIT(LOWER) | BIT(LETTER))
#define CASELESS    (BIT(LETTER) | BIT(MARK))
#define PUNCTUATION (BIT(OTHER) | BIT(MARK))
#define WHITE       (BIT(SPACE) | BIT(NEWLINE))

typedef const unsigned char *bytes; /* a place in the text */

static unsigned bit_at(bytes p)
{
    return 1u << unicode_class(p);
}

static bytes next(bytes p)
{
    return p + unicode_length(*p);
}

static bytes skip(bytes p, bytes end, unsigned classes)
{
    while (p < end && bit_at(p) & classes)
        p = next(p);
    return p;
}

/* 's 't 'm 'd 'll 've 're at p, in any case: its end, or p. U+017F folds to s. */
static bytes contraction(bytes p, bytes end)
{
    if (end - p < 2 || *p != '\'')
        return p;
    switch (p[1] | 0x20) {
    case 's':
    case 't':
    case 'm':
    case 'd':
        return p + 2;
    case 'l':
        return end - p > 2 && (p[2] | 0x20) == 'l' ? p + 3 : p;
    case 'v':
    case 'r':
        return end - p > 2 && (p[2] | 0x20) == 'e' ? p + 3 : p;
    default:
        return end - p > 2 && p[1] == 0xC5 && p[2] == 0xBF ? p + 3 : p;
    }
}

/* The same in lower case only, as r50k has it. */
static bytes contraction_lower(bytes p, bytes end)
{
    bytes q = contraction(p, end);
    for (bytes c = p + 1; c < q; c++) {
        if (*c < 'a' || *c > 'z')
            return p;
    }
    return q;
}

static bytes digits(bytes p, bytes end)
{
    for (int i = 0; i < 3 && p < end && bit_at(p) & BIT(NUMBER); i++)
        p = next(p);
    return p;
}

struct white {
    bytes end;
    bytes last; /* the last character */
    bytes line; /* behind the last newline, or NULL */
};

static struct white white_at(bytes p, bytes end)
{
    struct white w = {p, p, NULL};
    while (w.end < end && bit_at(w.end) & WHITE) {
        w.last = w.end;
        w.end = next(w.end);
        if (bit_at(w.last) & BIT(NEWLINE))
            w.line = w.end;
    }
    return w;
}

/* \s+(?!\S)|\s: all but the last character, which may belong to what follows */
static bytes white_before_word(struct white w, bytes p, bytes end)
{
    return w.end == end || w.last == p ? w.end : w.last;
}

static bytes piece_r50k(bytes p, bytes end)
{
    bytes q = contraction_lower(p, end);
    if (q > p)
        return q;
    q = *p == ' ' && p + 1 < end ? p + 1 : p;
    unsigned here = bit_at(q);
    if (here & LETTERS)
        return skip(q, end, LETTERS);
    if (here & BIT(NUMBER))
        return skip(q, end, BIT(NUMBER));
    if (here & PUNCTUATION)
        return skip(q, end, PUNCTUATION);
    return white_before_word(white_at(p, end), p, end);
}

static bytes piece_cl100k(bytes p, bytes end)
{
    bytes q = contraction(p, end);
    if (q > p)
        return q;
    unsigned here = bit_at(p);
    if (here & BIT(NUMBER))
        return digits(p, end);
    q = here & (LETTERS | BIT(NEWLINE)) ? p : next(p);
    if (q < end && bit_at(q) & LETTERS)
        return skip(q, end, LETTERS);
    q = *p == ' ' && p + 1 < end ? p + 1 : p;
    if (bit_at(q) & PUNCTUATION)
        return skip(skip(q, end, PUNCTUATION), end, BIT(NEWLINE));
    struct white w = white_at(p, end);
    return w.end < end && w.line ? w.line : white_before_word(w, p, end);
}

struct word {
    bytes end;
    bool lower; /* the first of the two word alternatives matched */
};

/* [Lu Lt Lm Lo M]*[Ll Lm Lo M]+ or else [Lu Lt Lm Lo M]+: where only capitals follow the last
 * caseless character, the first alternative gives them back. */
static struct word word_at(bytes p, bytes end)
{
    bytes upper = p, caseless = p;
    unsigned here;
    while (upper < end && (here = bit_at(upper)) & (BIT(UPPER) | CASELESS)) {
        upper = next(upper);
        if (here & CASELESS)
            caseless = upper;
    }
    bytes lower = skip(upper, end, BIT(LOWER) | CASELESS);
    if (lower > upper)
        return (struct word){lower, true};
    if (caseless > p)
        return (struct word){caseless, true};
    return (struct word){upper, false};
}

static bytes piece_o200k(bytes p, bytes end)
{
    unsigned here = bit_at(p);
    if (here & LETTERS)
        return contraction(word_at(p, end).end, end);
    if (here & BIT(NUMBER))
        return digits(p, end);
    if (!(here & BIT(NEWLINE))) {
        bytes q = next(p);
        struct word word = word_at(q, end);
        /* A mark is a prefix if a word with a small letter follows, else such a word itself. */
        if (!word.lower && here & BIT(MARK))
            word = (struct word){q, true};
        if (word.lower || word.end > q)
            return contraction(word.end, end);
    }
    bytes q = *p == ' ' && p + 1 < end ? p + 1 : p;
    if (bit_at(q) & PUNCTUATION) {
        q = skip(q, end, PUNCTUATION);
        while (q < end && (*q == '\r' || *q == '\n' || *q == '/'))
            q++;
        return q;
    }
    struct white w = white_at(p, end);
    return w.line ? w.line : white_before_word(w, p, end);
}

const unsigned char *scan_piece(enum pattern pattern, const unsigned char *p,
                                const unsigned char *end)
{
    switch (pattern) {
    case PATTERN_R50K:
        return piece_r50k(p, end);
    case PATTERN_CL100K:
        return piece_cl100k(p, end);
    case PATTERN_O200K:
        break;
    }
    return piece_o200k(p, end);
}
