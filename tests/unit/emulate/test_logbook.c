/* The quota's lower bound, from totals alone. */
#include "check.h"
#include "logbook.h"

#include <stdio.h>

enum { S = 1000000, MINUTE = 60 * S };

static void bounds_are_those_of_the_windows(void **state)
{
    static const struct {
        enum gauge_window window;
        enum dimension dim;
        int64_t limit, total;
        int fill;
        int64_t first_reset_us, bound_us;
    } rows[] = {
        {GAUGE_BUCKET, DIM_TPM, 600, 600, 100, 0, -1}, /* fits into what was there */
        {GAUGE_BUCKET, DIM_TPM, 600, 601, 100, 0, S / 10},
        {GAUGE_BUCKET, DIM_TPM, 600, 600, 50, 0, 30 * S},
        {GAUGE_SLIDING, DIM_TPM, 600, 600, 100, 0, -1},
        {GAUGE_SLIDING, DIM_TPM, 600, 601, 100, 0, MINUTE},
        {GAUGE_SLIDING, DIM_TPM, 600, 1201, 100, 0, 2 * MINUTE},
        {GAUGE_FIXED, DIM_TPM, 600, 600, 100, 7 * S, -1},
        {GAUGE_FIXED, DIM_TPM, 600, 601, 100, 7 * S, 7 * S},
        {GAUGE_FIXED, DIM_TPM, 600, 1201, 100, 7 * S, 7 * S + MINUTE},
        {GAUGE_SLICES, DIM_TPM, 600, 1201, 100, 7 * S, 7 * S + MINUTE},
        {GAUGE_SLICES, DIM_RPM, 150, 2, 100, S / 2, -1}, /* two in each second */
        {GAUGE_SLICES, DIM_RPM, 150, 5, 100, S / 2, S / 2 + S},
        {GAUGE_FIXED, DIM_RPD, 10, 11, 100, 0, 8640LL * S}, /* a day is a bucket */
        {GAUGE_BUCKET, DIM_CONCURRENCY, 5, 900, 100, 0, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gauge_config c = {.window = rows[i].window,
                                 .slice_us = S,
                                 .minute_us = MINUTE,
                                 .fill_percent = rows[i].fill,
                                 .limits = {{rows[i].dim, rows[i].limit}},
                                 .limit_count = 1};
        struct logbook b = logbook_new();
        struct gauge_answer a = {.admitted = true, .figure_count = 1};
        a.figures[0] =
            (struct gauge_figure){.dim = rows[i].dim, .reset_us = rows[i].first_reset_us};
        int64_t charge[DIM_COUNT] = {0};
        charge[rows[i].dim] = rows[i].total;
        logbook_arrival(&b, 5, charge, &a);
        int64_t bound = logbook_bound_us(&b, &c, &c.limits[0]);
        if (bound != rows[i].bound_us)
            fail_msg("row %zu: bound %lld us, expected %lld", i, (long long)bound,
                     (long long)rows[i].bound_us);
    }
}

/* Output made after the last admission held nobody up. */
static void the_bound_counts_what_was_charged_by_the_last_admission(void **state)
{
    struct gauge_config c = {
        .minute_us = MINUTE, .fill_percent = 100, .limits = {{DIM_OTPM, 60}}, .limit_count = 1};
    struct logbook b = logbook_new();
    struct gauge_answer a = {.admitted = true};
    const int64_t charge[DIM_COUNT] = {[DIM_OTPM] = 1};
    logbook_arrival(&b, 0, charge, &a);
    logbook_produced(&b, DIM_OTPM, 69);
    assert_int_equal(logbook_bound_us(&b, &c, &c.limits[0]), -1);
    logbook_arrival(&b, 11 * S, charge, &a);
    logbook_produced(&b, DIM_OTPM, 500);
    assert_int_equal(logbook_bound_us(&b, &c, &c.limits[0]), 11 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_those_of_the_windows),
        cmocka_unit_test(the_bound_counts_what_was_charged_by_the_last_admission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
