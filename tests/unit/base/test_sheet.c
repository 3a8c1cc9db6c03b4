/* sheet: nothing is wider than it may be, and nothing that others chose moves a cursor. */
#include "check.h"
#include "sheet.h"

static void text_is_harmless_and_fits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int columns;
        const char *want;
    } cases[] = {
        {"gpt-4o", 8, "gpt-4o  "},
        {"gpt-4o-mini", 6, "gpt-4o"},
        {"a\033[2Jb", 9, "a?[2Jb   "},
        {"a\xc2\x9b"
         "2Jb",
         6, "a?2Jb "},
        {"gr\xc3\xbc\xc3\x9f", 3, "gr\xc3\xbc"},
        {"\xff\xfe", 3, "?? "},
        {"", 2, "  "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        sheet_text(&b, str_of(cases[i].text), cases[i].columns, true);
        assert_string_equal(buf_cstr(&b), cases[i].want);
        assert_int_equal(sheet_columns(buf_str(&b)), cases[i].columns);
        buf_free(&b);
    }
}

static void lines_are_cut_at_whole_letters(void **state)
{
    (void)state;
    for (int width = 1; width < 12; width++) {
        struct buf b = {0};
        buf_puts(&b, "kept ");
        sheet_bar(&b, 45, 100, 10, true);
        sheet_cut(&b, 5, width);
        assert_int_equal(sheet_columns(str_from(buf_str(&b), 5)), width < 11 ? width - 1 : 10);
        for (size_t i = 0; i < b.n; i += str_utf8(str_from(buf_str(&b), i)))
            assert_true(str_utf8(str_from(buf_str(&b), i)) > 0);
        buf_free(&b);
    }
}

static void escapes_take_no_room(void **state)
{
    (void)state;
    assert_int_equal(sheet_columns(STR("\033[1mbold\033[0m")), 4);
}

static void bars_are_full_at_their_end(void **state)
{
    (void)state;
    static const struct {
        int64_t done, total;
        const char *want;
    } cases[] = {{0, 10, "----"}, {5, 10, "##--"},  {10, 10, "####"},       {20, 10, "####"},
                 {3, 0, "----"},  {-5, 10, "----"}, {1, INT64_MAX, "----"}, {9, 10, "###-"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        sheet_bar(&b, cases[i].done, cases[i].total, 4, false);
        assert_string_equal(buf_cstr(&b), cases[i].want);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_harmless_and_fits),
        cmocka_unit_test(lines_are_cut_at_whole_letters),
        cmocka_unit_test(escapes_take_no_room),
        cmocka_unit_test(bars_are_full_at_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
