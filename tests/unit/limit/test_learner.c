/* The learner before a provider that answers at once, in virtual time. */
#include "check.h"
#include "learner.h"
#include "random.h"

#include <stdbool.h>

enum { MINUTE = 60000000, SECOND = 1000000, WAY = 50000, SLACK = 10000, LOG = 1 << 17 };

/* A sliding window of so many a minute; a limit of 0 refuses all. */
struct provider {
    int64_t limit, taken[LOG], n;
    int64_t stranger; /* takes so many a minute of it, evenly */
};

static bool takes(struct provider *p, int64_t now_us)
{
    int64_t used = p->stranger;
    for (int64_t i = p->n - 1; i >= 0 && p->taken[i] > now_us - MINUTE; i--)
        used++;
    if (used >= p->limit)
        return false;
    p->taken[p->n++] = now_us;
    return true;
}

struct scene {
    struct learner learner;
    struct provider provider;
    int64_t now_us;
    int64_t sent_us[64]; /* on their way */
    bool good[64];
    int64_t flying;
    int64_t sends, refusals, last_refusal_us;
};

static struct scene s; /* too large for a stack */

static void begin(int64_t limit)
{
    learner_free(&s.learner);
    s = (struct scene){.provider.limit = limit, .now_us = MINUTE};
    learner_init(&s.learner, MINUTE, SLACK);
}

static struct unheard unheard(void)
{
    struct unheard u = {.oldest_us = s.now_us};
    for (int64_t i = s.flying - 1; i >= 0; i--) {
        if (s.sent_us[i] <= s.now_us - s.learner.ear_us)
            break;
        u.n++;
        u.oldest_us = s.sent_us[i];
    }
    return u;
}

static int64_t wait_us(void)
{
    return learner_wait_us(&s.learner, s.now_us, unheard());
}

static void hear_first(void)
{
    if (s.good[0]) {
        learner_good(&s.learner, s.sent_us[0]);
    } else {
        learner_refused(&s.learner, s.now_us, s.sent_us[0], -1);
        s.refusals++;
        s.last_refusal_us = s.now_us;
    }
    s.flying--;
    memmove(s.sent_us, s.sent_us + 1, (size_t)s.flying * sizeof s.sent_us[0]);
    memmove(s.good, s.good + 1, (size_t)s.flying * sizeof s.good[0]);
}

/* Keeps to whatever was learned, as a budget would. */
static bool budget_allows(void)
{
    const struct lesson *l = &s.learner.lesson;
    int64_t keep = l->window == WINDOW_AUTO ? INT64_MAX : lesson_keep(l, MINUTE);
    return trail_lately(&s.learner.trail, s.now_us) < keep;
}

/* Sends whatever may be sent until then. */
static void press_until(int64_t until_us)
{
    while (s.now_us < until_us) {
        while (s.flying && s.sent_us[0] + WAY <= s.now_us)
            hear_first();
        if (wait_us() == 0 && budget_allows() && s.flying < 64) {
            learner_sent(&s.learner, s.now_us);
            s.sent_us[s.flying] = s.now_us;
            s.good[s.flying++] = takes(&s.provider, s.now_us);
            s.sends++;
            continue;
        }
        s.now_us += 1000;
    }
}

/* Found, and held for an hour less a little. */
static void find(int64_t limit)
{
    begin(limit);
    press_until(s.now_us + 50 * (int64_t)MINUTE);
    assert_int_equal(WINDOW_SLIDING, s.learner.lesson.window);
    assert_int_equal(limit, s.learner.lesson.limit);
}

static void goes_one_at_a_time_at_first(void **state)
{
    begin(1 << 20);
    assert_int_equal(0, wait_us());
    learner_sent(&s.learner, s.now_us);
    s.sent_us[0] = s.now_us;
    s.flying = 1;
    assert_int_equal(s.learner.ear_us, wait_us()); /* then it would be known */
    s.now_us += s.learner.ear_us;
    assert_int_equal(0, wait_us());
}

static void dares_more_the_longer_it_goes_well(void **state)
{
    int64_t rates[6];
    begin(1 << 20);
    for (int m = 0; m < 6; m++) {
        int64_t before = s.sends;
        press_until(s.now_us + MINUTE);
        rates[m] = s.sends - before;
        assert_true(m == 0 || rates[m] > rates[m - 1] * 11 / 10);
    }
    assert_int_equal(0, s.refusals);
}

/* What was few for an hour says nothing of many at once. */
static void a_burst_after_a_quiet_hour_is_no_growth(void **state)
{
    begin(1 << 20);
    for (int i = 0; i < 600; i++) {
        s.now_us += 6 * SECOND;
        assert_int_equal(0, wait_us());
        learner_sent(&s.learner, s.now_us);
        learner_good(&s.learner, s.now_us);
    }
    struct unheard two = {.n = 2, .oldest_us = s.now_us};
    assert_true(learner_wait_us(&s.learner, s.now_us, two) > 0);
}

static void finds_a_limit_and_keeps_to_it(void **state)
{
    find(300);
    assert_in_range(s.refusals, 2, 5);
    assert_true(s.last_refusal_us < 5 * (int64_t)MINUTE);
    int64_t before = s.sends;
    press_until(s.now_us + 5 * (int64_t)MINUTE);
    assert_true(s.sends - before >= 5 * 290);
}

