/* test_bucket.c: the theorem of bucket.h against a provider's bucket that counts on its own,
 * and that nothing is held back which would have fit. */
#include "bucket.h"
#include "check.h"
#include "judge.h"
#include "random.h"

enum { TRIALS = 40, SENDS = 2000, IDLE_ONE_IN = 30, FULL_ONE_IN = 25 };

struct trial {
    struct random random;
    uint64_t seed;
    int64_t limit, period_us, slack_us;
    struct arrival sent[SENDS];
    bool waited[SENDS];
};

static int64_t below(struct trial *t, int64_t n)
{
    return (int64_t)random_below(&t->random, (uint64_t)n);
}

/* From one unit to more than any account has, minutes shortened to a second and whole days. */
static void trial_init(struct trial *t, uint64_t seed)
{
    static const int64_t limits[] = {1, 2, 7, 100, 30000, INT64_C(5000000000)};
    static const int64_t periods_us[] = {1000000, 60000000, INT64_C(86400000000)};
    *t = (struct trial){.random = {seed}, .seed = seed};
    t->limit = limits[below(t, 6)];
    t->period_us = periods_us[below(t, 3)];
    t->slack_us = below(t, t->period_us / 3);
}

/* Mostly small costs; at times all the bucket holds, or more than it ever has room for beside
 * the slack. */
static int64_t some_cost(struct trial *t)
{
    if (below(t, FULL_ONE_IN) == 0)
        return t->limit - below(t, t->limit / 3 + 1);
    return 1 + below(t, (t->limit + 3) / 4);
}

/* Random costs after random idle spans, each at the first instant that b allows, which asking
 * every way must confirm. */
static void send_all(struct trial *t, struct bucket *b)
{
    int64_t now_us = t->period_us;
    for (size_t i = 0; i < SENDS; i++) {
        int64_t cost = some_cost(t);
        if (below(t, IDLE_ONE_IN) == 0)
            now_us += below(t, 2 * t->period_us);
        int64_t wait_us = bucket_wait_us(b, now_us, 0, cost);
        assert_seeded(t->seed, wait_us >= 0);
        if (wait_us > 0) {
            assert_seeded(t->seed, bucket_wait_us(b, now_us + wait_us - 1, 0, cost) == 1);
            now_us += wait_us;
            assert_seeded(t->seed, bucket_wait_us(b, now_us, 0, cost) == 0);
        }
        bucket_debit(b, now_us, cost);
        t->sent[i] = (struct arrival){now_us, cost};
        t->waited[i] = wait_us > 0;
    }
}

/* Delays within `within_us` of each other: even ones, or each the least or the most, which is
 * what bunches best. */
static void delay_all(struct trial *t, int64_t within_us)
{
    bool extreme = below(t, 2);
    for (size_t i = 0; i < SENDS; i++)
        t->sent[i].at_us += extreme ? below(t, 2) * within_us : below(t, within_us + 1);
    judge_sort(t->sent, SENDS);
}

static void the_providers_bucket_never_lacks_a_unit(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct bucket b;
        trial_init(&t, seed);
        bucket_init(&b, t.limit, t.period_us, t.slack_us);
        send_all(&t, &b);
        delay_all(&t, t.slack_us);
        assert_seeded(seed, judge_bucket(t.sent, SENDS, t.limit, t.period_us));
    }
}

/* The second half of the theorem, span by span: whatever arrives from one to another. */
static void no_span_holds_more_than_limit_and_refill(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS / 4; seed++) {
        struct bucket b;
        trial_init(&t, seed);
        bucket_init(&b, t.limit, t.period_us, t.slack_us);
        send_all(&t, &b);
        delay_all(&t, t.slack_us);
        for (size_t i = 0; i < SENDS; i++) {
            __int128 units = 0;
            for (size_t k = i; k < SENDS; k++) {
                units += t.sent[k].units;
                __int128 most =
                    (__int128)t.limit * (t.period_us + t.sent[k].at_us - t.sent[i].at_us);
                assert_seeded(seed, units * t.period_us <= most);
            }
        }
    }
}

/* The judge can say no: the same schedules, made without regard to the delays. */
static void without_slack_it_would_lack(void **state)
{
    static struct trial t;
    int lacked = 0;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct bucket b;
        trial_init(&t, seed);
        bucket_init(&b, t.limit, t.period_us, 0);
        send_all(&t, &b);
        delay_all(&t, t.slack_us);
        lacked += !judge_bucket(t.sent, SENDS, t.limit, t.period_us);
    }
    assert_true(lacked > TRIALS / 2);
}

/* Where delays are all alike, whatever had to wait would have come too early a microsecond
 * before. */
