/* A set of names: what it tells, and what telling costs, whoever chose the names. */
#include "arena.h"
#include "check.h"
#include "keyset.h"
#include "random.h"

static void a_name_is_told_the_second_time(void **state)
{
    static const char bytes[] = "a\0b";
    const struct str rows[] = {STR("custom"), STR(""),     STR("cust"),     STR("custom_id"),
                               STR("a"),      {bytes, 3},  {bytes, 2},      STR("\xFF\xFF"),
                               STR("\xFF"),   STR("\x01"), STR("\x01\x01"), STR("b")};
    enum { ROWS = sizeof rows / sizeof *rows };
    struct keyset s = {0};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ROWS; i++)
            assert_true(keyset_add(&s, rows[i]));
        for (size_t i = 0; i < ROWS; i++)
            assert_false(keyset_add(&s, rows[i]));
        assert_int_equal(s.count, ROWS);
        keyset_clear(&s);
    }
    keyset_free(&s);
}

/* Against a list that is searched. */
static void a_crowd_of_short_names(void **state)
{
    enum { NAMES = 3000 };
    static char text[NAMES][4];
    static struct str names[NAMES];
    struct keyset s = {0};
    struct random r = {7};
    size_t kept = 0;
    for (size_t i = 0; i < NAMES; i++) {
        struct str name = {text[i], random_below(&r, 4)};
        bool known = false;
        for (size_t k = 0; k < name.n; k++)
            text[i][k] = (char)("\0\1\2a\x7F\x80\xFE\xFF"[random_below(&r, 8)]);
        for (size_t k = 0; k < kept && !known; k++)
            known = str_eq(names[k], name);
        assert_int_equal(keyset_add(&s, name), !known);
        if (!known)
            names[kept++] = name;
    }
    assert_int_equal(s.count, kept);
    keyset_free(&s);
}

/* Names made to share ways: each a prefix of the next, first the long ones or first the short;
 * then short names against a tree of long ones. */
static void work_is_linear_in_the_bytes(void **state)
{
    enum { LONG = 2000, MANY = 50000 };
    struct arena a = {0};
    char *same = arena_alloc(&a, LONG);
    memset(same, 'x', LONG);
    for (int order = 0; order < 2; order++) {
        struct keyset s = {0};
        size_t bytes = 0;
        for (size_t i = 0; i < LONG; i++) {
            struct str name = {same, order ? i : LONG - i};
            bytes += name.n + 1;
            assert_true(keyset_add(&s, name));
        }
        assert_true(s.steps <= KEYSET_STEPS * bytes);
        size_t before = s.steps;
        for (size_t i = 0; i < 9; i++) {
            assert_false(keyset_add(&s, (struct str){same, 1}));
            assert_true(s.steps - before <= (i + 1) * 2 * KEYSET_STEPS);
        }
        keyset_free(&s);
    }
    struct keyset s = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < MANY; i++) {
        struct str name = arena_printf(&a, "request-%zu", i);
        bytes += name.n + 1;
        assert_true(keyset_add(&s, name));
    }
    assert_true(s.steps <= KEYSET_STEPS * bytes);
    keyset_free(&s);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_told_the_second_time),
        cmocka_unit_test(a_crowd_of_short_names),
        cmocka_unit_test(work_is_linear_in_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
