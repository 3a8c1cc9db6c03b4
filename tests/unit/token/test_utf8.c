/* What is valid UTF-8, and how the rest is repaired: one U+FFFD for each maximal subpart. */
#include "check.h"

#include "token.h"
#include "utf8.h"

#define R "\xEF\xBF\xBD"

static const struct {
    const char *bytes, *repaired;
} cases[] = {
    {"", ""},
    {"plain", "plain"},
    {"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF",
     "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF"},
    {"\x80", R},
    {"a\xFF"
     "b",
     "a" R "b"},
    {"\xC0\xAF", R R},                         /* overlong */
    {"\xE0\x80\xAF", R R R},                   /* overlong */
    {"\xF0\x80\x80\xAF", R R R R},             /* overlong */
    {"\xED\xA0\x80", R R R},                   /* a surrogate */
    {"\xED\xAF\xBF\xED\xBF\xBF", R R R R R R}, /* a pair of them */
    {"\xF4\x90\x80\x80", R R R R},             /* beyond U+10FFFF */
    {"\xF5\x80\x80\x80", R R R R},
    {"\xE2\x82", R}, /* cut off at the end */
    {"\xE2\x82"
     "a",
     R "a"}, /* cut off by a letter */
    {"\xF0\x9F\x98", R},
    {"\xF0\x9F\x98\xE2\x82\xAC", R "\xE2\x82\xAC"},
    {"\xF0\x9F\x41", R "A"},
    {"\xC3", R},
    {"\xC3\xC3\xA9", R "\xC3\xA9"},
    {"0123456789012345678901234567890123456789\xFE",
     "0123456789012345678901234567890123456789" R},
    /* the example of Unicode 16, table 3-11 */
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", R R R R "A"},
};

static void every_maximal_subpart_is_replaced_once(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = str_of(cases[i].bytes), want = str_of(cases[i].repaired);
        struct buf got = {0};
        utf8_repair(&got, text);
        assert_true(str_eq(buf_str(&got), want));
        assert_int_equal(utf8_valid(text) == text.n, str_eq(text, want));
        assert_int_equal(utf8_valid(want), want.n);
        buf_free(&got);
    }
}

static void counts_are_those_of_the_repaired_text(void **state)
{
    const struct encoding *e = encoding_named(STR("cl100k_base"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(token_count(e, str_of(cases[i].bytes)),
                         token_count(e, str_of(cases[i].repaired)));
}

static void nul_is_a_character(void **state)
{
    struct str text = {"a\0b", 3};
    assert_int_equal(utf8_valid(text), 3);
    assert_int_equal(token_count(encoding_named(STR("o200k")), text), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_maximal_subpart_is_replaced_once),
        cmocka_unit_test(counts_are_those_of_the_repaired_text),
        cmocka_unit_test(nul_is_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
