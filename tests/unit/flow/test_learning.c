/* A pool whose limits nobody told, as a driver meets it. */
#include "check.h"
#include "flow.h"

enum { MINUTE = 60000000, SECOND = 1000000, FLOWS = 400 };

struct scene {
    struct account *account;
    struct pool *pool;
    struct actions actions;
    struct flow flows[FLOWS];
    int n;
    int64_t now_us, next_us;
};

static struct scene s;

static void begin(const struct limit_spec *limits, size_t n)
{
    struct account_config c = account_defaults(NULL);
    c.idle = true;
    s = (struct scene){.account = account_new(&c), .now_us = MINUTE};
    s.pool = account_pool(s.account, STR("things"), limits, n);
}

static void finish(void)
{
    account_free(&s.account);
    actions_free(&s.actions);
}

static void step(struct flow *f, struct event ev)
{
    ev.flow = f;
    ev.now_us = s.now_us;
    flow_step(s.account, &ev, &s.actions);
}

static void submit(int n)
{
    for (int i = 0; i < n; i++) {
        struct flow *f = &s.flows[s.n++];
        *f = (struct flow){.id = (uint64_t)s.n, .pool = s.pool};
        step(f, (struct event){.kind = EVENT_SUBMIT});
    }
}

/* What is due now is sent; how many that were. */
static int due(void)
{
    int sent = 0;
    account_due(s.account, s.now_us, &s.actions, &s.next_us);
    for (size_t i = 0; i < s.actions.n; i++) {
        if (s.actions.list[i].kind != ACT_SEND)
            continue;
        step(s.actions.list[i].flow, (struct event){.kind = EVENT_SENT});
        sent++;
    }
    s.actions.n = 0;
    return sent;
}

static void head(struct flow *f, int status, const struct reading *r, size_t n)
{
    step(f, (struct event){.kind = EVENT_HEAD,
                           .status = status,
                           .retry_us = -1,
                           .readings = r,
                           .reading_count = n});
}

static void answer(struct flow *f, enum verdict_kind kind, enum dimension dim)
{
    struct verdict v = {.kind = kind, .dim = dim, .limit = -1, .used = -1, .retry_us = -1};
    head(f, kind == VERDICT_OK ? 200 : 429, NULL, 0);
    step(f, (struct event){.kind = EVENT_END, .verdict = v, .usage = {-1, -1, -1}});
}

static bool look(struct budget_view *out)
{
    struct pool_view view;
    pool_look(s.account, s.pool, s.now_us, &view);
    *out = view.budgets[0];
    return view.budget_count > 0;
}

static void goes_one_at_a_time(void **state)
{
    begin(NULL, 0);
    submit(10);
    assert_int_equal(1, due());
    assert_true(s.next_us > s.now_us && s.next_us <= s.now_us + SECOND);
    answer(&s.flows[0], VERDICT_OK, DIM_UNKNOWN);
    assert_int_equal(1, due());
    s.now_us = s.next_us; /* had it been refused, that would be known */
    assert_int_equal(1, due());
    assert_int_equal(DIM_RPM, s.flows[2].waited_for);
    finish();
}

static void headers_end_it(void **state)
{
    const struct reading r = {.dim = DIM_RPM,
                              .limit = 600,
                              .remaining = 599,
                              .has_remaining = true,
                              .reset_us = 100000,
                              .reset_round_us = 1000,
                              .remaining_round = 1,
                              .period_us = -1};
    struct budget_view b;
    begin(NULL, 0);
    submit(20);
    assert_int_equal(1, due());
    head(&s.flows[0], 200, &r, 1);
    assert_true(look(&b));
    assert_int_equal(600, b.limit);
    assert_false(b.learned);
    int sent = 0;
    for (int i = 0; i < 3 && s.now_us < INT64_MAX; i++, s.now_us = s.next_us)
        sent += due();
    assert_true(sent > 3);
    finish();
}

/* Twenty go, then no more; and again ten seconds later. */
static void refusals_become_a_budget(void **state)
{
    struct lesson l;
    struct budget_view b;
    int64_t lately;
    begin(NULL, 0);
    submit(FLOWS);
    int taken = 0, meetings = 0;
    for (; s.now_us < 2 * MINUTE && !look(&b); s.now_us += 50000) {
        due();
        for (int i = 0; i < s.n; i++) {
            if (s.flows[i].state != FLOW_SENDING)
                continue;
            bool ok = taken < 20;
            taken += ok;
            meetings += !ok;
            answer(&s.flows[i], ok ? VERDICT_OK : VERDICT_RATE_LIMIT, DIM_UNKNOWN);
        }
    }
    assert_true(look(&b) && b.learned && meetings <= 3);
    assert_int_equal(DIM_RPM, b.dim);
    assert_int_equal(20, b.limit);
    assert_int_equal(WINDOW_SLIDING, b.window);
    assert_true(b.level <= 0);
    assert_true(pool_lesson(s.pool, s.now_us, &l, &lately));
    assert_int_equal(20, l.limit);
    assert_int_equal(20, lately);
    assert_int_equal(0, account_look(s.account).outages);
    finish();
}

static void tokens_are_no_lesson(void **state)
{
    struct lesson l;
    int64_t lately;
    begin(NULL, 0);
    submit(3);
    assert_int_equal(1, due());
    answer(&s.flows[0], VERDICT_RATE_LIMIT, DIM_TPM);
    assert_int_equal(0, due());
    s.now_us += 30 * SECOND; /* after its backoff it goes on as before */
    assert_int_equal(1, due());
    assert_false(pool_lesson(s.pool, s.now_us, &l, &lately));
    finish();
}

static void what_another_process_learned_holds(void **state)
{
    const struct lesson before = {.window = WINDOW_BUCKET, .limit = 300};
    struct lesson l;
    struct budget_view b;
    int64_t lately;
    begin(NULL, 0);
    pool_recall(s.pool, s.now_us, &before, s.now_us - 10 * SECOND, 250);
    assert_true(look(&b) && b.learned);
    assert_int_equal(300 - 300 / 64, b.limit);
    assert_in_range(b.level, 80, 110); /* 50 have come back */
    assert_true(pool_lesson(s.pool, s.now_us, &l, &lately));
    assert_int_equal(300, l.limit);
    assert_int_equal(250, lately);
    finish();
}

static void what_is_told_need_not_be_learned(void **state)
{
    const struct limit_spec told = {DIM_RPM, 50, MINUTE};
    const struct lesson before = {.window = WINDOW_BUCKET, .limit = 300};
    struct lesson l;
    struct budget_view b;
    int64_t lately;
    begin(&told, 1);
    pool_recall(s.pool, s.now_us, &before, s.now_us, 0);
    assert_true(look(&b) && !b.learned);
    assert_int_equal(50, b.limit);
    assert_false(pool_lesson(s.pool, s.now_us, &l, &lately));
    finish();
    begin(NULL, 0);
    pool_recall(s.pool, s.now_us, &before, s.now_us, 0);
    pool_relimit(s.pool, s.now_us, &told, 1); /* now somebody tells it */
    assert_true(look(&b) && !b.learned);
    assert_int_equal(50, b.limit);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_one_at_a_time),
        cmocka_unit_test(headers_end_it),
        cmocka_unit_test(refusals_become_a_budget),
        cmocka_unit_test(tokens_are_no_lesson),
        cmocka_unit_test(what_another_process_learned_holds),
        cmocka_unit_test(what_is_told_need_not_be_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
