/* A tenant's allowance: all limits or none, exact under concurrency, and what was not used
 * comes back. Several of these are complaints about other gateways, named as in issue 3. */
#include "allowance.h"
#include "check.h"
#include "random.h"

enum { MINUTE = 60000000, SECOND = 1000000 };

static struct demand asks(int64_t input, int64_t max_output)
{
    return (struct demand){
        .input_tokens = input, .max_output_tokens = max_output, .max_output_given = true};
}

/* It did not say how long its answer may be; the model's is 16,384. */
static struct demand says_nothing(int64_t input)
{
    return (struct demand){.input_tokens = input, .max_output_tokens = 16384};
}

static struct allowance made(struct allowance_limits limits)
{
    struct allowance a;
    allowance_init(&a, &limits, MINUTE);
    for (int p = 0; p < PURSES; p++)
        purse_refill(&a.purses[p], 1000 * (int64_t)MINUTE);
    return a;
}

static void five_parallel_calls_do_not_slip_through(void **state)
{
    struct allowance a = made((struct allowance_limits){.tpm = 100});
    struct stake s[5] = {0};
    struct demand d = says_nothing(12);
    int64_t used = 0;
    int held = 0;
    for (int i = 0; i < 5; i++) {
        s[i].allowance = &a;
        if (stake_ask(&s[i], SECOND, &d).take != TAKE_OK)
            continue;
        stake_hold(&s[i], SECOND, &d);
        held++;
    }
    assert_int_equal(1, held); /* the first may need it all */
    stake_settle(&s[0], 2 * SECOND, &d, 12, 50);
    used += 62;
    struct allowed next = stake_ask(&s[1], 2 * SECOND, &d);
    assert_int_equal(TAKE_LATER, next.take);
    assert_int_equal(DIM_TPM, next.dim);
    assert_true(used <= 100);
}

static void a_small_tpm_takes_its_first_call(void **state)
{
    struct allowance a = made((struct allowance_limits){.tpm = 1000});
    struct stake s = {.allowance = &a};
    struct demand d = says_nothing(10);
    assert_int_equal(TAKE_OK, stake_ask(&s, 0, &d).take);
    d = asks(10, 4096); /* it said so: no wait can help */
    assert_int_equal(TAKE_NEVER, stake_ask(&s, 0, &d).take);
}

static void refused_for_concurrency_burns_no_request(void **state)
{
    struct allowance a = made((struct allowance_limits){.rpm = 10, .concurrency = 1});
    struct stake first = {.allowance = &a}, second = {.allowance = &a};
    struct demand d = asks(5, 5);
    int64_t limit, left, reset_us;
    stake_hold(&first, 0, &d);
    struct allowed no = stake_ask(&second, 0, &d);
    assert_int_equal(DIM_CONCURRENCY, no.dim);
    assert_true(no.until_ends && no.wait_us == INT64_MAX);
    assert_true(allowance_look(&a, 0, DIM_RPM, &limit, &left, &reset_us));
    assert_int_equal(9, left);
    stake_settle(&first, 0, &d, 5, 5);
    assert_int_equal(TAKE_OK, stake_ask(&second, 0, &d).take);
}

static void a_refused_large_request_empties_nothing(void **state)
{
    struct allowance a = made((struct allowance_limits){.tpm = 1000, .tpd = 100000});
    struct stake large = {.allowance = &a}, small = {.allowance = &a};
    struct demand d = asks(2000, 100), e = asks(900, 100);
    assert_int_equal(TAKE_NEVER, stake_ask(&large, 0, &d).take);
    assert_int_equal(TAKE_OK, stake_ask(&small, 0, &e).take);
}

static void remaining_falls_and_comes_back(void **state)
{
    struct allowance a = made((struct allowance_limits){.rpm = 60, .tpm = 6000});
    struct stake s = {.allowance = &a};
    struct demand d = asks(100, 900);
    int64_t limit, left, reset_us;
    stake_hold(&s, 0, &d);
    assert_true(allowance_look(&a, 0, DIM_TPM, &limit, &left, &reset_us));
    assert_int_equal(5000, left);
    assert_int_equal(10 * SECOND, reset_us);
    stake_settle(&s, 0, &d, 100, 200);
    assert_true(allowance_look(&a, 0, DIM_TPM, &limit, &left, &reset_us));
    assert_int_equal(5700, left);
    assert_false(allowance_look(&a, 0, DIM_TPD, &limit, &left, &reset_us));
}

static void never_sent_is_as_if_it_had_not_been(void **state)
{
    struct allowance a = made((struct allowance_limits){
        .rpm = 6, .tpm = 600, .rpd = 50, .tpd = 5000, .concurrency = 2, .spend_day = 1000});
    struct allowance before = a;
    struct stake s = {.allowance = &a, .price = {1000000, 2000000}};
    struct demand d = asks(100, 100);
    int64_t limit, left, was, reset_us;
    stake_hold(&s, 0, &d);
    stake_release(&s, 0);
    for (int dim = 0; dim < DIM_RATES; dim++) {
        if (!allowance_look(&before, 0, (enum dimension)dim, &limit, &was, &reset_us))
            continue;
        assert_true(allowance_look(&a, 0, (enum dimension)dim, &limit, &left, &reset_us));
        assert_int_equal(was, left);
    }
    assert_int_equal(0, a.in_flight);
    assert_int_equal(0, a.held_tokens);
    assert_int_equal(0, a.purses[PURSE_DAY].used);
}

