/* test_once.c: what a gateway asks of flow beyond what a batch does: answers that were passed
 * on are not asked for again, lost ones only if told so, a request's own trouble stays its own,
 * and what came of a broken answer is what it is charged. */
#include "breaker.h"
#include "check.h"
#include "flow.h"

enum { MINUTE = 60000000 };

struct world {
    struct account *account;
    struct pool *pool;
    struct actions actions;
    int64_t now_us;
};

static struct world world_new(struct account_config config)
{
    static const struct limit_spec limits[] = {{DIM_RPM, 10, MINUTE}, {DIM_OTPM, 1000, MINUTE}};
    struct world w = {.account = account_new(&config), .now_us = 1};
    w.pool = account_pool(w.account, STR("m"), limits, 2);
    return w;
}

static void world_free(struct world *w)
{
    account_free(&w->account);
    actions_free(&w->actions);
}

static void step(struct world *w, struct flow *f, struct event ev)
{
    ev.flow = f;
    ev.now_us = ++w->now_us;
    flow_step(w->account, &ev, &w->actions);
}

static void settle_time(struct world *w)
{
    int64_t next_us;
    account_due(w->account, w->now_us, &w->actions, &next_us);
}

/* Submitted, sent, and its answer has begun. */
static void bring_to_answer(struct world *w, struct flow *f)
{
    f->pool = w->pool;
    f->demand = (struct demand){.input_tokens = 5, .max_output_tokens = 400};
    step(w, f, (struct event){.kind = EVENT_SUBMIT});
    settle_time(w);
    assert_int_equal(f->state, FLOW_SENDING);
    step(w, f, (struct event){.kind = EVENT_SENT});
    step(w, f, (struct event){.kind = EVENT_HEAD, .status = 200, .retry_us = -1});
    w->actions.n = 0;
}

static struct account_config gateway(void)
{
    struct account_config c = account_defaults(NULL);
    c.window = WINDOW_BUCKET;
    c.idle = true;
    c.resends = c.halts = false;
    return c;
}

static void assert_over(const struct world *w, const struct flow *f, enum outcome outcome)
{
    assert_int_equal(w->actions.n, 1);
    assert_int_equal(w->actions.list[0].kind, ACT_FINISH);
    assert_ptr_equal(w->actions.list[0].flow, f);
    assert_int_equal(w->actions.list[0].outcome, outcome);
}

static int64_t output_left(const struct world *w)
{
    struct pool_view view;
    pool_look(w->account, w->pool, w->now_us, &view);
    return view.budgets[1].level;
}

static void test_passed_on_is_not_sent_again(void **unused)
{
    static const enum verdict_kind kinds[] = {VERDICT_RATE_LIMIT, VERDICT_OVERLOADED};
    for (size_t i = 0; i < 2; i++) {
        struct world w = world_new(gateway());
        struct flow f = {0};
        bring_to_answer(&w, &f);
        step(&w, &f,
             (struct event){.kind = EVENT_END,
                            .verdict = {.kind = kinds[i], .dim = DIM_UNKNOWN, .retry_us = -1},
                            .usage = {-1, -1, -1},
                            .last = true});
        assert_over(&w, &f, OUTCOME_FAILED);
        world_free(&w);
    }
}

static void test_lost_answers(void **unused)
{
    for (int way = 0; way < 4; way++) {
        bool resends = way & 1, safe = way & 2;
        struct account_config config = gateway();
        config.resends = resends;
        struct world w = world_new(config);
        struct flow f = {0};
        bring_to_answer(&w, &f);
        f.safe = safe;
        step(&w, &f, (struct event){.kind = EVENT_BROKEN, .fault = FAULT_RESET});
        if (resends || safe)
            assert_int_equal(f.state, FLOW_BACKOFF);
        else
            assert_over(&w, &f, OUTCOME_FAILED);
        world_free(&w);
    }
}

static void test_not_reached_is_always_sent_again(void **unused)
{
    struct world w = world_new(gateway());
    struct flow f = {.pool = w.pool};
    step(&w, &f, (struct event){.kind = EVENT_SUBMIT});
    settle_time(&w);
    step(&w, &f, (struct event){.kind = EVENT_BROKEN, .fault = FAULT_CONNECT});
    assert_int_equal(f.state, FLOW_BACKOFF);
    world_free(&w);
}

