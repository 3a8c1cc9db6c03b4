/* test_oracle.c: the oracle against logs judged by hand, and against the sentences of its
 * header taken literally: every pair of entries, every window. */
#include "check.h"
#include "oracle.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

static const struct oracle_budget bucket = {ORACLE_BUCKET, 10, 1000, 0, false};
static const struct oracle_budget fixed = {ORACLE_FIXED, 10, 1000, 250, false};
static const struct oracle_budget sliding = {ORACLE_SLIDING, 10, 1000, 0, false};

struct row {
    const struct oracle_budget *budget;
    int64_t first_us, first, second_us, second; /* two arrivals: when, how much */
    bool admitted;                              /* what the provider did with the second */
    int64_t over, needless;                     /* what the oracle says of it */
};

static const struct row rows[] = {
    {&bucket, 0, 10, 99, 1, false, 0, 0},    {&bucket, 0, 10, 99, 1, true, 1, 0},
    {&bucket, 0, 10, 100, 1, true, 0, 0},    {&bucket, 0, 10, 100, 1, false, 0, 1},
    {&bucket, 5000, 1, 5000, 9, true, 0, 0}, {&bucket, 5000, 1, 5000, 10, true, 1, 0},
    {&fixed, 0, 10, 249, 1, true, 1, 0},     {&fixed, 0, 10, 250, 10, true, 0, 0},
    {&fixed, 0, 10, 250, 10, false, 0, 1},   {&fixed, 250, 10, 1249, 1, false, 0, 0},
    {&fixed, 250, 10, 1250, 1, false, 0, 1}, {&sliding, 0, 10, 999, 1, true, 1, 0},
    {&sliding, 0, 10, 999, 1, false, 0, 0},  {&sliding, 0, 10, 1000, 10, true, 0, 0},
    {&sliding, 0, 10, 1000, 1, false, 0, 1}, {&sliding, 0, 4, 999, 6, true, 0, 0},
};

static void by_hand(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct row *r = &rows[i];
        struct oracle_log log = {0};
        oracle_note(
            &log, &(struct oracle_entry){r->first_us, ORACLE_ADMITTED, true, 0, {r->first, 0}});
        oracle_note(&log, &(struct oracle_entry){r->second_us,
                                                 r->admitted ? ORACLE_ADMITTED : ORACLE_REFUSED,
                                                 true,
                                                 1,
                                                 {r->second, 0}});
        struct oracle_finding f = oracle_judge(&log, r->budget, 1, 2);
        if (f.over != r->over || f.needless != r->needless)
            fail_msg("row %zu: over %d, needless %d", i, (int)f.over, (int)f.needless);
        assert_int_equal(f.lost, r->admitted ? 0 : 1);
        oracle_log_free(&log);
    }
}

static void counts_jobs(void **state)
{
    (void)state;
    struct oracle_log log = {0};
    const uint32_t jobs[] = {0, 2, 2};
    for (size_t i = 0; i < LENGTH(jobs); i++)
        oracle_note(&log,
                    &(struct oracle_entry){(int64_t)i, ORACLE_ADMITTED, true, jobs[i], {1, 0}});
    oracle_note(&log, &(struct oracle_entry){9, ORACLE_ADMITTED, false, 1, {1, 0}});
    struct oracle_finding f = oracle_judge(&log, &bucket, 1, 3);
    assert_int_equal(f.lost, 1);
    assert_int_equal(f.twice, 1);
    assert_int_equal(f.charged[0], 3);
    assert_false(oracle_content(&f));
    log.list[3].at_us = 0;
    f = oracle_judge(&log, &bucket, 1, 3);
    assert_int_equal(f.backwards, 1);
    assert_int_equal(f.first, 3);
    oracle_log_free(&log);
}

static void bounds(void **state)
{
    (void)state;
    assert_int_equal(oracle_bound_us(&bucket, 10, 0, 5), -1);
    assert_int_equal(oracle_bound_us(&bucket, 25, 0, 5), 1500);
    assert_int_equal(oracle_bound_us(&sliding, 11, 0, 5), 1000);
    assert_int_equal(oracle_bound_us(&sliding, 125, 0, 5), 12000);
    assert_int_equal(oracle_bound_us(&fixed, 11, 0, 5), 250);
    assert_int_equal(oracle_bound_us(&fixed, 11, 0, 250), 1250);
    assert_int_equal(oracle_bound_us(&fixed, 125, 100, 300), 1150 + 11000);
}

/* ---- The sentences themselves, on random logs. --------------------------------------- */

static int64_t charged(const struct oracle_entry *e)
{
    return e->kind == ORACLE_REFUSED ? 0 : e->charge[0];
}

static int64_t edges_until(const struct oracle_budget *b, int64_t t)
{
    int64_t k = -1000;
    while (b->phase_us + (k + 1) * b->period_us <= t)
        k++;
    return k;
}

/* Does entry i fit by the definition, were it admitted? */
static bool fits(const struct oracle_budget *b, const struct oracle_log *log, size_t i)
{
    const struct oracle_entry *last = &log->list[i];
    int64_t window = last->charge[0], span = window;
    for (size_t j = i; j-- > 0;) {
        const struct oracle_entry *e = &log->list[j];
        bool inside = b->shape == ORACLE_FIXED
                          ? edges_until(b, e->at_us) == edges_until(b, last->at_us)
                          : e->at_us > last->at_us - b->period_us;
        window += inside ? charged(e) : 0;
        span += charged(e);
        bool overfull =
            span * b->period_us > b->limit * b->period_us + b->limit * (last->at_us - e->at_us);
        if (b->shape == ORACLE_BUCKET && overfull)
            return false;
    }
    return b->shape == ORACLE_BUCKET ? last->charge[0] <= b->limit : window <= b->limit;
}

static void check_random(uint64_t seed, const struct oracle_budget *b)
{
    struct random r = {seed};
    struct oracle_log log = {0};
    int64_t at_us = 0, over = 0, needless = 0;
    for (size_t i = 0; i < 80; i++) {
        at_us += (int64_t)random_below(&r, 200);
        oracle_note(
            &log,
            &(struct oracle_entry){
                at_us, ORACLE_ADMITTED, true, (uint32_t)i, {(int64_t)random_below(&r, 4), 0}});
        struct oracle_entry *e = &log.list[i];
        bool should = fits(b, &log, i);
        bool honest = random_below(&r, 10) > 0;
        e->kind = should == honest ? ORACLE_ADMITTED : ORACLE_REFUSED;
        over += !should && !honest;
        needless += should && !honest;
    }
    struct oracle_finding f = oracle_judge(&log, b, 1, 80);
    if (f.over != over || f.needless != needless)
        fail_msg("seed %llu, shape %d: over %d for %d, needless %d for %d",
                 (unsigned long long)seed, (int)b->shape, (int)f.over, (int)over,
                 (int)f.needless, (int)needless);
    oracle_log_free(&log);
}

static void by_brute_force(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        check_random(seed, &bucket);
        check_random(seed, &fixed);
        check_random(seed, &sliding);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(counts_jobs),
        cmocka_unit_test(bounds),
        cmocka_unit_test(by_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
