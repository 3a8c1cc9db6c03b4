#include "check.h"
#include "duration.h"

static int64_t us_of(const char *text)
{
    int64_t us = -1;
    return duration_parse(str_of(text), &us) == SL_OK ? us : -1;
}

static void go_durations_and_seconds_are_read(void **state)
{
    assert_int_equal(us_of("20ms"), 20000);
    assert_int_equal(us_of("6m0s"), 360000000);
    assert_int_equal(us_of("46.001s"), 46001000);
    assert_int_equal(us_of("23h18m29.144s"), 83909144000);
    assert_int_equal(us_of("9m38.016s"), 578016000);
    assert_int_equal(us_of("57"), 57000000);
    assert_int_equal(us_of("0.5"), 500000);
    assert_int_equal(us_of("3.299376739s"), 3299376);
    assert_int_equal(us_of("0s"), 0);
    assert_int_equal(us_of("soon"), -1);
    assert_int_equal(us_of("5 apples"), -1);
    assert_int_equal(us_of(""), -1);
}

static void a_prefix_ends_where_the_duration_does(void **state)
{
    int64_t us;
    size_t used;
    assert_int_equal(duration_prefix(STR("6.596s. Visit"), &us, &used), SL_OK);
    assert_int_equal(us, 6596000);
    assert_int_equal(used, 6);
    assert_int_equal(duration_prefix(STR("6 s"), &us, &used), SL_SYNTAX);
}

static void go_form_is_written_truncated_to_ms(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {{0, "0s"},           {232500, "232ms"},     {8410000, "8.41s"},
                {360000000, "6m0s"}, {55212000, "55.212s"}, {83909144000, "23h18m29.144s"},
                {20000000, "20s"},   {3600000000, "1h0m0s"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = {0};
        duration_go(&b, rows[i].us);
        assert_string_equal(buf_cstr(&b), rows[i].text);
        buf_free(&b);
    }
}

static void instants_are_read_and_written(void **state)
{
    int64_t us;
    assert_int_equal(instant_rfc3339(STR("2024-03-26T20:00:00Z"), &us), SL_OK);
    assert_int_equal(us, 1711483200000000);
    assert_int_equal(instant_rfc3339(STR("2024-03-26T21:00:00.5+01:00"), &us), SL_OK);
    assert_int_equal(us, 1711483200500000);
    assert_int_equal(instant_http(STR("Tue, 26 Mar 2024 19:59:59 GMT"), &us), SL_OK);
    assert_int_equal(us, 1711483199000000);
    assert_int_equal(instant_http(STR("yesterday"), &us), SL_SYNTAX);
    struct buf b = {0};
    instant_write_rfc3339(&b, 1711483200000000);
    assert_string_equal(buf_cstr(&b), "2024-03-26T20:00:00Z");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_durations_and_seconds_are_read),
        cmocka_unit_test(a_prefix_ends_where_the_duration_does),
        cmocka_unit_test(go_form_is_written_truncated_to_ms),
        cmocka_unit_test(instants_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
