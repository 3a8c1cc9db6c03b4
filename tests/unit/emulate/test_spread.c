#include "check.h"
#include "spread.h"

static void both_forms_are_read(void **state)
{
    static const struct {
        const char *text;
        enum spread_unit unit;
        int64_t low, high;
        bool lognormal;
    } rows[] = {{"50ms-400ms", SPREAD_DURATION, 50000, 400000, false},
                {"2s", SPREAD_DURATION, 2000000, 2000000, false},
                {"0", SPREAD_DURATION, 0, 0, false},
                {"50-300", SPREAD_COUNT, 50, 300, false},
                {"1,000-2,000", SPREAD_COUNT, 1000, 2000, false},
                {"lognormal:200ms-30s", SPREAD_DURATION, 200000, 30000000, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct spread s;
        assert_int_equal(spread_parse(str_of(rows[i].text), rows[i].unit, &s, NULL), SL_OK);
        assert_true(s.low == rows[i].low && s.high == rows[i].high);
        assert_int_equal(s.lognormal, rows[i].lognormal);
    }
    static const char *const bad[] = {"", "-", "300-50", "a-b", "50-", "lognormal:0-5", "-5-5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct spread s;
        if (spread_parse(str_of(bad[i]), SPREAD_COUNT, &s, NULL) == SL_OK)
            fail_msg("\"%s\" passed", bad[i]);
    }
}

static void draws_lie_where_the_figures_say(void **state)
{
    struct random r = {3};
    struct spread uniform = {.low = 50, .high = 52}, one = {.low = 9, .high = 9};
    int seen[3] = {0};
    for (int i = 0; i < 3000; i++)
        seen[spread_draw(&uniform, &r) - 50]++;
    assert_true(seen[0] > 800 && seen[1] > 800 && seen[2] > 800);
    assert_int_equal(spread_draw(&one, &r), 9);

    struct spread skewed = {.lognormal = true, .low = 1000, .high = 100000};
    int below = 0, above = 0;
    for (int i = 0; i < 20000; i++) {
        int64_t v = spread_draw(&skewed, &r);
        below += v < 1000;
        above += v > 100000;
    }
    assert_in_range(below, 900, 1100); /* 5 % each */
    assert_in_range(above, 900, 1100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_read),
        cmocka_unit_test(draws_lie_where_the_figures_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
