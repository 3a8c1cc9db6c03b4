/* test_meter.c: one limit of the emulated provider: its theorem for every kind of window, and
 * waits exact to the microsecond. */
#include "aborts.h"
#include "check.h"
#include "meter.h"
#include "random.h"

enum { TRIALS = 30, ARRIVALS = 600, PERIOD_US = 1000000 };

struct trial {
    struct random random;
    struct meter meter;
    int64_t cap, phase_us, now_us;
    struct {
        int64_t at_us, units;
    } list[ARRIVALS];
    size_t n;
};

static int64_t below(struct trial *t, int64_t n)
{
    return (int64_t)random_below(&t->random, (uint64_t)n);
}

static struct meter meter_of(enum meter_kind kind, int64_t cap, int64_t period_us)
{
    struct meter m = {.dim = DIM_TPM,
                      .kind = kind,
                      .limit = cap,
                      .cap = cap,
                      .period_us = period_us,
                      .frame_us = period_us,
                      .at_us = INT64_MIN};
    if (kind == METER_BUCKET) /* full */
        m.level = (__int128)cap * period_us;
    return m;
}

/* Arrivals at any time; what does not fit comes back after exactly the wait that was told, and
 * would not have been let in a microsecond before. A bucket counts a started unit as used, so
 * that its wait may be too long by the time of one. */
static void run(struct trial *t, uint64_t seed, enum meter_kind kind)
{
    *t = (struct trial){.random = {seed}, .now_us = 7 * PERIOD_US};
    t->cap = 1 + below(t, seed % 2 ? 10 : 100000);
    t->phase_us = below(t, PERIOD_US);
    t->meter = meter_of(kind, t->cap, PERIOD_US);
    t->meter.phase_us = t->phase_us;
    for (; t->n < ARRIVALS; t->n++) {
        int64_t most = seed % 3 ? t->cap / 5 + 1 : t->cap / 200 + 1; /* many small ones */
        int64_t units = 1 + below(t, below(t, 10) ? most : t->cap);
        t->now_us += below(t, below(t, 20) ? 3000 : 2 * PERIOD_US);
        meter_advance(&t->meter, t->now_us);
        int64_t wait_us = meter_wait_us(&t->meter, units);
        if (wait_us > 0) {
            int64_t early_us = kind == METER_BUCKET ? PERIOD_US / t->cap + 2 : 1;
            if (wait_us > early_us) {
                meter_advance(&t->meter, t->now_us + wait_us - early_us);
                assert_seeded(seed, meter_wait_us(&t->meter, units) > 0);
            }
            t->now_us += wait_us;
            meter_advance(&t->meter, t->now_us);
        }
        assert_seeded(seed, meter_wait_us(&t->meter, units) == 0);
        meter_add(&t->meter, units);
        assert_seeded(seed, meter_used(&t->meter) <= t->cap);
        t->list[t->n].at_us = t->now_us;
        t->list[t->n].units = units;
    }
    meter_free(&t->meter);
}

/* For every span of arrivals: what the kind promises of it. */
static bool holds(const struct trial *t, enum meter_kind kind)
{
    for (size_t i = 0; i < t->n; i++) {
        __int128 sum = 0;
        for (size_t k = i; k < t->n; k++) {
            int64_t span_us = t->list[k].at_us - t->list[i].at_us;
            sum += t->list[k].units;
            int64_t from = t->list[i].at_us - t->phase_us, to = t->list[k].at_us - t->phase_us;
            bool together =
                kind == METER_LOG ? span_us < PERIOD_US : from / PERIOD_US == to / PERIOD_US;
            if (kind == METER_BUCKET &&
                sum * PERIOD_US > (__int128)t->cap * (PERIOD_US + span_us))
                return false;
            if (kind != METER_BUCKET && together && sum > t->cap)
                return false;
        }
    }
    return true;
}

static void no_window_is_exceeded_and_waits_are_exact(void **state)
{
    static struct trial t;
    for (enum meter_kind kind = METER_BUCKET; kind <= METER_LOG; kind++) {
        for (uint64_t seed = 1; seed <= TRIALS; seed++) {
            run(&t, seed, kind);
            assert_seeded(seed, holds(&t, kind));
            t.list[t.n / 2].units += t.cap; /* and it would be noticed */
            assert_seeded(seed, !holds(&t, kind));
        }
    }
}

/* After the reset all is free, and a microsecond before it is not. */
static void a_reset_frees_everything(void **state)
{
    for (enum meter_kind kind = METER_BUCKET; kind <= METER_LOG; kind++) {
        for (uint64_t seed = 1; seed <= TRIALS; seed++) {
            struct random r = {seed};
            struct meter m = meter_of(kind, 1 + (int64_t)random_below(&r, 50), PERIOD_US);
            int64_t now_us = 5 * PERIOD_US;
            for (int i = 0; i < 5; i++) {
                now_us += (int64_t)random_below(&r, PERIOD_US / 50);
                meter_advance(&m, now_us);
                meter_add(&m, (int64_t)random_below(&r, 3) + 1);
            }
            int64_t reset_us = meter_reset_us(&m);
            assert_seeded(seed, reset_us > 0);
            meter_advance(&m, now_us + reset_us - 1);
            assert_seeded(seed, meter_used(&m) > 0);
            meter_advance(&m, now_us + reset_us);
            assert_seeded(seed, meter_used(&m) == 0);
            meter_free(&m);
        }
    }
}