static void test_wallet_of_one(void **unused)
{
    static const enum verdict_kind kinds[] = {VERDICT_QUOTA, VERDICT_AUTH};
    for (size_t i = 0; i < 2; i++) {
        struct world w = world_new(gateway());
        struct flow f = {0}, other = {0};
        bring_to_answer(&w, &f);
        step(&w, &f,
             (struct event){.kind = EVENT_END, .verdict = {.kind = kinds[i], .retry_us = -1}});
        assert_over(&w, &f, OUTCOME_FAILED);
        assert_false(account_look(w.account).halted);
        bring_to_answer(&w, &other);
        world_free(&w);
    }
}

/* CHARGE_ACTUAL: 1,000 output tokens a minute; 7 came before the client left. */
static void test_part_of_an_answer_is_charged_as_such(void **unused)
{
    static const struct event ends[] = {
        {.kind = EVENT_CANCEL, .usage = {5, 7, 0}},
        {.kind = EVENT_BROKEN, .fault = FAULT_RESET, .usage = {5, 7, 0}, .last = true}};
    for (size_t i = 0; i < 2; i++) {
        struct account_config config = gateway();
        config.charge = CHARGE_ACTUAL;
        struct world w = world_new(config);
        struct flow f = {0};
        bring_to_answer(&w, &f);
        step(&w, &f, ends[i]);
        assert_over(&w, &f, i ? OUTCOME_FAILED : OUTCOME_UNSENT);
        assert_int_equal(output_left(&w), 1000 - 7);
        world_free(&w);
    }
}

static void test_unknown_usage_stays_as_expected(void **unused)
{
    struct account_config config = gateway();
    config.charge = CHARGE_ACTUAL;
    struct world w = world_new(config);
    struct flow f = {0};
    bring_to_answer(&w, &f);
    int64_t left = output_left(&w);
    assert_true(left < 1000);
    step(&w, &f, (struct event){.kind = EVENT_CANCEL, .usage = {-1, -1, -1}});
    assert_true(output_left(&w) <= left);
    world_free(&w);
}

/* Nothing is known of the limits: a refusal holds up all of the pool for as long as it says. */
static void test_refused_without_known_limits(void **unused)
{
    struct account_config config = gateway();
    struct world w = {.account = account_new(&config), .now_us = 1};
    struct flow f = {0}, other = {0};
    w.pool = account_pool(w.account, STR("m"), NULL, 0);
    bring_to_answer(&w, &f);
    step(&w, &f,
         (struct event){.kind = EVENT_END,
                        .verdict = {.kind = VERDICT_RATE_LIMIT,
                                    .dim = DIM_UNKNOWN,
                                    .retry_us = 3600 * INT64_C(1000000)},
                        .usage = {-1, -1, -1}});
    other.pool = w.pool;
    step(&w, &other, (struct event){.kind = EVENT_SUBMIT});
    settle_time(&w);
    assert_int_equal(f.state, FLOW_QUEUED);
    assert_int_equal(other.state, FLOW_QUEUED);
    struct promise promise = pool_promise(w.account, w.pool, w.now_us, &f);
    assert_true(promise.wait_us > 3599 * INT64_C(1000000));
    world_free(&w);
}

/* An outage's probe whose client leaves: the next request is the probe. */
static void test_probe_given_up(void **unused)
{
    struct world w = world_new(gateway());
    struct flow flows[BREAKER_FAULTS + 2];
    memset(flows, 0, sizeof flows);
    for (int i = 0; i < BREAKER_FAULTS; i++) {
        w.now_us += MINUTE;
        bring_to_answer(&w, &flows[i]);
        step(&w, &flows[i], (struct event){.kind = EVENT_BROKEN, .fault = FAULT_RESET});
    }
    assert_true(account_look(w.account).paused);
    for (int i = BREAKER_FAULTS; i < BREAKER_FAULTS + 2; i++) {
        w.now_us += 2 * MINUTE;
        bring_to_answer(&w, &flows[i]);
        step(&w, &flows[i], (struct event){.kind = EVENT_CANCEL, .usage = {-1, -1, -1}});
    }
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passed_on_is_not_sent_again),
        cmocka_unit_test(test_lost_answers),
        cmocka_unit_test(test_not_reached_is_always_sent_again),
        cmocka_unit_test(test_wallet_of_one),
        cmocka_unit_test(test_part_of_an_answer_is_charged_as_such),
        cmocka_unit_test(test_unknown_usage_stays_as_expected),
        cmocka_unit_test(test_refused_without_known_limits),
        cmocka_unit_test(test_probe_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
