/* test_fixed.c: the theorem of fixed.h with random edges inside [lo, hi] and random delays. */
#include "check.h"
#include "fixed.h"
#include "judge.h"
#include "random.h"

enum { TRIALS = 60, SENDS = 1500, PERIOD_US = 1000000, DELAY_US = 40000 };

struct trial {
    struct random random;
    uint64_t seed;
    int64_t limit, slack_us;
    int64_t truth_us;     /* an edge, in sending time */
    int64_t lo_us, hi_us; /* around it */
    struct fixed fixed;
    struct arrival list[SENDS];
};

static int64_t below(struct trial *t, int64_t n)
{
    return (int64_t)random_below(&t->random, (uint64_t)n);
}

/* Any interval that holds the edge, of any width for which the module is made. */
static void trial_init(struct trial *t, uint64_t seed, int64_t slack_us)
{
    *t = (struct trial){.random = {seed}, .seed = seed, .slack_us = slack_us};
    t->limit = 1 + below(t, seed % 2 ? 20 : 1000000);
    t->lo_us = below(t, 3 * PERIOD_US) - PERIOD_US;
    t->hi_us = t->lo_us + below(t, PERIOD_US - slack_us);
    t->truth_us = t->lo_us + below(t, t->hi_us - t->lo_us + 1);
    fixed_init(&t->fixed, t->limit, PERIOD_US, slack_us);
    fixed_edge(&t->fixed, t->lo_us, t->hi_us);
}

/* The edge is better known, or told anew by whole other answers: it is in there all the same.
 */
static void learn(struct trial *t)
{
    t->lo_us = t->truth_us - below(t, (PERIOD_US - t->slack_us) / 2);
    t->hi_us = t->truth_us + below(t, (PERIOD_US - t->slack_us) / 2);
    fixed_edge(&t->fixed, t->lo_us, t->hi_us);
}

static void send_all(struct trial *t, bool learns, int64_t delays_us)
{
    int64_t now_us = 5 * PERIOD_US;
    for (size_t i = 0; i < SENDS; i++) {
        int64_t cost = 1 + below(t, below(t, 20) ? t->limit / 4 + 1 : t->limit);
        if (below(t, 30) == 0)
            now_us += below(t, 2 * PERIOD_US);
        if (learns && below(t, 20) == 0)
            learn(t);
        int64_t wait_us = fixed_wait_us(&t->fixed, now_us, 0, cost);
        assert_seeded(t->seed, wait_us >= 0 && wait_us <= 2 * PERIOD_US);
        now_us += wait_us;
        assert_seeded(t->seed, fixed_wait_us(&t->fixed, now_us, 0, cost) == 0);
        fixed_debit(&t->fixed, now_us, cost);
        int64_t late_us = below(t, 2) ? below(t, delays_us + 1) : below(t, 2) * delays_us;
        t->list[i] = (struct arrival){now_us + DELAY_US + late_us, cost};
    }
    judge_sort(t->list, SENDS);
}

static bool holds(const struct trial *t)
{
    return judge_fixed(t->list, SENDS, t->limit, PERIOD_US, t->truth_us + DELAY_US);
}

static void never_more_than_limit_in_any_window(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, (int64_t)(seed % 5) * 60000);
        send_all(&t, false, t.slack_us);
        assert_seeded(seed, holds(&t));
    }
}

static void nor_while_the_edge_becomes_better_known(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, (int64_t)(seed % 5) * 60000);
        send_all(&t, true, t.slack_us);
        assert_seeded(seed, holds(&t));
    }
}

/* The judge can say no: to an edge that was not in the interval, and to delays that vary by
 * more than was said. */
static void a_wrong_interval_or_slack_is_caught(void **state)
{
    static struct trial t;
    int elsewhere = 0, slow = 0;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, 10000);
        send_all(&t, false, t.slack_us);
        int64_t outside_us = (t.hi_us + t.lo_us + PERIOD_US) / 2 + DELAY_US;
        elsewhere += !judge_fixed(t.list, SENDS, t.limit, PERIOD_US, outside_us);
        trial_init(&t, seed, 0);
        send_all(&t, false, 100000);
        slow += !holds(&t);
    }
    assert_true(elsewhere > TRIALS / 2 && slow > TRIALS / 10);
}

