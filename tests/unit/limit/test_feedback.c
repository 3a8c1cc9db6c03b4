/* test_feedback.c: levels are moved into what an answer's figures make possible, however late
 * and in whatever order answers come; refusals freeze, and teach caution. */
#include "check.h"
#include "feedback.h"

enum { SECOND = 1000000, MINUTE = 60 * SECOND, SLACK_US = SECOND / 10, TRIALS = 20 };

struct trial {
    struct random random;
    uint64_t seed;
    struct ledger ledger;
    struct budget_rules rules;
    struct budget *budget; /* the first one */
    int64_t now_us;
};

static int64_t below(struct trial *t, int64_t n)
{
    return (int64_t)random_below(&t->random, (uint64_t)n);
}

static void trial_init(struct trial *t, uint64_t seed, enum window_kind kind, int64_t limit)
{
    struct limit_spec spec = {DIM_TPM, limit, MINUTE};
    *t = (struct trial){.random = {seed}, .seed = seed, .now_us = MINUTE};
    t->rules = (struct budget_rules){.window = kind,
                                     .minute_us = MINUTE,
                                     .slice_us = SECOND,
                                     .slack_us = SLACK_US,
                                     .use_percent = 100,
                                     .idle = true};
    t->budget = ledger_add(&t->ledger, &spec, &t->rules);
}

/* Sent now; it costs `tokens`. */
static struct bill send(struct trial *t, int64_t tokens)
{
    struct bill bill = {.units = {[DIM_TPM] = tokens}, .budgets = (uint32_t)t->ledger.n};
    for (size_t i = 0; i < t->ledger.n; i++) {
        struct draw draw = bill_draw(&bill, t->ledger.budgets[i].dim);
        budget_hold(&t->ledger.budgets[i], t->now_us, draw);
    }
    ledger_charge(&t->ledger, t->now_us, &bill);
    return bill;
}

static struct reading left(enum dimension dim, int64_t limit, int64_t remaining)
{
    return (struct reading){.dim = dim,
                            .limit = limit,
                            .remaining = remaining,
                            .has_remaining = true,
                            .reset_us = -1,
                            .remaining_round = 1,
                            .period_us = -1};
}

/* The answer to a bill sent at sent_us begins now. */
static void hear(struct trial *t, int64_t sent_us, const struct bill *bill, struct reading r)
{
    struct echo e = {sent_us, t->now_us, bill, &r, 1};
    feedback_hear(&t->ledger, &t->rules, &e);
}

static int64_t level(struct trial *t)
{
    return budget_level(t->budget, t->now_us);
}

/* ---- Where the level is moved -------------------------------------------------------- */

enum { SENDS = 300, LIMIT = 6000, A_SECOND = LIMIT / 60 };

/* Any figures at all, answers in any order: the level ends in the words of the header, and
 * stays where it was if it was there. Decided in [s, v]: what came back since is between
 * nothing and the refill of v - s; surely not counted is nothing; perhaps not counted is all
 * that was sent from s - J on, the request itself excepted. */
static void a_bucket_is_moved_into_what_is_possible(void **state)
{
    static struct trial t;
    static int64_t sent_us[SENDS], costs[SENDS];
    int moved[3] = {0};
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, WINDOW_BUCKET, LIMIT);
        for (int n = 0; n < SENDS; n++) {
            t.now_us += 1 + below(&t, SECOND / 4);
            sent_us[n] = t.now_us;
            costs[n] = 1 + below(&t, 40);
            send(&t, costs[n]);
            t.now_us += 1 + below(&t, SECOND / 4);
            int i = n - (int)below(&t, n < 20 ? n + 1 : 20); /* whose answer comes */
            struct bill bill = {.units = {[DIM_TPM] = costs[i]}, .budgets = 1};
            int64_t took_us = t.now_us - sent_us[i], before = level(&t), perhaps = -costs[i];
            int64_t remaining = before + below(&t, 1000) - 500, round = 1 + below(&t, 100);
            for (int k = 0; k <= n; k++)
                perhaps += sent_us[k] >= sent_us[i] - SLACK_US ? costs[k] : 0;
            int64_t hi = remaining + round + took_us * A_SECOND / SECOND + 1;
            int64_t lo = remaining - round + 1;
            hi = hi < LIMIT ? hi : LIMIT;
            lo = (lo < LIMIT ? lo : LIMIT) - perhaps;
            struct reading r = left(DIM_TPM, LIMIT, remaining);
            r.remaining_round = round;
            hear(&t, sent_us[i], &bill, r);
            int way = before < lo ? 0 : before > hi ? 2 : 1;
            int64_t want = way == 0 ? lo : way == 1 ? before : hi;
            assert_seeded(seed, level(&t) == want);
            moved[way]++;
        }
        ledger_free(&t.ledger);
    }
    assert_true(moved[0] > 50 && moved[1] > 50 && moved[2] > 50);
}