static void nothing_is_held_back_that_would_have_fit(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct bucket b;
        int tried = 0;
        trial_init(&t, seed);
        bucket_init(&b, t.limit, t.period_us, 0);
        send_all(&t, &b);
        for (size_t n = 2; n < 200; n++) {
            struct arrival *last = &t.sent[n - 1];
            if (!t.waited[n - 1])
                continue;
            tried++;
            last->at_us--;
            assert_seeded(seed, !judge_bucket(t.sent, n, t.limit, t.period_us));
            last->at_us++;
            assert_seeded(seed, judge_bucket(t.sent, n, t.limit, t.period_us));
        }
        assert_seeded(seed, tried > 0);
    }
}

/* What is promised counts as if it had been debited, however long the bucket has been full and
 * however large the cost. */
static void promised_units_are_kept_free(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct bucket b;
        trial_init(&t, seed);
        t.limit += 10;
        bucket_init(&b, t.limit, t.period_us, t.slack_us);
        int64_t now_us = 0;
        for (int i = 0; i < 100; i++) {
            int64_t held = 1 + below(&t, t.limit / 3), cost = some_cost(&t);
            now_us += below(&t, 10) ? 0 : below(&t, 3 * t.period_us);
            struct bucket as_if = b;
            bucket_debit(&as_if, now_us, held);
            assert_seeded(seed, bucket_wait_us(&b, now_us, held, cost) ==
                                    bucket_wait_us(&as_if, now_us, 0, cost));
            now_us += bucket_wait_us(&b, now_us, 0, cost);
            bucket_debit(&b, now_us, cost);
        }
    }
}

/* A cost for which there is never room beside the slack goes alone, once the bucket has been
 * full for as long as delays vary. */
static void the_largest_cost_goes_alone(void **state)
{
    struct bucket b;
    bucket_init(&b, 10, 1000000, 250000); /* 100 ms a unit: 7.5 units of room */
    assert_int_equal(0, bucket_wait_us(&b, 0, 0, 10));
    bucket_debit(&b, 0, 1);
    assert_int_equal(100000 + 250000, bucket_wait_us(&b, 0, 0, 10));
    assert_int_equal(100000 + 250000, bucket_wait_us(&b, 0, 0, 8));
    assert_int_equal(50000,
                     bucket_wait_us(&b, 0, 0, 7)); /* fits beside the slack as it drains */
    bucket_debit(&b, 350000, 10);
    assert_int_equal(1000000 - 750000 + 100000, bucket_wait_us(&b, 350000, 0, 1));
}

static void the_level_is_in_whole_units(void **state)
{
    struct bucket b;
    bucket_init(&b, 10, 1000000, 0);
    assert_int_equal(10, bucket_level(&b, 0));
    bucket_debit(&b, 0, 4);
    assert_int_equal(6, bucket_level(&b, 0));
    assert_int_equal(6, bucket_level(&b, 99999));
    assert_int_equal(7, bucket_level(&b, 100000));
    assert_int_equal(10, bucket_level(&b, 400000));
    bucket_debit(&b, 400000, 13);
    assert_int_equal(-3, bucket_level(&b, 400000)); /* overdrawn */
    bucket_credit(&b, 400000, 5);
    assert_int_equal(2, bucket_level(&b, 400000));
    bucket_credit(&b, 400000, 100);
    assert_int_equal(10, bucket_level(&b, 400000)); /* never above the limit */
}

static void a_clamp_moves_the_level_no_further_than_it_must(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        struct bucket b;
        trial_init(&t, seed);
        bucket_init(&b, t.limit, t.period_us, t.slack_us);
        int64_t now_us = 0;
        for (int i = 0; i < 200; i++) {
            now_us += below(&t, t.period_us / 10);
            int64_t before = bucket_level(&b, now_us);
            int64_t lo = below(&t, 2 * t.limit) - t.limit / 2, hi = lo + below(&t, t.limit + 1);
            int64_t want = before < lo ? lo : before > hi ? hi : before;
            bucket_clamp(&b, now_us, lo, hi);
            assert_seeded(seed, bucket_level(&b, now_us) == (want < t.limit ? want : t.limit));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_providers_bucket_never_lacks_a_unit),
        cmocka_unit_test(no_span_holds_more_than_limit_and_refill),
        cmocka_unit_test(without_slack_it_would_lack),
        cmocka_unit_test(nothing_is_held_back_that_would_have_fit),
        cmocka_unit_test(promised_units_are_kept_free),
        cmocka_unit_test(the_largest_cost_goes_alone),
        cmocka_unit_test(the_level_is_in_whole_units),
        cmocka_unit_test(a_clamp_moves_the_level_no_further_than_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
