/* mode_choice: for a deadline the cheapest way that keeps it, for a budget the soonest; what is
 * not known is said. */
#include "check.h"
#include "mode_choice.h"
#include "random.h"

#define HOUR   INT64_C(3600000000)
#define MINUTE INT64_C(60000000)
#define USD    INT64_C(1000000000000)

static struct choice_group group(int64_t requests, int64_t live_us)
{
    return (struct choice_group){.requests = requests,
                                 .live_us = live_us,
                                 .window_us = 24 * HOUR,
                                 .live_pusd = 10 * USD,
                                 .batch_pusd = 5 * USD,
                                 .batches = true};
}

static void a_deadline_is_kept_for_the_least_money(void **state)
{
    static const struct {
        int64_t deadline_us, live_us, batch;
        enum choice_why why;
        int64_t cost_pusd;
    } rows[] = {
        /* a day and the time to ask it all live after that */
        {25 * HOUR, HOUR, 1000, CHOICE_CHEAPER, 5 * USD},
        {25 * HOUR - 1, HOUR, 1000, CHOICE_TAKE_BACK, 5 * USD},
        /* half of six hours, but for ten minutes: 170 minutes to ask it live */
        {6 * HOUR, 170 * MINUTE, 1000, CHOICE_TAKE_BACK, 5 * USD},
        {6 * HOUR, 171 * MINUTE, 994, CHOICE_PART, INT64_C(5030000000000)},
        {6 * HOUR, 340 * MINUTE, 500, CHOICE_PART, INT64_C(7500000000000)},
        {6 * HOUR, 350 * MINUTE, 485, CHOICE_PART, INT64_C(7575000000000)},
        {6 * HOUR, 351 * MINUTE, 0, CHOICE_NO_TIME, 10 * USD},
        {6 * HOUR, 6 * HOUR, 0, CHOICE_NO_TIME, 10 * USD},
        {19 * MINUTE, MINUTE, 0, CHOICE_NO_TIME, 10 * USD},
        {6 * HOUR, 0, 1000, CHOICE_TAKE_BACK, 5 * USD}, /* as fast as answers come */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct choice_group g = group(1000, rows[i].live_us);
        struct choice c = {.deadline_us = rows[i].deadline_us,
                           .budget_pusd = -1,
                           .cancel_us = 10 * MINUTE,
                           .groups = &g,
                           .n = 1};
        assert_int_equal(mode_choose(&c), CHOICE_MADE);
        if (g.batch != rows[i].batch || g.why != rows[i].why ||
            c.cost_pusd != rows[i].cost_pusd)
            fail_msg("row %zu: %lld of 1000, why %d, cost %lld", i, (long long)g.batch,
                     (int)g.why, (long long)c.cost_pusd);
    }
}

static void a_budget_buys_what_it_can(void **state)
{
    static const struct {
        int64_t budget_pusd, batch[2];
        enum choice_why why[2];
    } rows[] = {
        /* a request of the first costs 5 milli-USD more live, of the second 10 */
        {20 * USD, {0, 0}, {CHOICE_AFFORDED, CHOICE_AFFORDED}},
        {15 * USD, {0, 500}, {CHOICE_AFFORDED, CHOICE_SAVED}},
        {INT64_C(17500000000000), {0, 250}, {CHOICE_AFFORDED, CHOICE_BOUGHT}},
        {11 * USD, {800, 500}, {CHOICE_BOUGHT, CHOICE_SAVED}},
        {10 * USD, {1000, 500}, {CHOICE_SAVED, CHOICE_SAVED}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct choice_group g[2] = {group(1000, -1), group(500, -1)};
        struct choice c = {
            .deadline_us = -1, .budget_pusd = rows[i].budget_pusd, .groups = g, .n = 2};
        assert_int_equal(mode_choose(&c), CHOICE_MADE);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(g[k].batch, rows[i].batch[k]);
            assert_int_equal(g[k].why, rows[i].why[k]);
        }
        assert_true(c.cost_pusd <= rows[i].budget_pusd);
    }
    struct choice_group g = group(10, -1);
    struct choice c = {.deadline_us = -1, .budget_pusd = 5 * USD - 1, .groups = &g, .n = 1};
    assert_int_equal(mode_choose(&c), CHOICE_TOO_DEAR);
    assert_int_equal(c.cost_pusd, 5 * USD);
}