/* 2.50 dollars a million in, 10 out: 1,000 and 100 tokens are 3,500 millionths. */
static void spending_is_held_and_settled(void **state)
{
    struct allowance a =
        made((struct allowance_limits){.spend_day = 9700, .spend_month = 9700});
    struct stake s[3] = {{.allowance = &a, .price = {2500000, 10000000}},
                         {.allowance = &a, .price = {2500000, 10000000}},
                         {.allowance = &a, .price = {2500000, 10000000}}};
    struct demand d = asks(1000, 100);
    stake_hold(&s[0], 0, &d);
    stake_hold(&s[1], 0, &d);
    struct allowed no = stake_ask(&s[2], 0, &d);
    assert_int_equal(DIM_SPEND, no.dim);
    assert_true(no.until_ends); /* what the others hold may come back */
    stake_settle(&s[0], 0, &d, 1000, 10);
    assert_int_equal(TAKE_OK, stake_ask(&s[2], 0, &d).take);
    assert_int_equal(2600 + 3500, a.purses[PURSE_DAY].used);
    purse_refill(&a.purses[PURSE_DAY], 2000 * (int64_t)MINUTE); /* midnight */
    stake_settle(&s[1], 0, &d, 1000, 100);
    assert_int_equal(3500, a.purses[PURSE_DAY].used); /* it ended today */
    assert_int_equal(2600 + 3500, a.purses[PURSE_MONTH].used);
    a.purses[PURSE_MONTH].limit = 9000;
    no = stake_ask(&s[2], 0, &d);
    assert_int_equal(TAKE_LATER, no.take);
    assert_false(no.until_ends);
    assert_int_equal(1000 * (int64_t)MINUTE, no.wait_us);
}

/* After a few answers a request that says nothing holds twice the longest of late. */
static void unsaid_outputs_are_learned(void **state)
{
    struct allowance a = made((struct allowance_limits){.tpm = 100000});
    struct stake s = {.allowance = &a};
    struct demand d = says_nothing(100);
    assert_int_equal(16484, stake_tokens(&s, &d));
    stake_hold(&s, 0, &d);
    stake_settle(&s, 0, &d, 100, 300);
    assert_int_equal(100 + 600, stake_tokens(&s, &d));
    for (int i = 0; i < 130; i++) {
        stake_hold(&s, 0, &d);
        stake_settle(&s, 0, &d, 100, 50);
    }
    assert_int_equal(100 + 100, stake_tokens(&s, &d));
}

/* Where every request says how much it may answer, no minute ever sees more than a bucket
 * allows, whatever is in flight when. */
static void exact_under_concurrency(void **state)
{
    enum { STEPS = 3000, SLOTS = 12 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random r = {seed};
        struct allowance a =
            made((struct allowance_limits){.rpm = 40, .tpm = 5000, .concurrency = 7});
        struct stake s[SLOTS] = {0};
        struct demand d[SLOTS];
        int64_t now_us = 0, tokens = 0, requests = 0;
        int flying = 0;
        for (int i = 0; i < STEPS; i++) {
            int k = (int)random_below(&r, SLOTS);
            now_us += (int64_t)random_below(&r, SECOND);
            s[k].allowance = &a;
            if (s[k].held) {
                int64_t out = (int64_t)random_below(&r, (uint64_t)d[k].max_output_tokens + 1);
                tokens += d[k].input_tokens + out;
                requests++;
                flying--;
                stake_settle(&s[k], now_us, &d[k], d[k].input_tokens, out);
            } else {
                d[k] = asks(1 + (int64_t)random_below(&r, 400), (int64_t)random_below(&r, 800));
                struct allowed may = stake_ask(&s[k], now_us, &d[k]);
                if (may.take == TAKE_LATER && may.wait_us < MINUTE) {
                    assert_int_equal(TAKE_OK,
                                     stake_ask(&s[k], now_us + may.wait_us, &d[k]).take);
                    assert_int_equal(TAKE_LATER,
                                     stake_ask(&s[k], now_us + may.wait_us - 1, &d[k]).take);
                }
                if (may.take != TAKE_OK)
                    continue;
                flying++;
                stake_hold(&s[k], now_us, &d[k]);
            }
            assert_true(flying <= 7);
            assert_true(tokens <= 5000 + now_us * 5000 / MINUTE);
            assert_true(requests <= 40 + now_us * 40 / MINUTE);
        }
        assert_true(tokens * 10 > now_us * 5000 / MINUTE); /* and it was used */
    }
}

static void other_limits_from_now_on(void **state)
{
    struct allowance a = made((struct allowance_limits){.rpm = 10});
    struct stake s = {.allowance = &a};
    struct demand d = asks(1, 1);
    int64_t limit, left, reset_us;
    stake_hold(&s, 0, &d);
    allowance_relimit(&a, 0, &(struct allowance_limits){.rpm = 2, .tpm = 50});
    assert_true(allowance_look(&a, 0, DIM_RPM, &limit, &left, &reset_us));
    assert_int_equal(2, limit);
    assert_int_equal(1, left);
    stake_settle(&s, 0, &d, 1, 1);
    allowance_restore(&a, 0, DIM_RPD, 5); /* not limited: nothing */
    allowance_restore(&a, 0, DIM_TPM, 20);
    assert_true(allowance_look(&a, 0, DIM_TPM, &limit, &left, &reset_us));
    assert_int_equal(20, left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_parallel_calls_do_not_slip_through),
        cmocka_unit_test(a_small_tpm_takes_its_first_call),
        cmocka_unit_test(refused_for_concurrency_burns_no_request),
        cmocka_unit_test(a_refused_large_request_empties_nothing),
        cmocka_unit_test(remaining_falls_and_comes_back),
        cmocka_unit_test(never_sent_is_as_if_it_had_not_been),
        cmocka_unit_test(spending_is_held_and_settled),
        cmocka_unit_test(unsaid_outputs_are_learned),
        cmocka_unit_test(exact_under_concurrency),
        cmocka_unit_test(other_limits_from_now_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
