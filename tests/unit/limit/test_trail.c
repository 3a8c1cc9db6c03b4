/* The trail against a plain list of everything that went. */
#include "check.h"
#include "random.h"
#include "trail.h"

#include <stdbool.h>

enum { PERIOD_US = 1000000, STEPS = 3000, PERIODS = 9 };

struct step {
    int64_t at_us;
    bool dropped;
};

static int64_t count(const struct step *list, int n, int64_t from_us, int64_t upto_us)
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += !list[i].dropped && list[i].at_us >= from_us && list[i].at_us < upto_us;
    return sum;
}

static void remembers_each_that_went(void **state)
{
    static struct step list[STEPS];
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct random r = {seed};
        struct trail t;
        int64_t now_us = PERIOD_US;
        trail_init(&t, PERIOD_US);
        for (int i = 0; i < STEPS; i++) {
            now_us += 1 + (int64_t)random_below(&r, random_below(&r, 20) ? 4000 : 50000);
            list[i] = (struct step){now_us, random_below(&r, 50) == 0};
            trail_add(&t, now_us);
            if (list[i].dropped)
                trail_drop(&t, now_us);
            int64_t from_us = now_us - (int64_t)random_below(&r, (PERIODS - 1) * PERIOD_US);
            int64_t upto_us = from_us + (int64_t)random_below(&r, PERIOD_US);
            assert_seeded(seed, trail_count(&t, from_us, upto_us) ==
                                    count(list, i + 1, from_us, upto_us));
            assert_seeded(seed, trail_lately(&t, now_us) ==
                                    count(list, i + 1, now_us - PERIOD_US + 1, now_us + 1));
        }
        trail_free(&t);
    }
}

/* Ten times as many as there are cells: those of nine periods all the same, to within a
 * thousandth of one. */
static void remembers_nine_periods_at_any_rate(void **state)
{
    struct trail t;
    int64_t gap_us = PERIOD_US / 10000;
    trail_init(&t, PERIOD_US);
    for (int64_t at_us = 0; at_us < 20 * PERIOD_US; at_us += gap_us)
        trail_add(&t, at_us);
    int64_t end_us = 20 * PERIOD_US;
    for (int64_t p = 1; p < PERIODS; p++) {
        int64_t n = trail_count(&t, end_us - p * PERIOD_US, end_us);
        int64_t exact = p * 10000, cell = 10000 / 800 + 2;
        assert_in_range(n, exact - cell, exact + cell);
    }
    assert_in_range(trail_lately(&t, end_us), 10000 - 14, 10000 + 14);
    trail_free(&t);
}

static void forgets_what_is_long_ago(void **state)
{
    struct trail t;
    trail_init(&t, PERIOD_US);
    trail_add(&t, 5);
    trail_add(&t, 20 * PERIOD_US);
    assert_int_equal(1, trail_count(&t, 0, INT64_MAX));
    trail_drop(&t, 5); /* nothing of it is left to drop */
    assert_int_equal(1, trail_count(&t, 0, INT64_MAX));
    assert_int_equal(20 * PERIOD_US, t.last_us);
    trail_free(&t);
}

static void another_process_may_say_what_went(void **state)
{
    struct trail t;
    trail_init(&t, PERIOD_US);
    trail_recall(&t, 100, 42);
    assert_int_equal(42, trail_lately(&t, 100));
    trail_add(&t, 200);
    assert_int_equal(43, trail_lately(&t, PERIOD_US));
    assert_int_equal(1, trail_lately(&t, PERIOD_US + 100));
    trail_free(&t);
    trail_init(&t, PERIOD_US);
    trail_recall(&t, 100, 0);
    assert_int_equal(0, trail_lately(&t, 100));
    trail_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_each_that_went),
        cmocka_unit_test(remembers_nine_periods_at_any_rate),
        cmocka_unit_test(forgets_what_is_long_ago),
        cmocka_unit_test(another_process_may_say_what_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