static void a_straggler_is_no_second_contact(void **state)
{
    begin(300);
    for (int i = 0; i < 3; i++)
        learner_sent(&s.learner, s.now_us + i * 1000);
    s.now_us += WAY;
    learner_refused(&s.learner, s.now_us, MINUTE + 1000, -1);
    s.now_us += SECOND; /* long judged */
    assert_true(wait_us() > 0);
    assert_int_equal(1, s.learner.contact_count);
    learner_refused(&s.learner, s.now_us, MINUTE + 2000, -1);
    s.now_us += SECOND;
    (void)wait_us();
    assert_int_equal(1, s.learner.contact_count);
}

static void waits_as_long_as_it_is_asked_to(void **state)
{
    begin(300);
    learner_sent(&s.learner, s.now_us);
    learner_refused(&s.learner, s.now_us + WAY, s.now_us, 40 * (int64_t)SECOND);
    s.now_us += WAY + SECOND;
    assert_true(wait_us() >= 38 * (int64_t)SECOND);
    learner_refused(&s.learner, s.now_us, s.now_us, 7200 * (int64_t)SECOND);
    assert_true(wait_us() <= MINUTE); /* fifteen hours are probed instead */
}

/* A day's limit that is used up: a few refusals in a quarter of an hour, and it goes on as
 * soon as it may. */
static void what_lasts_longer_is_waited_out(void **state)
{
    find(300);
    int64_t before = s.refusals;
    s.provider.limit = 0;
    press_until(s.now_us + 60 * (int64_t)MINUTE);
    assert_in_range(s.refusals - before, 3, 12);
    s.provider.limit = 300;
    int64_t sends = s.sends;
    press_until(s.now_us + 20 * (int64_t)MINUTE);
    assert_true(s.sends - sends > 3 * 200);
}

/* It has become twice as much: found out in steps that double. */
static void a_limit_that_was_raised_is_found(void **state)
{
    find(300);
    s.provider.limit = 600;
    int64_t before = s.refusals;
    press_until(s.now_us + 180 * (int64_t)MINUTE);
    assert_in_range(s.learner.lesson.limit, 560, 605);
    assert_in_range(s.refusals - before, 0, 8);
}

/* It has not: one try, and the next one twice as far away. */
static void tries_become_rare(void **state)
{
    find(300);
    int64_t first_us = s.last_refusal_us, before = s.refusals;
    press_until(first_us + 70 * (int64_t)MINUTE);
    assert_in_range(s.refusals - before, 1, 3);
    assert_in_range(s.learner.lesson.limit, 295, 300);
    int64_t second_us = s.last_refusal_us;
    assert_true(second_us - first_us > 55 * (int64_t)MINUTE);
    before = s.refusals;
    press_until(second_us + 110 * (int64_t)MINUTE);
    assert_int_equal(before, s.refusals);
    press_until(second_us + 140 * (int64_t)MINUTE);
    assert_true(s.refusals > before);
}

static void a_limit_that_was_lowered_is_found(void **state)
{
    find(300);
    s.provider.limit = 150;
    int64_t before = s.refusals;
    press_until(s.now_us + 30 * (int64_t)MINUTE);
    assert_in_range(s.learner.lesson.limit, 120, 150);
    assert_in_range(s.refusals - before, 1, 20);
}

/* Somebody else takes a third, off and on: a few refusals an hour, not a few a second. */
static void strangers_cost_few_refusals(void **state)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct random r = {seed};
        begin(300);
        for (int m = 0; m < 60; m++) {
            s.provider.stranger = (int64_t)random_below(&r, 100);
            press_until(s.now_us + MINUTE);
        }
        assert_seeded(seed, s.refusals <= 60);
        assert_seeded(seed, s.sends > 60 * 100);
    }
}

static void what_was_learned_before_holds_at_once(void **state)
{
    struct lesson l = {.window = WINDOW_SLIDING, .limit = 300};
    begin(300);
    for (int i = 0; i < 200; i++) /* by the process before, half a minute ago */
        s.provider.taken[s.provider.n++] = s.now_us - 30 * (int64_t)SECOND;
    learner_recall(&s.learner, s.now_us, &l, s.now_us - 30 * (int64_t)SECOND, 200);
    assert_int_equal(200, trail_lately(&s.learner.trail, s.now_us));
    press_until(s.now_us + 20 * (int64_t)MINUTE);
    assert_int_equal(0, s.refusals);
    assert_true(s.sends > 20 * 290 - 300);
}

static void what_went_long_before_is_no_matter(void **state)
{
    struct lesson l = {.window = WINDOW_BUCKET, .limit = 300};
    begin(300);
    learner_recall(&s.learner, s.now_us, &l, s.now_us - 2 * (int64_t)MINUTE, 200);
    assert_int_equal(0, trail_lately(&s.learner.trail, s.now_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_one_at_a_time_at_first),
        cmocka_unit_test(dares_more_the_longer_it_goes_well),
        cmocka_unit_test(a_burst_after_a_quiet_hour_is_no_growth),
        cmocka_unit_test(finds_a_limit_and_keeps_to_it),
        cmocka_unit_test(a_straggler_is_no_second_contact),
        cmocka_unit_test(waits_as_long_as_it_is_asked_to),
        cmocka_unit_test(what_lasts_longer_is_waited_out),
        cmocka_unit_test(a_limit_that_was_raised_is_found),
        cmocka_unit_test(tries_become_rare),
        cmocka_unit_test(a_limit_that_was_lowered_is_found),
        cmocka_unit_test(strangers_cost_few_refusals),
        cmocka_unit_test(what_was_learned_before_holds_at_once),
        cmocka_unit_test(what_went_long_before_is_no_matter),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    learner_free(&s.learner);
    return failed;
}
