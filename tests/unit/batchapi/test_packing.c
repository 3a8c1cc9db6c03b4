/* Parcels keep every rule at once, whatever comes in which order, and none is opened without
 * need. */
#include "check.h"
#include "packing.h"
#include "random.h"

static const struct batch_rules rules = {
    .requests = 5, .bytes = 1000, .embedding_inputs = 20, .window_s = 86400};

static size_t put(struct packing *p, struct packing_kind kind, struct load load)
{
    size_t parcel = SIZE_MAX;
    load.requests = 1;
    return packing_add(p, &kind, &load, &parcel) ? parcel : SIZE_MAX;
}

static void each_rule_closes_a_parcel(void **state)
{
    static const struct {
        struct load each;
        size_t fit;
    } rows[] = {
        {{.bytes = 1}, 5},                  /* requests */
        {{.bytes = 300}, 3},                /* 100 of frame, 2 gaps of 10: 1,020 would be 4 */
        {{.bytes = 1, .inputs = 10}, 2},    /* 20 inputs */
        {{.bytes = 1, .tokens = 33}, 3},    /* 100 tokens may wait */
        {{.bytes = 900, .tokens = 100}, 1}, /* to the last unit */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packing p;
        packing_init(&p, &rules, 60, 10);
        for (size_t n = 0; n < rows[i].fit * 3; n++)
            assert_int_equal(put(&p, (struct packing_kind){.tokens_max = 100}, rows[i].each),
                             n / rows[i].fit);
        assert_int_equal(p.n, 3);
        packing_free(&p);
    }
}

static void what_no_parcel_could_hold_is_told(void **state)
{
    struct packing p;
    struct packing_kind some = {.tokens_max = 100}, any = {.tokens_max = -1};
    packing_init(&p, &rules, 60, 10);
    assert_int_equal(put(&p, some, (struct load){.bytes = 941}), SIZE_MAX);
    assert_int_equal(put(&p, some, (struct load){.tokens = 101}), SIZE_MAX);
    assert_int_equal(put(&p, some, (struct load){.inputs = 21}), SIZE_MAX);
    assert_int_equal(p.n, 0);
    assert_int_equal(put(&p, any, (struct load){.bytes = 940, .tokens = INT64_MAX / 2}), 0);
    packing_free(&p);
    static const struct batch_rules unknown = {
        .requests = -1, .bytes = -1, .embedding_inputs = -1};
    packing_init(&p, &unknown, 60, 10);
    for (int i = 0; i < 100; i++)
        assert_int_equal(put(&p, any, (struct load){.bytes = 1 << 30, .inputs = 99}), 0);
    packing_free(&p);
}

static void kinds_are_not_mixed(void **state)
{
    struct packing p;
    packing_init(&p, &rules, 60, 10);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(put(&p, (struct packing_kind){1, 1, -1}, (struct load){0}), 0);
        assert_int_equal(put(&p, (struct packing_kind){1, 2, -1}, (struct load){0}), 1);
        assert_int_equal(put(&p, (struct packing_kind){2, 1, -1}, (struct load){0}), 2);
    }
    assert_int_equal(put(&p, (struct packing_kind){1, 2, -1}, (struct load){0}), 3);
    assert_int_equal(p.list[3].kind.endpoint, 2);
    assert_int_equal(p.list[0].load.requests, 5);
    packing_free(&p);
}

/* Against a ledger of its own. */
static void random_requests_keep_every_rule(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct random r = {seed};
        struct packing p;
        struct load held[64] = {{0}};
        size_t kind_of[64] = {0};
        packing_init(&p, &rules, 60, 10);
        for (int i = 0; i < 60; i++) {
            struct packing_kind k = {.model = random_below(&r, 3), .tokens_max = 200};
            struct load l = {.bytes = (int64_t)random_below(&r, 500) + 1,
                             .tokens = (int64_t)random_below(&r, 90),
                             .inputs = (int64_t)random_below(&r, 6)};
            size_t at = put(&p, k, l);
            assert_seeded(seed, at < p.n && p.n <= 64);
            assert_seeded(seed, held[at].requests == 0 || kind_of[at] == k.model);
            kind_of[at] = k.model;
            held[at].requests++;
            held[at].bytes += l.bytes + (held[at].requests > 1 ? 10 : 0);
            held[at].tokens += l.tokens;
            held[at].inputs += l.inputs;
        }
        for (size_t i = 0; i < p.n; i++) {
            assert_seeded(seed, memcmp(&held[i], &p.list[i].load, sizeof held[i]) == 0);
            assert_seeded(seed, held[i].requests <= 5 && held[i].bytes + 60 <= 1000);
            assert_seeded(seed, held[i].tokens <= 200 && held[i].inputs <= 20);
        }
        packing_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_closes_a_parcel),
        cmocka_unit_test(what_no_parcel_could_hold_is_told),
        cmocka_unit_test(kinds_are_not_mixed),
        cmocka_unit_test(random_requests_keep_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
