/* test_alerts.c: each alert at its threshold, its start and its end, and no storm. */
#include "stage.h"

#include <stdio.h>

static void refuse(struct stage *s, enum tally_cause cause, enum dimension dim, int n)
{
    s->tallies[0].refusals[cause][dim] += n;
}

static struct scene_alert the_one(struct stage *s)
{
    alerts_draw(s->alerts, &s->scene);
    assert_int_equal(1, s->scene.alert_count);
    return s->scene.alerts[0];
}

static void assert_has(struct str text, const char *words)
{
    if (str_find(text, str_of(words), 0) < 0)
        fail_msg("\"%s\" is not in \"%.*s\"", words, STR_ARG(text));
}

static void test_refusals_above_one_percent(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    rules.off[ALERT_QUEUE] = true;
    rules.refusals_least = 2; /* so that the one of RPM stays one when requests grow old */
    stage_open(&s, &rules);
    stage_tick(&s);
    stage_work(&s, 200, 1, 10);
    refuse(&s, TALLY_CAUSE_PROVIDER, DIM_TPM, 2); /* 1 % is not above 1 % */
    refuse(&s, TALLY_CAUSE_WAIT, DIM_RPM, 1);     /* another limit: by its own */
    stage_tick(&s);
    assert_int_equal(0, s.started);
    refuse(&s, TALLY_CAUSE_PROVIDER, DIM_TPM, 1);
    stage_tick(&s);
    assert_int_equal(1, s.started);
    struct scene_alert a = the_one(&s);
    assert_string_equal("refusals", a.kind);
    assert_int_equal(DIM_TPM, a.dim);
    assert_has(a.text, "main gpt-4o: 1.5 % of requests refused by tokens per minute (tpm) in "
                       "5 min: 3 of 200, 3 by the provider, 0 here");
    assert_has(a.advice, "lower `use`");
    /* The window has to pass, and then it has to be calm. */
    stage_pass(&s, 5 * 60 + 110);
    assert_int_equal(0, s.ended);
    stage_pass(&s, 20);
    assert_int_equal(1, s.ended);
    stage_close(&s);
}

static void test_a_tenants_limits_are_no_alert(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    stage_tick(&s);
    refuse(&s, TALLY_CAUSE_TENANT, DIM_TPM, 100);
    refuse(&s, TALLY_CAUSE_SIZE, DIM_TPM, 100);
    stage_pass(&s, 60);
    assert_int_equal(0, s.started);
    stage_close(&s);
}

/* 80 % of 30,000 is 24,000 a minute. */
static void test_saturation(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    struct diag diag;
    struct catalogue *catalogue = catalogue_open(STR(""), "", &diag);
    assert_non_null(catalogue);
    stage_open(&s, &rules);
    s.account.catalogue = catalogue;
    stage_tick(&s);
    stage_work(&s, 900, 1, 380); /* 76 % */
    assert_int_equal(0, s.started);
    stage_work(&s, 600, 1, 450); /* 90 %, not yet for ten minutes */
    assert_int_equal(0, s.started);
    stage_work(&s, 120, 1, 450);
    assert_int_equal(1, s.started);
    struct scene_alert a = the_one(&s);
    assert_string_equal("saturation", a.kind);
    assert_has(a.text, "used of 30,000 tokens per minute (tpm): above 80 % for 10 min");
    assert_has(a.advice, "Tier 2 has ");
    stage_work(&s, 240, 1, 0);
    assert_int_equal(1, s.ended);
    stage_close(&s);
    catalogue_close(&catalogue);
}

static void test_no_tier_is_guessed(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    rules.saturation_for_us = 10 * SECOND;
    stage_open(&s, &rules);
    s.pools[0].budgets[0].level = 100;
    stage_pass(&s, 20);
    assert_has(the_one(&s).advice, "not known");
    stage_close(&s);
}

static void test_headroom(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    rules.off[ALERT_REFUSALS] = true;
    stage_open(&s, &rules);
    stage_tick(&s);
    refuse(&s, TALLY_CAUSE_HEADROOM, DIM_RPM, 1);
    stage_tick(&s);
    assert_string_equal("headroom", the_one(&s).kind);
    stage_close(&s);
}

/* Nobody asks: that proves nothing. An answer does. */
static void test_wallet(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    stage_work(&s, 5, 1, 10);
    s.tallies[1].wallet_empty++;
    stage_tick(&s);
    assert_int_equal(1, s.started);
    assert_string_equal("critical", the_one(&s).severity);
    stage_pass(&s, 3600);
    assert_int_equal(0, s.ended);
    stage_work(&s, 1, 1, 10);
    stage_pass(&s, 121);
    assert_int_equal(1, s.ended);
    stage_close(&s);
}

