/* plan_report: a table of 80 columns, JSON that parses, a picture whose texts are escaped. */
#include "draft.h"
#include "json.h"
#include "plan_report.h"

#include <stdio.h>

static void check_width(const struct buf *table)
{
    for (struct str rest = buf_str(table); rest.n;) {
        struct str line = str_split(&rest, '\n');
        if (line.n > 80)
            fail_msg("%zu columns: %.*s", line.n, STR_ARG(line));
    }
}

static void expect(const struct buf *text, const char *words)
{
    if (str_find(buf_str(text), str_of(words), 0) < 0)
        fail_msg("\"%s\" is not in:\n%.*s", words, STR_ARG(buf_str(text)));
}

static void a_table_of_80_columns(void **state)
{
    (void)state;
    struct draft d;
    struct buf out = {0};
    draft_open(&d, "openai", "1");
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 40000, 100, 300);
    draft_make(&d, 143);
    plan_table(&d.plan, &out);
    check_width(&out);
    expect(&out,
           "requests.jsonl: 40,000 requests\ntokens   4,000,000 in, 12,000,000 charged\n");
    expect(
        &out,
        "\ngpt-4o\n  cost live   67.20 USD  (prices of 2026-07-24)\n       batch  33.60 USD\n");
    expect(&out,
           "1 (yours)       6h 39m            30,000 TPM             within 45 d, 45 turns\n");
    expect(&out, "gpt-4o-mini instead\n");
    expect(&out, "not known: free, build, launch, grow (no published limits)\n");
    expect(&out, "enough for 99 %");
    expect(&out, "as asked");
    buf_free(&out);
    draft_close(&d);
}

/* Two models may step down to one, under two of its names. */
static void a_model_is_named_once(void **state)
{
    static const struct model small, other;
    struct str names[] = {STR("small-2026-11-01"), STR("small"), STR("mine"), STR("other"),
                          STR("yours")};
    const struct model *models[] = {&small, &small, NULL, &other, NULL};
    struct variant v = {.next_down = true, .names = names, .models = models, .n = 4};
    struct buf out = {0};
    plan_names(&v, &out);
    assert_string_equal(buf_cstr(&out), "small-2026-11-01, mine, other instead");
    buf_clear(&out);
    v.n = 5;
    plan_names(&v, &out);
    assert_string_equal(buf_cstr(&out), "small-2026-11-01, mine, other and 1 more instead");
    buf_free(&out);
}

/* The widest of everything. */
static void ranges_and_pools_fit_too(void **state)
{
    (void)state;
    struct draft d;
    struct buf out = {0};
    draft_open(&d, "anthropic", "start");
    draft_model(&d, "claude-sonnet-4-5-20250929");
    draft_rows(&d, 200000, 3000, 2000);
    draft_rows(&d, 7, 300000000, 2000);
    draft_model(&d, "claude-opus-4-5-20251101");
    draft_rows(&d, 200000, 3000, 2000);
    d.ask.max_tokens = 1000;
    draft_make(&d, 0);
    plan_table(&d.plan, &out);
    check_width(&out);
    expect(&out, "OTPM claude-sonnet-4.x ");
    expect(&out, "7 requests are larger than a limit");
    expect(&out, "costs more than the 500 USD that it may spend in a month");
    expect(&out, "plays no part");
    buf_free(&out);
    draft_close(&d);
}

static void json_parses(void **state)
{
    (void)state;
    struct draft d;
    struct buf out = {0};
    struct arena a = {0};
    struct diag diag;
    int64_t n;
    draft_open(&d, "openai", "1");
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 100, 100, 300);
    draft_make(&d, 0);
    plan_json(&d.plan, &out);
    const struct json *root = json_parse(&a, buf_str(&out), &diag);
    if (!root)
        fail_msg("%s\n%.*s", diag.what, STR_ARG(buf_str(&out)));
    assert_int_equal(json_int(json_get(root, "requests"), &n), SL_OK);
    assert_int_equal(n, 100);
    assert_true(json_is(json_path(root, "taken.output.by"), "bounds"));
    const struct json *first = json_get(root, "variants")->first;
    assert_int_equal(json_path(first, "live_usd.likely")->type, JSON_NULL);
    const struct json *free_tier = json_get(first, "tiers")->first;
    assert_true(json_is(json_get(free_tier, "tier"), "free"));
    assert_int_equal(json_get(free_tier, "live")->type, JSON_NULL);
    assert_int_equal(json_path(free_tier->next, "live.makespan_s.low")->type, JSON_NUMBER);
    assert_true(json_is(json_path(root, "max_tokens.kind"), "drawn"));
    arena_free(&a);
    buf_free(&out);
    draft_close(&d);
}

static void texts_of_the_picture_are_escaped(void **state)
{
    (void)state;
    struct draft d;
    struct buf out = {0};
    draft_open(&d, "openai", NULL);
    d.account.limit_args = (struct option_list){{"*:rpm=500,tpm=30000"}, 1};
    d.input.config.path = "</title><script>&\x01.jsonl";
    draft_model(&d, "<b>\"'&");
    draft_rows(&d, 10, 100, 300);
    draft_make(&d, 100);
    plan_plot(&d.plan, &out);
    expect(&out, "&lt;/title&gt;&lt;script&gt;&amp;\xef\xbf\xbd.jsonl: 10 requests");
    expect(&out, "&lt;b&gt;&quot;'&amp;");
    assert_true(str_find(buf_str(&out), STR("<script"), 0) < 0);
    assert_true(str_find(buf_str(&out), STR("<b>"), 0) < 0);
    assert_true(str_starts(buf_str(&out), STR("<svg xmlns=")));
    assert_true(str_ends(buf_str(&out), STR("</svg>\n")));
    buf_free(&out);
    draft_close(&d);
}

/* Nothing but the namespace leads outside. */
static void the_picture_needs_nothing_else(void **state)
{
    (void)state;
    struct draft d;
    struct buf out = {0};
    draft_open(&d, "openai", "1");
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 1319, 100, 300);
    draft_make(&d, 100);
    plan_plot(&d.plan, &out);
    struct str text = buf_str(&out);
    assert_true(str_find(text, STR("http"), 20) < 0);
    assert_true(str_find(text, STR("href"), 0) < 0);
    assert_true(str_find(text, STR("@import"), 0) < 0);
    assert_true(str_find(text, STR("nan"), 0) < 0);
    assert_true(str_find(text, STR("prefers-color-scheme: dark"), 0) > 0);
    expect(&out, ">requests per minute</text>");
    expect(&out, ">max_tokens (tokens)</text>");
    expect(&out, ">time, logarithmic</text>");
    buf_free(&out);
    draft_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_table_of_80_columns),
                                       cmocka_unit_test(a_model_is_named_once),
                                       cmocka_unit_test(ranges_and_pools_fit_too),
                                       cmocka_unit_test(json_parses),
                                       cmocka_unit_test(texts_of_the_picture_are_escaped),
                                       cmocka_unit_test(the_picture_needs_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
