/* test_random.c: the same seed gives the same numbers everywhere, and they are even. */
#include "aborts.h"
#include "check.h"
#include "random.h"

/* The figures that splitmix64 is published with for this seed. */
static void the_published_sequence(void **state)
{
    static const uint64_t wanted[] = {6457827717110365317u, 3203168211198807973u,
                                      9817491932198370423u, 4593380528125082431u,
                                      16408922859458223821u};
    struct random r = {1234567};
    for (size_t i = 0; i < 5; i++)
        assert_true(random_next(&r) == wanted[i]);
}

/* Every value of a small range as often as the others, to within five standard deviations. */
static void below_is_even(void **state)
{
    enum { DRAWS = 100000, MOST = 17 };
    for (uint64_t below = 1; below <= MOST; below++) {
        struct random r = {below};
        int64_t counts[MOST] = {0};
        for (int i = 0; i < DRAWS; i++) {
            uint64_t n = random_below(&r, below);
            assert_seeded(below, n < below);
            counts[n]++;
        }
        for (uint64_t n = 0; n < below; n++) {
            int64_t off = counts[n] - DRAWS / (int64_t)below;
            assert_seeded(below, off * off <= 25 * DRAWS / (int64_t)below);
        }
    }
}

static void large_ranges_are_reached_and_kept(void **state)
{
    struct random r = {1};
    uint64_t below = (UINT64_C(1) << 63) + 12345;
    int high = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t n = random_below(&r, below);
        assert_true(n < below);
        high += n > below / 2;
    }
    assert_in_range(high, 400, 600);
}

static void units_are_below_one(void **state)
{
    enum { DRAWS = 100000 };
    struct random r = {1};
    int tenths[10] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double u = random_unit(&r);
        assert_true(u >= 0 && u < 1);
        tenths[(int)(u * 10)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(tenths[i], DRAWS / 10 - 500, DRAWS / 10 + 500);
}

static void below_nothing(void *r)
{
    random_below(r, 0);
}

static void nothing_is_below_zero(void **state)
{
    struct random r = {1};
    assert_true(aborts(below_nothing, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_sequence),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(large_ranges_are_reached_and_kept),
        cmocka_unit_test(units_are_below_one),
        cmocka_unit_test(nothing_is_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
