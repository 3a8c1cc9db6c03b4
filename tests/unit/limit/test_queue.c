/* Turns: order within a tenant, shares between tenants, priority and ageing. */
#include "check.h"
#include "queue.h"
#include "random.h"

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

/* A tenant that its own limit holds back has no turn, and comes back without arrears. */
static void parked_tenants_have_no_turn(void **state)
{
    struct queue q = {0};
    struct queue_item items[3] = {
        {.tenant = 0, .cost = 10}, {.tenant = 1, .cost = 10}, {.tenant = 1, .cost = 10}};
    for (int i = 0; i < 3; i++)
        queue_push(&q, &items[i]);
    queue_park(&q, 0, 500);
    assert_ptr_equal(&items[1], queue_next(&q, 0));
    assert_int_equal(500, queue_wake_due(&q, 499));
    queue_serve(&q, &items[1]);
    queue_push(&q, &items[1]);
    queue_serve(&q, &items[2]); /* tag 10 is served */
    assert_int_equal(INT64_MAX, queue_wake_due(&q, 500));
    assert_ptr_equal(&items[0], queue_next(&q, 500));
    queue_serve(&q, &items[0]); /* and now it is as far as the other */
    queue_push(&q, &items[0]);
    assert_ptr_equal(&items[1], queue_next(&q, 500));
    queue_free(&q);
}

static void wakes_and_leaves_while_parked(void **state)
{
    struct queue q = {0};
    struct queue_item items[3] = {{.tenant = 0}, {.tenant = 1}, {.tenant = 2}};
    for (int i = 0; i < 3; i++)
        queue_push(&q, &items[i]);
    queue_park(&q, 0, INT64_MAX);
    queue_park(&q, 1, 700);
    queue_park(&q, 2, 600);
    assert_null(queue_next(&q, 0));
    assert_int_equal(600, queue_wake_due(&q, 0));
    queue_take(&q, &items[1]); /* it left */
    queue_wake(&q, 0);
    queue_wake(&q, 0); /* once more changes nothing */
    assert_ptr_equal(&items[0], queue_next(&q, 0));
    assert_int_equal(INT64_MAX, queue_wake_due(&q, 650));
    queue_take(&q, &items[0]);
    assert_ptr_equal(&items[2], queue_next(&q, 650));
    assert_int_equal(1, q.n);
    queue_free(&q);
}

/* A fork foretells the very order of turns, guest included, and leaves the queue as it was. */
static void a_fork_foretells_the_turns(void **state)
{
    enum { ITEMS = 40 };
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct random r = {seed};
        struct queue q = {0};
        struct queue_item items[ITEMS + 1], *foretold[ITEMS + 1];
        struct queue_fork fork;
        for (int i = 0; i <= ITEMS; i++) {
            items[i] = (struct queue_item){.tenant = (uint32_t)random_below(&r, 5),
                                           .priority = (uint8_t)random_below(&r, 2),
                                           .cost = 1 + (int64_t)random_below(&r, 99)};
            if (i < ITEMS)
                queue_push(&q, &items[i]);
        }
        queue_fork(&fork, &q, &items[ITEMS]);
        for (int i = 0; i <= ITEMS; i++) {
            foretold[i] = queue_next(&fork.queue, 0);
            queue_pass(&fork, foretold[i]);
        }
        assert_null(queue_next(&fork.queue, 0));
        queue_fork_free(&fork);
        assert_int_equal(ITEMS, q.n);
        queue_push(&q, &items[ITEMS]);
        for (int i = 0; i <= ITEMS; i++) {
            if (queue_next(&q, 0) != foretold[i])
                fail_msg("seed %d: turn %d is another one's", (int)seed, i);
            queue_serve(&q, foretold[i]);
        }
        queue_free(&q);
    }
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
        cmocka_unit_test(parked_tenants_have_no_turn),
        cmocka_unit_test(wakes_and_leaves_while_parked),
        cmocka_unit_test(a_fork_foretells_the_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
