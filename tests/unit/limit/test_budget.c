/* Never more than the limit arrives in any window, whatever the schedule, the delays and the
 * window's phase; and nothing is held back that would have fit. */
#include "budget.h"
#include "check.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARRIVALS = 4000, PERIOD_US = 1000000, SLACK_US = 7000, DELAY_US = 3000 };

struct arrival {
    int64_t at_us, cost;
};

struct trial {
    struct random random;
    struct budget budget;
    struct arrival arrivals[ARRIVALS];
    uint64_t seed;
    const char *window;
    int64_t edge_us;
};

static int by_time(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

/* Admits random costs after random idle spans, each at the first instant allowed. */
static void run(struct trial *t, int64_t limit)
{
    int64_t now_us = 5 * PERIOD_US;
    for (size_t i = 0; i < ARRIVALS; i++) {
        int64_t cost = 1 + (int64_t)random_below(&t->random, (uint64_t)limit / 3 + 1);
        struct draw draw = {.units = cost};
        if (random_below(&t->random, 40) == 0)
            now_us += (int64_t)random_below(&t->random, 2 * PERIOD_US);
        int64_t wait_us = budget_wait_us(&t->budget, now_us, draw);
        if (wait_us > 0) {
            assert_true(wait_us <= 2 * PERIOD_US);
            assert_int_not_equal(0, budget_wait_us(&t->budget, now_us + wait_us - 1, draw));
            now_us += wait_us;
            assert_int_equal(0, budget_wait_us(&t->budget, now_us, draw));
        }
        budget_hold(&t->budget, now_us, draw);
        budget_charge(&t->budget, now_us, draw);
        int64_t late_us = (int64_t)random_below(&t->random, SLACK_US + 1);
        t->arrivals[i] = (struct arrival){now_us + DELAY_US + late_us, cost};
    }
    qsort(t->arrivals, ARRIVALS, sizeof *t->arrivals, by_time);
}

static void fail_trial(const struct trial *t)
{
    fail_msg("%s: seed %llu: more than the limit (rerun: tests/unit/limit/test_budget)",
             t->window, (unsigned long long)t->seed);
}

static void check_bucket(struct trial *t, int64_t limit)
{
    __int128 debt = 0;
    int64_t at_us = 0;
    for (size_t i = 0; i < ARRIVALS; i++) {
        debt -= (__int128)limit * (t->arrivals[i].at_us - at_us);
        debt = (debt > 0 ? debt : 0) + (__int128)t->arrivals[i].cost * PERIOD_US;
        at_us = t->arrivals[i].at_us;
        if (debt > (__int128)limit * PERIOD_US)
            fail_trial(t);
    }
}

static void check_sliding(struct trial *t, int64_t limit)
{
    int64_t sum = 0;
    for (size_t i = 0, tail = 0; i < ARRIVALS; i++) {
        sum += t->arrivals[i].cost;
        while (t->arrivals[tail].at_us < t->arrivals[i].at_us - PERIOD_US)
            sum -= t->arrivals[tail++].cost;
        if (sum > limit)
            fail_trial(t);
    }
}

static void check_fixed(struct trial *t, int64_t limit)
{
    int64_t sum = 0, window = 0;
    for (size_t i = 0; i < ARRIVALS; i++) {
        int64_t index = (t->arrivals[i].at_us - t->edge_us) / PERIOD_US;
        sum = index == window ? sum + t->arrivals[i].cost : t->arrivals[i].cost;
        window = index;
        if (sum > limit)
            fail_trial(t);
    }
}

static void trials(enum window_kind kind, bool phase_known,
                   void (*check)(struct trial *t, int64_t limit))
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct trial *t = calloc(1, sizeof *t);
        t->seed = t->random.state = seed;
        t->window = window_name(kind);
        int64_t limit = 1 + (int64_t)random_below(&t->random, seed % 2 ? 20 : 100000);
        struct limit_spec spec = {.dim = DIM_TPM, .limit = limit, .period_us = PERIOD_US};
        struct budget_rules rules = {.window = kind,
                                     .minute_us = PERIOD_US,
                                     .slice_us = PERIOD_US / 60,
                                     .slack_us = SLACK_US,
                                     .use_percent = 100,
                                     .idle = true};
        budget_init(&t->budget, &spec, &rules);
        t->edge_us = (int64_t)random_below(&t->random, PERIOD_US);
        if (phase_known) {
            int64_t width_us = (int64_t)random_below(&t->random, PERIOD_US / 3);
            counter_edge(&t->budget.spent, 0,
                         (struct edge){.known = true,
                                       .lo_us = t->edge_us - DELAY_US - width_us / 2,
                                       .hi_us = t->edge_us - DELAY_US + width_us / 2});
            assert_true(t->budget.spent.phase_known);
        }
        run(t, limit);
        check(t, limit);
        budget_free(&t->budget);
        free(t);
    }
}

static void bucket_never_lacks(void **state)
{
    trials(WINDOW_BUCKET, false, check_bucket);
}

static void sliding_never_exceeds(void **state)
{
    trials(WINDOW_SLIDING, false, check_sliding);
}

static void fixed_of_unknown_phase_never_exceeds(void **state)
{
    trials(WINDOW_FIXED, false, check_fixed);
}

static void fixed_of_known_phase_never_exceeds(void **state)
{
    trials(WINDOW_FIXED, true, check_fixed);
}

static void unknown_window_never_exceeds_any(void **state)
{
    trials(WINDOW_AUTO, false, check_fixed);
    trials(WINDOW_AUTO, false, check_sliding);
    trials(WINDOW_AUTO, false, check_bucket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_never_lacks),
        cmocka_unit_test(sliding_never_exceeds),
        cmocka_unit_test(fixed_of_unknown_phase_never_exceeds),
        cmocka_unit_test(fixed_of_known_phase_never_exceeds),
        cmocka_unit_test(unknown_window_never_exceeds_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