/* What is given back leaves the youngest charge, so that nothing is freed twice. */
static void what_is_given_back_is_free_once(void **state)
{
    struct meter m = meter_of(METER_LOG, 10, PERIOD_US);
    meter_advance(&m, 0);
    meter_add(&m, 4);
    meter_advance(&m, 500000);
    meter_add(&m, 6);
    meter_add(&m, -8); /* all of the younger, two of the older */
    assert_int_equal(2, meter_used(&m));
    meter_add(&m, 8);
    meter_advance(&m, PERIOD_US);
    assert_int_equal(8, meter_used(&m));
    meter_add(&m, -100);
    assert_int_equal(0, meter_used(&m));
    meter_free(&m);
    for (enum meter_kind kind = METER_BUCKET; kind <= METER_SLOTS; kind++) {
        m = meter_of(kind, 10, PERIOD_US);
        meter_advance(&m, 0);
        meter_add(&m, 7);
        meter_add(&m, -5);
        assert_int_equal(2, meter_used(&m));
        meter_add(&m, -5);
        assert_int_equal(0, meter_used(&m)); /* never more than all */
        meter_free(&m);
    }
}

/* Far more charges than there was room for at first, some of which have left by then. */
static void a_log_grows_with_what_it_holds(void **state)
{
    struct meter m = meter_of(METER_LOG, 1 << 30, PERIOD_US);
    int64_t n = 0, sum = 0;
    for (int64_t now_us = 0; now_us < 4 * PERIOD_US; now_us += 1 + PERIOD_US / (20 + n)) {
        n += 1;
        meter_advance(&m, now_us);
        meter_add(&m, n);
        if (now_us >= 3 * PERIOD_US)
            sum += n;
    }
    meter_advance(&m, 4 * PERIOD_US - 1); /* what was charged from the third second on */
    assert_int_equal(sum, meter_used(&m));
    assert_true(m.room > 64);
    meter_free(&m);
}

/* Late enforcement and produced output may overdraw; the debt has to be waited for. */
static void an_overdrawn_meter_waits_for_its_debt(void **state)
{
    struct meter m = meter_of(METER_BUCKET, 10, PERIOD_US);
    meter_advance(&m, 0);
    meter_add(&m, 25);
    assert_int_equal(25, meter_used(&m));
    assert_int_equal(1600000, meter_wait_us(&m, 1)); /* 16 units at 10 a second */
    assert_int_equal(2500000, meter_reset_us(&m));
}

/* Seconds of a minute that is no whole number of them: the last is cut short. */
static void a_window_ends_where_its_frame_does(void **state)
{
    struct meter m = meter_of(METER_COUNTER, 5, 400000);
    m.frame_us = PERIOD_US;
    m.phase_us = 100000;
    static const int64_t ends_us[] = {500000, 900000, 1100000, 1500000};
    int64_t at_us = 100000;
    for (size_t i = 0; i < 4; i++) {
        meter_advance(&m, at_us);
        assert_int_equal(ends_us[i] - at_us, meter_reset_us(&m));
        at_us = ends_us[i];
    }
    m.at_us = INT64_MIN;
    meter_advance(&m, -1); /* before the phase */
    assert_int_equal(100001, meter_reset_us(&m));
}

static void slots_depend_on_others(void **state)
{
    struct meter m = meter_of(METER_SLOTS, 2, 0);
    meter_advance(&m, 0);
    meter_add(&m, 1);
    assert_int_equal(0, meter_wait_us(&m, 1));
    meter_add(&m, 1);
    assert_int_equal(-1, meter_wait_us(&m, 1));
    assert_int_equal(0, meter_reset_us(&m));
    meter_add(&m, -1);
    assert_int_equal(0, meter_wait_us(&m, 1));
}

static void go_back(void *ctx)
{
    meter_advance(ctx, 5);
}

static void time_never_goes_backwards(void **state)
{
    struct meter m = meter_of(METER_BUCKET, 10, PERIOD_US);
    meter_advance(&m, 6);
    assert_true(aborts(go_back, &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_is_exceeded_and_waits_are_exact),
        cmocka_unit_test(a_reset_frees_everything),
        cmocka_unit_test(what_is_given_back_is_free_once),
        cmocka_unit_test(a_log_grows_with_what_it_holds),
        cmocka_unit_test(an_overdrawn_meter_waits_for_its_debt),
        cmocka_unit_test(a_window_ends_where_its_frame_does),
        cmocka_unit_test(slots_depend_on_others),
        cmocka_unit_test(time_never_goes_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
