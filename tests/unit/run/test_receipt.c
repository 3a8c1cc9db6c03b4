#include "bounds.h"
#include "check.h"
#include "receipt.h"

/* A thousand dollars for a million tokens, as many tokens as an answer may say, again and
 * again: the costs are right, or not known. */
static void no_answers_are_too_dear_to_be_added_up(void **state)
{
    const struct model dear = {.input_pusd = INT64_C(1000000000),
                               .output_pusd = INT64_C(1000000000),
                               .cached_input_pusd = -1,
                               .batch_percent = 50};
    const struct usage most = {BOUND_USAGE_TOKENS, BOUND_USAGE_TOKENS, 0};
    const int64_t each = 2 * dear.input_pusd * BOUND_USAGE_TOKENS;
    const struct receipt r = {
        .model = &dear, .route = ROUTE_CHAT, .usage = &most, .service_us = -1};
    struct totals t;
    totals_init(&t);
    for (int64_t n = 1; n <= INT64_MAX / each; n++) {
        receipt_add(&t, &r);
        assert_int_equal(t.cost_pusd, n * each);
    }
    receipt_add(&t, &r);
    assert_int_equal(t.cost_pusd, -1);
    receipt_add(&t, &r);
    assert_int_equal(t.cost_pusd, -1);
    totals_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answers_are_too_dear_to_be_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
