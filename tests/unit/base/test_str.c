#include "check.h"
#include "random.h"
#include "str.h"

static void integers_are_strict(void **state)
{
    int64_t n = 7;
    assert_int_equal(str_int(STR("-9223372036854775808"), false, &n), SL_OK);
    assert_true(n == INT64_MIN);
    assert_int_equal(str_int(STR("9223372036854775808"), false, &n), SL_RANGE);
    assert_int_equal(str_int(STR("30,000"), false, &n), SL_SYNTAX);
    assert_int_equal(str_int(STR("30,000"), true, &n), SL_OK);
    assert_int_equal(n, 30000);
    assert_int_equal(str_int(STR(",5"), true, &n), SL_SYNTAX);
    assert_int_equal(str_int(STR(""), false, &n), SL_SYNTAX);
    assert_int_equal(str_int(STR("-"), false, &n), SL_SYNTAX);
}

static void splitting_and_finding(void **state)
{
    struct str s = STR("a,b,,c");
    assert_true(str_eq(str_split(&s, ','), STR("a")));
    assert_true(str_eq(str_split(&s, ','), STR("b")));
    assert_true(str_eq(str_split(&s, ','), STR("")));
    assert_true(str_eq(str_split(&s, ','), STR("c")));
    assert_null(s.p);
    assert_int_equal(str_find_nocase(STR("Please Try Again in 5s"), STR("try again in"), 0), 7);
    assert_int_equal(str_find(STR("abc"), STR("d"), 0), -1);
    assert_int_equal(str_find(STR("abc"), STR("abcd"), 0), -1);
    assert_true(str_eq(str_trim(STR(" \t x \r\n")), STR("x")));
}

static void json_strings_are_escaped_and_repaired(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR("a\"\\\n\t\b\r"), "\"a\\\"\\\\\\n\\t\\b\\r\""},
        {STR("\0\x1f\x7f"), "\"\\u0000\\u001f\\u007f\""},
        {STR("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {STR("\xC3(\xED\xA0\x80"), "\"\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = {0};
        buf_json(&b, rows[i].in);
        assert_string_equal(buf_cstr(&b), rows[i].out);
        buf_free(&b);
    }
}

static void thousands_are_grouped(void **state)
{
    struct buf b = {0};
    buf_thousands(&b, 1234567);
    buf_char(&b, ' ');
    buf_thousands(&b, -100);
    buf_char(&b, ' ');
    buf_thousands(&b, 0);
    assert_string_equal(buf_cstr(&b), "1,234,567 -100 0");
    buf_free(&b);
}

/* The needle at each place, as one would look for it by hand. */
static ptrdiff_t by_hand(struct str s, struct str needle, size_t from)
{
    for (size_t i = from; i <= s.n && needle.n <= s.n - i; i++) {
        if (str_eq_nocase((struct str){s.p + i, needle.n}, needle))
            return (ptrdiff_t)i;
    }
    return -1;
}

static void found_as_by_hand_whatever_the_case(void **state)
{
    static const char letters[] = "aAbQq.1 _";
    struct random r = {7};
    for (int round = 0; round < 20000; round++) {
        char text[24], word[4];
        struct str s = {text, random_below(&r, sizeof text)};
        struct str needle = {word, random_below(&r, sizeof word)};
        for (size_t i = 0; i < s.n; i++)
            text[i] = letters[random_below(&r, sizeof letters - 1)];
        for (size_t i = 0; i < needle.n; i++)
            word[i] = letters[random_below(&r, sizeof letters - 1)];
        size_t from = random_below(&r, sizeof text + 2);
        if (str_find_nocase(s, needle, from) != by_hand(s, needle, from))
            fail_msg("\"%.*s\" in \"%.*s\" from %zu: %td", STR_ARG(needle), STR_ARG(s), from,
                     str_find_nocase(s, needle, from));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_strict),
        cmocka_unit_test(splitting_and_finding),
        cmocka_unit_test(json_strings_are_escaped_and_repaired),
        cmocka_unit_test(thousands_are_grouped),
        cmocka_unit_test(found_as_by_hand_whatever_the_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