/* Once it is known when headers are computed, what was sent after that is surely not counted
 * (at arrival), or what was sent before it surely is (at the answer). Sent: the request, 7 just
 * after it, 50 in the middle of 10 s. */
static void knowing_the_instant_narrows_it(void **state)
{
    static const struct {
        bool refuted[SUPPOSED_COUNT];
        int64_t remaining, lo, hi;
    } cases[] = {
        {{false, false}, 3000, 3000 - 57, 3000 + 1 + 10 * A_SECOND + 1},
        /* at arrival: 50 lack; decided between 9.4 s and 10 s ago */
        {{false, true}, 3000, 3000 + 940 - 57, 3000 + 1 + 10 * A_SECOND + 1 - 50},
        {{false, true}, LIMIT, LIMIT - 57, LIMIT - 50},
        /* at the answer, half a second ago at most */
        {{true, false}, 3000, 3000, 3000 + 1 + A_SECOND / 2 + 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int high = 0; high < 2; high++) {
            static struct trial t;
            trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
            t.ledger.way_us = SECOND / 2;
            memcpy(t.ledger.refuted, cases[i].refuted, sizeof t.ledger.refuted);
            struct bill bill = send(&t, 10);
            int64_t sent_us = t.now_us;
            t.now_us += SLACK_US / 2;
            send(&t, 7);
            t.now_us = sent_us + 5 * SECOND;
            send(&t, 50);
            t.now_us = sent_us + 10 * SECOND;
            if (!high)
                bucket_clamp(&t.budget->spent.bucket, t.now_us, 0, 0);
            hear(&t, sent_us, &bill, left(DIM_TPM, LIMIT, cases[i].remaining));
            assert_int_equal(high ? cases[i].hi : cases[i].lo, level(&t));
            ledger_free(&t.ledger);
        }
    }
}

/* A log: what left it since the decision may be back, beyond that no more than was said. */
static void a_log_believes_in_strangers(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_SLIDING, LIMIT);
    struct bill bill = send(&t, 100);
    int64_t sent_us = t.now_us;
    t.now_us += SECOND;
    hear(&t, sent_us, &bill, left(DIM_TPM, LIMIT, 2000));
    assert_int_equal(2000, level(&t));
    t.now_us += MINUTE + SECOND; /* taken to have been spent just now, it leaves in a minute */
    assert_int_equal(LIMIT, level(&t));
    ledger_free(&t.ledger);
}

/* Part of a shared account: what others leave unused is not ours to take. */
static void a_share_is_never_raised(void **state)
{
    for (int64_t percent = 50; percent <= 100; percent += 50) {
        static struct trial t;
        trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
        t.budget->use_percent = (int)percent;
        struct bill bill = send(&t, 5000);
        int64_t sent_us = t.now_us++;
        int64_t before = level(&t);
        hear(&t, sent_us, &bill, left(DIM_TPM, LIMIT, 4000));
        assert_int_equal(percent == 100 ? 4000 : before, level(&t));
        ledger_free(&t.ledger);
    }
}

/* ---- What headers tell of limits ----------------------------------------------------- */

