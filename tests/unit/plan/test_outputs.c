/* outputs: draws, means and percentiles of a sample, never longer than a request allows. */
#include "check.h"
#include "outputs.h"

static struct outputs sample_of(const int64_t *lengths, size_t n)
{
    struct outputs o = {0};
    for (size_t i = 0; i < n; i++)
        outputs_add(&o, lengths[i]);
    outputs_settle(&o);
    return o;
}

static void without_a_sample_all_that_is_allowed(void **state)
{
    (void)state;
    struct outputs o = {0};
    struct random r = {1};
    assert_int_equal(outputs_draw(&o, 300, &r), 300);
    assert_int_equal(outputs_mean(&o, 300), 300);
    assert_int_equal(outputs_mean(&o, 0), 0);
    assert_int_equal(outputs_covering(&o, 99), -1);
}

static void means_are_cut_where_requests_cut(void **state)
{
    (void)state;
    static const int64_t lengths[] = {400, 100, 200, 300};
    struct outputs o = sample_of(lengths, 4);
    assert_int_equal(outputs_mean(&o, 1000), 250);
    assert_int_equal(outputs_mean(&o, 300), 225);
    assert_int_equal(outputs_mean(&o, 200), 175);
    assert_int_equal(outputs_mean(&o, 99), 99);
    assert_int_equal(outputs_mean(&o, 101), 101); /* 100.75, rounded up */
    assert_int_equal(outputs_mean(&o, 0), 0);
    outputs_free(&o);
}

static void percentiles(void **state)
{
    (void)state;
    struct outputs o = {0};
    for (int64_t i = 100; i >= 1; i--)
        outputs_add(&o, i * 10);
    outputs_settle(&o);
    assert_int_equal(outputs_covering(&o, 99), 990);
    assert_int_equal(outputs_covering(&o, 100), 1000);
    assert_int_equal(outputs_covering(&o, 50), 500);
    assert_int_equal(outputs_covering(&o, 0), 10);
    outputs_free(&o);
}

static void draws_come_from_the_sample(void **state)
{
    (void)state;
    static const int64_t lengths[] = {10, 20, 400};
    struct outputs o = sample_of(lengths, 3);
    struct random r = {7};
    int64_t sum = 0;
    for (int i = 0; i < 3000; i++) {
        int64_t n = outputs_draw(&o, 100, &r);
        assert_true(n == 10 || n == 20 || n == 100);
        sum += n;
    }
    assert_true(sum > 3000 * 40 && sum < 3000 * 47);
    outputs_free(&o);
}

static void spreads_become_samples(void **state)
{
    (void)state;
    struct outputs o = {0};
    outputs_add_spread(&o, &(struct spread){.low = 140, .high = 140});
    outputs_settle(&o);
    assert_int_equal(o.n, 1);
    assert_int_equal(outputs_covering(&o, 99), 140);
    outputs_free(&o);
    outputs_add_spread(&o, &(struct spread){.low = 50, .high = 300});
    outputs_settle(&o);
    assert_int_equal(outputs_covering(&o, 100), 300);
    assert_int_equal(outputs_covering(&o, 0), 50);
    assert_in_range(outputs_mean(&o, 1000), 174, 176);
    outputs_free(&o);
    outputs_add_spread(&o, &(struct spread){.lognormal = true, .low = 50, .high = 300});
    outputs_settle(&o);
    assert_in_range(outputs_covering(&o, 5), 45, 55);
    assert_in_range(outputs_covering(&o, 95), 280, 320);
    outputs_free(&o);
}

static void absurd_lengths_are_cut(void **state)
{
    (void)state;
    static const int64_t lengths[] = {-5, INT64_MAX};
    struct outputs o = sample_of(lengths, 2);
    assert_int_equal(outputs_covering(&o, 0), 0);
    assert_int_equal(outputs_covering(&o, 100), UINT32_MAX);
    assert_int_equal(outputs_mean(&o, 100), 50);
    outputs_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_sample_all_that_is_allowed),
                                       cmocka_unit_test(means_are_cut_where_requests_cut),
                                       cmocka_unit_test(percentiles),
                                       cmocka_unit_test(draws_come_from_the_sample),
                                       cmocka_unit_test(spreads_become_samples),
                                       cmocka_unit_test(absurd_lengths_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
