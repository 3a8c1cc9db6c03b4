/* test_inflight.c: additive increase, multiplicative decrease, and only news counts. */
#include "check.h"
#include "inflight.h"
#include "random.h"

static void only_a_ceiling_until_told(void **state)
{
    struct inflight i;
    inflight_init(&i, INFLIGHT_CEILING, false);
    assert_int_equal(INFLIGHT_CEILING, i.allowed);
    for (int n = 0; n < 3 * INFLIGHT_CEILING; n++)
        inflight_answer(&i);
    assert_int_equal(INFLIGHT_CEILING, i.allowed);
    inflight_init(&i, INFLIGHT_CEILING, true);
    assert_int_equal(INFLIGHT_FEW, i.allowed);
    inflight_init(&i, 2, true);
    assert_int_equal(2, i.allowed);
}

static void a_burst_of_refusals_cuts_once(void **state)
{
    struct inflight i;
    inflight_init(&i, INFLIGHT_CEILING, false);
    inflight_refused(&i, 100, 50, 40);
    assert_int_equal(30, i.allowed);
    inflight_refused(&i, 110, 100, 39); /* sent before the cut, or at it: no news */
    assert_int_equal(30, i.allowed);
    for (int n = 0; n < 29; n++)
        inflight_answer(&i);
    inflight_refused(&i, 120, 101, 30);
    assert_int_equal(22, i.allowed);
    inflight_answer(&i); /* the round begins anew */
    assert_int_equal(22, i.allowed);
    inflight_refused(&i, 130, 121, 1);
    assert_int_equal(1, i.allowed); /* one goes, whatever is refused */
}

/* One more after each round of answers as long as all that is allowed. */
static void a_round_of_answers_earns_one_more(void **state)
{
    struct inflight i;
    inflight_init(&i, INFLIGHT_CEILING, false);
    inflight_refused(&i, 100, 50, 40);
    for (int64_t allowed = 30; allowed < 60; allowed++) {
        for (int64_t n = 0; n < allowed; n++) {
            assert_int_equal(allowed, i.allowed);
            inflight_answer(&i);
        }
        assert_int_equal(allowed + 1, i.allowed);
    }
}

/* Against a provider that takes at most so many, of which we are told only by refusals. */
static void settles_near_what_a_provider_takes(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random r = {seed};
        struct inflight i;
        int64_t takes = 1 + (int64_t)random_below(&r, 200), refused = 0, rounds = 2000;
        inflight_init(&i, INFLIGHT_CEILING, seed % 2);
        for (int64_t now_us = 1; now_us <= rounds; now_us++) {
            bool over = i.allowed > takes;
            refused += over;
            for (int64_t n = 0; n < i.allowed && n < takes; n++)
                inflight_answer(&i);
            if (over) /* sent since the last round */
                inflight_refused(&i, now_us, now_us, takes);
            assert_seeded(seed, i.allowed >= 1 && i.allowed <= INFLIGHT_CEILING);
            assert_seeded(seed, now_us < takes + 10 || i.allowed >= takes * 3 / 4);
            assert_seeded(seed, now_us < takes + 10 || i.allowed <= takes + 1);
        }
        assert_seeded(seed, refused >= 1 && refused <= rounds * 4 / (takes + 4) + 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_ceiling_until_told),
        cmocka_unit_test(a_burst_of_refusals_cuts_once),
        cmocka_unit_test(a_round_of_answers_earns_one_more),
        cmocka_unit_test(settles_near_what_a_provider_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
