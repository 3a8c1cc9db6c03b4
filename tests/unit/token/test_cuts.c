/* Cuts of whole blocks against scan_piece, which says the same one piece at a time. */
#include "check.h"

#include "cuts.h"
#include "random.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_BYTES = 400, TEXTS = 3000 };

/* What rules look at, often; the rest, seldom. */
static const char *const parts[] = {
    " ",        " ",        "  ",        "\n",
    "\r\n",     "\t",       "\n\n",      "\v",
    "    ",     "'s",       "'S",        "'ll",
    "'lL",      "'re",      "'ve",       "'d",
    "'t",       "'m",       "'x",        "'",
    "''",       "!",        "!!",        "/",
    "//",       "\n/",      ";\n",       ".",
    ", ",       "-",        "a",         "b",
    "it",       "the",      "word",      "A",
    "Word",     "ABC",      "camelCase", "XMLHttp",
    "1",        "22",       "333",       "4444",
    "55555",    "\x01",     "\x7f",      "=",
    " (",       "{\n",      "\xC3\xA9",  "\xE4\xB8\xAD",
    "\xCC\x81", "\xC5\xBF", "\xC2\xA0",
};

static size_t random_text(struct random *r, unsigned char *out)
{
    size_t n = 0;
    /* few kinds at a time, so that long runs occur */
    size_t kinds = 2 + random_below(r, 30), first = random_below(r, 40);
    while (n < TEXT_BYTES - 12) {
        size_t part = (first + random_below(r, kinds)) % (sizeof parts / sizeof *parts);
        size_t length = strlen(parts[part]);
        memcpy(out + n, parts[part], length);
        n += length;
    }
    return n;
}

static void check_text(enum pattern pattern, bool wide, const unsigned char *text, size_t n,
                       uint64_t seed)
{
    cuts_fn *cuts_of = cuts_for(pattern, wide);
    const unsigned char *end = text + n;
    for (const unsigned char *p = text; p + CUTS_BYTES <= end;) {
        const unsigned char *piece = p;
        for (uint64_t cuts = cuts_of(p); cuts; cuts &= cuts - 1) {
            const unsigned char *cut = p + __builtin_ctzll(cuts);
            piece = scan_piece(pattern, piece, end);
            if (piece != cut)
                fail_msg("pattern %d, wide %d, seed %llu: at %zd a cut at +%zd, the piece ends "
                         "at +%zd",
                         pattern, wide, (unsigned long long)seed, p - text, cut - p, piece - p);
        }
        p = scan_piece(pattern, p, end);
    }
}

static void cuts_are_where_pieces_end(void **state)
{
    unsigned char text[TEXT_BYTES];
    for (uint64_t seed = 1; seed <= TEXTS; seed++) {
        struct random r = {seed};
        size_t n = random_text(&r, text);
        for (int wide = 0; wide < 2; wide++) {
            check_text(PATTERN_CL100K, wide, text, n, seed);
            check_text(PATTERN_O200K, wide, text, n, seed);
        }
    }
}

static void plain_prose_is_cut_nearly_to_the_end(void **state)
{
    const char *text =
        "The water gathers behind the gate, and it's let through in 1234 portions!";
    static const enum pattern patterns[] = {PATTERN_CL100K, PATTERN_O200K};
    for (int i = 0; i < 4; i++) {
        cuts_fn *cuts_of = cuts_for(patterns[i / 2], i % 2);
        uint64_t cuts = cuts_of((const unsigned char *)text);
        if (cuts == 0)
            skip(); /* a machine that we have no code for */
        assert_int_equal(63 - __builtin_clzll(cuts), 59); /* before "4" */
    }
}

static void nothing_is_cut_where_nothing_is_certain(void **state)
{
    static const char *const texts[] = {"\xC3\xA9", "a", " ", "\n", "!"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        unsigned char block[CUTS_BYTES];
        for (size_t at = 0; at < CUTS_BYTES; at++)
            block[at] = (unsigned char)texts[i][at % strlen(texts[i])];
        cuts_fn *cuts_of = cuts_for(PATTERN_O200K, true);
        assert_int_equal(cuts_of(block), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_are_where_pieces_end),
        cmocka_unit_test(plain_prose_is_cut_nearly_to_the_end),
        cmocka_unit_test(nothing_is_cut_where_nothing_is_certain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
