/* The emulated provider's limiter: tables of what real refusals said, and random arrivals
 * judged by an oracle that keeps every admission. SEED in the environment repeats a failing
 * random test. */
#include "arena.h"
#include "check.h"
#include "duration.h"
#include "gauge.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { S = 1000000, MINUTE = 60 * S };

static struct gauge_config config_of(enum gauge_window window, enum dimension dim,
                                     int64_t limit)
{
    return (struct gauge_config){.window = window,
                                 .slice_us = S,
                                 .minute_us = MINUTE,
                                 .limits = {{dim, limit}},
                                 .limit_count = 1,
                                 .fill_percent = 100};
}

static struct gauge_answer arrive(struct gauge *g, int64_t now_us, enum dimension dim,
                                  int64_t units)
{
    int64_t charge[DIM_COUNT] = {0};
    charge[dim] = units;
    return gauge_arrive(g, now_us, charge);
}

/* limit, used, requested and the wait in the message of the same refusal, as seen in public. */
static void waits_are_those_of_real_refusals(void **state)
{
    static const struct {
        enum dimension dim;
        int64_t limit, used, requested;
        const char *wait;
    } rows[] = {
        {DIM_TPM, 30000, 18928, 11159, "174ms"},
        {DIM_TPM, 10000, 8554, 3082, "9.816s"},
        {DIM_TPM, 200000, 200000, 775, "232ms"},
        {DIM_TPM, 30000, 29937, 385, "644ms"},
        {DIM_TPM, 1000000, 976163, 70716, "2.812s"},
        {DIM_TPM, 12000, 4437, 9854, "11.455s"},
        {DIM_RPM, 3, 3, 1, "20s"},
        {DIM_IPM, 5, 5, 1, "12s"},
        {DIM_IPM, 4000, 4000, 1, "15ms"},
        {DIM_RPD, 200, 200, 1, "7m12s"},
        {DIM_RPD, 10000, 10000, 1, "8.64s"},
        {DIM_TPD, 100000, 97050, 3619, "9m38.016s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gauge_config c = config_of(GAUGE_BUCKET, rows[i].dim, rows[i].limit);
        struct gauge *g = gauge_new(&c);
        assert_true(arrive(g, 0, rows[i].dim, rows[i].used).admitted);
        struct gauge_answer a = arrive(g, 0, rows[i].dim, rows[i].requested);
        struct buf wait = {0};
        duration_go(&wait, a.retry_us);
        assert_false(a.admitted || a.too_large);
        assert_int_equal(a.why.used, rows[i].used);
        assert_int_equal(a.why.requested, rows[i].requested);
        assert_string_equal(buf_cstr(&wait), rows[i].wait);
        buf_free(&wait);
        gauge_free(&g);
    }
}

/* remaining and reset as headers showed them: the reset speaks of the fractional level. */
static void resets_are_those_of_real_headers(void **state)
{
    static const struct {
        int64_t limit, used;
        const char *reset;
    } rows[] = {{60000, 55213, "55.213s"}, {30000, 4, "8ms"}, {500, 1, "120ms"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gauge_config c = config_of(GAUGE_BUCKET, DIM_TPM, rows[i].limit);
        struct gauge *g = gauge_new(&c);
        struct gauge_answer a = arrive(g, 7, DIM_TPM, rows[i].used);
        struct buf reset = {0};
        duration_go(&reset, a.figures[0].reset_us);
        assert_string_equal(buf_cstr(&reset), rows[i].reset);
        assert_int_equal(a.figures[0].remaining, rows[i].limit - rows[i].used);
        buf_free(&reset);
        /* half a token later the figure still says a whole one is in use */
        struct gauge_answer later = gauge_look(g, 7 + MINUTE / rows[i].limit / 2);
        assert_int_equal(later.figures[0].used, rows[i].used);
        assert_true(later.figures[0].reset_us < a.figures[0].reset_us);
        gauge_free(&g);
    }
}

static void each_window_frees_when_its_kind_does(void **state)
{
    struct row {
        int64_t at_us, units;
        bool admitted;
        int64_t retry_us, reset_us;
    };
    static const struct {
        const char *name;
        enum gauge_window window;
        enum dimension dim;
        int64_t limit, phase_us;
        struct row rows[8];
    } cases[] = {
        {"bucket",
         GAUGE_BUCKET,
         DIM_TPM,
         60,
         0,
         {{0, 60, true, 0, MINUTE},
          {S - 1, 1, false, S, MINUTE - S + 1},
          {S, 1, true, 0, MINUTE},
          {S, 2, false, 2 * S, MINUTE},
          {3 * S, 2, true, 0, MINUTE}}},
        {"fixed",
         GAUGE_FIXED,
         DIM_TPM,
         60,
         10 * S,
         {{0, 60, true, 0, 10 * S},
          {10 * S - 1, 1, false, 1, 1},
          {10 * S, 59, true, 0, MINUTE},
          {30 * S, 2, false, 40 * S, 40 * S},
          {30 * S, 1, true, 0, 40 * S},
          {70 * S, 60, true, 0, MINUTE}}},
        {"sliding",
         GAUGE_SLIDING,
         DIM_TPM,
         60,
         0,
         {{0, 30, true, 0, MINUTE},
          {20 * S, 30, true, 0, MINUTE},
          {MINUTE - 1, 30, false, 1, 20 * S + 1},
          {MINUTE - 1, 31, false, 20 * S + 1, 20 * S + 1},
          {MINUTE, 30, true, 0, MINUTE},
          {MINUTE, 1, false, 20 * S, MINUTE}}},
        {"slices of requests",
         GAUGE_SLICES,
         DIM_RPM,
         150,
         0,
         {{0, 1, true, 0, S},
          {S / 2, 1, true, 0, S / 2},
          {S - 1, 1, false, 1, 1},
          {S, 1, true, 0, S},
          {59 * S + S / 4, 1, true, 0, S * 3 / 4}}},
        {"slices of few requests hold one each",
         GAUGE_SLICES,
         DIM_RPM,
         6,
         0,
         {{0, 1, true, 0, S}, {1, 1, false, S - 1, S - 1}, {S, 1, true, 0, S}}},
        {"tokens under slices count by the minute",
         GAUGE_SLICES,
         DIM_TPM,
         60,
         0,
         {{0, 60, true, 0, MINUTE},
          {S, 1, false, 59 * S, 59 * S},
          {MINUTE, 60, true, 0, MINUTE}}},
        {"a day is a bucket under any window",
         GAUGE_FIXED,
         DIM_RPD,
         10,
         0,
         {{0, 10, true, 0, 86400LL * S}, {0, 1, false, 8640LL * S, 86400LL * S}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gauge_config c = config_of(cases[i].window, cases[i].dim, cases[i].limit);
        c.phase_us = cases[i].phase_us;
        struct gauge *g = gauge_new(&c);
        for (const struct row *r = cases[i].rows; r < cases[i].rows + 8 && r->units; r++) {
            struct gauge_answer a = arrive(g, r->at_us, cases[i].dim, r->units);
            if (a.admitted != r->admitted || a.retry_us != r->retry_us ||
                a.figures[0].reset_us != r->reset_us)
                fail_msg("%s, arrival at %lld us: admitted %d, retry %lld, reset %lld",
                         cases[i].name, (long long)r->at_us, a.admitted, (long long)a.retry_us,
                         (long long)a.figures[0].reset_us);
        }
        gauge_free(&g);
    }
}

static void all_limits_are_debited_or_none(void **state)
{
    struct gauge_config c = config_of(GAUGE_BUCKET, DIM_RPM, 10);
    c.limits[1] = (struct gauge_limit){DIM_TPM, 100};
    c.limits[2] = (struct gauge_limit){DIM_CONCURRENCY, 1};
    c.limit_count = 3;
    struct gauge *g = gauge_new(&c);
    const int64_t asked[DIM_COUNT] = {[DIM_RPM] = 1, [DIM_TPM] = 90, [DIM_CONCURRENCY] = 1};
    assert_true(gauge_arrive(g, 0, asked).admitted);

    struct gauge_answer a = gauge_arrive(g, 0, asked);
    assert_false(a.admitted);
    assert_int_equal(a.why.dim,
                     DIM_TPM); /* concurrency refuses too, but its wait is not known */
    assert_int_equal(a.retry_us, 48 * S);
    assert_int_equal(a.figures[0].used, 1);
    assert_int_equal(a.figures[2].used, 1);

    a = gauge_arrive(g, 48 * S, asked);
    assert_int_equal(a.why.dim, DIM_CONCURRENCY);
    assert_int_equal(a.retry_us, -1);
    gauge_release(g);
    assert_true(gauge_arrive(g, 48 * S, asked).admitted);
    gauge_free(&g);
}

static void larger_than_the_limit_is_never_admitted(void **state)
{
    for (enum gauge_window w = GAUGE_BUCKET; w <= GAUGE_SLICES; w++) {
        struct gauge_config c = config_of(w, DIM_TPM, 100);
        c.limits[1] = (struct gauge_limit){DIM_RPM, 0};
        c.limit_count = 2;
        struct gauge *g = gauge_new(&c);
        struct gauge_answer a = arrive(g, 5, DIM_TPM, 101);
        assert_true(!a.admitted && a.too_large && a.retry_us == -1);
        assert_int_equal(a.why.requested, 101);
        a = arrive(g, 5, DIM_RPM, 1); /* a limit of zero */
        assert_true(!a.admitted && a.too_large);
        assert_true(arrive(g, 5, DIM_TPM, 100).admitted);
        gauge_free(&g);
    }
}

static void a_drained_refusal_costs_a_request_and_no_tokens(void **state)
{
    struct gauge_config c = config_of(GAUGE_BUCKET, DIM_RPM, 3);
    c.limits[1] = (struct gauge_limit){DIM_TPM, 100};
    c.limit_count = 2;
    c.refusals_drain = true;
    struct gauge *g = gauge_new(&c);
    const int64_t asked[DIM_COUNT] = {[DIM_RPM] = 1, [DIM_TPM] = 60};
    assert_true(gauge_arrive(g, 0, asked).admitted);
    struct gauge_answer a = gauge_arrive(g, 0, asked);
    assert_int_equal(a.why.dim, DIM_TPM);
    assert_int_equal(a.figures[0].used, 2);
    assert_int_equal(a.figures[1].used, 60);
    /* hammering keeps the bucket at zero, not below: whoever then waits as told gets in */
    for (int i = 1; i < 200; i++)
        a = gauge_arrive(g, i * S / 10, asked);
    assert_int_equal(a.why.dim, DIM_RPM);
    assert_int_equal(a.figures[0].used, 3);
    assert_int_equal(a.retry_us, 20 * S);
    assert_true(gauge_arrive(g, 199 * S / 10 + a.retry_us, asked).admitted);
    gauge_free(&g);
}

static void soft_enforcement_admits_into_debt(void **state)
{
    struct gauge_config c = config_of(GAUGE_BUCKET, DIM_TPM, 60);
    c.soft = true;
    struct gauge *g = gauge_new(&c);
    assert_true(arrive(g, 0, DIM_TPM, 59).admitted);
    assert_true(arrive(g, 0, DIM_TPM, 31).admitted);
    struct gauge_answer a = arrive(g, 0, DIM_TPM, 31);
    assert_int_equal(a.why.remaining, -30);
    assert_int_equal(a.retry_us, 31 * S);
    gauge_free(&g);
}

static void output_is_debited_as_it_is_produced(void **state)
{
    for (enum gauge_window w = GAUGE_BUCKET; w <= GAUGE_SLIDING; w++) {
        struct gauge_config c = config_of(w, DIM_OTPM, 60);
        struct gauge *g = gauge_new(&c);
        assert_true(arrive(g, 0, DIM_OTPM, 1).admitted);
        gauge_produce(g, 0, DIM_OTPM, 79);
        assert_int_equal(gauge_look(g, 0).figures[0].remaining, -20);
        assert_false(arrive(g, 0, DIM_OTPM, 1).admitted);
        gauge_produce(g, 0, DIM_OTPM, -21);  /* a correction */
        gauge_produce(g, 0, DIM_ITPM, 1000); /* no such limit */
        assert_true(arrive(g, 0, DIM_OTPM, 1).admitted);
        gauge_produce(g, 0, DIM_OTPM, -1000);
        assert_int_equal(gauge_look(g, 0).figures[0].used, 0);
        gauge_free(&g);
    }
}

static void charges_follow_the_rule(void **state)
{
    static const struct {
        enum gauge_charge rule;
        int64_t in, max_tokens, tpm, otpm;
    } rows[] = {{GAUGE_MAX, 40, 100, 100, 100}, {GAUGE_MAX, 100, 40, 100, 40},
                {GAUGE_MAX, 7, 0, 7, 0},        {GAUGE_SUM, 40, 100, 140, 100},
                {GAUGE_ACTUAL, 40, 100, 41, 1}, {GAUGE_INPUT, 40, 100, 40, 100}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t charge[DIM_COUNT];
        struct gauge_ask ask = {rows[i].in, rows[i].max_tokens, 2};
        gauge_cost(rows[i].rule, &ask, charge);
        assert_int_equal(charge[DIM_TPM], rows[i].tpm);
        assert_int_equal(charge[DIM_TPD], rows[i].tpm);
        assert_int_equal(charge[DIM_ITPM], rows[i].in);
        assert_int_equal(charge[DIM_OTPM], rows[i].otpm);
        assert_int_equal(charge[DIM_RPM], 1);
        assert_int_equal(charge[DIM_RPD], 1);
        assert_int_equal(charge[DIM_IPM], 2);
    }
}

/* ---- the oracle ---- */

struct admission {
    int64_t at_us, units;
};

struct history {
    struct admission list[400];
    size_t n;
};

/* "Never more than L in any window", said once more per kind, straight from the log. */
static bool history_within(const struct history *h, const struct gauge_config *c)
{
    const int64_t limit = c->limits[0].limit, w = c->minute_us;
    for (size_t i = 0; i < h->n; i++) {
        __int128 sum = 0;
        int64_t frame = (h->list[i].at_us - c->phase_us + 100 * w) / w;
        for (size_t j = i; j < h->n; j++) {
            int64_t span = h->list[j].at_us - h->list[i].at_us;
            if (c->window == GAUGE_SLIDING && span >= w)
                break;
            if (c->window == GAUGE_FIXED &&
                (h->list[j].at_us - c->phase_us + 100 * w) / w != frame)
                break;
            sum += h->list[j].units;
            __int128 room = (__int128)limit * w;
            if (c->window == GAUGE_BUCKET)
                room += (__int128)limit * span;
            if (sum * w > room)
                return false;
        }
    }
    return true;
}

static void run_random_arrivals(struct random *r, enum gauge_window window, const char *command)
{
    struct gauge_config c = config_of(window, DIM_TPM, 1 + (int64_t)random_below(r, 5000));
    c.minute_us = 1 + (int64_t)random_below(r, 2 * MINUTE);
    c.phase_us = (int64_t)random_below(r, (uint64_t)c.minute_us);
    struct gauge *g = gauge_new(&c);
    struct history h = {0};
    int64_t now = (int64_t)random_below(r, MINUTE), retry = -1, units = 0;
    while (h.n < 300) {
        bool as_told = retry > 0 && random_below(r, 2);
        bool just_before = as_told && window != GAUGE_BUCKET && random_below(r, 2);
        if (!as_told) {
            units = 1 + (int64_t)random_below(r, (uint64_t)c.limits[0].limit);
            now += (int64_t)random_below(r, (uint64_t)c.minute_us / 4 + 2);
        } else {
            now += retry - just_before;
        }
        struct gauge_answer a = arrive(g, now, DIM_TPM, units);
        if (as_told && a.admitted == just_before)
            fail_msg("told to wait %lld us, then %s; repeat with %s", (long long)retry,
                     a.admitted ? "admitted too early" : "refused", command);
        if (!a.admitted && a.retry_us <= 0)
            fail_msg("refused without a wait; repeat with %s", command);
        retry = a.admitted ? -1 : a.retry_us;
        if (a.admitted)
            h.list[h.n++] = (struct admission){now, units};
    }
    if (!history_within(&h, &c))
        fail_msg("window %d admitted more than its limit; repeat with %s", window, command);
    gauge_free(&g);
}

static void random_arrivals_never_exceed_a_window(void **state)
{
    const char *given = getenv("SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1, last = given ? first : 60;
    for (uint64_t seed = first; seed <= last; seed++) {
        char command[80];
        snprintf(command, sizeof command, "SEED=%llu build/tests/unit/unit_test_gauge",
                 (unsigned long long)seed);
        struct random r = {seed};
        for (enum gauge_window w = GAUGE_BUCKET; w <= GAUGE_SLIDING; w++)
            run_random_arrivals(&r, w, command);
    }
}

/* The oracle must be able to say no. */
static void the_oracle_catches_one_unit_too_many(void **state)
{
    for (enum gauge_window w = GAUGE_BUCKET; w <= GAUGE_SLIDING; w++) {
        struct gauge_config c = config_of(w, DIM_TPM, 60);
        struct history h = {{{0, 40}, {S, w == GAUGE_BUCKET ? 21 : 20}}, 2};
        assert_true(history_within(&h, &c));
        h.list[1].units++;
        assert_false(history_within(&h, &c));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_are_those_of_real_refusals),
        cmocka_unit_test(resets_are_those_of_real_headers),
        cmocka_unit_test(each_window_frees_when_its_kind_does),
        cmocka_unit_test(all_limits_are_debited_or_none),
        cmocka_unit_test(larger_than_the_limit_is_never_admitted),
        cmocka_unit_test(a_drained_refusal_costs_a_request_and_no_tokens),
        cmocka_unit_test(soft_enforcement_admits_into_debt),
        cmocka_unit_test(output_is_debited_as_it_is_produced),
        cmocka_unit_test(charges_follow_the_rule),
        cmocka_unit_test(random_arrivals_never_exceed_a_window),
        cmocka_unit_test(the_oracle_catches_one_unit_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
