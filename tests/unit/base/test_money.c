/* money: rounded to the cent where that says something. */
#include "check.h"
#include "money.h"

static const struct {
    int64_t pusd;
    const char *want;
} cases[] = {
    {0, "0.00"},
    {2259545000000, "2.26"},
    {2254999999999, "2.25"},
    {1204000000000000, "1,204.00"},
    {100000000000, "0.10"},
    {95000000000, "0.10"},
    {94999999999, "0.0950"},
    {17699000000, "0.0177"},
    {10000000000, "0.0100"},
    {3100000000, "0.003100"},
    {999999, "0.000001"},
    {1, "0.000000"},
    {INT64_MAX, "9,223,372.04"},
};

static void dollars_and_cents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};
        money_write(&b, cases[i].pusd);
        assert_string_equal(buf_cstr(&b), cases[i].want);
        buf_free(&b);
    }
}

static void dollars_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t micro; /* -1: refused */
    } rows[] = {
        {"20", 20000000},
        {"20usd", 20000000},
        {"20 USD", 20000000},
        {"$20", 20000000},
        {"20.5", 20500000},
        {"1,250.00", 1250000000},
        {"0.000001", 1},
        {"0", 0},
        {"", -1},
        {"usd", -1},
        {"-1", -1},
        {"20 eur", -1},
        {"20.", -1},
        {"20.1234567", -1},
        {"1.-5", -1},
        {"1000000000", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t micro = -1;
        enum sl_err err = money_parse(str_of(rows[i].text), &micro);
        if ((err == SL_OK) != (rows[i].micro >= 0) || micro != rows[i].micro)
            fail_msg("\"%s\": %lld", rows[i].text, (long long)micro);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dollars_and_cents),
                                       cmocka_unit_test(dollars_are_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
