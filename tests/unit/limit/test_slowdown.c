/* test_slowdown.c: three quarters of what went lately, and half as much again every quarter of
 * an hour. */
#include "check.h"
#include "random.h"
#include "slowdown.h"

enum { MINUTE = 60000000, QUARTER = 15 * MINUTE, TPM = 1000000 };

struct world {
    struct ledger ledger;
    struct budget_rules rules;
    struct slowdown slowdown;
    int64_t now_us;
};

static void world_init(struct world *w, enum dimension dim)
{
    struct limit_spec spec = {dim, TPM, MINUTE};
    *w = (struct world){.now_us = QUARTER};
    w->rules = (struct budget_rules){
        .window = WINDOW_SLIDING, .minute_us = MINUTE, .use_percent = 100, .idle = true};
    ledger_add(&w->ledger, &spec, &w->rules);
}

static void send(struct world *w, int64_t tokens)
{
    struct bill bill = {0};
    bill.units[w->ledger.budgets[0].dim] = tokens;
    assert_int_equal(TAKE_OK, ledger_admit(&w->ledger, w->now_us, &bill).take);
    ledger_charge(&w->ledger, w->now_us, &bill);
}

static bool refused(struct world *w)
{
    return slowdown_refused(&w->slowdown, &w->ledger, &w->rules, w->now_us);
}

static void one_more_budget_of_three_quarters_of_the_last_minute(void **state)
{
    static const enum dimension dims[] = {DIM_TPM, DIM_ITPM};
    for (size_t i = 0; i < 2; i++) {
        static struct world w;
        world_init(&w, dims[i]);
        send(&w, 5000); /* long ago */
        w.now_us += 2 * MINUTE;
        send(&w, 300);
        w.now_us += MINUTE / 2;
        send(&w, 100);
        assert_true(refused(&w));
        assert_int_equal(2, w.ledger.n);
        struct budget *b = &w.ledger.budgets[1];
        assert_true(b->ramp);
        assert_int_equal(300, b->limit);
        assert_int_equal(dims[i], b->dim);
        assert_int_equal(TPM, w.ledger.budgets[0].limit); /* the account's own stands */
        assert_int_equal(WINDOW_BUCKET, b->spent.kind);   /* refills, from as good as empty */
        assert_true(budget_level(b, w.now_us) <= b->limit / 10);
        w.now_us += MINUTE - 1;
        assert_true(refused(&w)); /* of the same rise */
        assert_int_equal(300, b->limit);
        assert_int_equal(2, w.ledger.n);
        ledger_free(&w.ledger);
    }
}

static void it_grows_by_half_every_quarter_of_an_hour(void **state)
{
    static struct world w;
    world_init(&w, DIM_TPM);
    send(&w, 4000);
    refused(&w);
    struct budget *b = &w.ledger.budgets[1];
    for (int64_t limit = 3000; limit < 100000; limit += limit / 2 + 1) {
        assert_int_equal(limit, b->limit);
        w.now_us += QUARTER - 1;
        slowdown_grow(&w.slowdown, &w.ledger, &w.rules, w.now_us);
        assert_int_equal(limit, b->limit);
        w.now_us++;
        slowdown_grow(&w.slowdown, &w.ledger, &w.rules, w.now_us);
    }
    ledger_free(&w.ledger);
}

/* Refused once more, after a minute: cut again, by what went in the minute before that. */
static void another_refusal_cuts_again(void **state)
{
    static struct world w;
    world_init(&w, DIM_TPM);
    send(&w, 4000);
    refused(&w);
    w.now_us += 2 * MINUTE;
    send(&w, 2000);
    assert_true(refused(&w));
    assert_int_equal(2, w.ledger.n);
    assert_int_equal(1500, w.ledger.budgets[1].limit);
    w.now_us += QUARTER - 1; /* counted from the last cut */
    slowdown_grow(&w.slowdown, &w.ledger, &w.rules, w.now_us);
    assert_int_equal(1500, w.ledger.budgets[1].limit);
    ledger_free(&w.ledger);
}

/* Wanting all the time: in no minute after the refusal more than the budget and the half that
 * it may have grown by, one request over; and a request larger than the budget still goes. */
static void what_goes_grows_no_faster(void **state)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static struct world w;
        struct random r = {seed};
        int64_t sum = 0, minute_us = 0, limit = 0;
        world_init(&w, DIM_TPM);
        send(&w, 20000);
        refused(&w);
        for (minute_us = w.now_us + MINUTE; w.now_us < 100 * (int64_t)MINUTE;) {
            int64_t most = 2 * w.ledger.budgets[1].limit;
            struct bill bill = {
                .units = {[DIM_TPM] = 1 + (int64_t)random_below(&r, (uint64_t)most)}};
            struct admission a = ledger_admit(&w.ledger, w.now_us, &bill);
            assert_seeded(seed, a.take != TAKE_NEVER);
            if (a.take == TAKE_OK) {
                ledger_charge(&w.ledger, w.now_us, &bill);
                sum += bill.units[DIM_TPM];
            }
            w.now_us += a.wait_us < MINUTE / 10 ? a.wait_us : MINUTE / 10;
            slowdown_grow(&w.slowdown, &w.ledger, &w.rules, w.now_us);
            if (w.now_us < minute_us)
                continue;
            limit = w.ledger.budgets[1].limit;
            assert_seeded(seed, sum <= limit + 2 * limit);
            sum = 0;
            minute_us = w.now_us + MINUTE;
        }
        assert_seeded(seed, limit > 20000 * 3 / 4 * 5); /* six quarters: 1.5 to the fifth */
        ledger_free(&w.ledger);
    }
}

static void without_a_token_budget_there_is_nothing_to_slow(void **state)
{
    static struct world w;
    world_init(&w, DIM_RPM);
    assert_false(refused(&w));
    assert_int_equal(1, w.ledger.n);
    slowdown_grow(&w.slowdown, &w.ledger, &w.rules, w.now_us);
    ledger_free(&w.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_more_budget_of_three_quarters_of_the_last_minute),
        cmocka_unit_test(it_grows_by_half_every_quarter_of_an_hour),
        cmocka_unit_test(another_refusal_cuts_again),
        cmocka_unit_test(what_goes_grows_no_faster),
        cmocka_unit_test(without_a_token_budget_there_is_nothing_to_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