static void with_both_the_cheapest_in_time_must_fit(void **state)
{
    struct choice_group g = group(1000, 340 * MINUTE); /* half of it: 7.50 */
    struct choice c = {.deadline_us = 6 * HOUR,
                       .budget_pusd = 8 * USD,
                       .cancel_us = 10 * MINUTE,
                       .groups = &g,
                       .n = 1};
    assert_int_equal(mode_choose(&c), CHOICE_MADE);
    assert_int_equal(g.batch, 500);
    c.budget_pusd = 7 * USD;
    assert_int_equal(mode_choose(&c), CHOICE_TOO_DEAR);
    assert_int_equal(c.cost_pusd, 75 * USD / 10);
}

static void what_is_not_known_is_said(void **state)
{
    struct choice_group g[2] = {group(10, HOUR), group(10, -1)};
    struct choice c = {
        .deadline_us = 6 * HOUR, .budget_pusd = -1, .cancel_us = 0, .groups = g, .n = 2};
    assert_int_equal(mode_choose(&c), CHOICE_TIME_UNKNOWN);
    assert_int_equal(c.fault, 1);
    g[1].live_us = HOUR;
    g[1].live_pusd = g[1].batch_pusd = -1; /* a deadline alone needs no price */
    assert_int_equal(mode_choose(&c), CHOICE_MADE);
    assert_int_equal(c.cost_pusd, -1);
    c.budget_pusd = 100 * USD;
    assert_int_equal(mode_choose(&c), CHOICE_PRICE_UNKNOWN);
    assert_int_equal(c.fault, 1);
    g[1] = group(10, HOUR);
    g[1].batches = false;
    c.deadline_us = -1;
    assert_int_equal(mode_choose(&c), CHOICE_MADE);
    assert_int_equal(g[1].batch, 0);
    assert_int_equal(g[1].why, CHOICE_NO_GAIN);
}

static void a_deadline_that_cannot_be_kept(void **state)
{
    for (int batches = 0; batches < 2; batches++) {
        struct choice_group g[2] = {group(10, HOUR), group(10, 6 * HOUR + 1)};
        g[1].batches = batches;
        struct choice c = {.deadline_us = 6 * HOUR, .budget_pusd = -1, .groups = g, .n = 2};
        assert_int_equal(mode_choose(&c), CHOICE_TOO_LATE);
        assert_int_equal(c.fault, 1);
        g[1].live_us--;
        assert_int_equal(mode_choose(&c), CHOICE_MADE);
    }
}

/* Whatever is asked: what a batch gives up can be asked live in what time is left; a budget is
 * never passed. */
static void random_choices_keep_their_word(void **state)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct random r = {seed};
        struct choice_group g[3];
        for (size_t i = 0; i < 3; i++) {
            g[i] = group((int64_t)random_below(&r, 1000) + 1,
                         (int64_t)random_below(&r, (uint64_t)(12 * HOUR)));
            g[i].live_pusd = (int64_t)random_below(&r, (uint64_t)(9 * USD));
            g[i].batch_pusd = g[i].live_pusd / 2;
            g[i].batches = random_below(&r, 5) > 0;
        }
        struct choice c = {.deadline_us =
                               (int64_t)random_below(&r, (uint64_t)(40 * HOUR)) - HOUR,
                           .budget_pusd = (int64_t)random_below(&r, (uint64_t)(20 * USD)) - USD,
                           .cancel_us = (int64_t)random_below(&r, (uint64_t)HOUR),
                           .groups = g,
                           .n = 3};
        enum choice_end end = mode_choose(&c);
        bool late = false;
        for (size_t i = 0; i < 3; i++)
            late |= c.deadline_us >= 0 && g[i].live_us > c.deadline_us;
        assert_seeded(seed, late == (end == CHOICE_TOO_LATE));
        if (late)
            continue;
        assert_seeded(seed, end == CHOICE_MADE || end == CHOICE_TOO_DEAR);
        for (size_t i = 0; i < 3 && c.deadline_us >= 0; i++) {
            assert_seeded(seed, g[i].batch >= 0 && g[i].batch <= g[i].requests);
            assert_seeded(seed, g[i].batches || g[i].batch == 0);
            int64_t again_us = g[i].live_us * g[i].batch / g[i].requests;
            assert_seeded(seed, !g[i].batch || g[i].why == CHOICE_CHEAPER ||
                                    again_us + c.cancel_us <= c.deadline_us / 2);
        }
        if (end == CHOICE_MADE && c.budget_pusd >= 0)
            assert_seeded(seed, c.cost_pusd <= c.budget_pusd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_kept_for_the_least_money),
        cmocka_unit_test(a_budget_buys_what_it_can),
        cmocka_unit_test(with_both_the_cheapest_in_time_must_fit),
        cmocka_unit_test(what_is_not_known_is_said),
        cmocka_unit_test(a_deadline_that_cannot_be_kept),
        cmocka_unit_test(random_choices_keep_their_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
