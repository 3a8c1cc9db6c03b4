#include "bounds.h"
#include "check.h"
#include "oracle_json.h"
#include "random.h"

#include <stdio.h>

static const char *const texts[] = {
    "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Why?\"}],\"n\":1}",
    " [ 1 , -0.5e+10, 1E-2, 0, true, false, null, \"\", {}, [] ] ",
    "{\"a\":{\"b\":[[[{\"c\":\"\\u00e9\\n\\t\\\"\\\\\\/\\b\\f\\r\"}]]]}}",
    "\"gr\u00fc\u00dfe \u6f22\u5b57 \U0001f642 and a long run of plain text\"",
    "\"\\ud83d\\ude42\"",
    "-12.75",
    "null",
};

static void both_readers_agree(struct str text)
{
    const char *why = oracle_objection(text);
    if (why)
        fail_msg("%s: %.*s", why, STR_ARG(text));
}

static void texts_are_read_as_by_yajl(void **state)
{
    static const char *const odd[] = {"",
                                      " ",
                                      "01",
                                      "-",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "+1",
                                      "0x1",
                                      "tru",
                                      "nulll",
                                      "\"",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u12",
                                      "\"\x01\"",
                                      "\"\x7f\"",
                                      "\"\xc3\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "[",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1,",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{\"a\" 1}",
                                      "]",
                                      "}",
                                      "[}",
                                      "{]",
                                      "1 1",
                                      "[] []",
                                      "//",
                                      "/* */1",
                                      "\xef\xbb\xbf[]",
                                      "[1]\x01",
                                      "nan"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        both_readers_agree(str_of(texts[i]));
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        both_readers_agree(str_of(odd[i]));
    assert_non_null(oracle_objection(STR("\v1"))); /* which RFC 8259 does not call space */
    both_readers_agree((struct str){"[1]\0", 4});
    both_readers_agree((struct str){"\"a\0b\"", 5});
}

/* Bytes changed, left out, doubled, cut off. */
static void torn_texts_are_read_as_by_yajl(void **state)
{
    static const char likely[] = "\"\\{}[],:0129eE+-. utfn/\n\x01\x7f\x80\xc3\xed\xf0\xff";
    struct random random = {.state = 7};
    for (int i = 0; i < 200000; i++) {
        struct buf b = {0};
        buf_puts(&b, texts[random_below(&random, sizeof texts / sizeof *texts)]);
        for (uint64_t k = 1 + random_below(&random, 4); k > 0 && b.n > 1; k--) {
            size_t at = random_below(&random, b.n);
            uint64_t how = random_below(&random, 8);
            if (how == 0)
                b.n = at;
            else if (how == 1)
                memmove(b.p + at, b.p + at + 1, --b.n - at);
            else
                b.p[at] = likely[random_below(&random, sizeof likely - 1)];
        }
        both_readers_agree(buf_str(&b));
        buf_free(&b);
    }
}

static void every_code_point_survives_its_escape(void **state)
{
    struct arena arena = {0};
    for (uint32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 97) {
        char text[16];
        bool half = c >= 0xD800 && c < 0xE000;
        if (c < 0x10000)
            snprintf(text, sizeof text, "\"\\u%04x\"", c);
        else
            snprintf(text, sizeof text, "\"\\u%04X\\u%04x\"", 0xD800 + ((c - 0x10000) >> 10),
                     0xDC00 + ((c - 0x10000) & 0x3FF));
        struct str s = json_str(json_parse(&arena, str_of(text), NULL));
        assert_true(s.n > 0 && str_utf8(s) == s.n);
        if (half)
            assert_true(str_eq(s, STR("\xEF\xBF\xBD")));
        else
            assert_int_equal(s.n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        arena_reset(&arena);
    }
    struct str s =
        json_str(json_parse(&arena, STR("\"\\ud83dx\\ude42\\ud83d\\ud83d\\ude42\""), NULL));
    assert_true(str_eq(s, STR("\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\xF0\x9F\x99\x82")));
    arena_free(&arena);
}

static void complaints_name_the_byte(void **state)
{
    static const struct {
        const char *text, *what;
    } rows[] = {
        {"", "bad JSON at byte 0: the text ends here, too early"},
        {"[1,2", "bad JSON at byte 4: the text ends here, too early"},
        {"[1 2]", "bad JSON at byte 3: a comma or the end of what was opened is wanted here"},
        {"{} x", "bad JSON at byte 3: more after the end of the value"},
        {"{\"a\":}", "bad JSON at byte 5: a value is wanted here"},
        {"{a:1}", "bad JSON at byte 1: a member's name is wanted here"},
        {"{\"a\",1}", "bad JSON at byte 4: a colon is wanted here"},
        {"01", "bad JSON at byte 1: more after the end of the value"},
        {"[-x]", "bad JSON at byte 2: a digit is wanted here"},
        {"\"a\nb\"", "bad JSON at byte 2: a control byte in a string"},
        {"\"a\\q\"", "bad JSON at byte 2: an escape that JSON does not have"},
        {"\"a\xff\"", "bad JSON at byte 2: invalid UTF-8 in a string"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diag d;
        assert_null(json_parse(&arena, str_of(rows[i].text), &d));
        assert_string_equal(d.what, rows[i].what);
    }
    arena_free(&arena);
}

static void values_are_counted_and_bounded(void **state)
{
    struct arena arena = {0};
    struct diag d;
    struct str text = STR(" [1, [\"2\", {\"a\": null}], {}]"); /* seven, the list itself too */
    assert_non_null(json_parse_within(&arena, text, 7, &d));
    assert_null(json_parse_within(&arena, text, 6, &d));
    assert_string_equal(d.what, "too much JSON at byte 25: more values than may be");
    assert_null(json_parse_within(&arena, text, 0, &d));
    struct buf wide = {0};
    buf_char(&wide, '[');
    for (size_t i = 0; i < BOUND_REQUEST_VALUES; i++)
        buf_puts(&wide, "0,");
    buf_puts(&wide, "0]");
    assert_null(json_parse_within(&arena, buf_str(&wide), BOUND_REQUEST_VALUES, &d));
    assert_true(arena.allocated < 1 << 29); /* and the tree has grown no further */
    buf_free(&wide);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_as_by_yajl),
        cmocka_unit_test(torn_texts_are_read_as_by_yajl),
        cmocka_unit_test(every_code_point_survives_its_escape),
        cmocka_unit_test(complaints_name_the_byte),
        cmocka_unit_test(values_are_counted_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
