/* test_breaker.c: each arrow of the diagram in breaker.h, and the retry budget. */
#include "breaker.h"
#include "check.h"
#include "random.h"

enum { SECOND = 1000000 };

static struct breaker opened(int64_t now_us)
{
    struct breaker b;
    breaker_init(&b);
    for (int i = 1; i < BREAKER_FAULTS; i++)
        assert_false(breaker_fault(&b, now_us));
    assert_true(breaker_fault(&b, now_us));
    return b;
}

static void only_faults_in_a_row_open_it(void **state)
{
    struct breaker b;
    breaker_init(&b);
    for (int n = 0; n < 10; n++) {
        for (int i = 1; i < BREAKER_FAULTS; i++)
            assert_false(breaker_fault(&b, n));
        assert_int_equal(0, breaker_wait_us(&b, n));
        breaker_answer(&b);
    }
    b = opened(5 * SECOND);
    assert_int_equal(BREAKER_OPEN, b.state);
    assert_false(breaker_fault(&b, 5 * SECOND + 1)); /* of what was still in flight: no news */
    assert_int_equal(SECOND, breaker_wait_us(&b, 5 * SECOND));
    assert_int_equal(1, breaker_wait_us(&b, 6 * SECOND - 1));
    assert_int_equal(0, breaker_wait_us(&b, 6 * SECOND));
}

/* One probe alone; each that fails doubles the pause, up to a minute; it stays one outage. */
static void a_failed_probe_doubles_the_pause(void **state)
{
    int64_t now_us = 0, pause_us = SECOND;
    struct breaker b = opened(now_us);
    for (int n = 0; n < 12; n++) {
        assert_int_equal(pause_us, breaker_wait_us(&b, now_us));
        now_us += pause_us;
        assert_int_equal(0, breaker_wait_us(&b, now_us));
        breaker_send(&b);
        assert_int_equal(INT64_MAX, breaker_wait_us(&b, now_us + 3600 * INT64_C(1000000)));
        assert_false(breaker_fault(&b, now_us));
        pause_us = pause_us < 30 * SECOND ? 2 * pause_us : 60 * SECOND;
    }
}

static void any_answer_closes_it_and_forgets_the_pause(void **state)
{
    for (int probing = 0; probing < 2; probing++) {
        struct breaker b = opened(0);
        if (probing)
            breaker_send(&b);
        breaker_answer(&b);
        assert_int_equal(0, breaker_wait_us(&b, 0));
        for (int i = 1; i <= BREAKER_FAULTS; i++)
            assert_true(breaker_fault(&b, 0) == (i == BREAKER_FAULTS));
        assert_int_equal(SECOND, breaker_wait_us(&b, 0));
    }
}

static void a_probe_given_up_makes_way_for_another(void **state)
{
    struct breaker b = opened(0);
    breaker_send(&b);
    breaker_forget(&b);
    assert_int_equal(0, breaker_wait_us(&b, SECOND));
    breaker_send(&b);
    assert_int_equal(INT64_MAX, breaker_wait_us(&b, SECOND));
    breaker_answer(&b);
    breaker_forget(&b); /* closed: nothing was a probe */
    breaker_send(&b);
    assert_int_equal(BREAKER_CLOSED, b.state);
}

/* A fifth of the answers, one a second, and what the floor allows: never more retries. */
static void retries_are_a_share_of_answers(void **state)
{
    enum { FLOOR = 64, SHARE = 5 };
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random r = {seed};
        struct breaker b;
        int64_t retries = 0, answers = 0, now_us = 0;
        breaker_init(&b);
        for (int i = 0; i < 20000; i++) {
            now_us += (int64_t)random_below(&r, SECOND / 10);
            if (random_below(&r, 3) == 0) {
                breaker_answer(&b);
                answers++;
                continue;
            }
            int64_t wait_us = breaker_retry_us(&b, now_us);
            retries += wait_us == 0;
            assert_seeded(seed, wait_us >= 0 && wait_us <= SECOND);
            assert_seeded(seed, retries <= FLOOR + answers / SHARE + now_us / SECOND + 1);
        }
        assert_seeded(seed, retries >= answers / SHARE);
    }
}

static void without_credit_one_a_second_goes(void **state)
{
    struct breaker b;
    int free = 0, saved = 0;
    breaker_init(&b);
    while (b.retried_us < 0 && breaker_retry_us(&b, 0) == 0)
        free++;
    assert_int_equal(64 + 1, free);
    assert_int_equal(SECOND, breaker_retry_us(&b, 0));
    assert_int_equal(1, breaker_retry_us(&b, SECOND - 1));
    assert_int_equal(0, breaker_retry_us(&b, SECOND));
    assert_int_equal(SECOND, breaker_retry_us(&b, SECOND));
    for (int i = 0; i < 1000000; i++)
        breaker_answer(&b);
    while (breaker_retry_us(&b, SECOND) == 0)
        saved++;
    assert_int_equal(1024, saved); /* what is saved up in a good week is not spent in a storm */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_faults_in_a_row_open_it),
        cmocka_unit_test(a_failed_probe_doubles_the_pause),
        cmocka_unit_test(any_answer_closes_it_and_forgets_the_pause),
        cmocka_unit_test(a_probe_given_up_makes_way_for_another),
        cmocka_unit_test(retries_are_a_share_of_answers),
        cmocka_unit_test(without_credit_one_a_second_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
