/* test_hidden.c: issue 5, "at most 5 refusals to find a hidden limit of 300 per minute, then
 * none, at 95 % use": in every window, for several seeds. */
#include "check.h"
#include "hidden.h"

#include <stdlib.h>

enum { SEEDS = 5 };

static void a_hidden_limit_is_found_and_kept_to(void **state)
{
    struct grid g = {0};
    hidden_grid(&g, 1, SEEDS, SIM_HIDDEN_RPM);
    struct trial *trials = calloc(g.n, sizeof *trials);
    assert_non_null(trials);
    assert_int_equal(SL_OK, grid_run(&g, (struct str){0}, 2, trials));
    if (hidden_missed(trials, g.n))
        hidden_report(trials, g.n, "build/tests/sim/sim");
    assert_int_equal(0, hidden_missed(trials, g.n));
    for (size_t i = 0; i < g.n; i++)
        assert_true(trials[i].done);
    free(trials);
    grid_free(&g);
}

/* The same judge sees what the bare SDKs' rule makes of it. */
static void retrying_clients_are_refused_all_the_time(void **state)
{
    for (int w = 0; w < SIM_WINDOW_COUNT; w++) {
        struct cell c = cell_default();
        c.mode = SIM_HIDDEN;
        c.client = SIM_SDK;
        c.window = (enum sim_window)w;
        struct trial t = trial_run(&c, (struct str){0}, false);
        assert_true(t.oracle.refused > 100 * TRIAL_HIDDEN_REFUSALS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hidden_limit_is_found_and_kept_to),
        cmocka_unit_test(retrying_clients_are_refused_all_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
