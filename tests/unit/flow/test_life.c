/* A request's life in a batch: refusals, faults, outages, halts, unknown limits, order. */
#include "check.h"
#include "flow.h"

enum { MINUTE = 60000000, SECOND = 1000000, FLOWS = 64 };

struct world {
    struct account *account;
    struct pool *pool;
    struct actions actions;
    struct flow flows[FLOWS];
    int64_t now_us, next_us;
};

static void start(struct world *w, const struct limit_spec *limits, size_t n)
{
    struct account_config c = account_defaults(NULL);
    c.window = WINDOW_BUCKET;
    c.order = ORDER_BALANCE;
    c.idle = true;
    *w = (struct world){.account = account_new(&c), .now_us = SECOND};
    w->pool = account_pool(w->account, STR("m"), limits, n);
}

static void stop(struct world *w)
{
    account_free(&w->account);
    actions_free(&w->actions);
}

static void step(struct world *w, int i, struct event ev)
{
    ev.flow = &w->flows[i];
    ev.now_us = w->now_us;
    flow_step(w->account, &ev, &w->actions);
}

static void submit(struct world *w, int from, int to)
{
    for (int i = from; i < to; i++) {
        w->flows[i] = (struct flow){.id = (uint64_t)i, .pool = w->pool};
        w->flows[i].demand = (struct demand){
            .input_tokens = 10, .max_output_tokens = 100, .max_output_given = true};
        step(w, i, (struct event){.kind = EVENT_SUBMIT});
    }
}

/* How many were admitted in this turn; all of them leave at once. */
static int turn(struct world *w)
{
    int sent = 0;
    w->actions.n = 0;
    account_due(w->account, w->now_us, &w->actions, &w->next_us);
    for (size_t k = 0; k < w->actions.n; k++) {
        if (w->actions.list[k].kind != ACT_SEND)
            continue;
        step(w, (int)w->actions.list[k].flow->id, (struct event){.kind = EVENT_SENT});
        sent++;
    }
    return sent;
}

static void answer(struct world *w, int i, struct verdict v)
{
    v.retry_us = v.retry_us ? v.retry_us : -1;
    v.limit = v.used = v.requested = -1;
    step(w, i, (struct event){.kind = EVENT_HEAD, .retry_us = -1});
    step(w, i, (struct event){.kind = EVENT_END, .verdict = v, .usage = {-1, -1, -1}});
}

static struct action last(const struct world *w)
{
    assert_true(w->actions.n > 0);
    return w->actions.list[w->actions.n - 1];
}

static const struct limit_spec wide[] = {{DIM_RPM, 100000, MINUTE}};

static void sent_answered_finished(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 3);
    assert_int_equal(3, turn(&w));
    for (int i = 0; i < 3; i++) {
        answer(&w, i, (struct verdict){.kind = VERDICT_OK});
        assert_int_equal(OUTCOME_OK, last(&w).outcome);
        assert_int_equal(FLOW_DONE, w.flows[i].state);
    }
    assert_int_equal(INT64_MAX, w.next_us);
    assert_int_equal(3, account_look(w.account).sent);
    stop(&w);
}

static void a_refusal_waits_and_is_no_failure(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 2);
    assert_int_equal(2, turn(&w));
    answer(
        &w, 1,
        (struct verdict){.kind = VERDICT_RATE_LIMIT, .dim = DIM_RPM, .retry_us = 3 * SECOND});
    assert_int_equal(FLOW_QUEUED, w.flows[1].state);
    assert_int_equal(0, turn(&w));
    assert_true(w.next_us >= w.now_us + 3 * SECOND && w.next_us <= w.now_us + 5 * SECOND);
    w.now_us = w.next_us;
    assert_int_equal(1, turn(&w));
    assert_int_equal(1, w.flows[1].refusals);
    assert_int_equal(0, w.flows[1].failures);
    assert_int_equal(1, account_look(w.account).refused);
    stop(&w);
}

static void an_edge_network_is_probed(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 1);
    turn(&w);
    answer(&w, 0,
           (struct verdict){.kind = VERDICT_RATE_LIMIT,
                            .dim = DIM_UNKNOWN,
                            .retry_us = 54749 * (int64_t)SECOND});
    turn(&w);
    assert_true(w.next_us > w.now_us && w.next_us <= w.now_us + 2 * MINUTE);
    stop(&w);
}

