/* report: the table says what design/experience.md says it says; the JSON parses. */
#include "check.h"
#include "json.h"
#include "report.h"

static struct totals totals;
static struct batch_model list[] = {{.name = {"gpt-4o", 6}}};
static struct batch_pool pools[] = {{.name = {"gpt-4o", 6}}};
static struct models models = {.list = list, .n = 1, .pools = pools, .pool_count = 1};

static struct report sample(void)
{
    totals.total = 1319;
    totals.ok = 1317;
    totals.failed = 2;
    totals.input_tokens = 158214;
    totals.output_tokens = 186401;
    totals.cost_pusd = 2259545000000;
    totals.cost_batch_pusd = 1129772500000;
    totals.failures = totals.retries = (struct kinds){0};
    kinds_add(&totals.failures, STR("context_length"));
    kinds_add(&totals.failures, STR("content_filter"));
    kinds_add(&totals.retries, STR("503"));
    return (struct report){.totals = &totals,
                           .models = &models,
                           .errors_path = "results.errors.jsonl",
                           .makespan_us = 738000000,
                           .paced_us = 736000000,
                           .bound_us = 731000000,
                           .charged = 395700,
                           .charge = CHARGE_MAX,
                           .binding_dim = DIM_TPM,
                           .binding_limit = 30000,
                           .tip_max_tokens = 300,
                           .tip_advised = 180,
                           .tip_us = 415000000,
                           .stopped = ""};
}

static void table_is_the_sketch(void **state)
{
    (void)state;
    struct report r = sample();
    struct buf b = {0};
    report_table(&r, &b);
    assert_string_equal(
        buf_cstr(&b),
        "1,319 requests   1,317 ok   2 failed (context_length x1, content_filter x1) -> "
        "results.errors.jsonl\n"
        "refused 0        retried 1 (503 x1)\n"
        "tokens           158,214 in + 186,401 out; charged 395,700 (max_tokens counts, not "
        "what "
        "was used)\n"
        "time             12m 18s   the quota allows no less than 12m 11s   efficiency 99.3 %\n"
        "limit that binds tokens per minute (gpt-4o, 30,000)\n"
        "cost             2.26 USD  (1.13 USD through the Batch API)\n"
        "tip              max_tokens 300 is more than answers use; 180 would have covered 99 % "
        "and "
        "taken 6m 55s\n");
    buf_free(&b);
}

static void json_parses(void **state)
{
    (void)state;
    struct report r = sample();
    totals_refusal(&totals, 0, DIM_TPM);
    totals_refusal(&totals, 0, DIM_TPM);
    struct buf b = {0};
    struct arena arena = {0};
    report_json(&r, &b);
    struct json *root = json_parse(&arena, buf_str(&b), NULL);
    assert_non_null(root);
    int64_t n;
    assert_int_equal(json_int(json_get(root, "requests"), &n), SL_OK);
    assert_int_equal(n, 1319);
    assert_true(str_eq(json_get(root, "efficiency")->text, STR("0.993206")));
    assert_true(json_is(json_path(root, "binding_budget.dimension"), "tpm"));
    const struct json *refusal = json_get(root, "refusals")->first;
    assert_true(json_is(json_get(refusal, "model"), "gpt-4o"));
    assert_int_equal(json_int(json_get(refusal, "count"), &n), SL_OK);
    assert_int_equal(n, 2);
    arena_free(&arena);
    buf_free(&b);
}

static void no_figure_is_null(void **state)
{
    (void)state;
    struct report r = sample();
    r.bound_us = 0;
    r.binding_dim = DIM_UNKNOWN;
    assert_int_equal(report_efficiency_ppm(&r), -1);
    struct buf b = {0};
    report_json(&r, &b);
    assert_true(str_find(buf_str(&b), STR("\"efficiency\": null"), 0) > 0);
    assert_true(str_find(buf_str(&b), STR("\"binding_budget\": null"), 0) > 0);
    buf_free(&b);
}

static int set_up(void **state)
{
    (void)state;
    totals_init(&totals);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    totals_free(&totals);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(table_is_the_sketch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_parses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_figure_is_null, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
