/* What is learned of the length of answers, of outages, of numbers in flight, of waits. */
#include "backoff.h"
#include "breaker.h"
#include "check.h"
#include "inflight.h"
#include "output.h"
#include "pace.h"

static void a_cohort_is_not_misled_by_its_quick_answers(void **state)
{
    struct output o = {0};
    uint32_t ids[OUTPUT_COHORT];
    assert_int_equal(1000, output_expect(&o, 1000));
    for (int i = 0; i < OUTPUT_COHORT; i++)
        ids[i] = output_follow(&o, 1000);
    assert_int_equal(0, output_follow(&o, 1000)); /* the cohort is full */
    for (int i = 0; i < 16; i++)
        output_learn(&o, ids[i], 1000, 10, 1000);
    assert_int_equal(1000, output_expect(&o, 1000)); /* short ones alone teach nothing */
    for (int i = 16; i < 28; i++)
        output_learn(&o, ids[i], 1000, 400, 1000);
    /* 16 of 10, 12 of 400, and 4 that count as 600 */
    assert_int_equal((16 * 10 + 12 * 400 + 4 * 600 + 31) / 32, output_expect(&o, 1000));
    assert_true(output_expect(&o, 8000) > 1000); /* another class: in proportion */
}

static void hope_and_loss(void **state)
{
    struct output o = {.hopeful = true};
    assert_int_equal(500, output_expect(&o, 1000));
    uint32_t id = output_follow(&o, 1000);
    output_lose(&o, id, 1000);
    for (int i = 0; i < OUTPUT_COHORT; i++)
        assert_int_not_equal(0, output_follow(&o, 1000)); /* a lost one left its place */
}

static void an_outage_opens_and_a_probe_closes(void **state)
{
    struct breaker b;
    breaker_init(&b);
    for (int i = 1; i < BREAKER_FAULTS; i++)
        assert_false(breaker_fault(&b, 0));
    breaker_answer(&b);
    for (int i = 1; i < BREAKER_FAULTS; i++)
        assert_false(breaker_fault(&b, 0));
    assert_true(breaker_fault(&b, 0));
    int64_t pause_us = breaker_wait_us(&b, 0);
    assert_true(pause_us > 0);
    assert_int_equal(0, breaker_wait_us(&b, pause_us));
    breaker_send(&b);
    assert_int_equal(INT64_MAX, breaker_wait_us(&b, pause_us)); /* one probe alone */
    assert_false(breaker_fault(&b, pause_us));                  /* the same outage */
    assert_int_equal(2 * pause_us, breaker_wait_us(&b, pause_us));
    breaker_send(&b);
    breaker_answer(&b);
    assert_int_equal(0, breaker_wait_us(&b, pause_us));
}

static void retries_are_a_share_of_answers(void **state)
{
    struct breaker b;
    breaker_init(&b);
    int free = 0;
    while (breaker_retry_us(&b, 0) == 0)
        free++;
    assert_in_range(free, 10, 100);
    for (int i = 0; i < 50; i++)
        breaker_answer(&b);
    int earned = 0;
    while (breaker_retry_us(&b, 0) == 0)
        earned++;
    assert_int_equal(10, earned);
    assert_int_equal(0, breaker_retry_us(&b, breaker_retry_us(&b, 0))); /* one a second goes */
}

static void too_many_at_once(void **state)
{
    struct inflight i;
    inflight_init(&i, INFLIGHT_CEILING, false);
    inflight_refused(&i, 100, 50, 40);
    assert_int_equal(30, i.allowed);
    inflight_refused(&i, 110, 60, 39); /* of the same burst */
    assert_int_equal(30, i.allowed);
    for (int n = 0; n < 30; n++)
        inflight_answer(&i);
    assert_int_equal(31, i.allowed);
    inflight_init(&i, INFLIGHT_CEILING, true);
    assert_int_equal(INFLIGHT_FEW, i.allowed);
}

static void waits_grow_and_are_capped(void **state)
{
    struct random r = {7};
    static const int64_t most[] = {500000, 1000000, 2000000, 4000000, 8000000, 8000000};
    for (int n = 0; n < 6; n++) {
        int64_t us = backoff_us(n, -1, &r);
        assert_true(us <= most[n] && us >= most[n] * 3 / 4);
    }
    assert_true(backoff_us(0, 0, &r) > 0); /* no wait asked for is no promise */
    int64_t asked = backoff_us(0, 20000000, &r);
    assert_true(asked >= 20000000 && asked <= 25000000);
    assert_true(backoff_us(0, INT64_C(54749000000), &r) <= 75000000); /* an edge network's */
}

static void names(void **state)
{
    enum window_kind w;
    enum charge_rule c;
    int64_t slice_us = 0;
    assert_int_equal(SL_OK, window_parse(STR("slices:10s"), &w, &slice_us));
    assert_int_equal(WINDOW_SLICES, w);
    assert_int_equal(10000000, slice_us);
    assert_int_equal(SL_OK, window_parse(STR("slices"), &w, &slice_us));
    assert_int_equal(1000000, slice_us);
    assert_int_equal(SL_OK, window_parse(STR("Bucket"), &w, &slice_us));
    assert_int_equal(WINDOW_BUCKET, w);
    assert_int_not_equal(SL_OK, window_parse(STR("bucket:1s"), &w, &slice_us));
    assert_int_not_equal(SL_OK, window_parse(STR("slices:0s"), &w, &slice_us));
    assert_int_not_equal(SL_OK, window_parse(STR("minute"), &w, &slice_us));
    for (enum charge_rule k = CHARGE_MAX; k <= CHARGE_ACTUAL; k++) {
        assert_int_equal(SL_OK, charge_parse(str_of(charge_name(k)), &c));
        assert_int_equal(k, c);
    }
    assert_int_not_equal(SL_OK, charge_parse(STR("least"), &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cohort_is_not_misled_by_its_quick_answers),
        cmocka_unit_test(hope_and_loss),
        cmocka_unit_test(an_outage_opens_and_a_probe_closes),
        cmocka_unit_test(retries_are_a_share_of_answers),
        cmocka_unit_test(too_many_at_once),
        cmocka_unit_test(waits_grow_and_are_capped),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
