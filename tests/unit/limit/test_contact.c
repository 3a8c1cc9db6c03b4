/* Trails as each kind of window would leave them, and what is made of two or three contacts. */
#include "check.h"
#include "contact.h"
#include "edges.h"

#include <stdbool.h>

enum { MINUTE = 60000000, SECOND = 1000000, SLACK = 10000, LIMIT = 300 };

struct story {
    struct trail trail;
    struct contact list[4];
    size_t n;
    int64_t now_us;
};

static void begin(struct story *s)
{
    *s = (struct story){.now_us = MINUTE};
    trail_init(&s->trail, MINUTE);
}

static void go(struct story *s, int64_t n, int64_t gap_us)
{
    for (int64_t i = 0; i < n; i++, s->now_us += gap_us)
        trail_add(&s->trail, s->now_us);
}

/* The next one is refused. */
static void meet(struct story *s)
{
    const struct contact *before = s->n ? &s->list[s->n - 1] : NULL;
    s->list[s->n++] = contact_make(&s->trail, s->now_us, s->now_us, before);
}

static struct lesson explain(struct story *s)
{
    struct lesson l = contact_explain(&s->trail, s->list, s->n, SLACK, false);
    trail_free(&s->trail);
    return l;
}

static void a_sliding_window(void **state)
{
    struct story s;
    begin(&s);
    go(&s, LIMIT, 60000); /* in eighteen seconds */
    meet(&s);
    s.now_us += 10 * SECOND;
    meet(&s); /* nothing has left it yet */
    struct lesson l = explain(&s);
    assert_int_equal(WINDOW_SLIDING, l.window);
    assert_int_equal(LIMIT, l.limit);
}

/* It may be a fixed one with its edge in the burst: then the limit is lower. Not in its second
 * half, or more than the limit would have gone before it. */
static void a_sliding_window_tells_where_an_edge_may_lie(void **state)
{
    struct story s;
    begin(&s);
    go(&s, LIMIT, 60000);
    meet(&s);
    s.now_us += 10 * SECOND;
    meet(&s);
    struct lesson l = explain(&s);
    assert_in_range(l.zone_us, 8 * SECOND, 10 * SECOND);
    assert_in_range(l.edge_us, 0, SECOND);
}

static void a_bucket(void **state)
{
    struct story s;
    begin(&s);
    go(&s, LIMIT + 100, 50000); /* 100 flow in meanwhile, in twenty seconds */
    meet(&s);
    s.now_us += 10 * SECOND; /* 50 flow in, and 25 while those go */
    go(&s, 100, 100000);
    meet(&s);
    struct lesson l = explain(&s);
    assert_int_equal(WINDOW_BUCKET, l.window);
    assert_in_range(l.limit, LIMIT - 2, LIMIT);
}

/* What was there at first is not known; between later contacts it was empty at first. */
static void a_bucket_that_was_half_full(void **state)
{
    struct story s;
    begin(&s);
    go(&s, LIMIT / 2 + 50, 50000);
    meet(&s);
    for (int i = 0; i < 2; i++) {
        s.now_us += 10 * SECOND;
        go(&s, 100, 100000);
        meet(&s);
    }
    struct lesson l = explain(&s);
    assert_int_equal(WINDOW_BUCKET, l.window);
    assert_in_range(l.limit, LIMIT - 2, LIMIT);
}

/* Its edge comes eight seconds into the burst. At first all places after that one explain it as
 * well; a second pattern leaves one. */
static void a_fixed_window(void **state)
{
    struct story s;
    begin(&s);
    go(&s, 80 + LIMIT, 100000);
    meet(&s);
    s.now_us += 10 * SECOND;
    meet(&s);
    s.now_us = s.list[0].at_us + MINUTE + SECOND;
    int64_t edge_us = MINUTE + 8 * SECOND;
    while (s.now_us < edge_us + 2 * MINUTE) /* three a second until the next edge */
        go(&s, 1, SECOND / 3);
    go(&s, LIMIT, SECOND / 7);
    meet(&s);
    struct lesson l = explain(&s);
    assert_int_equal(WINDOW_FIXED, l.window);
    assert_in_range(l.limit, LIMIT - 6, LIMIT + 2);
}

static void slices_of_a_second(void **state)
{
    struct story s;
    begin(&s); /* which is where a second begins */
    s.now_us += 300000;
    go(&s, 5, 60000);
    meet(&s);
    s.now_us += 1500000;
    go(&s, 5, 50000);
    meet(&s);
    s.now_us += 11 * SECOND;
    go(&s, 5, 80000);
    meet(&s);
    struct lesson l = explain(&s);
    assert_int_equal(WINDOW_SLICES, l.window);
    assert_int_equal(SECOND, l.slice_us);
    assert_int_equal(5 * 60, l.limit);
}

/* Two contacts that seconds and tens of them explain alike: not told apart yet. */
static void seconds_or_tens_of_them(void **state)
{
    struct story s;
    begin(&s);
    s.now_us += 300000;
    go(&s, 5, 60000);
    meet(&s);
    s.now_us += 10500000;
    go(&s, 5, 60000);
    meet(&s);
    assert_int_equal(WINDOW_AUTO, explain(&s).window);
}

/* Seven within a second after a silence of eleven, twice: a bucket of 36 a minute would do so
 * too, and to keep to that would be to use an eighth. */
static void a_bucket_that_fits_by_chance_is_none(void **state)
{
    struct story s;
    begin(&s);
    s.now_us += 60000;
    for (int i = 0; i < 14; i++, s.now_us += 170000) {
        if (i == 5 || i == 10)
            s.now_us += 30000;
        go(&s, 1, 0);
    }
    meet(&s);
    for (int i = 0; i < 2; i++) {
        s.now_us += 11 * SECOND;
        go(&s, 7, 150000);
        meet(&s);
    }
    assert_int_equal(WINDOW_SLICES, explain(&s).window);
}

static void what_was_refuted_is_not_said_again(void **state)
{
    struct story s;
    begin(&s);
    go(&s, LIMIT, 60000);
    meet(&s);
    s.now_us += 10 * SECOND;
    meet(&s);
    struct lesson l = contact_explain(&s.trail, s.list, s.n, SLACK, true);
    assert_int_equal(WINDOW_FIXED, l.window);
    trail_free(&s.trail);
}

static void nothing_explains_what_strangers_do(void **state)
{
    struct story s;
    begin(&s);
    go(&s, 200, 60000);
    meet(&s);
    s.now_us += 20 * SECOND;
    go(&s, 15, 100000);
    meet(&s);
    s.now_us += 5 * SECOND;
    go(&s, 90, 100000);
    meet(&s);
    assert_int_equal(WINDOW_AUTO, explain(&s).window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sliding_window),
        cmocka_unit_test(a_sliding_window_tells_where_an_edge_may_lie),
        cmocka_unit_test(a_bucket),
        cmocka_unit_test(a_bucket_that_was_half_full),
        cmocka_unit_test(a_fixed_window),
        cmocka_unit_test(slices_of_a_second),
        cmocka_unit_test(seconds_or_tens_of_them),
        cmocka_unit_test(a_bucket_that_fits_by_chance_is_none),
        cmocka_unit_test(what_was_refuted_is_not_said_again),
        cmocka_unit_test(nothing_explains_what_strangers_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
