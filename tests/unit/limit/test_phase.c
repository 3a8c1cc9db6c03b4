/* The edge lies where it is said to lie, whenever headers are computed and however rounded. */
#include "check.h"
#include "phase.h"
#include "random.h"
#include "slices.h"

enum { PERIOD_US = 2000000, DELAY_US = 3000, JITTER_US = 8000, EDGE_US = 1234567 };

static bool holds(const struct edge *e, int64_t period_us, int64_t truth_us)
{
    int64_t off_us = (truth_us - e->lo_us) % period_us;
    off_us = off_us < 0 ? off_us + period_us : off_us;
    return e->known && off_us <= e->hi_us - e->lo_us;
}

static void check_edges(bool late, int64_t round_us, uint64_t seed)
{
    struct random r = {seed};
    struct phase p;
    struct edge e = {0};
    bool refuted[SUPPOSED_COUNT] = {false};
    phase_init(&p, PERIOD_US);
    for (int i = 0; i < 400; i++) {
        int64_t sent_us = 10 * PERIOD_US + i * 17000;
        int64_t at_us = sent_us + DELAY_US + (int64_t)random_below(&r, JITTER_US);
        int64_t left_us = at_us + 20000 + (int64_t)random_below(&r, 300000);
        int64_t computed_us = late ? left_us : at_us;
        int64_t reset_us = PERIOD_US - (computed_us - EDGE_US) % PERIOD_US;
        int64_t head_us = left_us + DELAY_US + (int64_t)random_below(&r, JITTER_US);
        phase_hear(&p, sent_us, head_us, reset_us / round_us * round_us, round_us);
        e = phase_edge(&p, JITTER_US, 30000, refuted);
        assert_false(e.contradicted);
        assert_true(holds(&e, PERIOD_US, EDGE_US - DELAY_US));
    }
    assert_true(e.hi_us - e.lo_us <= 2 * JITTER_US + 30000 + 2 * round_us);
}

static void edges_are_where_they_are(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        check_edges(false, 1, seed);
        check_edges(false, 1000, seed);
        check_edges(true, 1000, seed);
        check_edges(false, 100000, seed);
    }
}

static void slices_are_placed_by_their_counts(void **state)
{
    enum { SLICE_US = 1000000 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random r = {seed};
        struct window log;
        struct slices s = {0};
        int64_t at[60], truth_us = 400000 + (int64_t)random_below(&r, 100000);
        window_init(&log, 10, SLICE_US, JITTER_US);
        for (int i = 0; i < 60; i++) {
            int64_t sent_us = SLICE_US + i * 101000;
            window_debit(&log, sent_us, 1);
            at[i] = sent_us + DELAY_US + (int64_t)random_below(&r, JITTER_US);
        }
        for (int i = 20; i < 60; i++) {
            int64_t used = 0;
            for (int k = 0; k < 60; k++)
                used += at[k] <= at[i] &&
                        (at[k] - truth_us) / SLICE_US == (at[i] - truth_us) / SLICE_US;
            slices_hear(&s, &log, SLICE_US + i * 101000, used);
            assert_true(!s.edge.known || holds(&s.edge, SLICE_US, truth_us - DELAY_US));
        }
        assert_true(s.edge.known && s.edge.hi_us - s.edge.lo_us < 101000 + 3 * JITTER_US);
        window_free(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_where_they_are),
        cmocka_unit_test(slices_are_placed_by_their_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
