/* test_pace.c: the names people write for windows and charges. */
#include "check.h"
#include "pace.h"

static void windows(void **state)
{
    enum window_kind w;
    int64_t slice_us = 0;
    assert_int_equal(SL_OK, window_parse(STR("slices:10s"), &w, &slice_us));
    assert_int_equal(WINDOW_SLICES, w);
    assert_int_equal(10000000, slice_us);
    assert_int_equal(SL_OK, window_parse(STR("slices"), &w, &slice_us));
    assert_int_equal(1000000, slice_us);
    assert_int_equal(SL_OK, window_parse(STR("Bucket"), &w, &slice_us));
    assert_int_equal(WINDOW_BUCKET, w);
    for (enum window_kind k = WINDOW_AUTO; k <= WINDOW_SLICES; k++) {
        assert_int_equal(SL_OK, window_parse(str_of(window_name(k)), &w, &slice_us));
        assert_int_equal(k, w);
    }
    assert_int_not_equal(SL_OK, window_parse(STR("bucket:1s"), &w, &slice_us));
    assert_int_not_equal(SL_OK, window_parse(STR("slices:0s"), &w, &slice_us));
    assert_int_not_equal(SL_OK, window_parse(STR("minute"), &w, &slice_us));
    assert_int_not_equal(SL_OK, window_parse(STR(""), &w, &slice_us));
}

static void charges(void **state)
{
    enum charge_rule c;
    for (enum charge_rule k = CHARGE_MAX; k <= CHARGE_ACTUAL; k++) {
        assert_int_equal(SL_OK, charge_parse(str_of(charge_name(k)), &c));
        assert_int_equal(k, c);
    }
    assert_int_not_equal(SL_OK, charge_parse(STR("least"), &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),
        cmocka_unit_test(charges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
