/* Merging one piece: the array, the windows and the heap give what a plain search gives. */
#include "check.h"

#include "merge.h"
#include "random.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct vocab vocab_p50k, vocab_cl100k, vocab_o200k;

enum { MOST = 3000 };

/* The rule as the reference states it: the lowest-ranked neighbours, leftmost first, by the
 * bytes of what they would become. */
static size_t merge_plainly(const struct vocab *v, const unsigned char *p, size_t n,
                            uint32_t *ids)
{
    static size_t start[MOST + 1];
    size_t parts = n;
    for (size_t i = 0; i <= n; i++)
        start[i] = i;
    for (;;) {
        uint32_t best = VOCAB_NONE;
        size_t where = 0;
        for (size_t i = 0; i + 1 < parts; i++) {
            uint32_t id = vocab_find(v, p + start[i], start[i + 2] - start[i]);
            if (id < best) {
                best = id;
                where = i;
            }
        }
        if (best == VOCAB_NONE)
            break;
        memmove(start + where + 1, start + where + 2, (parts - where - 1) * sizeof *start);
        parts--;
    }
    for (size_t i = 0; i < parts; i++)
        ids[i] = vocab_find(v, p + start[i], start[i + 1] - start[i]);
    return parts;
}

static void check_piece(const struct vocab *v, const unsigned char *p, size_t n, uint64_t seed)
{
    static uint32_t want[MOST], got[MOST];
    size_t count = merge_plainly(v, p, n, want);
    if (merge_piece(v, p, n, NULL) != count || merge_piece(v, p, n, got) != count ||
        memcmp(want, got, count * sizeof *want) != 0)
        fail_msg("a piece of %zu bytes merges otherwise, seed %llu", n,
                 (unsigned long long)seed);
}

static const size_t lengths[] = {1,  2,  3,  7,   8,   9,   15,  16,  31,  40,   62,
                                 63, 64, 65, 127, 200, 511, 512, 513, 700, 1025, 1500};

static void random_pieces_merge_by_the_rule(void **state)
{
    static const char *const alphabets[] = {"ab",
                                            "abcdefghijklmnopqrstuvwxyz",
                                            " ",
                                            "-= ",
                                            "ACGT",
                                            "the in",
                                            "\xD0\xB0\xB1\xB2\xD1\x80",
                                            "0123456789abcdef"};
    static const struct vocab *const vocabs[] = {&vocab_p50k, &vocab_cl100k, &vocab_o200k};
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct random r = {seed};
        const char *alphabet = alphabets[seed % (sizeof alphabets / sizeof *alphabets)];
        unsigned char piece[MOST];
        size_t n = lengths[random_below(&r, sizeof lengths / sizeof *lengths)];
        for (size_t i = 0; i < n; i++)
            piece[i] = (unsigned char)alphabet[random_below(&r, strlen(alphabet))];
        for (size_t v = 0; v < 3; v++)
            check_piece(vocabs[v], piece, n, seed);
    }
}

static void periodic_pieces_merge_by_the_rule(void **state)
{
    for (uint64_t seed = 1; seed <= 120; seed++) {
        struct random r = {seed};
        unsigned char piece[MOST];
        size_t period = 1 + random_below(&r, 12);
        size_t n = 400 + random_below(&r, 900);
        for (size_t i = 0; i < period; i++)
            piece[i] = (unsigned char)('a' + random_below(&r, 3));
        for (size_t i = period; i < n; i++)
            piece[i] = piece[i - period];
        check_piece(&vocab_o200k, piece, n, seed);
        check_piece(&vocab_cl100k, piece, n, seed);
    }
}

static void the_heap_merges_by_the_rule(void **state)
{
    static uint32_t want[MOST], got[MOST];
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random r = {seed};
        unsigned char piece[MOST];
        size_t n = 1 + random_below(&r, 600);
        uint64_t letters = 1 + random_below(&r, 26);
        for (size_t i = 0; i < n; i++)
            piece[i] = (unsigned char)('a' + random_below(&r, letters));
        size_t count = merge_plainly(&vocab_o200k, piece, n, want);
        assert_int_equal(merge_heap(&vocab_o200k, piece, n, got), count);
        assert_int_equal(merge_heap(&vocab_o200k, piece, n, NULL), count);
        assert_memory_equal(want, got, count * sizeof *want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_pieces_merge_by_the_rule),
        cmocka_unit_test(periodic_pieces_merge_by_the_rule),
        cmocka_unit_test(the_heap_merges_by_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
