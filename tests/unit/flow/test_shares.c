/* Tenants at an account: each in its allowance, fair in tokens, and what is sent again, refused
 * or given up costs a tenant nothing. */
#include "check.h"
#include "flow.h"
#include "random.h"

enum { MINUTE = 60000000, SECOND = 1000000, FLOWS = 400, TENANTS = 3 };

struct world {
    struct account *account;
    struct pool *pool;
    struct actions actions;
    struct allowance allowances[TENANTS];
    struct flow flows[FLOWS];
    struct stake stakes[FLOWS];
    int64_t now_us, next_us;
    int64_t tokens[TENANTS]; /* sent */
};

static void start(struct world *w, const struct limit_spec *limits, size_t n,
                  const struct allowance_limits *own)
{
    struct account_config c = account_defaults(NULL);
    c.window = WINDOW_BUCKET;
    c.idle = true;
    c.halts = false;
    memset(w, 0, sizeof *w);
    w->account = account_new(&c);
    w->pool = account_pool(w->account, STR("m"), limits, n);
    w->now_us = SECOND;
    for (int i = 0; i < TENANTS; i++)
        allowance_init(&w->allowances[i], &own[i], MINUTE);
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

static void come(struct world *w, int i, uint32_t tenant, int64_t tokens)
{
    w->stakes[i] = (struct stake){.allowance = &w->allowances[tenant]};
    w->flows[i] = (struct flow){
        .id = (uint64_t)i, .pool = w->pool, .tenant = tenant, .stake = &w->stakes[i]};
    w->flows[i].demand = (struct demand){.input_tokens = tokens,
                                         .char_tokens = tokens,
                                         .max_output_tokens = tokens,
                                         .max_output_given = true};
    step(w, i, (struct event){.kind = EVENT_SUBMIT});
}

/* How many were admitted in this turn; all of them leave at once. */
static int turn(struct world *w)
{
    int sent = 0;
    w->actions.n = 0;
    account_due(w->account, w->now_us, &w->actions, &w->next_us);
    for (size_t k = 0; k < w->actions.n; k++) {
        struct flow *f = w->actions.list[k].flow;
        if (w->actions.list[k].kind != ACT_SEND)
            continue;
        step(w, (int)f->id, (struct event){.kind = EVENT_SENT});
        w->tokens[f->tenant] += f->demand.input_tokens;
        sent++;
    }
    return sent;
}

static void answer(struct world *w, int i, struct verdict v, struct usage u)
{
    v.retry_us = v.limit = v.used = v.requested = -1;
    step(w, i, (struct event){.kind = EVENT_HEAD, .retry_us = -1});
    step(w, i, (struct event){.kind = EVENT_END, .verdict = v, .usage = u});
}

static int64_t left(const struct world *w, uint32_t tenant, enum dimension dim)
{
    int64_t limit, remaining, reset_us;
    assert_true(
        allowance_look(&w->allowances[tenant], w->now_us, dim, &limit, &remaining, &reset_us));
    return remaining;
}

static const struct limit_spec wide[] = {{DIM_RPM, 100000, MINUTE}};
static const struct allowance_limits narrow[TENANTS] = {
    {.rpm = 10, .tpm = 1000, .concurrency = 2}, {0}, {0}};

static void only_its_own_limit_holds_a_tenant_back(void **state)
{
    static struct world w;
    start(&w, wide, 1, narrow);
    for (int i = 0; i < 4; i++)
        come(&w, i, 0, 10);
    for (int i = 4; i < 8; i++)
        come(&w, i, 1, 10);
    assert_int_equal(6, turn(&w));
    assert_int_equal(FLOW_QUEUED, w.flows[2].state);
    assert_int_equal(DIM_CONCURRENCY, w.flows[2].waited_for);
    assert_true(w.flows[2].own);
    answer(&w, 0, (struct verdict){.kind = VERDICT_OK}, (struct usage){10, 5, 0});
    assert_int_equal(1, turn(&w)); /* its slot is the next one's */
    assert_int_equal(FLOW_DONE, w.flows[0].state);
    assert_int_equal(1000 - 15 - 20 - 20, left(&w, 0, DIM_TPM));
    stop(&w);
}

/* Refused by the provider, or lost and sent again: the tenant's share is taken once. */
static void a_tenant_pays_once_for_what_is_sent_again(void **state)
{
    static struct world w;
    start(&w, wide, 1, narrow);
    come(&w, 0, 0, 100);
    assert_int_equal(1, turn(&w));
    assert_int_equal(9, left(&w, 0, DIM_RPM));
    answer(&w, 0, (struct verdict){.kind = VERDICT_RATE_LIMIT, .dim = DIM_UNKNOWN},
           (struct usage){-1, -1, -1});
    assert_int_equal(10, left(&w, 0, DIM_RPM));
    assert_int_equal(1000, left(&w, 0, DIM_TPM));
    for (int tries = 0; turn(&w) == 0; tries++) {
        assert_true(tries < 10);
        w.now_us = w.next_us;
    }
    answer(&w, 0, (struct verdict){.kind = VERDICT_OVERLOADED, .retryable = true},
           (struct usage){-1, -1, -1});
    assert_int_equal(FLOW_BACKOFF, w.flows[0].state);
    assert_int_equal(0, w.allowances[0].in_flight);
    for (int tries = 0; turn(&w) == 0; tries++) {
        assert_true(tries < 10);
        w.now_us = w.next_us;
    }
    answer(&w, 0, (struct verdict){.kind = VERDICT_OK}, (struct usage){100, 30, 0});
    assert_int_equal(9, left(&w, 0, DIM_RPM));
    assert_int_equal(870, left(&w, 0, DIM_TPM));
    stop(&w);
}

static void slots_come_back_however_a_request_ends(void **state)
{
    static struct world w;
    start(&w, wide, 1, narrow);
    const struct event ends[] = {
        {.kind = EVENT_CANCEL, .usage = {10, 3, 0}},
        {.kind = EVENT_BROKEN, .fault = FAULT_RESET, .last = true, .usage = {10, 3, 0}},
        {.kind = EVENT_END,
         .verdict = {.kind = VERDICT_CONTEXT_LENGTH, .retry_us = -1},
         .usage = {-1, -1, -1}},
        {.kind = EVENT_END,
         .verdict = {.kind = VERDICT_QUOTA, .retry_us = -1},
         .usage = {-1, -1, -1}},
        {.kind = EVENT_END,
         .verdict = {.kind = VERDICT_RATE_LIMIT, .retry_us = -1, .dim = DIM_UNKNOWN},
         .last = true,
         .usage = {10, 3, 0}},
    };
    for (int i = 0; i < 5; i++) {
        w.now_us += MINUTE;
        come(&w, i, 0, 10);
        if (turn(&w) == 0) {
            w.now_us = w.next_us;
            assert_int_equal(1, turn(&w));
        }
        step(&w, i, (struct event){.kind = EVENT_HEAD, .retry_us = -1});
        step(&w, i, ends[i]);
        assert_int_equal(FLOW_DONE, w.flows[i].state);
        assert_int_equal(0, w.allowances[0].in_flight);
        assert_int_equal(i == 2 || i == 3 ? 1000 : 987, left(&w, 0, DIM_TPM));
    }
    stop(&w);
}

static void larger_than_its_allowance_is_never_sent(void **state)
{
    static struct world w;
    start(&w, wide, 1, narrow);
    come(&w, 0, 0, 600); /* 600 in and 600 out */
    assert_int_equal(FLOW_DONE, w.flows[0].state);
    assert_int_equal(OUTCOME_TOO_LARGE, w.actions.list[0].outcome);
    assert_true(w.flows[0].own);
    assert_int_equal(DIM_TPM, w.flows[0].waited_for);
    stop(&w);
}

/* Backlogged tenants get equal tokens, whatever their requests' size: the gap is never more
 * than twice the largest request. */
static void the_gap_is_twice_the_largest_at_most(void **state)
{
    static const struct limit_spec tight[] = {{DIM_TPM, 6000, MINUTE}};
    static const struct allowance_limits none[TENANTS] = {{0}, {0}, {0}};
    enum { LARGEST = 900 };
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static struct world w;
        struct random r = {seed};
        start(&w, tight, 1, none);
        for (int i = 0; i < FLOWS; i++) {
            uint32_t tenant = (uint32_t)i % TENANTS;
            int64_t tokens = tenant == 0 ? 100 : tenant == 1 ? LARGEST : 1;
            if (tenant == 2)
                tokens += (int64_t)random_below(&r, LARGEST);
            come(&w, i, tenant, tokens);
        }
        while (w.tokens[0] < 100 * (FLOWS / TENANTS - 1)) { /* it has something waiting */
            turn(&w);
            for (int k = 0; k < TENANTS; k++)
                for (int m = 0; m < TENANTS; m++)
                    if (w.tokens[k] - w.tokens[m] > 2 * LARGEST)
                        fail_msg("seed %d: tenants %d and %d are %d tokens apart", (int)seed, k,
                                 m, (int)(w.tokens[k] - w.tokens[m]));
            w.now_us = w.next_us;
        }
        stop(&w);
    }
}

/* The allowance is shared between accounts: what ends in one wakes who waits in another. */
static void woken_from_elsewhere(void **state)
{
    static struct world w;
    struct allowance_limits one[TENANTS] = {{.concurrency = 1}, {0}, {0}};
    start(&w, wide, 1, one);
    struct stake elsewhere = {.allowance = &w.allowances[0]};
    struct demand d = {.input_tokens = 1};
    stake_hold(&elsewhere, w.now_us, &d);
    come(&w, 0, 0, 10);
    assert_int_equal(0, turn(&w));
    assert_int_equal(INT64_MAX, w.next_us);
    stake_settle(&elsewhere, w.now_us, &d, 1, 0);
    assert_int_equal(0, turn(&w)); /* nobody said so */
    account_wake(w.account, 0);
    assert_int_equal(1, turn(&w));
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_own_limit_holds_a_tenant_back),
        cmocka_unit_test(a_tenant_pays_once_for_what_is_sent_again),
        cmocka_unit_test(slots_come_back_however_a_request_ends),
        cmocka_unit_test(larger_than_its_allowance_is_never_sent),
        cmocka_unit_test(the_gap_is_twice_the_largest_at_most),
        cmocka_unit_test(woken_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
