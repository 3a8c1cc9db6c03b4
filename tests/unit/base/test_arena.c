/* test_arena.c: pieces do not overlap, are aligned and zeroed, and go all at once. */
#include "aborts.h"
#include "arena.h"
#include "check.h"
#include "random.h"

#include <stdalign.h>
#include <stdlib.h>

enum { PIECES = 500 };

static bool filled(const unsigned char *p, size_t n, unsigned char with)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != with)
            return false;
    }
    return true;
}

/* Each piece is zero when it comes, also where a reset has left old bytes, and keeps what is
 * written into it whatever comes after. */
static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct arena a = {0};
        struct random r = {seed};
        for (int round = 0; round < 3; round++) {
            unsigned char *pieces[PIECES];
            size_t sizes[PIECES];
            for (int i = 0; i < PIECES; i++) {
                sizes[i] = random_below(&r, random_below(&r, 50) ? 200 : 20000);
                pieces[i] = arena_alloc(&a, sizes[i]);
                assert_seeded(seed, (uintptr_t)pieces[i] % alignof(max_align_t) == 0);
                assert_seeded(seed, filled(pieces[i], sizes[i], 0));
                memset(pieces[i], i % 255 + 1, sizes[i]);
            }
            for (int i = 0; i < PIECES; i++)
                assert_seeded(seed, filled(pieces[i], sizes[i], (unsigned char)(i % 255 + 1)));
            arena_reset(&a);
        }
        arena_free(&a);
        assert_null(a.head);
    }
}

/* What was needed once is kept: the same use again asks libc for nothing. */
static void a_reset_keeps_the_largest_block(void **state)
{
    struct arena a = {0};
    arena_reset(&a); /* of nothing */
    assert_int_equal(0, a.allocated);
    for (int i = 0; i < 1000; i++)
        arena_alloc(&a, 100);
    size_t most = a.allocated;
    arena_reset(&a);
    size_t kept = a.allocated;
    assert_true(kept > 0 && kept < most);
    for (size_t used = 0; used + 112 <= kept; used += 112)
        arena_alloc(&a, 100);
    assert_int_equal(kept, a.allocated);
    arena_free(&a);
    assert_int_equal(0, a.allocated);
}

static void texts_end_in_a_nul_that_does_not_count(void **state)
{
    struct arena a = {0};
    char bytes[] = "a\0b";
    struct str copy = arena_copy(&a, (struct str){bytes, 3});
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(3, copy.n);
    assert_memory_equal("a\0b", copy.p, 4);
    copy = arena_copy(&a, (struct str){NULL, 0});
    assert_int_equal(0, copy.n);
    assert_string_equal("", copy.p);
    copy = arena_printf(&a, "%s-%d-%01000d", "row", 7, 0);
    assert_int_equal(6 + 1000, copy.n);
    assert_int_equal(strlen(copy.p), copy.n);
    assert_true(str_starts(copy, STR("row-7-000")));
    arena_free(&a);
}

static void ask_too_much(void *ctx)
{
    arena_alloc(ctx, SIZE_MAX - 3);
}

static void a_size_that_wraps_aborts(void **state)
{
    struct arena a = {0};
    assert_true(aborts(ask_too_much, &a));
}

static void nothing_is_something_to_free(void **state)
{
    void *p = mem_alloc(0), *q = mem_zero(0);
    assert_non_null(p);
    assert_non_null(q);
    p = mem_grow(p, 0);
    assert_non_null(p);
    free(p);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_reset_keeps_the_largest_block),
        cmocka_unit_test(texts_end_in_a_nul_that_does_not_count),
        cmocka_unit_test(a_size_that_wraps_aborts),
        cmocka_unit_test(nothing_is_something_to_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
