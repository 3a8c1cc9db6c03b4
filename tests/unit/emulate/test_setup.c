#include "check.h"
#include "emulate.h"
#include "pattern.h"

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

static void routes_are_read_or_refused_with_advice(void **state)
{
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_add_route(&c, STR("POST /v1/things/*=300"), true, NULL), SL_OK);
    assert_int_equal(emulate_add_route(&c, STR("* /v1/a = 2,000/h"), false, NULL), SL_OK);
    assert_int_equal(c.route_count, 2);
    assert_true(str_eq(c.routes[0].name, STR("POST /v1/things/*")) && c.routes[0].hidden);
    assert_int_equal(c.routes[0].period_s, 60);
    assert_int_equal(c.routes[1].limit, 2000);
    assert_int_equal(c.routes[1].period_s, 3600);
    static const char *const bad[] = {"",
                                      "POST /v1/a",
                                      "POST /v1/a=",
                                      "/v1/a=3",
                                      "POST v1=3",
                                      "POST /v1/a=x",
                                      "POST /v1/a=-1",
                                      "POST /v1/a=3/d",
                                      "POST /v1/a*=3",
                                      "=3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct diag diag = {{0}, {0}};
        if (emulate_add_route(&c, str_of(bad[i]), true, &diag) == SL_OK || !diag.what[0])
            fail_msg("\"%s\" passed", bad[i]);
        assert_string_equal(diag.where, "--hidden");
    }
    for (size_t i = 2; i < EMULATE_ROUTES; i++)
        assert_int_equal(emulate_add_route(&c, STR("POST /v1/a=3"), false, NULL), SL_OK);
    assert_int_equal(emulate_add_route(&c, STR("POST /v1/a=3"), false, NULL), SL_TOO_LARGE);
}

/* Every pattern of the catalogue is one. */
static void the_classes_of_a_provider_come_with_its_profile(void **state)
{
    static const struct {
        const char *profile;
        size_t classes;
    } rows[] = {{"openai/tier-1", 5}, {"openai", 5}, {"anthropic/tier-2", 2}, {"groq/free", 0}};
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = emulate_defaults();
        assert_int_equal(emulate_profile(&c, catalogue, str_of(rows[i].profile), NULL), SL_OK);
        assert_int_equal(c.route_count, rows[i].classes);
        for (size_t k = 0; k < c.route_count; k++) {
            for (size_t p = 0; p < c.routes[k].pattern_count; p++)
                assert_int_equal(pattern_check(c.routes[k].patterns[p], NULL), SL_OK);
        }
    }
    catalogue_close(&catalogue);
}

static void a_pattern_of_a_users_catalogue_is_checked(void **state)
{
    struct diag diag = {{0}, {0}};
    struct catalogue *catalogue = catalogue_open(
        STR("{\"routes\":[{\"provider\":\"openai\",\"class\":\"mine\",\"paths\":[\"v1/x\"],"
            "\"rpm\":5}]}"),
        "mine.json", NULL);
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, catalogue, STR("openai"), &diag), SL_SYNTAX);
    assert_string_equal(diag.where, "--catalogue");
    assert_non_null(strstr(diag.what, "class mine"));
    catalogue_close(&catalogue);
}

static void queues_are_read_and_come_with_a_tier(void **state)
{
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, NULL);
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, catalogue, STR("openai/tier-1"), NULL), SL_OK);
    const struct emulate_queue *found = NULL;
    for (size_t i = 0; i < c.queue_count; i++) {
        if (str_eq(c.queues[i].model, STR("gpt-4o")))
            found = &c.queues[i];
    }
    assert_non_null(found);
    assert_int_equal(found->tokens, 90000);
    assert_int_equal(emulate_add_queue(&c, STR("gpt-4o=5,000"), NULL), SL_OK);
    assert_int_equal(found->tokens, 5000);
    assert_int_equal(c.batch_requests, 0);
    assert_int_equal(emulate_profile(&c, catalogue, STR("anthropic/tier-2"), NULL), SL_OK);
    assert_int_equal(c.queue_count, 0);
    assert_int_equal(c.batch_requests, 200000);
    static const char *const bad[] = {"", "gpt-4o", "gpt-4o=", "=5", "gpt-4o=0", "gpt-4o=x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct diag diag = {{0}, {0}};
        if (emulate_add_queue(&c, str_of(bad[i]), &diag) == SL_OK || !diag.what[0])
            fail_msg("\"%s\" passed", bad[i]);
    }
    catalogue_close(&catalogue);
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
        cmocka_unit_test(routes_are_read_or_refused_with_advice),
        cmocka_unit_test(the_classes_of_a_provider_come_with_its_profile),
        cmocka_unit_test(a_pattern_of_a_users_catalogue_is_checked),
        cmocka_unit_test(queues_are_read_and_come_with_a_tier),
        cmocka_unit_test(a_provider_alone_sets_its_habits),
        cmocka_unit_test(a_tier_brings_the_limits_of_its_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
