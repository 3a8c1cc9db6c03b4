/* test_output.c: what is learned of the length of answers. */
#include "check.h"
#include "output.h"

static void a_cohort_is_not_misled_by_its_quick_answers(void **state)
{
    struct output o = {0};
    uint32_t ids[OUTPUT_COHORT];
    assert_int_equal(1000, output_expect(&o, 1000));
    for (int i = 0; i < OUTPUT_COHORT; i++)
        ids[i] = output_follow(&o, 1000);
    assert_int_equal(0, output_follow(&o, 1000)); /* the cohort is full */
    for (int i = 0; i < 16; i++)
        output_learn(&o, ids[i], 1000, 10, 1000);
    assert_int_equal(1000, output_expect(&o, 1000)); /* short ones alone teach nothing */
    for (int i = 16; i < 28; i++)
        output_learn(&o, ids[i], 1000, 400, 1000);
    /* 16 of 10, 12 of 400, and 4 that count as 600 */
    assert_int_equal((16 * 10 + 12 * 400 + 4 * 600 + 31) / 32, output_expect(&o, 1000));
    assert_true(output_expect(&o, 8000) > 1000); /* another class: in proportion */
}

static void hope_and_loss(void **state)
{
    struct output o = {.hopeful = true};
    assert_int_equal(500, output_expect(&o, 1000));
    uint32_t id = output_follow(&o, 1000);
    output_lose(&o, id, 1000);
    for (int i = 0; i < OUTPUT_COHORT; i++)
        assert_int_not_equal(0, output_follow(&o, 1000)); /* a lost one left its place */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cohort_is_not_misled_by_its_quick_answers),
        cmocka_unit_test(hope_and_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
