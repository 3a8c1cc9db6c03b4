/* due.c: what time alone makes possible: admissions and the end of backoffs. */
#include "account.h"
#include "learning.h"
#include "pick.h"
#include "turn.h"

static void send(struct account *a, struct flow *f, struct actions *out)
{
    enum { AT_ONCE_US = 1000 };
    bool waited = a->now_us - f->submitted_us >= AT_ONCE_US;
    if (waited && f->waited_for == DIM_UNKNOWN) /* behind one that waited for it */
        f->waited_for = (uint8_t)f->pool->binds;
    pool_serve(f);
    f->state = FLOW_SENDING;
    f->attempts++;
    f->let_us = a->now_us;
    f->sent_us = f->head_us = f->due_us = -1;
    if (a->config.charge == CHARGE_ACTUAL)
        f->bill.cohort = output_follow(&f->pool->output, f->demand.max_output_tokens);
    line_push(&f->pool->flying, f);
    a->totals.sent++;
    actions_add(out, ACT_SEND, f, OUTCOME_OK);
}

static void ask_at(int64_t *next_us, int64_t at_us)
{
    if (at_us < *next_us)
        *next_us = at_us;
}

static void blame(void *ctx, struct flow *f, enum dimension dim, bool own)
{
    struct pool *p = ctx;
    f->waited_for = (uint8_t)dim;
    f->own = own;
    if (!own)
        p->binds = dim;
}

static struct allowed ask_own(void *ctx, const struct flow *f, int64_t now_us)
{
    return f->stake ? stake_ask(f->stake, now_us, &f->demand)
                    : (struct allowed){.take = TAKE_OK};
}

static bool fits(struct pool *p, struct flow *f, int64_t now_us, int64_t *next_us)
{
    struct admission a = ledger_ask(&p->ledger, now_us, &f->bill);
    if (a.take == TAKE_LATER)
        ask_at(next_us, now_us + a.wait_us);
    if (a.take == TAKE_NEVER)
        p->never = f;
    return a.take == TAKE_OK;
}

/* Of the candidates that fit, the one that keeps the budgets level. One that has been passed
 * over for minutes is no longer passed at its cost. */
static struct flow *choose_balanced(struct pool *p, int64_t now_us, int64_t *next_us)
{
    enum { PATIENCE_MINUTES = 4 };
    struct flow *best = NULL, *aged = NULL;
    int64_t best_us = INT64_MAX, aged_us = 0;
    size_t left = CANDIDATES;
    if (now_us - p->queue.head->submitted_us >
        PATIENCE_MINUTES * p->account->config.minute_us) {
        aged = p->queue.head;
        if (fits(p, aged, now_us, next_us))
            return aged;
        aged_us = ledger_ask(&p->ledger, now_us, &aged->bill).wait_us;
    }
    for (struct flow *f = p->queue.head; f && left > 0; f = f->next, left--) {
        if (!fits(p, f, now_us, next_us) ||
            (aged && !may_pass(&p->ledger, f, aged, aged_us, now_us)))
            continue;
        int64_t uneven_us = pick_unevenness_us(&p->ledger, &f->bill);
        if (uneven_us < best_us) {
            best = f;
            best_us = uneven_us;
        }
    }
    return best;
}

/* Whose turn it is, or whoever may pass him. */
static struct flow *choose_fair(struct pool *p, int64_t now_us, int64_t *next_us)
{
    const struct desk desk = {&p->turns, &p->ledger, ask_own, blame, p};
    struct turn t = desk_turn(&desk, now_us);
    ask_at(next_us, t.next_us);
    p->never = t.never ? t.flow : NULL;
    return t.flow;
}

/* A window's worth is not thrown at the provider at once but over a small part of the window,
 * or half a millisecond each: at a burst the provider's own queue delays its decisions by more
 * than the network ever does, and what was decided late in one window and early in the next is
 * refused. Costs this part of the last window, once. */
static int64_t spread_us(const struct pool *p, const struct bill *bill)
{
    enum { PART = 32, SLACKS = 2, MOST_US = 500 };
    const struct account *a = p->account;
    if (a->config.order == ORDER_QUEUE)
        return 0; /* people wait */
    int64_t over_us = a->config.minute_us / PART + SLACKS * a->rules.slack_us;
    int64_t gap_us = 0;
    for (size_t i = 0; i < p->ledger.n; i++) {
        const struct budget *b = &p->ledger.budgets[i];
        if (b->spec.period_us != a->config.minute_us || b->spec.limit <= 0)
            continue;
        __int128 share = (__int128)bill->units[b->dim] * over_us / b->spec.limit;
        if (share > gap_us)
            gap_us = (int64_t)share;
    }
    return gap_us < MOST_US ? gap_us : MOST_US;
}

