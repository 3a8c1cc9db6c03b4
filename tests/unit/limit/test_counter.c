/* test_counter.c: whatever becomes known of a window while it is spent, and whenever, it is not
 * exceeded; and all kinds agree on what was charged, given back and told anew. */
#include "check.h"
#include "counter.h"
#include "judge.h"
#include "random.h"

enum { TRIALS = 60, SENDS = 1500, PERIOD_US = 1000000, DELAY_US = 3000, SLACK_US = 50000 };

struct trial {
    struct random random;
    uint64_t seed;
    int64_t limit, now_us;
    int64_t truth_us; /* an edge, in sending time */
    struct counter counter;
    struct arrival list[SENDS];
};

static int64_t below(struct trial *t, int64_t n)
{
    return (int64_t)random_below(&t->random, (uint64_t)n);
}

static void trial_init(struct trial *t, uint64_t seed, enum window_kind kind)
{
    *t = (struct trial){.random = {seed}, .seed = seed, .now_us = 5 * PERIOD_US};
    t->limit = 1 + below(t, seed % 2 ? 20 : 1000000);
    t->truth_us = below(t, PERIOD_US);
    counter_init(&t->counter, kind, t->limit, PERIOD_US, SLACK_US);
}

/* Spends what is allowed from the from-th to the upto-th request. */
static void spend(struct trial *t, size_t from, size_t upto)
{
    struct counter *c = &t->counter;
    for (size_t i = from; i < upto; i++) {
        int64_t cost = 1 + below(t, below(t, 20) ? t->limit / 4 + 1 : t->limit);
        if (below(t, 40) == 0)
            t->now_us += below(t, 2 * PERIOD_US);
        t->now_us += counter_wait_us(c, t->now_us, 0, cost);
        assert_seeded(t->seed, counter_wait_us(c, t->now_us, 0, cost) == 0);
        counter_debit(c, t->now_us, cost);
        int64_t late_us = below(t, 2) ? SLACK_US : below(t, SLACK_US + 1);
        t->list[i] = (struct arrival){t->now_us + DELAY_US + late_us, cost};
    }
}

/* An interval around the true edge or one of the same whole periods away; at times wider or
 * varying by more than before. */
static struct edge heard(struct trial *t)
{
    int64_t away_us = (below(t, 9) - 4) * PERIOD_US;
    return (struct edge){.known = true,
                         .lo_us = t->truth_us + away_us - below(t, 2) * below(t, PERIOD_US / 6),
                         .hi_us = t->truth_us + away_us + below(t, 2) * below(t, PERIOD_US / 6),
                         .slack_us = below(t, 2 * SLACK_US)};
}

static bool holds(struct trial *t, enum window_kind kind)
{
    judge_sort(t->list, SENDS);
    if (kind == WINDOW_BUCKET)
        return judge_bucket(t->list, SENDS, t->limit, PERIOD_US);
    if (kind == WINDOW_SLIDING)
        return judge_sliding(t->list, SENDS, t->limit, PERIOD_US);
    return judge_fixed(t->list, SENDS, t->limit, PERIOD_US, t->truth_us + DELAY_US);
}

/* AUTO and sliding are safe for all; the kind that then turns out to be the true one must not
 * be exceeded across the change either. */
static void a_kind_that_becomes_known_was_never_exceeded(void **state)
{
    static struct trial t;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        for (enum window_kind kind = WINDOW_BUCKET; kind <= WINDOW_SLICES; kind++) {
            trial_init(&t, seed, seed % 3 ? WINDOW_AUTO : WINDOW_SLIDING);
            size_t change = (size_t)below(&t, SENDS);
            spend(&t, 0, change);
            counter_become(&t.counter, t.now_us, kind);
            spend(&t, change, SENDS);
            assert_seeded(seed, holds(&t, kind));
            counter_free(&t.counter);
        }
    }
}

/* The edge is learned, bettered, contradicted and learned again while the window is spent. */
static void an_edge_that_comes_and_goes_lets_nothing_through(void **state)
{
    static struct trial t;
    int known = 0;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, WINDOW_FIXED);
        for (size_t i = 0; i < SENDS; i += 10) {
            if (below(&t, 8) == 0)
                counter_edge(&t.counter, t.now_us, (struct edge){.contradicted = true});
            else if (below(&t, 2))
                counter_edge(&t.counter, t.now_us, heard(&t));
            known += t.counter.phase_known;
            spend(&t, i, i + 10);
        }
        assert_seeded(seed, holds(&t, WINDOW_FIXED));
        counter_free(&t.counter);
    }
    assert_true(known > TRIALS * SENDS / 20);
}

