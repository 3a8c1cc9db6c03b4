/* The words of what becomes of requests over a limit: what they mean, what contradicts. */
#include "check.h"
#include "over_limit.h"

struct world {
    struct arena arena;
    struct complaints complaints;
    struct over_limit over;
};

static const char *read(struct world *w, const char *text)
{
    struct diag diag = {"", ""};
    struct reader r = {.complaints = &w->complaints};
    w->over = (struct over_limit){.after_us = 0};
    w->complaints.file = "f";
    w->complaints.n = 0;
    buf_clear(&w->complaints.text);
    const struct yaml *root = yaml_parse(&w->arena, str_of(text), &diag);
    if (!root)
        fail_msg("%s: %s", text, diag.what);
    const struct option rows[] = {
        {"after", 0, OPTION_DURATION, "TIME", NULL, &w->over.after_us}};
    const struct field fields[] = {{"over_limit", over_limit_read_kind, &w->over.kind},
                                   {"fallback", over_limit_read_fallbacks, &w->over}};
    fields_read(&r, root, rows, 1, fields, 2);
    over_limit_settle(&w->over, &r, root);
    return buf_cstr(&w->complaints.text);
}

static void words_mean_what_they_say(void **state)
{
    struct world w = {.complaints = {0}};
    assert_string_equal(read(&w, "after: 1s"), "");
    assert_int_equal(w.over.kind, OVER_WAIT);
    assert_string_equal(read(&w, "{over_limit: fail, after: 10m}"), "");
    assert_int_equal(w.over.kind, OVER_FAIL);
    assert_int_equal(w.over.after_us, 600000000);
    assert_string_equal(read(&w, "fallback: {model: m, after: 2s}"), "");
    assert_int_equal(w.over.kind, OVER_DOWNGRADE);
    assert_int_equal(w.over.fallback_count, 1);
    assert_false(w.over.fallbacks[0].on_length);
    assert_int_equal(w.over.fallbacks[0].after_us, 2000000);
    assert_string_equal(read(&w, "{over_limit: downgrade, fallback: [{model: a, on: length}, "
                                 "{model: b, on: wait}]}"),
                        "");
    assert_int_equal(w.over.fallback_count, 2);
    assert_true(w.over.fallbacks[0].on_length && !w.over.fallbacks[1].on_length);
    assert_string_equal(w.over.fallbacks[1].model, "b");
    buf_free(&w.complaints.text);
    arena_free(&w.arena);
}

static void what_contradicts_is_told(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        {"over_limit: maybe", "wait, downgrade"},
        {"over_limit: downgrade", "which model?"},
        {"{over_limit: wait, fallback: {model: m}}", "goes with over_limit: downgrade"},
        {"{over_limit: fail, fallback: {model: m}}", "goes with over_limit: downgrade"},
        {"fallback: {on: length}", "needs a model"},
        {"fallback: {model: m, on: rain}", "wait (the wait is too long)"},
        {"fallback: [{model: a}, {model: b}, {model: c}, {model: d}, {model: e}]",
         "more than 4"},
        {"fallback: m", "a map is wanted"},
    };
    struct world w = {.complaints = {0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *said = read(&w, rows[i].text);
        if (!strstr(said, rows[i].word))
            fail_msg("%s: %s", rows[i].text, said);
    }
    buf_free(&w.complaints.text);
    arena_free(&w.arena);
}

static void patterns(void **state)
{
    assert_true(over_limit_matches("gpt-4o", STR("gpt-4o")));
    assert_false(over_limit_matches("gpt-4o", STR("gpt-4o-mini")));
    assert_true(over_limit_matches("gpt-4*", STR("gpt-4o-mini")));
    assert_true(over_limit_matches("*", STR("")));
    assert_false(over_limit_matches("gpt-5*", STR("gpt-4o")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_mean_what_they_say),
        cmocka_unit_test(what_contradicts_is_told),
        cmocka_unit_test(patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
