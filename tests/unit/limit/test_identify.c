/* Kinds of window told apart by what a provider of each kind would answer. */
#include "check.h"
#include "identify.h"
#include "phase.h"
#include "random.h"

enum { MINUTE = 60000000, LIMIT = 600 };

/* A minute of answers to requests sent evenly, as this kind would give them. */
static enum window_kind identified(enum window_kind kind, enum dimension dim, uint64_t seed)
{
    struct identify id = {0};
    struct phase phase;
    struct random random = {seed};
    bool refuted[SUPPOSED_COUNT] = {false};
    int64_t edge_us = MINUTE / 4 + (int64_t)random_below(&random, MINUTE / 2);
    phase_init(&phase, MINUTE);
    for (int64_t n = 1; n < 150; n++) {
        int64_t sent_us = n * 100000, at_us = sent_us + (int64_t)random_below(&random, 20000);
        struct reading r = {.dim = dim,
                            .limit = LIMIT,
                            .has_remaining = true,
                            .reset_round_us = 1000,
                            .remaining_round = 1};
        int64_t used = kind == WINDOW_BUCKET ? 1 : kind == WINDOW_SLICES ? LIMIT - n % 10 : n;
        r.remaining = LIMIT - used;
        r.reset_us = kind == WINDOW_BUCKET    ? MINUTE / LIMIT
                     : kind == WINDOW_FIXED   ? edge_us - at_us
                     : kind == WINDOW_SLIDING ? MINUTE
                                              : 1000000 - at_us % 1000000;
        int64_t head_us = at_us + 100000 + (int64_t)random_below(&random, 300000);
        phase_hear(&phase, sent_us, head_us, r.reset_us, r.reset_round_us);
        struct edge edge = phase_edge(&phase, 20000, 100000, refuted);
        struct clue clue = {.reading = &r,
                            .dim = dim,
                            .period_us = MINUTE,
                            .minute_us = MINUTE,
                            .latency_us = head_us - sent_us,
                            .fixed_contradicted = edge.contradicted};
        enum window_kind found = identify_hear(&id, &clue);
        if (found != WINDOW_AUTO)
            return found;
    }
    return WINDOW_AUTO;
}

static void each_kind_is_told_apart(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (enum window_kind k = WINDOW_BUCKET; k <= WINDOW_SLIDING; k++) {
            assert_int_equal(k, identified(k, DIM_RPM, seed));
            assert_int_equal(k, identified(k, DIM_TPM, seed));
        }
        assert_int_equal(WINDOW_SLICES, identified(WINDOW_SLICES, DIM_RPM, seed));
    }
}

static void a_changed_provider_is_doubted(void **state)
{
    struct identify id = {0};
    struct reading r = {.limit = LIMIT,
                        .remaining = LIMIT - 300,
                        .has_remaining = true,
                        .reset_us = MINUTE / 2};
    struct clue clue = {.reading = &r, .period_us = MINUTE, .minute_us = MINUTE};
    for (int i = 0; i < 10; i++)
        assert_false(identify_doubts(&id, &clue, WINDOW_BUCKET));
    r.reset_us = MINUTE;
    int doubted = 0;
    while (!identify_doubts(&id, &clue, WINDOW_BUCKET) && doubted < 10)
        doubted++;
    assert_in_range(doubted, 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_told_apart),
        cmocka_unit_test(a_changed_provider_is_doubted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
