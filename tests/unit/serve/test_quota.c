/* test_quota.c: what is left, in each provider's headers, read back as its clients read them.
 */
#include "check.h"
#include "provider.h"
#include "quota.h"

enum { MINUTE = 60000000 };

static struct message told(const struct quota *q, size_t n, bool anthropic, struct arena *arena)
{
    struct message m = {.status = 200};
    m.header_count =
        quota_headers(q, n, anthropic, 1796079600 * INT64_C(1000000), m.headers, arena);
    return m;
}

static void test_of_an_account(void **unused)
{
    struct arena arena = {0};
    struct pool_view view = {.budget_count = 2};
    struct quota q[QUOTAS];
    view.budgets[0] =
        (struct budget_view){.dim = DIM_RPM, .limit = 60, .level = 30, .period_us = MINUTE};
    view.budgets[1] =
        (struct budget_view){.dim = DIM_TPM, .limit = 1000, .level = -20, .period_us = MINUTE};
    size_t n = quota_of_pool(&view, q);
    struct message m = told(q, n, false, &arena);
    assert_true(str_eq(message_header(&m, "x-ratelimit-remaining-requests"), STR("30")));
    assert_true(str_eq(message_header(&m, "x-ratelimit-reset-requests"), STR("30s")));
    assert_true(str_eq(message_header(&m, "x-ratelimit-remaining-tokens"), STR("0")));
    arena_free(&arena);
}

static void test_of_a_tenant(void **unused)
{
    struct arena arena = {0};
    struct allowance a;
    struct quota q[QUOTAS];
    struct reading readings[8];
    allowance_init(&a, &(struct allowance_limits){.rpm = 60, .tpd = 86400}, MINUTE);
    struct stake s = {.allowance = &a};
    struct demand d = {.input_tokens = 100, .max_output_given = true};
    stake_hold(&s, 0, &d);
    size_t n = quota_of_tenant(&a, 0, q);
    assert_int_equal(2, n);
    struct message m = told(q, n, false, &arena);
    assert_int_equal(2, headers_read(provider_get(PROVIDER_OPENAI), &m, 0, readings, 8));
    assert_int_equal(59, readings[0].remaining);
    assert_int_equal(86300, readings[1].remaining);
    assert_int_equal(100 * INT64_C(1000000), readings[1].reset_us);
    m = told(q, n, true, &arena);
    assert_true(
        str_eq(message_header(&m, "anthropic-ratelimit-requests-remaining"), STR("59")));
    assert_true(str_eq(message_header(&m, "anthropic-ratelimit-tokens-reset"),
                       STR("2026-11-30T23:01:40Z")));
    stake_release(&s, 0);
    arena_free(&arena);
}

static void test_whose_headers(void **unused)
{
    assert_true(quota_is_header(STR("X-RateLimit-Limit-Tokens")));
    assert_true(quota_is_header(STR("anthropic-ratelimit-unified-status")));
    assert_false(quota_is_header(STR("x-request-id")));
    assert_false(quota_is_header(STR("anthropic-organization-id")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_an_account),
        cmocka_unit_test(test_of_a_tenant),
        cmocka_unit_test(test_whose_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
