/* savings: what a row costs at most, either way; a budget is never passed. */
#include "check.h"
#include "random.h"
#include "savings.h"

static const struct model model = {
    .input_pusd = 2500000, .output_pusd = 10000000, .batch_percent = 50};

static struct row row(uint32_t input, uint32_t output)
{
    return (struct row){.input_tokens = input, .max_output_tokens = output};
}

static void fares_are_exact(void **state)
{
    struct outputs full = {0}, told = {0};
    struct row r = row(100, 300);
    struct fare f = savings_fare(&r, &model, &full);
    assert_int_equal(f.live_pusd, 100 * 2500000 + 300 * INT64_C(10000000));
    assert_int_equal(f.batch_pusd, f.live_pusd / 2);
    outputs_add(&told, 40);
    outputs_settle(&told);
    f = savings_fare(&r, &model, &told);
    assert_int_equal(f.live_pusd, 100 * 2500000 + 40 * INT64_C(10000000));
    outputs_free(&told);
}

static void what_is_not_known_stays_unknown(void **state)
{
    struct outputs full = {0};
    struct row r = row(100, 300), embedding = row(100, 0);
    struct model m = model;
    struct fare f = savings_fare(&r, NULL, &full);
    assert_true(f.live_pusd == -1 && f.batch_pusd == -1);
    m.batch_percent = -1;
    f = savings_fare(&r, &m, &full);
    assert_true(f.live_pusd > 0 && f.batch_pusd == -1);
    m.output_pusd = -1;
    assert_int_equal(savings_fare(&r, &m, &full).live_pusd, -1);
    assert_int_equal(savings_fare(&embedding, &m, &full).live_pusd, 250000000);
    m.input_pusd = -1;
    assert_int_equal(savings_fare(&embedding, &m, &full).live_pusd, -1);
}

static void without_a_budget_all_is_affordable(void **state)
{
    struct savings none = {.open = false};
    assert_true(savings_raise(&none, (struct fare){-1, -1}));
    struct savings s = {.open = true, .spare_pusd = 5};
    assert_false(savings_raise(&s, (struct fare){-1, -1}));
    assert_false(savings_raise(&s, (struct fare){12, 6}));
    assert_true(savings_raise(&s, (struct fare){10, 5}));
    assert_int_equal(s.spare_pusd, 0);
    savings_settle(&s, 10, -1); /* not known what it cost: nothing is won */
    savings_settle(&s, 10, 7);
    assert_int_equal(s.spare_pusd, 3);
}

/* Batches that give back any of their rows, answers of any length that is allowed. */
static void a_budget_is_never_passed(void **state)
{
    struct outputs full = {0};
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct random r = {seed};
        struct row rows[40];
        int64_t most = 0, paid = 0;
        for (int i = 0; i < 40; i++) {
            rows[i] = row((uint32_t)random_below(&r, 500), (uint32_t)random_below(&r, 300));
            most += savings_fare(&rows[i], &model, &full).batch_pusd;
        }
        int64_t budget = most + (int64_t)random_below(&r, (uint64_t)most / 2 + 1);
        struct savings s = {true, budget - most};
        for (int i = 0; i < 40; i++) {
            struct fare f = savings_fare(&rows[i], &model, &full);
            bool back = random_below(&r, 3) == 0;
            if (back && !savings_raise(&s, f)) {
                savings_settle(&s, f.batch_pusd, 0); /* not asked at all */
                continue;
            }
            int64_t fare = back ? f.live_pusd : f.batch_pusd;
            int64_t cost = fare - (int64_t)random_below(&r, (uint64_t)fare / 2 + 1);
            savings_settle(&s, fare, cost);
            paid += cost;
        }
        assert_seeded(seed, paid <= budget);
        assert_seeded(seed, s.spare_pusd == budget - paid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fares_are_exact),
        cmocka_unit_test(what_is_not_known_stays_unknown),
        cmocka_unit_test(without_a_budget_all_is_affordable),
        cmocka_unit_test(a_budget_is_never_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
