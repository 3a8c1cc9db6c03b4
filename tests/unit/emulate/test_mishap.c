#include "check.h"
#include "mishap.h"

static void rates_are_read(void **state)
{
    struct mishap_rates r = {{0}};
    assert_int_equal(mishap_parse(STR("500=1%,reset=0.5%"), &r, NULL), SL_OK);
    assert_int_equal(mishap_parse(STR("stall=0.0001%"), &r, NULL), SL_OK);
    assert_int_equal(r.ppm[MISHAP_500], 10000);
    assert_int_equal(r.ppm[MISHAP_RESET], 5000);
    assert_int_equal(r.ppm[MISHAP_STALL], 1);
    assert_int_equal(mishap_parse(STR("midstream=98.4999%"), &r, NULL), SL_OK);
    assert_int_equal(mishap_parse(STR("529=0.0001%"), &r, NULL), SL_RANGE); /* over 100 % */
}

static void bad_rates_are_refused_with_advice(void **state)
{
    static const char *const bad[] = {"",        "500",       "500=1",    "500=101%",
                                      "none=1%", "wallet=1%", "500=1.%",  "500=0.00001%",
                                      "500=-1%", "500=1.-1%", "500=1%,,", "404=1%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mishap_rates r = {{0}};
        struct diag diag = {{0}, {0}};
        if (mishap_parse(str_of(bad[i]), &r, &diag) == SL_OK || !diag.what[0])
            fail_msg("\"%s\" passed", bad[i]);
    }
}

static void draws_follow_the_rates_and_the_seed(void **state)
{
    struct mishap_rates rates = {{0}};
    assert_int_equal(mishap_parse(STR("503=25%,stall=50%"), &rates, NULL), SL_OK);
    struct random a = {7}, b = {7};
    int count[MISHAP_COUNT] = {0};
    for (int i = 0; i < 40000; i++) {
        enum mishap m = mishap_draw(&rates, &a);
        assert_int_equal(m, mishap_draw(&rates, &b));
        count[m]++;
    }
    assert_in_range(count[MISHAP_503], 9500, 10500);
    assert_in_range(count[MISHAP_STALL], 19500, 20500);
    assert_int_equal(count[MISHAP_NONE] + count[MISHAP_503] + count[MISHAP_STALL], 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_read),
        cmocka_unit_test(bad_rates_are_refused_with_advice),
        cmocka_unit_test(draws_follow_the_rates_and_the_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
