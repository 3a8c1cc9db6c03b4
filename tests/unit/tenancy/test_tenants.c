/* Tenants come, change, go and come back; their days and months end by the calendar. */
#include "check.h"
#include "tenants.h"

enum { MINUTE = 60000000 };

static const int64_t DAY_US = 86400 * INT64_C(1000000);

static void come_and_go(void **state)
{
    struct tenants t = {.n = 0};
    struct tenant_setting web = {.name = "web", .weight = 100, .limits = {.rpm = 10}};
    struct tenant_setting both[] = {web, {.name = "batch", .weight = 50}};
    tenants_apply(&t, both, 2, 0, MINUTE);
    struct tenant *first = tenants_find(&t, STR("web"));
    struct stake s = {.allowance = &first->allowance};
    struct demand d = {.input_tokens = 1};
    stake_hold(&s, 0, &d);
    tenants_apply(&t, &both[1], 1, 0, MINUTE);
    assert_true(first->gone);
    assert_false(tenants_find(&t, STR("batch"))->gone);
    web.limits.rpm = 1;
    tenants_apply(&t, &web, 1, 0, MINUTE);
    assert_ptr_equal(first, tenants_find(&t, STR("web")));
    assert_false(first->gone);
    assert_int_equal(TAKE_LATER, stake_ask(&s, 0, &d).take); /* what was used stays used */
    stake_settle(&s, 0, &d, 1, 0);
    assert_null(tenants_find(&t, STR("nobody")));
    tenants_free(&t);
}

static void models_by_name_or_beginning(void **state)
{
    struct tenant_setting t = {.models = {.items = {"gpt-4o", "claude-*"}, .n = 2}};
    assert_true(tenant_may_use(&t, STR("gpt-4o")));
    assert_false(tenant_may_use(&t, STR("gpt-4o-mini")));
    assert_true(tenant_may_use(&t, STR("claude-sonnet-5")));
    t.models.n = 0;
    assert_true(tenant_may_use(&t, STR("anything")));
}

/* 2026-11-30 23:00 UTC: the day and the month both end in an hour; 2026-12-01 12:00: the day in
 * twelve, the month in thirty and a half days. */
static void purses_end_by_the_calendar(void **state)
{
    const int64_t start_us = 1796079600 * INT64_C(1000000), hour_us = DAY_US / 24;
    struct tenants t = {.n = 0};
    struct tenant_setting web = {.name = "web",
                                 .limits = {.spend_day = 100, .spend_month = 100}};
    tenants_apply(&t, &web, 1, 0, MINUTE);
    struct purse *purses = t.list[0]->allowance.purses;
    assert_int_equal(hour_us, tenants_turn(&t, 0, start_us));
    purses[PURSE_DAY].used = purses[PURSE_MONTH].used = 70;
    assert_int_equal(1, tenants_turn(&t, hour_us - 1, start_us + hour_us - 1) - (hour_us - 1));
    assert_int_equal(70, purses[PURSE_DAY].used);
    int64_t next_us = tenants_turn(&t, hour_us, start_us + hour_us);
    assert_int_equal(0, purses[PURSE_DAY].used);
    assert_int_equal(0, purses[PURSE_MONTH].used);
    assert_int_equal(hour_us + DAY_US, next_us);
    purses[PURSE_DAY].used = purses[PURSE_MONTH].used = 30;
    tenants_turn(&t, next_us, start_us + next_us);
    assert_int_equal(0, purses[PURSE_DAY].used);
    assert_int_equal(30, purses[PURSE_MONTH].used);
    assert_int_equal(hour_us + 31 * DAY_US, purses[PURSE_MONTH].ends_us);
    tenants_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(come_and_go),
        cmocka_unit_test(models_by_name_or_beginning),
        cmocka_unit_test(purses_end_by_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