/* The judges can say no: a bucket's worth where the window is fixed. */
static void a_wrong_kind_is_caught(void **state)
{
    static struct trial t;
    int caught = 0;
    for (uint64_t seed = 1; seed <= TRIALS; seed++) {
        trial_init(&t, seed, WINDOW_BUCKET);
        spend(&t, 0, SENDS);
        caught += !holds(&t, WINDOW_FIXED);
        counter_free(&t.counter);
    }
    assert_true(caught > TRIALS / 2);
}

/* Limit 100. The edges lie at 0.2 s and whole seconds from there, to within 10 ms; delays are
 * all alike. */
static void counter_with_edge(struct counter *c, enum window_kind kind)
{
    counter_init(c, kind, 100, PERIOD_US, 0);
    if (kind == WINDOW_FIXED || kind == WINDOW_SLICES)
        counter_edge(c, 0, (struct edge){.known = true, .lo_us = 200000, .hi_us = 210000});
}

/* At one instant, nothing refilled and nothing left, all kinds count alike. */
static void all_kinds_agree_on_sums(void **state)
{
    for (enum window_kind kind = WINDOW_AUTO; kind <= WINDOW_SLICES; kind++) {
        struct counter c;
        const int64_t now_us = 5500000;
        counter_with_edge(&c, kind);
        assert_int_equal(100, counter_level(&c, now_us));
        counter_debit(&c, now_us, 30);
        assert_int_equal(70, counter_level(&c, now_us));
        counter_amend(&c, now_us, now_us, -10); /* charged less than was reserved */
        assert_int_equal(80, counter_level(&c, now_us));
        counter_amend(&c, now_us, now_us, 5);
        assert_int_equal(75, counter_level(&c, now_us));
        counter_debit_late(&c, now_us, now_us, 5);
        assert_int_equal(70, counter_level(&c, now_us));
        assert_int_equal(0, counter_wait_us(&c, now_us, 0, 70));
        assert_true(counter_wait_us(&c, now_us, 0, 71) > 0);
        assert_true(counter_wait_us(&c, now_us, 1, 70) > 0);
        counter_clamp(&c, now_us, 0, 40); /* somebody else spent 30 */
        assert_int_equal(40, counter_level(&c, now_us));
        counter_clamp(&c, now_us, 90, 100);
        assert_int_equal(90, counter_level(&c, now_us));
        counter_relimit(&c, now_us, 60);
        assert_int_equal(50, counter_level(&c, now_us));
        counter_relimit(&c, now_us, 200);
        assert_int_equal(190, counter_level(&c, now_us));
        counter_free(&c);
    }
}

/* What was charged at an instant that is past counts from then on, not from when it was
 * learned. */
static void late_news_ages_from_when_it_happened(void **state)
{
    struct counter c;
    counter_with_edge(&c, WINDOW_SLIDING);
    counter_debit(&c, 3000000, 1);
    counter_debit_late(&c, 3900000, 3000000, 20);
    assert_int_equal(100 - 21, counter_level(&c, 3900000));
    assert_int_equal(100 - 21, counter_level(&c, 4000000));
    assert_int_equal(100, counter_level(&c, 4000001));
    counter_free(&c);
    counter_with_edge(&c, WINDOW_FIXED);
    counter_debit(&c, 3000000, 1);
    counter_debit_late(&c, 3900000, 3000000, 20); /* in a window that is over: edge at 3.2 s */
    assert_int_equal(100, counter_level(&c, 3900000));
    counter_debit_late(&c, 3900000, 3300000, 20);
    assert_int_equal(80, counter_level(&c, 3900000));
    for (int i = 1; i <= 2 * FIXED_KEPT; i++) /* nor does it push out what counts now */
        counter_debit_late(&c, 3900000, 3300000 - i * PERIOD_US, 20);
    assert_int_equal(80, counter_level(&c, 3900000));
    counter_free(&c);
}

/* The kind may yet turn out to be a bucket: what drained meanwhile has drained. What was no
 * bucket is taken for one that holds what the log leaves. */
static void a_bucket_is_kept_while_the_kind_is_open(void **state)
{
    struct counter c;
    counter_with_edge(&c, WINDOW_AUTO);
    counter_debit(&c, 3000000, 50);
    counter_become(&c, 3400000, WINDOW_BUCKET);
    assert_int_equal(90, counter_level(&c, 3400000));
    counter_free(&c);
    counter_with_edge(&c, WINDOW_SLIDING);
    counter_debit(&c, 3000000, 50);
    counter_become(&c, 3400000, WINDOW_BUCKET);
    assert_int_equal(50, counter_level(&c, 3400000));
    counter_free(&c);
}