static void a_limit_that_is_stated_becomes_a_budget(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_AUTO, LIMIT);
    struct bill bill = send(&t, 1);
    int64_t sent_us = t.now_us;
    t.now_us += SECOND;
    struct reading r = left(DIM_RPM, 500, 499);
    hear(&t, sent_us, &bill, r);
    struct budget *b = ledger_find(&t.ledger, DIM_RPM);
    assert_non_null(b);
    assert_int_equal(500, b->spec.limit);
    assert_int_equal(MINUTE, b->spec.period_us);
    r.reset_us = 3600 * INT64_C(1000000); /* no minute lasts so long: the day's */
    r.limit = 10000;
    hear(&t, sent_us, &bill, r);
    b = ledger_find(&t.ledger, DIM_RPD);
    assert_non_null(b);
    assert_int_equal(10000, b->spec.limit);
    assert_int_equal(24 * 60 * INT64_C(60000000), b->spec.period_us);
    assert_int_equal(500, ledger_find(&t.ledger, DIM_RPM)->spec.limit);
    size_t known = t.ledger.n;
    hear(&t, sent_us, &bill, left(DIM_CONCURRENCY, 5, 5)); /* no rate */
    hear(&t, sent_us, &bill, left(DIM_IPM, 0, 0));         /* no limit */
    r = left(DIM_ITPM, 70, 0);
    r.has_remaining = false; /* does not count what is left */
    hear(&t, sent_us, &bill, r);
    assert_int_equal(known, t.ledger.n);
    ledger_free(&t.ledger);
}

static void another_limit_replaces_the_one_told(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
    struct bill bill = send(&t, 10);
    int64_t sent_us = t.now_us++;
    hear(&t, sent_us, &bill, left(DIM_TPM, LIMIT / 2, LIMIT / 2 - 10));
    assert_int_equal(LIMIT / 2, t.budget->limit);
    assert_int_equal(LIMIT / 2 - 10, level(&t));
    struct bill large = {.units = {[DIM_TPM] = LIMIT / 2 + 1}};
    assert_int_equal(TAKE_NEVER, ledger_ask(&t.ledger, t.now_us, &large).take);
    ledger_free(&t.ledger);
}

/* ---- Refusals ------------------------------------------------------------------------ */

static struct refusal refused(struct trial *t, int64_t sent_us, int64_t asked_us)
{
    return (struct refusal){.dim = DIM_TPM,
                            .sent_us = sent_us,
                            .now_us = t->now_us,
                            .limit = -1,
                            .used = -1,
                            .asked_us = asked_us};
}

static bool refuse(struct trial *t, struct refusal r)
{
    return feedback_refused(&t->ledger, &t->rules, &r, &t->random);
}

/* Never before asked_us is over, at most a hundredth of the period later; a longer freeze is
 * not shortened. What asks for nothing, or for more than a minute, is tried after a backoff. */
static void frozen_for_as_long_as_was_asked(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, (enum window_kind)(seed % (WINDOW_SLICES + 1)), LIMIT);
        struct bill bill = {.units = {[DIM_TPM] = 1}};
        for (int n = 0; n < 200; n++) {
            t.now_us += below(&t, 4 * MINUTE);
            int64_t asked_us = below(&t, 3) ? 1 + below(&t, MINUTE) : below(&t, 2) * 2 * MINUTE;
            int64_t before_us = t.budget->frozen_us, first_us = t.now_us + asked_us;
            assert_true(refuse(&t, refused(&t, t.now_us - below(&t, 2) * MINUTE, asked_us)));
            int64_t frozen_us = t.budget->frozen_us;
            assert_seeded(seed, frozen_us >= before_us && frozen_us > t.now_us);
            bool honoured = asked_us > 0 && asked_us <= MINUTE;
            int64_t last_us =
                honoured ? first_us + MINUTE / 100 : t.now_us + MINUTE + MINUTE / 4;
            assert_seeded(seed, !honoured || frozen_us >= first_us);
            assert_seeded(seed, frozen_us <= (before_us > last_us ? before_us : last_us));
            assert_seeded(seed, ledger_ask(&t.ledger, t.now_us, &bill).wait_us >=
                                    frozen_us - t.now_us);
        }
        ledger_free(&t.ledger);
    }
}

/* Each burst of refusals keeps a hundredth more free, up to about a tenth; the rest of a burst
 * is no news. */
static void caution_grows_by_bursts_up_to_a_tenth(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
    for (int burst = 1; burst <= 30; burst++) {
        int64_t sent_us = t.now_us, before = t.budget->caution;
        t.now_us += SECOND;
        for (int i = 0; i < 5; i++)
            refuse(&t, refused(&t, sent_us, SECOND));
        int64_t grown = before < LIMIT / 10 ? before + LIMIT / 100 + 1 : before;
        assert_int_equal(grown, t.budget->caution);
        assert_int_equal(5 * burst, t.budget->refusals);
        t.now_us += MINUTE;
    }
    assert_true(t.budget->caution <= LIMIT / 10 + LIMIT / 100 + 1);
    assert_int_equal(0, budget_wait_us(t.budget, t.now_us, (struct draw){.units = 1}));
    ledger_free(&t.ledger);
}

