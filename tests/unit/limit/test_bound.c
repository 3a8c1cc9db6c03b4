/* bound: the formulas of design/pacing.md, "The measure", at their steps. */
#include "bound.h"
#include "check.h"

enum { S = 1000000, MINUTE = 60 * S };

static const struct {
    struct budget_use use;
    int64_t bound_us;
} cases[] = {
    /* a bucket of 30,000 per minute refills 500 a second, after its first 30,000 */
    {{WINDOW_BUCKET, 30000, MINUTE, 30000, 30000, -1}, 0},
    {{WINDOW_BUCKET, 30000, MINUTE, 30500, 30000, -1}, S},
    {{WINDOW_BUCKET, 30000, MINUTE, 375000, 30000, -1}, 690 * (int64_t)S},
    {{WINDOW_BUCKET, 30000, MINUTE, 375000, 15000, -1}, 720 * (int64_t)S},
    /* sliding: twelve and a half limits need twelve full windows */
    {{WINDOW_SLIDING, 30000, MINUTE, 30000, 0, -1}, 0},
    {{WINDOW_SLIDING, 30000, MINUTE, 30001, 0, -1}, MINUTE},
    {{WINDOW_SLIDING, 30000, MINUTE, 375000, 0, -1}, 12 * (int64_t)MINUTE},
    /* fixed: the first window may be cut short */
    {{WINDOW_FIXED, 30000, MINUTE, 30000, 0, 17 * S}, 0},
    {{WINDOW_FIXED, 30000, MINUTE, 30001, 0, 17 * S}, 17 * S},
    {{WINDOW_FIXED, 30000, MINUTE, 375000, 0, 17 * S}, 17 * S + 11 * (int64_t)MINUTE},
    {{WINDOW_FIXED, 30000, MINUTE, 375000, 0, -1}, 11 * (int64_t)MINUTE},
    {{WINDOW_SLICES, 8, S, 20, 0, S / 2}, S / 2 + S},
    /* no figure */
    {{WINDOW_AUTO, 30000, MINUTE, 375000, 30000, -1}, -1},
    {{WINDOW_BUCKET, 0, MINUTE, 375000, 0, -1}, -1},
    {{WINDOW_BUCKET, 8, 0, 375000, 8, -1}, -1},
};

static void follows_the_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t got = bound_us(&cases[i].use);
        if (got != cases[i].bound_us)
            fail_msg("case %zu: %lld, expected %lld", i, (long long)got,
                     (long long)cases[i].bound_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_the_formulas)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