static void faults_are_retried_and_then_told(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 1);
    int tries = 0;
    for (; w.flows[0].state != FLOW_DONE; tries++) {
        assert_int_equal(1, turn(&w));
        if (tries % 2)
            step(&w, 0, (struct event){.kind = EVENT_BROKEN, .fault = FAULT_RESET});
        else
            answer(&w, 0, (struct verdict){.kind = VERDICT_OVERLOADED});
        if (w.flows[0].state == FLOW_DONE)
            break;
        assert_int_equal(0, turn(&w));
        w.now_us = w.next_us;
    }
    assert_int_equal(OUTCOME_FAILED, last(&w).outcome);
    assert_int_equal(account_defaults(NULL).retries_max, tries);
    stop(&w);
}

static void an_outage_pauses_and_burns_nothing(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 32);
    assert_int_equal(32, turn(&w));
    for (int i = 0; i < 32; i++)
        step(&w, i, (struct event){.kind = EVENT_BROKEN, .fault = FAULT_RESET});
    assert_int_equal(1, account_look(w.account).outages);
    assert_true(account_look(w.account).paused);
    for (int probes = 0; probes < 12; probes++) { /* it stays away for a quarter of an hour */
        int sent = 0;
        while (!(sent = turn(&w)))
            w.now_us = w.next_us;
        assert_int_equal(1, sent);
        int probe = (int)w.actions.list[w.actions.n - 1].flow->id;
        step(&w, probe, (struct event){.kind = EVENT_BROKEN, .fault = FAULT_TIMEOUT});
    }
    for (int i = 0; i < 32; i++)
        assert_true(w.flows[i].state != FLOW_DONE && w.flows[i].failures <= 1);
    int sent = 0;
    while (!(sent = turn(&w)))
        w.now_us = w.next_us;
    answer(&w, (int)w.actions.list[w.actions.n - 1].flow->id,
           (struct verdict){.kind = VERDICT_OK});
    assert_false(account_look(w.account).paused);
    w.now_us += MINUTE;
    assert_int_equal(31, turn(&w));
    stop(&w);
}

static void what_never_left_costs_nothing(void **state)
{
    struct world w;
    struct limit_spec one = {DIM_RPM, 1, MINUTE};
    start(&w, &one, 1);
    submit(&w, 0, 1);
    account_due(w.account, w.now_us, &w.actions, &w.next_us);
    assert_int_equal(FLOW_SENDING, w.flows[0].state);
    step(&w, 0, (struct event){.kind = EVENT_BROKEN, .fault = FAULT_CONNECT});
    w.now_us += 5 * SECOND;
    assert_int_equal(1, turn(&w)); /* the only request of the minute was not spent */
    stop(&w);
}

static void an_empty_wallet_halts(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 3);
    turn(&w);
    submit(&w, 3, 6);
    w.actions.n = 0;
    answer(&w, 0, (struct verdict){.kind = VERDICT_QUOTA});
    assert_true(account_look(w.account).halted);
    int halts = 0, unsent = 0;
    for (size_t k = 0; k < w.actions.n; k++) {
        halts += w.actions.list[k].kind == ACT_HALT;
        unsent +=
            w.actions.list[k].kind == ACT_FINISH && w.actions.list[k].outcome == OUTCOME_UNSENT;
    }
    assert_int_equal(1, halts);
    assert_int_equal(4, unsent); /* it and those that waited */
    answer(&w, 1, (struct verdict){.kind = VERDICT_OK});
    assert_int_equal(OUTCOME_OK, last(&w).outcome); /* in flight goes on */
    stop(&w);
}

static void too_large_is_never_sent(void **state)
{
    struct world w;
    struct limit_spec small = {DIM_TPM, 99, MINUTE};
    start(&w, &small, 1);
    submit(&w, 0, 1);
    assert_int_equal(OUTCOME_TOO_LARGE, last(&w).outcome);
    assert_int_equal(0, turn(&w));
    stop(&w);
}