/* Admits one if one fits; false, and when to ask again, if none does. */
static bool admit_one(struct account *a, struct pool *p, int64_t now_us, struct actions *out,
                      int64_t *next_us)
{
    if (!p->queue.head)
        return false;
    if ((int64_t)p->flying.n >= p->inflight.allowed) {
        p->binds = DIM_CONCURRENCY;
        return false;
    }
    int64_t open_us = breaker_wait_us(&p->breaker, now_us);
    if (open_us == INT64_MAX)
        return false;
    if (p->frozen_us - now_us > open_us)
        open_us = p->frozen_us - now_us;
    if (p->spread_us - now_us > open_us)
        open_us = p->spread_us - now_us;
    int64_t unlearned_us = learning_wait_us(p, now_us);
    if (unlearned_us > open_us) {
        open_us = unlearned_us;
        p->binds = DIM_RPM;
    }
    if (open_us > 0) {
        ask_at(next_us, now_us + open_us);
        return false;
    }
    p->never = NULL;
    struct flow *f = a->config.order == ORDER_QUEUE ? choose_fair(p, now_us, next_us)
                                                    : choose_balanced(p, now_us, next_us);
    if (p->never) {
        pool_unqueue(p->never);
        p->never->state = FLOW_DONE;
        actions_add(out, ACT_FINISH, p->never, OUTCOME_TOO_LARGE);
        return true;
    }
    if (!f)
        return false;
    breaker_send(&p->breaker);
    struct admission got = ledger_admit(&p->ledger, now_us, &f->bill);
    sl_assert(got.take == TAKE_OK);
    if (f->stake)
        stake_hold(f->stake, now_us, &f->demand);
    /* A loop that woke up late may make up for it, but not for more than a turn or two. */
    enum { CATCH_UP_US = 2000 };
    if (p->spread_us < now_us - CATCH_UP_US)
        p->spread_us = now_us - CATCH_UP_US;
    p->spread_us += spread_us(p, &f->bill);
    send(a, f, out);
    return true;
}

/* Those whose backoff is over stand in the queue again, as far as the retry budget allows. */
static void end_backoffs(struct pool *p, int64_t now_us, int64_t *next_us)
{
    while (p->waiting.head && p->waiting.head->due_us <= now_us) {
        struct flow *f = p->waiting.head;
        int64_t wait_us = breaker_retry_us(&p->breaker, now_us);
        if (wait_us > 0) {
            ask_at(next_us, now_us + wait_us);
            return;
        }
        line_take(&p->waiting, f);
        charge_expect(p, &f->demand, &f->bill);
        pool_queue(f, false);
    }
    if (p->waiting.head)
        ask_at(next_us, p->waiting.head->due_us);
}

/* A driver that is called late runs on a busy machine; so does a provider on the same machine,
 * which then decides late. What is sent meanwhile keeps its place in the logs for longer. */
static void watch_lateness(struct account *a, int64_t now_us)
{
    enum { PARTS = 40 };
    int64_t late_us = now_us - a->promised_us, most_us = a->config.minute_us / PARTS;
    if (now_us >= a->calm_us) {
        a->late_us /= 2;
        a->calm_us = now_us + a->config.minute_us;
    }
    late_us = late_us < most_us ? late_us : most_us;
    if (late_us > a->late_us)
        a->late_us = late_us;
    for (struct pool *p = a->pools; p; p = p->next)
        for (size_t i = 0; i < p->ledger.n; i++)
            p->ledger.budgets[i].spent.log.late_us = a->late_us;
}

void account_due(struct account *a, int64_t now_us, struct actions *out, int64_t *next_us)
{
    sl_assert(now_us >= a->now_us);
    a->now_us = now_us;
    watch_lateness(a, now_us);
    *next_us = INT64_MAX;
    for (struct pool *p = a->pools; p; p = p->next) {
        end_backoffs(p, now_us, next_us);
        charge_renew(p, now_us);
        slowdown_grow(&p->slowdown, &p->ledger, &a->rules, now_us);
        while (admit_one(a, p, now_us, out, next_us))
            ;
    }
    a->promised_us = *next_us;
}

static void give_back(struct flow *f, struct actions *out)
{
    f->state = FLOW_DONE;
    actions_add(out, ACT_FINISH, f, OUTCOME_UNSENT);
}

void account_drain(struct account *a, int64_t now_us, struct actions *out)
{
    a->draining = true;
    for (struct pool *p = a->pools; p; p = p->next) {
        while (p->queue.head) {
            struct flow *f = p->queue.head;
            pool_unqueue(f);
            give_back(f, out);
        }
        while (p->waiting.head) {
            struct flow *f = p->waiting.head;
            line_take(&p->waiting, f);
            give_back(f, out);
        }
    }
}
