/* Turns: order within a tenant, shares between tenants, priority and ageing. */
#include "check.h"
#include "queue.h"

static void first_come_first_served_within_a_tenant(void **state)
{
    struct queue q = {0};
    struct queue_item items[3] = {{.cost = 1}, {.cost = 1}, {.cost = 1}};
    assert_null(queue_next(&q, 0));
    queue_push(&q, &items[1]);
    queue_push(&q, &items[2]);
    queue_push_head(&q, &items[0]);
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(&items[i], queue_next(&q, 0));
        queue_serve(&q, &items[i]);
    }
    assert_int_equal(0, q.n);
    queue_free(&q);
}

/* Serves 1,000 turns of tenants that always wait; how many tokens each got. */
static void serve(struct queue *q, const int64_t *costs, uint32_t tenants, int64_t *got)
{
    struct queue_item items[4];
    for (uint32_t t = 0; t < tenants; t++) {
        items[t] = (struct queue_item){.tenant = t, .cost = costs[t]};
        queue_push(q, &items[t]);
    }
    for (int i = 0; i < 1000; i++) {
        struct queue_item *next = queue_next(q, 0);
        got[next->tenant] += next->cost;
        queue_serve(q, next);
        queue_push(q, next);
    }
    for (uint32_t t = 0; t < tenants; t++)
        queue_take(q, &items[t]);
}

static void equal_tokens_whatever_the_size(void **state)
{
    struct queue q = {0};
    int64_t got[2] = {0};
    serve(&q, (int64_t[]){100, 900}, 2, got);
    assert_true(got[0] >= got[1] - 1000 && got[0] <= got[1] + 1000);
    queue_free(&q);
}

static void weights_are_shares(void **state)
{
    struct queue q = {0};
    int64_t got[2] = {0};
    queue_weight(&q, 1, 3 * QUEUE_WEIGHT);
    serve(&q, (int64_t[]){100, 100}, 2, got);
    assert_true(got[1] >= 3 * got[0] - 400 && got[1] <= 3 * got[0] + 400);
    queue_free(&q);
}

static void idling_saves_nothing_up(void **state)
{
    struct queue q = {0};
    int64_t got[1] = {0}, then[2] = {0};
    serve(&q, (int64_t[]){100}, 1, got); /* tenant 1 is not there */
    serve(&q, (int64_t[]){100, 100}, 2, then);
    assert_true(then[1] <= then[0] + 200);
    queue_free(&q);
}

static void corrections_count(void **state)
{
    struct queue q = {0};
    struct queue_item items[2] = {{.tenant = 0, .cost = 10}, {.tenant = 1, .cost = 10}};
    queue_correct(&q, 0, 500);
    queue_push(&q, &items[0]);
    queue_push(&q, &items[1]);
    assert_ptr_equal(&items[1], queue_next(&q, 0));
    queue_free(&q);
}

static void priority_goes_first_until_others_have_waited(void **state)
{
    struct queue q = {0};
    struct queue_item low = {.tenant = 0, .cost = 1};
    struct queue_item high = {
        .tenant = 0, .cost = 1, .priority = 1, .since_us = 2 * QUEUE_AGE_US};
    queue_push(&q, &low);
    queue_push(&q, &high);
    assert_ptr_equal(&low, queue_next(&q, 2 * QUEUE_AGE_US));
    low.since_us = high.since_us;
    assert_ptr_equal(&high, queue_next(&q, 2 * QUEUE_AGE_US));
    queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_first_served_within_a_tenant),
        cmocka_unit_test(equal_tokens_whatever_the_size),
        cmocka_unit_test(weights_are_shares),
        cmocka_unit_test(idling_saves_nothing_up),
        cmocka_unit_test(corrections_count),
        cmocka_unit_test(priority_goes_first_until_others_have_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