/* The wait is exact: it does not fit a microsecond before, nor at any time on the way there. */
static void the_wait_is_the_first_instant_that_fits(void **state)
{
    enum { SHORT_US = 100, LIMIT = 5 };
    struct random r = {1};
    for (int n = 0; n < 400; n++) {
        struct fixed f;
        fixed_init(&f, LIMIT, SHORT_US, (int64_t)random_below(&r, 20));
        int64_t lo_us = (int64_t)random_below(&r, SHORT_US);
        fixed_edge(&f, lo_us, lo_us + (int64_t)random_below(&r, 70));
        for (int64_t now_us = SHORT_US; now_us < 8 * SHORT_US;) {
            int64_t cost = 1 + (int64_t)random_below(&r, LIMIT);
            int64_t wait_us = fixed_wait_us(&f, now_us, 0, cost);
            for (int64_t early_us = 0; early_us < wait_us; early_us++)
                assert_true(fixed_wait_us(&f, now_us + early_us, 0, cost) ==
                            wait_us - early_us);
            now_us += wait_us;
            assert_int_equal(0, fixed_wait_us(&f, now_us, 0, cost));
            assert_true(fixed_wait_us(&f, now_us, LIMIT, cost) > 0); /* all promised */
            fixed_debit(&f, now_us, cost);
            now_us += (int64_t)random_below(&r, 30);
        }
    }
}

/* An edge known exactly, and delays all alike: all of every window is used. */
static void nothing_is_held_back_that_would_have_fit(void **state)
{
    struct fixed f;
    fixed_init(&f, 10, PERIOD_US, 0);
    fixed_edge(&f, 300000, 300000);
    for (int64_t now_us = 1300000; now_us < 20 * PERIOD_US; now_us += PERIOD_US) {
        assert_int_equal(0, fixed_wait_us(&f, now_us, 0, 10));
        fixed_debit(&f, now_us, 10);
        assert_int_equal(PERIOD_US, fixed_wait_us(&f, now_us, 0, 1));
        assert_int_equal(1, fixed_wait_us(&f, now_us + PERIOD_US - 1, 0, 1));
    }
}

static void what_may_land_on_either_side_is_charged_to_both(void **state)
{
    struct fixed f;
    fixed_init(&f, 10, PERIOD_US, 100000);
    fixed_edge(&f, 300000, 400000);
    struct fixed_span before = fixed_span(&f, 199999), between = fixed_span(&f, 200000),
                      last = fixed_span(&f, 399999), after = fixed_span(&f, 400000);
    assert_true(before.first == -1 && before.last == -1);
    assert_true(between.first == -1 && between.last == 0);
    assert_true(last.first == -1 && last.last == 0);
    assert_true(after.first == 0 && after.last == 0);
    fixed_debit(&f, 250000, 4);
    assert_int_equal(4, fixed_used(&f, -1));
    assert_int_equal(4, fixed_used(&f, 0));
    fixed_debit(&f, 500000, 3);
    assert_int_equal(7, fixed_used(&f, 0));
    assert_int_equal(3, fixed_level(&f, 500000));
    assert_int_equal(3, fixed_level(&f, 250000)); /* the fuller of the two */
}

static void an_amendment_reaches_the_windows_that_were_charged(void **state)
{
    struct fixed f;
    fixed_init(&f, 10, PERIOD_US, 100000);
    fixed_edge(&f, 300000, 400000);
    fixed_debit(&f, 250000, 4);
    fixed_debit(&f, 500000, 3);
    fixed_amend(&f, 250000, -4);
    assert_int_equal(0, fixed_used(&f, -1));
    assert_int_equal(3, fixed_used(&f, 0));
    fixed_amend(&f, 250000, 2); /* it was charged after all */
    assert_int_equal(2, fixed_used(&f, -1));
    assert_int_equal(5, fixed_used(&f, 0));
    fixed_amend(&f, 250000, -100);
    assert_int_equal(0, fixed_used(&f, 0)); /* never less than nothing */
    for (int i = 1; i <= FIXED_KEPT; i++)
        fixed_debit(&f, 500000 + i * PERIOD_US, 1);
    fixed_amend(&f, 500000, 9); /* forgotten: charged to nobody else */
    for (int i = 1; i <= FIXED_KEPT; i++)
        assert_int_equal(1, fixed_used(&f, i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_more_than_limit_in_any_window),
        cmocka_unit_test(nor_while_the_edge_becomes_better_known),
        cmocka_unit_test(a_wrong_interval_or_slack_is_caught),
        cmocka_unit_test(the_wait_is_the_first_instant_that_fits),
        cmocka_unit_test(nothing_is_held_back_that_would_have_fit),
        cmocka_unit_test(what_may_land_on_either_side_is_charged_to_both),
        cmocka_unit_test(an_amendment_reaches_the_windows_that_were_charged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
