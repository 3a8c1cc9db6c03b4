/* test_pick.c: the one that leaves the budgets that matter equally far spent. */
#include "check.h"
#include "pick.h"
#include "random.h"

enum {
    MINUTE = 60000000,
    RPM = 100,
    TPM = 10000
}; /* a request's quota: 0.6 s; a token's: 6 ms */

static void ledger_init(struct ledger *l)
{
    static const struct limit_spec specs[] = {{DIM_RPM, RPM, MINUTE}, {DIM_TPM, TPM, MINUTE}};
    static const struct budget_rules rules = {
        .window = WINDOW_SLIDING, .minute_us = MINUTE, .use_percent = 100, .idle = true};
    *l = (struct ledger){0};
    for (size_t i = 0; i < 2; i++)
        ledger_add(l, &specs[i], &rules);
}

static struct bill bill(int64_t tokens)
{
    return (struct bill){.units = {[DIM_RPM] = 1, [DIM_TPM] = tokens}};
}

static void by_hand(void **state)
{
    struct ledger l;
    struct bill level = bill(100), light = bill(0), heavy = bill(300);
    ledger_init(&l);
    assert_int_equal(0, pick_unevenness_us(&l, &level));
    assert_int_equal(300000, pick_unevenness_us(&l, &light)); /* 0.6 s against 0 s */
    assert_int_equal(600000, pick_unevenness_us(&l, &heavy)); /* 0.6 s against 1.8 s */
    l.budgets[0].charged =
        2; /* two light ones have gone: but the tokens lag too far to matter */
    assert_int_equal(0, pick_unevenness_us(&l, &light));
    assert_int_equal(0, pick_unevenness_us(&l, &heavy));
    l.budgets[1].charged = 100; /* half as far */
    assert_int_equal(600000, pick_unevenness_us(&l, &light));
    assert_int_equal(300000, pick_unevenness_us(&l, &heavy));
    l.budgets[1].held = 50; /* what is promised is as good as spent */
    assert_int_equal(450000, pick_unevenness_us(&l, &heavy));
    ledger_free(&l);
}

static void one_budget_or_none_is_never_uneven(void **state)
{
    struct ledger l;
    struct bill b = bill(12345);
    ledger_init(&l);
    l.n = 0;
    assert_int_equal(0, pick_unevenness_us(&l, &b));
    l.n = 1;
    assert_int_equal(0, pick_unevenness_us(&l, &b));
    l.n = 2;
    l.budgets[1].limit = 0; /* refuses all: nothing to divide by */
    assert_true(pick_unevenness_us(&l, &b) >= 0);
    ledger_free(&l);
}

/* A batch whose heavy half comes first: picked by evenness of what stands near the head, both
 * budgets are spent equally far all the way; in the order of the file they are not. */
static void heavy_and_light_are_mixed(void **state)
{
    enum { ROWS = 400, LOOK = 200 };
    for (int picked = 0; picked < 2; picked++) {
        struct ledger l;
        int64_t rows[ROWS], worst_us = 0;
        struct random r = {1};
        ledger_init(&l);
        for (int i = 0; i < ROWS; i++)
            rows[i] = (i < ROWS / 2 ? 160 : 20) + (int64_t)random_below(&r, 21);
        for (int gone = 0; gone < ROWS; gone++) {
            int best = gone;
            for (int i = gone; picked && i < ROWS && i < gone + LOOK; i++) {
                struct bill one = bill(rows[i]), other = bill(rows[best]);
                if (pick_unevenness_us(&l, &one) < pick_unevenness_us(&l, &other))
                    best = i;
            }
            int64_t tokens = rows[best];
            memmove(&rows[gone + 1], &rows[gone], (size_t)(best - gone) * sizeof *rows);
            l.budgets[0].charged += 1;
            l.budgets[1].charged += tokens;
            int64_t off_us =
                l.budgets[0].charged * (MINUTE / RPM) - l.budgets[1].charged * (MINUTE / TPM);
            off_us = off_us < 0 ? -off_us : off_us;
            worst_us = off_us > worst_us && gone < ROWS / 2 ? off_us : worst_us;
        }
        if (picked)
            assert_true(worst_us < 2 * MINUTE / RPM);
        else
            assert_true(worst_us > 50 * (MINUTE / RPM));
        ledger_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(one_budget_or_none_is_never_uneven),
        cmocka_unit_test(heavy_and_light_are_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
