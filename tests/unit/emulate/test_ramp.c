/* test_ramp.c: above a floor, traffic may grow by half per quarter of an hour and no faster. */
#include "check.h"
#include "ramp.h"
#include "random.h"

enum { MINUTE = 1000000, QUARTER = 15 * MINUTE, FLOOR = 1000 };

/* As much as is let in at every moment, for hours: the floor, then half as much again each
 * quarter, exactly. */
static void the_most_that_is_let_in(void **state)
{
    struct ramp r = ramp_new(FLOOR, MINUTE);
    int64_t allowed = FLOOR;
    for (int64_t minute = 0; minute < 15 * 8; minute++) {
        int64_t sum = 0, retry_us = -1, now_us = minute * MINUTE + 17;
        if (minute && minute % 15 == 0)
            allowed += allowed / 2;
        while (ramp_take(&r, now_us, 10, &retry_us))
            sum += 10;
        assert_int_equal(allowed / 10 * 10, sum);
        assert_int_equal(MINUTE - 17, retry_us); /* the next minute */
        allowed = minute % 15 == 14 ? sum : allowed;
    }
}

/* Any traffic: in no minute more than the floor or half as much again as in the busiest minute
 * of the quarter before. */
static void any_traffic_grows_no_faster(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random = {seed};
        struct ramp r = ramp_new(FLOOR, MINUTE);
        int64_t now_us = 0, minute = 0, quarter = 0, sum = 0, peak = 0, before = 0;
        for (int i = 0; i < 20000; i++) {
            int64_t retry_us, tokens = 1 + (int64_t)random_below(&random, 900);
            now_us += (int64_t)random_below(&random,
                                            random_below(&random, 500) ? 40000 : 3 * QUARTER);
            if (now_us / QUARTER != quarter) {
                before = now_us / QUARTER == quarter + 1 ? peak : 0;
                quarter = now_us / QUARTER;
                peak = 0;
            }
            if (now_us / MINUTE != minute)
                sum = 0;
            minute = now_us / MINUTE;
            if (!ramp_take(&r, now_us, tokens, &retry_us)) {
                assert_seeded(seed, retry_us == (minute + 1) * MINUTE - now_us);
                assert_seeded(seed, sum + tokens > FLOOR);
                continue;
            }
            sum += tokens;
            peak = sum > peak ? sum : peak;
            int64_t most = before + before / 2;
            assert_seeded(seed, sum <= (most > FLOOR ? most : FLOOR));
        }
    }
}

static void without_a_floor_there_is_no_limit(void **state)
{
    struct ramp r = ramp_new(0, MINUTE);
    int64_t retry_us;
    for (int i = 0; i < 100; i++)
        assert_true(ramp_take(&r, 5, INT64_C(1) << 50, &retry_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_that_is_let_in),
        cmocka_unit_test(any_traffic_grows_no_faster),
        cmocka_unit_test(without_a_floor_there_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
