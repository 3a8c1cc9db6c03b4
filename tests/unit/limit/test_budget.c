/* Never more than the limit arrives in any window, whatever the schedule, the delays and the
 * window's phase; and nothing is held back that would have fit. */
#include "budget.h"
#include "check.h"
#include "judge.h"
#include "random.h"

#include <stdlib.h>

enum { ARRIVALS = 4000, PERIOD_US = 1000000, SLACK_US = 7000, DELAY_US = 3000 };

struct trial {
    struct random random;
    struct budget budget;
    struct arrival arrivals[ARRIVALS];
    int64_t edge_us;
};

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
    judge_sort(t->arrivals, ARRIVALS);
}

static bool bucket(const struct trial *t, int64_t limit)
{
    return judge_bucket(t->arrivals, ARRIVALS, limit, PERIOD_US);
}

static bool sliding(const struct trial *t, int64_t limit)
{
    return judge_sliding(t->arrivals, ARRIVALS, limit, PERIOD_US);
}

static bool fixed(const struct trial *t, int64_t limit)
{
    return judge_fixed(t->arrivals, ARRIVALS, limit, PERIOD_US, t->edge_us);
}

static void trials(enum window_kind kind, bool phase_known,
                   bool (*judge)(const struct trial *t, int64_t limit))
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct trial *t = calloc(1, sizeof *t);
        t->random.state = seed;
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
        assert_seeded(seed, judge(t, limit));
        budget_free(&t->budget);
        free(t);
    }
}

static void bucket_never_lacks(void **state)
{
    trials(WINDOW_BUCKET, false, bucket);
}

static void sliding_never_exceeds(void **state)
{
    trials(WINDOW_SLIDING, false, sliding);
}

static void fixed_of_unknown_phase_never_exceeds(void **state)
{
    trials(WINDOW_FIXED, false, fixed);
}

static void fixed_of_known_phase_never_exceeds(void **state)
{
    trials(WINDOW_FIXED, true, fixed);
}

static void unknown_window_never_exceeds_any(void **state)
{
    trials(WINDOW_AUTO, false, fixed);
    trials(WINDOW_AUTO, false, sliding);
    trials(WINDOW_AUTO, false, bucket);
}

/* Few providers tell what is left of a day: to feel for it would take most of it. */
static void a_day_is_not_spent_evenly(void **state)
{
    for (enum window_kind kind = WINDOW_AUTO; kind <= WINDOW_SLICES; kind++) {
        enum { LIMIT = 1000 };
        struct budget b;
        struct limit_spec spec = {DIM_RPD, LIMIT, 1440 * INT64_C(1000000)};
        struct budget_rules rules = {
            .window = kind, .minute_us = PERIOD_US, .slice_us = 1000, .use_percent = 100};
        struct draw one = {.units = 1};
        budget_init(&b, &spec, &rules);
        for (int n = 0; n < LIMIT; n++) {
            assert_int_equal(0, budget_wait_us(&b, PERIOD_US, one));
            budget_hold(&b, PERIOD_US, one);
            budget_charge(&b, PERIOD_US, one);
        }
        assert_true(budget_wait_us(&b, PERIOD_US, one) > PERIOD_US);
        budget_free(&b);
    }
}

/* What is kept free for strangers and for wrong guesses never shuts out for good what fits an
 * empty budget: after a refusal a request of nearly the limit was never sent. */
static void the_largest_request_goes_whatever_is_kept_free(void **state)
{
    enum { LIMIT = 1000, KEPT = 70 };
    for (enum window_kind kind = WINDOW_AUTO; kind <= WINDOW_SLICES; kind++) {
        for (int64_t units = LIMIT - 2 * KEPT; units <= LIMIT; units++) {
            struct budget b;
            struct limit_spec spec = {DIM_TPM, LIMIT, PERIOD_US};
            struct budget_rules rules = {.window = kind,
                                         .minute_us = PERIOD_US,
                                         .slice_us = PERIOD_US / 60,
                                         .slack_us = SLACK_US,
                                         .use_percent = 100,
                                         .idle = true,
                                         .later = units % 2};
            struct draw some = {.units = 10}, most = {.units = units};
            int64_t now_us = PERIOD_US;
            budget_init(&b, &spec, &rules);
            b.margin = b.caution = KEPT / 2;
            budget_hold(&b, now_us, some);
            budget_charge(&b, now_us, some);
            for (int64_t wait_us; (wait_us = budget_wait_us(&b, now_us, most)) > 0;) {
                now_us += wait_us;
                assert_true(now_us < 4 * PERIOD_US);
            }
            budget_free(&b);
        }
    }
}

/* Nobody knows what a bucket holds before the first answer: a fortieth at once and the rest
 * evenly, whenever the clock began; once an answer has told, or after a period, in which it has
 * refilled, all of it. A single request is its own probe. */
static void an_unheard_bucket_is_spent_evenly(void **state)
{
    static const int64_t starts_us[] = {0, 10 * PERIOD_US, INT64_C(1) << 50};
    for (size_t i = 0; i < 3; i++) {
        enum { LIMIT = 4000, COST = 10, AT_ONCE = LIMIT / 40 };
        struct budget b;
        struct limit_spec spec = {DIM_TPM, LIMIT, PERIOD_US};
        struct budget_rules rules = {
            .window = WINDOW_BUCKET, .minute_us = PERIOD_US, .use_percent = 100};
        struct draw some = {.units = COST}, most = {.units = LIMIT};
        int64_t now_us = starts_us[i];
        budget_init(&b, &spec, &rules);
        assert_int_equal(0, budget_wait_us(&b, now_us, most));
        for (int64_t n = 1; n <= LIMIT / COST; n++) {
            now_us += budget_wait_us(&b, now_us, some);
            budget_hold(&b, now_us, some);
            budget_charge(&b, now_us, some);
            int64_t passed_us = now_us - starts_us[i];
            assert_true(n * COST <= AT_ONCE + LIMIT * passed_us / PERIOD_US);
        }
        assert_true(now_us - starts_us[i] < PERIOD_US);
        some.units = LIMIT - 2 * AT_ONCE;
        assert_int_equal(starts_us[i] + PERIOD_US - now_us, budget_wait_us(&b, now_us, some));
        assert_int_equal(0, budget_wait_us(&b, starts_us[i] + PERIOD_US, some));
        b.heard = true;
        assert_int_equal(0, budget_wait_us(&b, now_us, some));
        budget_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_never_lacks),
        cmocka_unit_test(sliding_never_exceeds),
        cmocka_unit_test(fixed_of_unknown_phase_never_exceeds),
        cmocka_unit_test(fixed_of_known_phase_never_exceeds),
        cmocka_unit_test(unknown_window_never_exceeds_any),
        cmocka_unit_test(an_unheard_bucket_is_spent_evenly),
        cmocka_unit_test(a_day_is_not_spent_evenly),
        cmocka_unit_test(the_largest_request_goes_whatever_is_kept_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
