/* test_ledger.c: all or nothing over as many budgets as there may be, the exact wait and who
 * binds, and every unit that was held is charged once and settled once. */
#include "aborts.h"
#include "check.h"
#include "ledger.h"
#include "random.h"

enum { SECOND = 1000000, MINUTE = 60 * SECOND, TRIALS = 20, STEPS = 2000, FLIGHTS = 64 };

static const enum window_kind KINDS[] = {WINDOW_BUCKET, WINDOW_SLIDING, WINDOW_FIXED,
                                         WINDOW_AUTO};
static const enum dimension DIMS[BOUND_BUDGETS] = {DIM_TPM,  DIM_RPM, DIM_TPM, DIM_ITPM,
                                                   DIM_OTPM, DIM_IPM, DIM_RPD, DIM_TPD};

struct trial {
    struct random random;
    uint64_t seed;
    struct ledger ledger;
    int64_t now_us;
    bool later; /* output is charged as it is produced */
};

struct flight {
    struct bill bill;
    bool sent;
    int64_t sent_us;
};

static int64_t below(struct trial *t, int64_t n)
{
    return (int64_t)random_below(&t->random, (uint64_t)n);
}

static struct budget_rules rules_of(enum window_kind kind, bool later)
{
    return (struct budget_rules){.window = kind,
                                 .minute_us = MINUTE,
                                 .slice_us = SECOND,
                                 .slack_us = SECOND / 10,
                                 .use_percent = 100,
                                 .idle = true,
                                 .later = later};
}

/* Eight budgets of any kinds; the first is ramp.h's, of a dimension that the account limits,
 * too. */
static void trial_init(struct trial *t, uint64_t seed, bool later)
{
    *t = (struct trial){.random = {seed}, .seed = seed, .now_us = MINUTE, .later = later};
    for (size_t i = 0; i < BOUND_BUDGETS; i++) {
        struct budget_rules rules = rules_of(KINDS[below(t, 4)], t->later);
        int64_t days = DIMS[i] == DIM_RPD || DIMS[i] == DIM_TPD ? 50 : 1;
        struct limit_spec spec = {DIMS[i], days * (50 + below(t, 1000)), days * MINUTE};
        struct budget *b = ledger_add(&t->ledger, &spec, &rules);
        assert_non_null(b);
        b->ramp = i == 0;
        int64_t edge_us = below(t, MINUTE);
        if (rules.window == WINDOW_FIXED)
            counter_edge(&b->spent, 0,
                         (struct edge){.known = true, .lo_us = edge_us, .hi_us = edge_us});
    }
    struct limit_spec more = {DIM_RPM, 1, MINUTE};
    struct budget_rules rules = rules_of(WINDOW_BUCKET, false);
    assert_null(ledger_add(&t->ledger, &more, &rules));
}

/* Any bill of one request, some of it larger than a budget. */
static struct bill some_bill(struct trial *t)
{
    struct bill b = {0};
    for (size_t i = 0; i < BOUND_BUDGETS; i++) {
        int64_t limit = t->ledger.budgets[i].limit;
        b.units[DIMS[i]] = below(t, 3) ? below(t, limit / 20 + 1) : 0;
        if (below(t, 400) == 0)
            b.units[DIMS[i]] = limit - 1 + below(t, 3);
    }
    b.units[DIM_RPM] = b.units[DIM_RPD] = 1;
    if (t->later)
        b.later = below(t, 10);
    for (size_t i = 0; t->later && i < BOUND_BUDGETS; i++) {
        if (bill_draw(&b, DIMS[i]).later > b.units[DIMS[i]])
            b.units[DIMS[i]] = b.later;
    }
    return b;
}

static void look(const struct ledger *l, int64_t held[BOUND_BUDGETS])
{
    for (size_t i = 0; i < l->n; i++)
        held[i] = l->budgets[i].held;
}

static void all_of_it_or_nothing_is_held(void **state)
{
    static struct trial t;
    int taken[3] = {0};
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, seed % 2);
        for (int step = 0; step < STEPS; step++) {
            struct bill bill = some_bill(&t);
            int64_t before[BOUND_BUDGETS], after[BOUND_BUDGETS];
            t.now_us += below(&t, 5) ? 0 : below(&t, SECOND);
            look(&t.ledger, before);
            struct admission a = ledger_admit(&t.ledger, t.now_us, &bill);
            look(&t.ledger, after);
            taken[a.take]++;
            for (size_t i = 0; i < BOUND_BUDGETS; i++) {
                int64_t units = a.take == TAKE_OK ? bill.units[DIMS[i]] : 0;
                assert_seeded(seed, after[i] == before[i] + units);
            }
            if (a.take == TAKE_OK && below(&t, 10))
                ledger_charge(&t.ledger, t.now_us, &bill);
            else if (a.take == TAKE_OK)
                ledger_release(&t.ledger, &bill);
        }
        ledger_free(&t.ledger);
    }
    assert_true(taken[TAKE_OK] > 100 && taken[TAKE_LATER] > 100 && taken[TAKE_NEVER] > 100);
}

