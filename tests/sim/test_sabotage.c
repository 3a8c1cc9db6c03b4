/* test_sabotage.c: the checks can fail. Each broken piece must be caught, and the same run with
 * nothing broken must pass. */
#include "check.h"
#include "trial.h"

#include <stdio.h>

static struct trial run(const char *words)
{
    struct cell c = cell_default();
    struct diag diag;
    if (cell_parse(str_of(words), &c, &diag))
        fail_msg("%s", diag.what);
    return trial_run(&c, (struct str){0}, false);
}

/* The SDK's workers press on the limits all the time, so a provider that is off by 1 % shows.
 */
static void provider_off_by_a_hundredth(void **state)
{
    (void)state;
    static const char *const windows[] = {"bucket", "fixed", "sliding", "slices"};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        char words[160];
        snprintf(words, sizeof words, "window=%s bound=tpm client=sdk drain=0", windows[i]);
        struct trial t = run(words);
        assert_true(oracle_content(&t.oracle));
        assert_true(t.oracle.refused > 0);
        snprintf(words, sizeof words, "window=%s bound=tpm client=sdk drain=0 sabotage=over",
                 windows[i]);
        t = run(words);
        assert_int_equal(t.fault, TRIAL_ORACLE_OVER);
        snprintf(words, sizeof words, "window=%s bound=tpm client=sdk drain=0 sabotage=under",
                 windows[i]);
        t = run(words);
        assert_int_equal(t.fault, TRIAL_ORACLE_NEEDLESS);
    }
}

static void draining_refusals(void **state)
{
    (void)state;
    struct trial t = run("window=sliding bound=rpm client=even");
    assert_int_equal(t.oracle.over + t.oracle.needless, 0);
}

static void log_tampered_with(void **state)
{
    (void)state;
    struct trial t = run("window=bucket bound=rpm client=even sabotage=lost");
    assert_int_equal(t.oracle.lost, 1);
    t = run("window=bucket bound=rpm client=even sabotage=twice");
    assert_int_equal(t.oracle.twice, 1);
}

/* A client that believes in 5 % too much, or that nothing varies on the way, is refused. The
 * first hears nothing for most of a minute: headers would tell it its limits before it does
 * harm. */
static void client_careless(void **state)
{
    (void)state;
    static const char *const careless[] = {
        "window=bucket bound=rpm service=30 sabotage=greedy",
        "window=fixed bound=tpm service=30 sabotage=greedy",
        "window=sliding bound=mixed service=30 sabotage=greedy",
        "window=sliding bound=rpm jitter=200 sabotage=blunt",
        "window=slices bound=rpm jitter=200 sabotage=blunt",
    };
    for (size_t i = 0; i < sizeof careless / sizeof careless[0]; i++) {
        struct trial t = run(careless[i]);
        if (t.oracle.refused == 0)
            fail_msg("not caught: sim --cell \"%s\"", careless[i]);
        assert_true(t.fault != TRIAL_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provider_off_by_a_hundredth),
        cmocka_unit_test(draining_refusals),
        cmocka_unit_test(log_tampered_with),
        cmocka_unit_test(client_careless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