static void too_many_at_once_is_found_out(void **state)
{
    struct world w;
    start(&w, wide, 1);
    submit(&w, 0, 40);
    assert_int_equal(40, turn(&w));
    for (int i = 20; i < 40; i++)
        answer(&w, i, (struct verdict){.kind = VERDICT_RATE_LIMIT, .dim = DIM_CONCURRENCY});
    for (int i = 0; i < 20; i++)
        answer(&w, i, (struct verdict){.kind = VERDICT_OK});
    w.now_us += MINUTE;
    assert_int_equal(20, turn(&w));
    struct pool_view v;
    pool_look(w.account, w.pool, w.now_us, &v);
    assert_int_equal(20, v.in_flight);
    stop(&w);
}

static void unknown_limits_are_learned(void **state)
{
    struct world w;
    start(&w, NULL, 0);
    submit(&w, 0, 40);
    int few = turn(&w);
    assert_in_range(few, 1, 8); /* a few, until headers say more */
    struct reading r = {.dim = DIM_RPM,
                        .limit = 20,
                        .remaining = 20 - few,
                        .has_remaining = true,
                        .reset_us = few * MINUTE / 20,
                        .reset_round_us = 1000,
                        .remaining_round = 1,
                        .period_us = -1};
    step(
        &w, 0,
        (struct event){.kind = EVENT_HEAD, .readings = &r, .reading_count = 1, .retry_us = -1});
    int sent = few;
    for (int k = 0; k < 100 && w.now_us < 30 * SECOND; k++, w.now_us += 300000)
        sent += turn(&w);
    assert_in_range(sent, 20 - few, 31); /* 20 and what 30 s bring back */
    struct pool_view v;
    pool_look(w.account, w.pool, w.now_us, &v);
    assert_int_equal(1, v.budget_count);
    assert_int_equal(20, v.budgets[0].limit);
    stop(&w);
}

static void a_sharp_rise_is_slowed_down(void **state)
{
    struct world w;
    struct limit_spec limits[] = {{DIM_TPM, 1000000, MINUTE}};
    start(&w, limits, 1);
    submit(&w, 0, 40);
    while (turn(&w) > 0 || w.flows[39].state == FLOW_QUEUED)
        w.now_us = w.next_us < INT64_MAX ? w.next_us : w.now_us;
    answer(&w, 0,
           (struct verdict){
               .kind = VERDICT_RATE_LIMIT, .dim = DIM_UNKNOWN, .code = STR("slow_down")});
    struct pool_view v;
    pool_look(w.account, w.pool, w.now_us, &v);
    assert_int_equal(2, v.budget_count);
    assert_int_equal(3000, v.budgets[1].limit); /* three quarters of 40 times 100 tokens */
    w.now_us += 15 * (int64_t)MINUTE;
    turn(&w);
    pool_look(w.account, w.pool, w.now_us, &v);
    assert_int_equal(4501, v.budgets[1].limit);
    stop(&w);
}

static void a_lower_limit_ends_what_exceeds_it(void **state)
{
    struct world w;
    struct limit_spec limits[] = {{DIM_TPM, 100, MINUTE}};
    start(&w, limits, 1);
    submit(&w, 0, 2);
    assert_int_equal(1, turn(&w));
    struct reading r = {.dim = DIM_TPM,
                        .limit = 50,
                        .remaining = 0,
                        .has_remaining = true,
                        .reset_us = -1,
                        .remaining_round = 1,
                        .period_us = -1};
    step(
        &w, 0,
        (struct event){.kind = EVENT_HEAD, .readings = &r, .reading_count = 1, .retry_us = -1});
    w.now_us += MINUTE;
    turn(&w);
    assert_int_equal(OUTCOME_TOO_LARGE, last(&w).outcome);
    assert_int_equal(FLOW_DONE, w.flows[1].state);
    stop(&w);
}

static void cancelled_ones_come_back(void **state)
{
    struct world w;
    struct limit_spec one = {DIM_RPM, 1, MINUTE};
    start(&w, &one, 1);
    submit(&w, 0, 3);
    assert_int_equal(1, turn(&w));
    for (int i = 0; i < 3; i++) {
        step(&w, i, (struct event){.kind = EVENT_CANCEL, .usage = {-1, -1, -1}});
        assert_int_equal(OUTCOME_UNSENT, last(&w).outcome);
    }
    struct pool_view v;
    pool_look(w.account, w.pool, w.now_us, &v);
    assert_int_equal(0, v.queued + v.in_flight);
    stop(&w);
}