/* After exactly wait_us it is admitted, a microsecond before it is not, and the budget that is
 * said to bind is one that has no room until then. */
static void the_wait_is_exact_and_the_binding_budget_told(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, false);
        for (int step = 0; step < STEPS; step++) {
            struct bill bill = some_bill(&t);
            struct admission a = ledger_ask(&t.ledger, t.now_us, &bill);
            assert_seeded(seed, (a.take == TAKE_OK) == (a.wait_us == 0));
            struct budget *binds = &t.ledger.budgets[a.binds];
            struct draw draw = bill_draw(&bill, binds->dim);
            if (a.take == TAKE_NEVER) {
                assert_seeded(seed, draw.units > binds->limit && !binds->ramp);
                continue;
            }
            if (a.take == TAKE_LATER) {
                int64_t last_us = t.now_us + a.wait_us - 1;
                assert_seeded(seed, ledger_ask(&t.ledger, last_us, &bill).take == TAKE_LATER);
                assert_seeded(seed, budget_wait_us(binds, last_us, draw) == 1);
                t.now_us += a.wait_us;
            }
            assert_seeded(seed, ledger_admit(&t.ledger, t.now_us, &bill).take == TAKE_OK);
            ledger_charge(&t.ledger, t.now_us, &bill);
        }
        ledger_free(&t.ledger);
    }
}

static void a_frozen_budget_binds(void **state)
{
    struct ledger l = {0};
    struct limit_spec specs[] = {{DIM_RPM, 10, MINUTE}, {DIM_TPM, 10, MINUTE}};
    struct budget_rules rules = rules_of(WINDOW_BUCKET, false);
    ledger_add(&l, &specs[0], &rules);
    ledger_add(&l, &specs[1], &rules)->frozen_us = 7 * SECOND;
    struct bill bill = {.units = {[DIM_RPM] = 1, [DIM_TPM] = 1}};
    struct admission a = ledger_ask(&l, SECOND, &bill);
    assert_int_equal(TAKE_LATER, a.take);
    assert_int_equal(6 * SECOND, a.wait_us);
    assert_int_equal(1, a.binds);
    bill.units[DIM_TPM] = 0; /* draws nothing on it */
    assert_int_equal(TAKE_OK, ledger_ask(&l, SECOND, &bill).take);
    ledger_free(&l);
}

/* A limit of 0 refuses whatever draws on it, and that outweighs any wait. */
static void never_outweighs_later(void **state)
{
    struct ledger l = {0};
    struct limit_spec specs[] = {{DIM_TPM, 10, MINUTE}, {DIM_IPM, 0, MINUTE}};
    struct budget_rules rules = rules_of(WINDOW_BUCKET, false);
    ledger_add(&l, &specs[0], &rules)->frozen_us = INT64_C(1) << 40;
    ledger_add(&l, &specs[1], &rules);
    struct bill bill = {.units = {[DIM_TPM] = 5, [DIM_IPM] = 1}};
    struct admission a = ledger_admit(&l, 0, &bill);
    assert_int_equal(TAKE_NEVER, a.take);
    assert_int_equal(1, a.binds);
    assert_int_equal(0, l.budgets[0].held);
    bill.units[DIM_IPM] = 0;
    assert_int_equal(TAKE_LATER, ledger_ask(&l, 0, &bill).take);
    ledger_free(&l);
}

/* Some are released unsent, some change what they are expected to cost, and answers tell
 * whatever they tell: in the end the sums are those of what was charged. */