static void test_key(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    s.account.keys_refused = 1;
    stage_tick(&s);
    assert_has(the_one(&s).text, "refuses 1 of 2 keys");
    s.account.retired = true; /* nobody uses it any more */
    stage_pass(&s, 121);
    assert_int_equal(1, s.ended);
    stage_close(&s);
}

static void test_queue(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    rules.off[ALERT_REFUSALS] = true;
    stage_open(&s, &rules);
    stage_tick(&s);
    s.pools[0].queued = 40;
    refuse(&s, TALLY_CAUSE_WAIT, DIM_TPM, 3);
    stage_tick(&s);
    assert_string_equal("queue", the_one(&s).kind);
    assert_has(the_one(&s).text, "3 turned away in 1 min");
    assert_has(the_one(&s).text, "(40 wait now)");
    s.account.paused = true; /* one alert, not two */
    stage_tick(&s);
    assert_int_equal(2, s.started);
    stage_pass(&s, 121);
    assert_string_equal("outage", the_one(&s).kind);
    stage_close(&s);
}

static void test_outage(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    rules.outage_for_us = 5 * SECOND;
    stage_open(&s, &rules);
    s.account.paused = true;
    s.account.trouble = STR("connection refused");
    stage_pass(&s, 5);
    assert_int_equal(0, s.started);
    stage_tick(&s);
    assert_int_equal(1, s.started);
    assert_has(the_one(&s).text, "the provider is out: connection refused");
    stage_close(&s);
}

/* Out for a minute every four minutes, for six hours: 90 times. */
static void test_what_flaps_is_told_a_few_times(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    for (int i = 0; i < 90; i++) {
        s.account.paused = true;
        stage_pass(&s, 60);
        s.account.paused = false;
        stage_pass(&s, 180);
    }
    assert_in_range(s.started, 1, 2);
    assert_in_range(s.ended, 0, 1);
    stage_pass(&s, 3600);
    assert_int_equal(s.started, s.ended);
    stage_close(&s);
}

/* Short gaps are no end at all. */
static void test_what_pauses_shortly_goes_on(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    for (int i = 0; i < 100; i++) {
        s.account.paused = i % 2 == 0;
        stage_pass(&s, 30);
    }
    assert_int_equal(1, s.started);
    assert_int_equal(0, s.ended);
    stage_close(&s);
}

static void test_a_kind_may_be_off(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    rules.off[ALERT_OUTAGE] = true;
    stage_open(&s, &rules);
    s.account.paused = true;
    stage_pass(&s, 60);
    assert_int_equal(0, s.started);
    stage_close(&s);
}

/* Every model of 200 is refused at once. */
static void test_bounded(void **unused)
{
    enum { MODELS = 200 };
    struct alert_rules rules = alert_rules_defaults();
    struct history *h = history_new();
    struct alerts *a = alerts_new(&rules);
    static struct scene_pool pools[MODELS];
    static struct tally tallies[MODELS];
    static char names[MODELS][16];
    struct scene scene = {.pools = pools, .pool_count = MODELS};
    size_t told = 0;
    for (int i = 0; i < MODELS; i++) {
        snprintf(names[i], sizeof names[i], "model-%d", i);
        pools[i] = (struct scene_pool){
            .account = STR("main"), .model = str_of(names[i]), .tally = &tallies[i]};
    }
    history_see(h, &scene, 0);
    for (int i = 0; i < MODELS; i++)
        tallies[i].refusals[TALLY_CAUSE_PROVIDER][DIM_RPM] = 1;
    history_see(h, &scene, SECOND);
    alerts_see(a, &scene, h, SECOND);
    while (alerts_change(a, told))
        told++;
    alerts_draw(a, &scene);
    assert_int_equal(ALERTS_MAX, told);
    assert_int_equal(ALERTS_MAX, scene.alert_count);
    assert_int_equal(MODELS - ALERTS_MAX, scene.alerts_left_out);
    alerts_free(&a);
    history_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals_above_one_percent),
        cmocka_unit_test(test_a_tenants_limits_are_no_alert),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_no_tier_is_guessed),
        cmocka_unit_test(test_headroom),
        cmocka_unit_test(test_wallet),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_what_flaps_is_told_a_few_times),
        cmocka_unit_test(test_what_pauses_shortly_goes_on),
        cmocka_unit_test(test_a_kind_may_be_off),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