/* A small one of another tenant passes a blocked large one only while that costs it nothing. */
static void none_passes_at_the_others_cost(void **state)
{
    struct world w;
    struct limit_spec limits[] = {{DIM_RPM, 1000, MINUTE}, {DIM_TPM, 1000, MINUTE}};
    struct account_config c = account_defaults(NULL);
    c.window = WINDOW_BUCKET;
    c.idle = true;
    w = (struct world){.account = account_new(&c), .now_us = SECOND};
    w.pool = account_pool(w.account, STR("m"), limits, 2);
    submit(&w, 0, 6); /* 600 of 1,000 tokens */
    assert_int_equal(6, turn(&w));
    w.flows[10] = (struct flow){.id = 10, .pool = w.pool, .tenant = 0};
    w.flows[10].demand.input_tokens = 900; /* waits for tokens */
    w.flows[11] = (struct flow){.id = 11, .pool = w.pool, .tenant = 1};
    w.flows[11].demand.input_tokens = 50; /* would make it wait longer */
    w.flows[12] = (struct flow){.id = 12, .pool = w.pool, .tenant = 2}; /* needs no tokens */
    for (int i = 10; i <= 12; i++)
        step(&w, i, (struct event){.kind = EVENT_SUBMIT});
    /* All three are new tenants' but the first: their turns come before tenant 0's. */
    assert_int_equal(2, turn(&w));
    assert_int_equal(FLOW_QUEUED, w.flows[10].state);
    w.flows[13] = (struct flow){.id = 13, .pool = w.pool, .tenant = 1};
    w.flows[13].demand.input_tokens = 50;
    w.now_us += 11 * SECOND; /* tenant 0 has waited long enough to be first */
    step(&w, 13, (struct event){.kind = EVENT_SUBMIT});
    assert_int_equal(0, turn(&w));
    w.now_us = w.next_us;
    assert_int_equal(1, turn(&w));
    assert_int_equal(FLOW_SENDING, w.flows[10].state);
    stop(&w);
}

/* What has left a moving minute may leave it on its way a little later: by J, which is what the
 * connections show if that is more than was believed, but not more than the minute bears. */
static void a_way_that_varies_is_waited_for(void **state)
{
    const struct limit_spec two[] = {{DIM_RPM, 2, MINUTE}};
    const int64_t asked_us[] = {SECOND / 10, SECOND / 4, 10 * SECOND};
    const int64_t felt_us[] = {SECOND / 10, SECOND / 4, 3 * SECOND / 10};
    for (int i = 0; i < 3; i++) {
        struct account_config c = account_defaults(NULL);
        c.window = WINDOW_SLIDING;
        c.idle = true;
        c.jitter_us = SECOND / 10;
        struct world w = {.account = account_new(&c), .now_us = SECOND};
        w.pool = account_pool(w.account, STR("m"), two, 1);
        account_jitter(w.account, asked_us[i]);
        submit(&w, 0, 3);
        assert_int_equal(2, turn(&w));
        assert_int_equal(0, turn(&w));
        assert_int_equal(SECOND + MINUTE + felt_us[i] + 1, w.next_us);
        stop(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent_answered_finished),
        cmocka_unit_test(a_refusal_waits_and_is_no_failure),
        cmocka_unit_test(an_edge_network_is_probed),
        cmocka_unit_test(faults_are_retried_and_then_told),
        cmocka_unit_test(an_outage_pauses_and_burns_nothing),
        cmocka_unit_test(what_never_left_costs_nothing),
        cmocka_unit_test(an_empty_wallet_halts),
        cmocka_unit_test(too_large_is_never_sent),
        cmocka_unit_test(too_many_at_once_is_found_out),
        cmocka_unit_test(unknown_limits_are_learned),
        cmocka_unit_test(a_sharp_rise_is_slowed_down),
        cmocka_unit_test(a_lower_limit_ends_what_exceeds_it),
        cmocka_unit_test(cancelled_ones_come_back),
        cmocka_unit_test(none_passes_at_the_others_cost),
        cmocka_unit_test(a_way_that_varies_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
