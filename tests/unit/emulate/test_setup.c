#include "check.h"
#include "emulate.h"

static void limits_are_read_and_replaced(void **state)
{
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_limits(&c, STR("gpt-4o:rpm=500,tpm=30000"), NULL), SL_OK);
    assert_int_equal(emulate_limits(&c, STR("*:rpm=3,rpd=200,concurrency=2"), NULL), SL_OK);
    assert_int_equal(emulate_limits(&c, STR("gpt-4o:tpm=40000"), NULL), SL_OK);
    assert_int_equal(c.model_count, 2);
    assert_int_equal(c.models[0].limit_count, 1);
    assert_int_equal(c.models[0].limits[0].dim, DIM_TPM);
    assert_int_equal(c.models[0].limits[0].limit, 40000);
    assert_int_equal(c.models[1].limit_count, 3);
    assert_int_equal(c.models[1].limits[2].dim, DIM_CONCURRENCY);
}

static void bad_limits_are_refused_with_advice(void **state)
{
    static const char *const bad[] = {
        "",           "gpt-4o",       "gpt-4o:",           ":rpm=5",
        "gpt-4o:rpm", "gpt-4o:xpm=5", "gpt-4o:rpm=-5",     "gpt-4o:rpm=x",
        "a:rpm=5,",   "a:unknown=5",  "a:batch_enqueued=5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct emulate_config c = emulate_defaults();
        struct diag diag = {{0}, {0}};
        if (emulate_limits(&c, str_of(bad[i]), &diag) == SL_OK || !diag.what[0])
            fail_msg("\"%s\" passed", bad[i]);
    }
}

static void a_provider_alone_sets_its_habits(void **state)
{
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, NULL, STR("azure"), NULL), SL_OK);
    assert_int_equal(c.window, GAUGE_SLICES);
    assert_int_equal(c.charge, GAUGE_SUM);
    assert_int_equal(c.headers, EMULATE_HEADERS_AZURE);
    assert_int_equal(c.model_count, 0);
    struct diag diag = {{0}, {0}};
    assert_int_equal(emulate_profile(&c, NULL, STR("acme/tier-1"), &diag), SL_UNKNOWN);
    assert_non_null(strstr(diag.what, "anthropic"));
}

static void a_tier_brings_the_limits_of_its_models(void **state)
{
    struct diag diag = {{0}, {0}};
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, &diag);
    assert_non_null(catalogue);
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, catalogue, STR("openai/tier-1"), NULL), SL_OK);
    const struct emulate_model *found = NULL;
    for (size_t i = 0; i < c.model_count; i++) {
        if (str_eq(c.models[i].name, STR("gpt-4o")))
            found = &c.models[i];
    }
    assert_non_null(found);
    assert_int_equal(found->limit_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(found->limits[i].limit, found->limits[i].dim == DIM_RPM ? 500 : 30000);
    /* what is said by hand afterwards holds */
    assert_int_equal(emulate_limits(&c, STR("gpt-4o:tpm=7"), NULL), SL_OK);
    assert_int_equal(found->limits[0].limit, 7);
    assert_int_equal(emulate_profile(&c, catalogue, STR("openai/tier-9"), &diag), SL_UNKNOWN);
    assert_int_equal(emulate_profile(&c, catalogue, STR("azure/tier-1"), &diag), SL_UNKNOWN);
    catalogue_close(&catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read_and_replaced),
        cmocka_unit_test(bad_limits_are_refused_with_advice),
        cmocka_unit_test(a_provider_alone_sets_its_habits),
        cmocka_unit_test(a_tier_brings_the_limits_of_its_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
