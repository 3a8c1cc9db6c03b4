#include "check.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_strict),
        cmocka_unit_test(splitting_and_finding),
        cmocka_unit_test(json_strings_are_escaped_and_repaired),
        cmocka_unit_test(thousands_are_grouped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
