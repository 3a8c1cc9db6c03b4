/* The log against a plain list of everything that was ever debited. */
#include "check.h"
#include "random.h"
#include "window.h"

enum { STEPS = 4000, PERIOD_US = 1000000, SLACK_US = 5000, CELL_US = PERIOD_US / 1000 + 1 };

struct debit {
    int64_t at_us, units;
};

static int64_t sum_since(const struct debit *list, int n, int64_t from_us)
{
    int64_t sum = 0;
    for (int i = n - 1; i >= 0 && list[i].at_us >= from_us; i--)
        sum += list[i].units;
    return sum;
}

static void remembers_what_was_sent_when(void **state)
{
    static struct debit list[STEPS];
    struct window w;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random r = {seed};
        int64_t now_us = PERIOD_US;
        window_init(&w, 1 << 30, PERIOD_US, SLACK_US);
        for (int i = 0; i < STEPS; i++) {
            now_us += (int64_t)random_below(&r, random_below(&r, 20) ? 2000 : 50000);
            list[i] = (struct debit){now_us, 1 + (int64_t)random_below(&r, 100)};
            window_debit(&w, now_us, list[i].units);
            int64_t from_us = now_us - (int64_t)random_below(&r, PERIOD_US);
            int64_t exact = sum_since(list, i + 1, from_us);
            assert_true(window_since_most(&w, from_us) >= exact);
            assert_true(window_since_most(&w, from_us) <=
                        sum_since(list, i + 1, from_us - CELL_US));
            assert_true(window_since_least(&w, from_us) <= exact);
            int64_t used = (1 << 30) - window_level(&w, now_us);
            assert_true(used >= sum_since(list, i + 1, now_us - PERIOD_US - SLACK_US));
            assert_true(used <=
                        sum_since(list, i + 1, now_us - PERIOD_US - SLACK_US - CELL_US));
        }
        window_free(&w);
    }
}

/* Far more debits than the ring has cells: two periods are remembered all the same, to within a
 * cell, and every debit leaves when it should. */
static void remembers_two_periods_at_any_rate(void **state)
{
    enum { GAP_US = 50, DEBITS = 3 * PERIOD_US / GAP_US };
    struct window w;
    window_init(&w, 1 << 30, PERIOD_US, SLACK_US);
    for (int64_t i = 1; i <= DEBITS; i++) {
        int64_t now_us = i * GAP_US;
        window_debit(&w, now_us, 1);
        if (now_us <= 2 * PERIOD_US || i % 1000)
            continue;
        int64_t exact = 2 * PERIOD_US / GAP_US + 1;
        assert_in_range(window_since_most(&w, now_us - 2 * PERIOD_US), exact,
                        exact + CELL_US / GAP_US + 1);
        exact = (PERIOD_US + SLACK_US) / GAP_US + 1;
        assert_in_range((1 << 30) - window_level(&w, now_us), exact,
                        exact + CELL_US / GAP_US + 1);
    }
    window_free(&w);
}

static void counts_back(void **state)
{
    struct window w;
    int64_t us;
    window_init(&w, 100, PERIOD_US, SLACK_US);
    for (int i = 1; i <= 5; i++)
        window_debit(&w, i * 100000, 1);
    assert_true(window_back(&w, 400000, 1, &us));
    assert_int_equal(us, 400000);
    assert_true(window_back(&w, 399999, 1, &us));
    assert_int_equal(us, 300000);
    assert_true(window_back(&w, 600000, 5, &us));
    assert_int_equal(us, 100000);
    assert_false(window_back(&w, 600000, 6, &us));
    window_free(&w);
}

static void moves_into_a_range_and_forgets_it_in_time(void **state)
{
    struct window w;
    window_init(&w, 100, PERIOD_US, SLACK_US);
    window_debit(&w, 1000, 30);
    window_clamp(&w, 2000, 0, 50); /* others spent 20 */
    assert_int_equal(50, window_level(&w, 2000));
    window_clamp(&w, 3000, 60, 100); /* no: 10 less */
    assert_int_equal(60, window_level(&w, 3000));
    window_amend(&w, 1000, -5);
    assert_int_equal(65, window_level(&w, 3000));
    assert_int_equal(100, window_level(&w, 3 * PERIOD_US));
    assert_int_equal(30, window_since_most(&w, 0)); /* clamps are not sends */
    window_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_what_was_sent_when),
        cmocka_unit_test(remembers_two_periods_at_any_rate),
        cmocka_unit_test(counts_back),
        cmocka_unit_test(moves_into_a_range_and_forgets_it_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
