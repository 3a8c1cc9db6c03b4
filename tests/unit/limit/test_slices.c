/* Edges of short slices from counts: what an answer allows, and what it leaves open. */
#include "check.h"
#include "slices.h"

enum { PERIOD_US = 1000000, SLACK_US = 200000 };

static void log_init(struct window *w)
{
    window_init(w, 1 << 20, PERIOD_US, SLACK_US);
    window_debit(w, 1, 1); /* the log's first entry tells of nothing before it */
}

/* The third request of its slice: the slice began after the third before it, not after the
 * second, each to within J. */
static void a_count_places_the_edge(void **state)
{
    struct window w;
    struct slices s = {0};
    log_init(&w);
    for (int i = 0; i < 6; i++)
        window_debit(&w, 3000000 + i * 250000, 1);
    slices_hear(&s, &w, 3750000, 3);
    assert_true(s.edge.known);
    assert_int_equal(s.edge.lo_us, 3000000);
    assert_int_equal(s.edge.hi_us, 3250000 + SLACK_US);
    window_free(&w);
}

/* The first of its slice, and none before it for most of a period: the edge may lie at either
 * end of what was known. Taking one end for it got two requests refused. */
static void two_places_are_none(void **state)
{
    struct window w;
    struct slices s = {.edge = {.known = true, .lo_us = 741000, .hi_us = 932000}};
    log_init(&w);
    window_debit(&w, 4824000, 1);
    window_debit(&w, 5591000, 1);
    slices_hear(&s, &w, 5591000, 1); /* between 4.824 and 5.791 s */
    assert_int_equal(s.edge.lo_us, 741000);
    assert_int_equal(s.edge.hi_us, 932000);
    window_free(&w);
}

static void contradiction_starts_over(void **state)
{
    struct window w;
    struct slices s = {.edge = {.known = true, .lo_us = 600000, .hi_us = 700000}};
    log_init(&w);
    window_debit(&w, 4800000, 1);
    window_debit(&w, 5100000, 1);
    slices_hear(&s, &w, 5100000, 1); /* between 4.8 and 5.3 s */
    assert_int_equal(s.edge.lo_us, 4800000);
    assert_int_equal(s.edge.hi_us, 5300000);
    window_free(&w);
}

static void counts_taken_later_place_nothing(void **state)
{
    struct window w;
    struct slices s = {0};
    log_init(&w);
    window_debit(&w, 3000000, 1);
    slices_hear(&s, &w, 3000000, 0);
    assert_true(s.unfit);
    assert_false(s.edge.known);
    window_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_places_the_edge),
        cmocka_unit_test(two_places_are_none),
        cmocka_unit_test(contradiction_starts_over),
        cmocka_unit_test(counts_taken_later_place_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