static void another_limit_refills_from_now_on(void **state)
{
    struct counter c;
    counter_with_edge(&c, WINDOW_BUCKET);
    counter_debit(&c, 3000000, 100);
    counter_relimit(&c, 3500000, 10); /* 50 came back at 100 a second */
    assert_int_equal(10 - 50, counter_level(&c, 3500000));
    assert_int_equal(10 - 45, counter_level(&c, 4000000));
    counter_free(&c);
}

/* What the log holds of a window is charged to it when its edge becomes known, from as early as
 * it may have opened. */
static void a_window_learned_half_way_has_been_spent(void **state)
{
    struct counter c;
    struct edge e = {.known = true, .lo_us = 200000, .hi_us = 200000, .slack_us = 5000};
    counter_init(&c, WINDOW_FIXED, 100, PERIOD_US, 0);
    counter_debit(&c, 3194999, 1);
    counter_debit(&c, 3195000, 10); /* may have been delayed into the window */
    counter_debit(&c, 3300000, 20);
    counter_edge(&c, 3500000, e);
    assert_int_equal(70, counter_level(&c, 3500000));
    counter_debit(&c, 4196000, 5); /* and this one into the next */
    assert_int_equal(65, counter_level(&c, 4196000));
    assert_int_equal(95, counter_level(&c, 4200000));
    e.lo_us = e.hi_us = 300000; /* the edge moves: spent where it was believed to be, too */
    counter_debit(&c, 4250000, 8);
    counter_edge(&c, 4500000, e);
    assert_int_equal(100 - 5 - 8, counter_level(&c, 4500000));
    counter_free(&c);
}

/* Figures of a moment that may be of either window move neither. */
static void a_clamp_between_two_windows_moves_nothing(void **state)
{
    struct counter c;
    counter_with_edge(&c, WINDOW_FIXED);
    counter_debit(&c, 3100000, 60);
    counter_clamp(&c, 3205000, 0, 10);
    assert_int_equal(40, counter_level(&c, 3205000));
    assert_int_equal(100, counter_level(&c, 3210000));
    counter_free(&c);
}

static void only_a_usable_edge_is_used(void **state)
{
    struct counter c;
    counter_init(&c, WINDOW_FIXED, 100, PERIOD_US, SLACK_US);
    counter_edge(&c, 0, (struct edge){.known = false, .lo_us = 1, .hi_us = 2});
    assert_false(c.phase_known);
    counter_edge(&c, 0, (struct edge){.known = true, .lo_us = 0, .hi_us = PERIOD_US / 2});
    assert_false(c.phase_known); /* a wider one tells less than the log */
    struct edge good = {.known = true, .lo_us = 0, .hi_us = 1000};
    counter_edge(&c, 0, good);
    assert_true(c.phase_known);
    counter_edge(&c, 0, (struct edge){.known = false});
    assert_true(c.phase_known); /* nothing new is not a contradiction */
    counter_edge(&c, 0, (struct edge){.contradicted = true});
    assert_false(c.phase_known);
    counter_edge(&c, 0, good);
    counter_become(&c, 0, WINDOW_SLIDING);
    assert_false(c.phase_known);
    counter_free(&c);
}

static void slack_grows_by_half_up_to_the_most(void **state)
{
    struct counter c;
    counter_init(&c, WINDOW_FIXED, 100, PERIOD_US, PERIOD_US);
    assert_int_equal(PERIOD_US / 2, c.bucket.slack_us); /* more would leave no room at all */
    counter_free(&c);
    counter_init(&c, WINDOW_FIXED, 100, PERIOD_US, 10000);
    counter_edge(&c, 0, (struct edge){.known = true, .lo_us = 0, .hi_us = 1000});
    counter_loosen(&c, 20000);
    assert_false(c.phase_known); /* edges are to be learned anew */
    assert_int_equal(16000, c.log.slack_us);
    counter_loosen(&c, 20000);
    assert_int_equal(20000, c.bucket.slack_us);
    counter_loosen(&c, 15000); /* never less than before */
    assert_int_equal(20000, c.fixed.slack_us);
    assert_int_equal(20000, c.log.slack_us);
    counter_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_that_becomes_known_was_never_exceeded),
        cmocka_unit_test(an_edge_that_comes_and_goes_lets_nothing_through),
        cmocka_unit_test(a_wrong_kind_is_caught),
        cmocka_unit_test(all_kinds_agree_on_sums),
        cmocka_unit_test(late_news_ages_from_when_it_happened),
        cmocka_unit_test(a_bucket_is_kept_while_the_kind_is_open),
        cmocka_unit_test(another_limit_refills_from_now_on),
        cmocka_unit_test(a_window_learned_half_way_has_been_spent),
        cmocka_unit_test(a_clamp_between_two_windows_moves_nothing),
        cmocka_unit_test(only_a_usable_edge_is_used),
        cmocka_unit_test(slack_grows_by_half_up_to_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
