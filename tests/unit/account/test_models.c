/* models: limits as people write them, where they are found, and what can never be admitted. */
#include "check.h"
#include "models.h"

enum { MINUTE = 60000000 };

static struct catalogue *catalogue;

static struct limit_source source(void)
{
    return (struct limit_source){
        .provider = provider_get(PROVIDER_OPENAI), .catalogue = catalogue, .minute_us = MINUTE};
}

static void reads_limits(void **state)
{
    (void)state;
    struct limit_source s = source();
    struct option_list args = {{"ft:gpt-4o:us:rpm=500,tpm=30k,rpd=1M,concurrency=8", "rpm=3"},
                               2};
    struct diag diag;
    assert_int_equal(limit_source_add(&s, &args, &diag), SL_OK);
    assert_int_equal(s.n, 2);
    assert_true(str_eq(s.entries[0].model, STR("ft:gpt-4o:us")));
    assert_int_equal(s.entries[0].n, 4);
    assert_int_equal(s.entries[0].limits[1].limit, 30000);
    assert_int_equal(s.entries[0].limits[1].period_us, MINUTE);
    assert_int_equal(s.entries[0].limits[2].limit, 1000000);
    assert_int_equal(s.entries[0].limits[2].period_us, 1440 * (int64_t)MINUTE);
    assert_int_equal(s.entries[0].limits[3].period_us, 0);
    assert_true(str_eq(s.entries[1].model, STR("*")));
}

static void refuses_what_is_no_limit(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "gpt-4o",
                                      "gpt-4o:",
                                      "gpt-4o:rpm",
                                      "gpt-4o:rpm=",
                                      "gpt-4o:rpm=-1",
                                      "m:rpm=1x",
                                      "m:rpm=1,",
                                      "m:wpm=1",
                                      "m:rpm=k",
                                      "m:tpm=99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct limit_source s = source();
        struct option_list args = {{bad[i]}, 1};
        struct diag diag = {"", ""};
        if (limit_source_add(&s, &args, &diag) == SL_OK)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_string_equal(diag.where, "--limits");
    }
}

static void finds_limits_in_order(void **state)
{
    (void)state;
    struct limit_source s = source();
    struct option_list args = {{"gpt-4.1:rpm=7"}, 1};
    struct models m = {0};
    struct diag diag;
    size_t told, tier, again;
    assert_int_equal(limit_source_add(&s, &args, &diag), SL_OK);
    s.tier = STR("1");
    assert_int_equal(models_index(&m, &s, STR("gpt-4.1"), &told, &diag), SL_OK);
    assert_int_equal(models_index(&m, &s, STR("gpt-4o"), &tier, &diag), SL_OK);
    assert_int_equal(models_index(&m, &s, STR("gpt-4.1"), &again, &diag), SL_OK);
    assert_int_equal(told, again);
    assert_int_equal(m.pools[m.list[told].pool].limit_count, 1);
    assert_int_equal(m.pools[m.list[told].pool].limits[0].limit, 7);
    assert_true(m.pools[m.list[tier].pool].limit_count >= 2);
    assert_int_equal(models_index(&m, &s, STR("model-of-tomorrow"), &tier, &diag), SL_UNKNOWN);
    assert_non_null(strstr(diag.what, "--limits model-of-tomorrow:"));
    s.tier = STR("");
    assert_int_equal(models_index(&m, &s, STR("model-of-tomorrow"), &tier, &diag), SL_OK);
    assert_int_equal(m.pools[m.list[tier].pool].limit_count, 0);
    models_free(&m);
}

static const struct {
    enum charge_rule rule;
    int use_percent;
    int64_t input, output;
    enum sl_err err;
} fits[] = {
    {CHARGE_MAX, 100, 10, 30000, SL_OK},           {CHARGE_MAX, 100, 10, 30001, SL_TOO_LARGE},
    {CHARGE_MAX, 100, 30001, 1, SL_TOO_LARGE},     {CHARGE_MAX, 90, 10, 27000, SL_OK},
    {CHARGE_MAX, 90, 10, 27001, SL_TOO_LARGE},     {CHARGE_SUM, 100, 15000, 15000, SL_OK},
    {CHARGE_SUM, 100, 15000, 15001, SL_TOO_LARGE}, {CHARGE_ACTUAL, 100, 10, 99999, SL_OK},
};

static void larger_than_the_limit_is_never(void **state)
{
    (void)state;
    struct batch_pool pool = {.name = STR("gpt-4o"),
                              .limits = {{DIM_RPM, 500, MINUTE}, {DIM_TPM, 30000, MINUTE}},
                              .limit_count = 2};
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        struct demand d = {.input_tokens = fits[i].input,
                           .max_output_tokens = fits[i].output,
                           .max_output_given = true};
        struct diag diag;
        if (pool_fits(&pool, &d, fits[i].rule, fits[i].use_percent, &diag) != fits[i].err)
            fail_msg("case %zu", i);
    }
}

static void a_class_of_routes_has_one_pool(void **state)
{
    (void)state;
    const struct route_class get = {.name = STR("things-get"), .limit = 90, .period_s = 60};
    const struct route_class make = {.name = STR("things-make"), .limit = 7, .period_s = 3600};
    const struct route_class unknown = {.name = STR("parts"), .limit = -1, .period_s = 60};
    struct limit_source s = source();
    struct option_list args = {{"(told):rpm=3,concurrency=2", "*:rpm=9"}, 2};
    const struct route_class told = {.name = STR("told"), .limit = 90, .period_s = 60};
    struct models m = {0};
    struct diag diag;
    assert_int_equal(limit_source_add(&s, &args, &diag), SL_OK);
    size_t first = models_class(&m, &s, &get), second = models_class(&m, &s, &make);
    size_t third = models_class(&m, &s, &unknown);
    assert_int_equal(first, models_class(&m, &s, &get));
    assert_int_equal(3, m.pool_count);
    assert_true(str_eq(m.pools[first].name, STR("(things-get)")));
    assert_int_equal(90, m.pools[first].limits[0].limit);
    assert_int_equal(MINUTE, m.pools[first].limits[0].period_us);
    assert_int_equal(60 * (int64_t)MINUTE, m.pools[second].limits[0].period_us);
    assert_int_equal(0, m.pools[third].limit_count);
    size_t by_hand = models_class(&m, &s, &told);
    assert_int_equal(2, m.pools[by_hand].limit_count);
    assert_int_equal(3, m.pools[by_hand].limits[0].limit);
    assert_true(limit_source_names(&s, STR("(told)"), false));
    assert_false(limit_source_names(&s, STR("(parts)"), false));
    assert_true(limit_source_names(&s, STR("(parts)"), true));
    models_free(&m);
}

static int open_catalogue(void **state)
{
    (void)state;
    struct diag diag;
    catalogue = catalogue_open(STR(""), NULL, &diag);
    return catalogue ? 0 : -1;
}

static int close_catalogue(void **state)
{
    (void)state;
    catalogue_close(&catalogue);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_limits),
        cmocka_unit_test(refuses_what_is_no_limit),
        cmocka_unit_test(finds_limits_in_order),
        cmocka_unit_test(larger_than_the_limit_is_never),
        cmocka_unit_test(a_class_of_routes_has_one_pool),
    };
    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