static void every_unit_is_settled_once(void **state)
{
    static struct trial t;
    static struct flight flights[FLIGHTS];
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        int64_t sums[BOUND_BUDGETS] = {0}, held[BOUND_BUDGETS] = {0};
        trial_init(&t, seed, seed % 2);
        memset(flights, 0, sizeof flights);
        for (int step = 0; step < STEPS + FLIGHTS; step++) {
            struct flight *f = &flights[step % FLIGHTS];
            int64_t charged[DIM_RATES];
            t.now_us += below(&t, SECOND);
            for (int d = 0; d < DIM_RATES; d++)
                charged[d] = below(&t, 2) ? f->bill.units[d] : below(&t, 30);
            if (f->sent && t.later) {
                struct bill is = f->bill;
                is.later = f->bill.later / 2;
                for (int d = 0; d < DIM_RATES; d++)
                    is.units[d] -= bill_draw(&f->bill, (enum dimension)d).later -
                                   bill_draw(&is, (enum dimension)d).later;
                ledger_expect(&t.ledger, t.now_us, f->sent_us, &f->bill, &is);
                assert_seeded(seed, f->bill.later == is.later);
            }
            if (f->sent)
                ledger_settle(&t.ledger, t.now_us, f->sent_us, &f->bill, charged);
            for (size_t i = 0; f->sent && i < BOUND_BUDGETS; i++)
                sums[i] += charged[DIMS[i]];
            *f = (struct flight){.bill = some_bill(&t)};
            if (step >= STEPS || ledger_admit(&t.ledger, t.now_us, &f->bill).take != TAKE_OK)
                continue;
            f->sent = below(&t, 4);
            f->sent_us = t.now_us + below(&t, 1000);
            if (f->sent)
                ledger_charge(&t.ledger, f->sent_us, &f->bill);
            else
                ledger_release(&t.ledger, &f->bill);
            t.now_us = f->sent_us;
        }
        for (size_t i = 0; i < BOUND_BUDGETS; i++) {
            assert_seeded(seed, t.ledger.budgets[i].charged == sums[i]);
            assert_seeded(seed, t.ledger.budgets[i].pending == 0);
        }
        look(&t.ledger, held);
        for (size_t i = 0; i < BOUND_BUDGETS; i++)
            assert_seeded(seed, held[i] == 0);
        ledger_free(&t.ledger);
    }
}

struct pair {
    struct ledger ledger;
    struct bill bill;
};

static void release(void *ctx)
{
    struct pair *p = ctx;
    ledger_release(&p->ledger, &p->bill);
}

static void a_second_release_aborts(void **state)
{
    static struct pair p;
    struct limit_spec spec = {DIM_TPM, 10, MINUTE};
    struct budget_rules rules = rules_of(WINDOW_BUCKET, false);
    ledger_add(&p.ledger, &spec, &rules);
    p.bill.units[DIM_TPM] = 3;
    assert_int_equal(TAKE_OK, ledger_admit(&p.ledger, 0, &p.bill).take);
    assert_false(aborts(release, &p));
    release(&p);
    assert_true(aborts(release, &p));
    ledger_free(&p.ledger);
}

/* A limit learned from headers while a request was in flight: that request did not hold it. */
static void a_budget_that_came_later_is_left_alone(void **state)
{
    struct ledger l = {0};
    struct limit_spec specs[] = {{DIM_RPM, 10, MINUTE}, {DIM_TPM, 10, MINUTE}};
    struct budget_rules rules = rules_of(WINDOW_BUCKET, false);
    struct bill bill = {.units = {[DIM_RPM] = 1, [DIM_TPM] = 4}};
    const int64_t charged[DIM_RATES] = {[DIM_RPM] = 1, [DIM_TPM] = 9};
    ledger_add(&l, &specs[0], &rules);
    ledger_admit(&l, 0, &bill);
    ledger_add(&l, &specs[1], &rules);
    ledger_charge(&l, 0, &bill);
    ledger_settle(&l, 0, 0, &bill, charged);
    assert_int_equal(9, budget_level(&l.budgets[0], 0));
    assert_int_equal(10, budget_level(&l.budgets[1], 0));
    ledger_free(&l);
}

/* The account's own, not ramp.h's; and a copy lives on its own. */
static void finding_and_copying(void **state)
{
    static struct trial t;
    static struct ledger copy;
    trial_init(&t, 3, true);
    assert_ptr_equal(&t.ledger.budgets[2], ledger_find(&t.ledger, DIM_TPM));
    assert_null(ledger_find(&t.ledger, DIM_CONCURRENCY));
    struct bill one = {.units = {[DIM_TPM] = 20, [DIM_RPM] = 1}}, other = one;
    ledger_copy(&copy, &t.ledger);
    assert_int_equal(TAKE_OK, ledger_admit(&copy, t.now_us, &one).take);
    for (int n = 0; n < 1000; n++) {
        other.units[DIM_TPM] = n;
        struct admission asked = ledger_ask_after(&t.ledger, t.now_us, &other, &one);
        struct admission known = ledger_ask(&copy, t.now_us, &other);
        assert_int_equal(asked.take, known.take);
    }
    ledger_charge(&copy, t.now_us, &one);
    for (size_t i = 0; i < BOUND_BUDGETS; i++)
        assert_int_equal(t.ledger.budgets[i].limit,
                         budget_level(&t.ledger.budgets[i], t.now_us));
    ledger_free(&copy);
    ledger_free(&t.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_or_nothing_is_held),
        cmocka_unit_test(the_wait_is_exact_and_the_binding_budget_told),
        cmocka_unit_test(a_frozen_budget_binds),
        cmocka_unit_test(never_outweighs_later),
        cmocka_unit_test(every_unit_is_settled_once),
        cmocka_unit_test(a_second_release_aborts),
        cmocka_unit_test(a_budget_that_came_later_is_left_alone),
        cmocka_unit_test(finding_and_copying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