/* The way varies more than was believed; what was found out is to be found out anew, what was
 * told stays. */
static void what_was_learned_is_distrusted(void **state)
{
    static struct trial t;
    for (int told = 0; told < 2; told++) {
        trial_init(&t, 1, told ? WINDOW_FIXED : WINDOW_AUTO, LIMIT);
        budget_become(t.budget, t.now_us, WINDOW_FIXED, 0);
        counter_edge(&t.budget->spent, t.now_us, (struct edge){.known = true, .hi_us = 1});
        refuse(&t, refused(&t, t.now_us, SECOND));
        assert_int_equal(told ? WINDOW_FIXED : WINDOW_AUTO, t.budget->spent.kind);
        assert_false(t.budget->spent.phase_known);
        assert_true(t.budget->spent.log.slack_us > SLACK_US);
        ledger_free(&t.ledger);
    }
}

static void the_level_is_what_the_refusal_says(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
    struct refusal r = refused(&t, t.now_us, SECOND);
    r.limit = LIMIT;
    r.used = LIMIT - 70;
    refuse(&t, r);
    assert_int_equal(70, level(&t));
    r.limit = r.used = -1; /* says nothing: nothing is left */
    refuse(&t, r);
    assert_int_equal(0, level(&t));
    ledger_free(&t.ledger);
}

/* Where it was not said which, it was the one with least left, in parts of its limit. */
static void an_unnamed_limit_is_the_emptiest(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
    struct limit_spec spec = {DIM_RPM, 10, MINUTE};
    struct budget *rpm = ledger_add(&t.ledger, &spec, &t.rules);
    struct draw nine = {.units = 9}, half = {.units = LIMIT / 2};
    budget_hold(t.budget, t.now_us, half);
    budget_hold(rpm, t.now_us, nine);
    struct refusal r = refused(&t, t.now_us, SECOND);
    r.dim = DIM_UNKNOWN;
    assert_true(refuse(&t, r));
    assert_true(rpm->frozen_us > t.now_us);
    assert_int_equal(0, t.budget->frozen_us);
    ledger_free(&t.ledger);
    t.ledger.n = 0;
    assert_false(refuse(&t, r)); /* no budgets: not for us to freeze */
}

/* A late refusal of a burst that is over, after answers have shown that all is well. */
static void a_straggler_freezes_for_the_shortest_backoff(void **state)
{
    static struct trial t;
    trial_init(&t, 1, WINDOW_BUCKET, LIMIT);
    int64_t sent_us = t.now_us++;
    refuse(&t, refused(&t, sent_us, SECOND));
    t.now_us += SECOND;
    struct bill bill = send(&t, 1);
    int64_t well_us = t.now_us++;
    hear(&t, well_us, &bill, left(DIM_TPM, LIMIT, 100));
    t.now_us += SECOND;
    refuse(&t, refused(&t, sent_us, -1));
    assert_in_range(t.budget->frozen_us - t.now_us, SECOND * 3 / 8, SECOND / 2);
    ledger_free(&t.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_is_moved_into_what_is_possible),
        cmocka_unit_test(knowing_the_instant_narrows_it),
        cmocka_unit_test(a_log_believes_in_strangers),
        cmocka_unit_test(a_share_is_never_raised),
        cmocka_unit_test(a_limit_that_is_stated_becomes_a_budget),
        cmocka_unit_test(another_limit_replaces_the_one_told),
        cmocka_unit_test(frozen_for_as_long_as_was_asked),
        cmocka_unit_test(caution_grows_by_bursts_up_to_a_tenth),
        cmocka_unit_test(what_was_learned_is_distrusted),
        cmocka_unit_test(the_level_is_what_the_refusal_says),
        cmocka_unit_test(an_unnamed_limit_is_the_emptiest),
        cmocka_unit_test(a_straggler_freezes_for_the_shortest_backoff),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
