/* flow.c: see flow.h for the machine's diagram.
 *
 * What holds in each state (flow_check):
 *   QUEUED     in its pool's queue; nothing is reserved
 *   SENDING    its cost is held; once sent (sent_us >= 0) it is charged
 *   RECEIVING  sent, charged, not settled
 *   BACKOFF    in its pool's waiting line until due_us; nothing is reserved
 *   DONE       belongs to its driver again */
#include "account.h"
#include "arena.h"
#include "backoff.h"
#include "feedback.h"
#include "learning.h"

#include <stdlib.h>

/* A gateway queues a hundred thousand of them. */
_Static_assert(sizeof(struct flow) <= 256, "a queued request is too large");

void actions_free(struct actions *out)
{
    free(out->list);
    *out = (struct actions){0};
}

void actions_add(struct actions *out, enum action_kind kind, struct flow *f, enum outcome o)
{
    if (out->n == out->cap) {
        out->cap = out->cap ? 2 * out->cap : 64;
        out->list = mem_grow(out->list, out->cap * sizeof *out->list);
    }
    out->list[out->n++] = (struct action){.kind = kind, .flow = f, .outcome = o};
}

static bool in_flight(const struct flow *f)
{
    return f->state == FLOW_SENDING || f->state == FLOW_RECEIVING;
}

static void flow_check(const struct flow *f)
{
    sl_assert(f->pool && f->refusals + f->failures <= f->attempts);
    if (in_flight(f))
        sl_assert(f->pool->flying.n > 0 && f->attempts > 0);
    if (f->state == FLOW_RECEIVING)
        sl_assert(f->sent_us >= 0 && f->head_us >= f->sent_us);
}

static void finish(struct flow *f, enum outcome outcome, struct actions *out)
{
    f->state = FLOW_DONE;
    actions_add(out, ACT_FINISH, f, outcome);
}

static void to_queue(struct flow *f, bool head)
{
    charge_expect(f->pool, &f->demand, &f->bill);
    pool_queue(f, head);
}

/* Larger than a whole limit, the account's or its tenant's. */
static bool is_too_large(struct flow *f, int64_t now_us)
{
    struct admission a = ledger_ask(&f->pool->ledger, now_us, &f->bill);
    struct allowed own = {.take = TAKE_OK};
    if (f->stake)
        own = stake_ask(f->stake, now_us, &f->demand);
    if (a.take != TAKE_NEVER && own.take != TAKE_NEVER)
        return false;
    f->own = a.take != TAKE_NEVER;
    f->waited_for = (uint8_t)(f->own ? own.dim : f->pool->ledger.budgets[a.binds].dim);
    return true;
}

static void submit(struct account *a, struct flow *f, int64_t now_us, struct actions *out)
{
    sl_assert(f->state == FLOW_NEW);
    f->submitted_us = now_us;
    f->sent_us = f->head_us = -1;
    f->waited_for = DIM_UNKNOWN;
    charge_expect(f->pool, &f->demand, &f->bill);
    if (a->draining)
        finish(f, OUTCOME_UNSENT, out);
    else if (is_too_large(f, now_us))
        finish(f, OUTCOME_TOO_LARGE, out);
    else
        to_queue(f, false);
}

static void charge(struct flow *f, int64_t now_us)
{
    if (f->sent_us >= 0)
        return;
    ledger_charge(&f->pool->ledger, now_us, &f->bill);
    learning_sent(f->pool, now_us);
    f->sent_us = now_us;
}

static void land(struct flow *f)
{
    line_take(&f->pool->flying, f);
    output_lose(&f->pool->output, f->bill.cohort, f->demand.max_output_tokens);
}

static void count_charged(struct flow *f, const int64_t charged[DIM_RATES])
{
    int64_t tokens =
        charged[DIM_TPM] > 0 ? charged[DIM_TPM] : charged[DIM_ITPM] + charged[DIM_OTPM];
    int64_t sum = f->charged_tokens + tokens;
    f->charged_tokens = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

/* Out of flight: what was reserved becomes what was charged, once. */
static void settle(struct flow *f, int64_t now_us, const int64_t charged[DIM_RATES])
{
    charge(f, now_us);
    ledger_settle(&f->pool->ledger, now_us, f->sent_us, &f->bill, charged);
    count_charged(f, charged);
    if (charged[DIM_TPM] != f->bill.units[DIM_TPM])
        queue_correct(&f->pool->turns, f->tenant, charged[DIM_TPM] - f->bill.units[DIM_TPM]);
    land(f);
}

/* Never left: nothing was charged. */
static void unsend(struct flow *f)
{
    sl_assert(f->sent_us < 0);
    ledger_release(&f->pool->ledger, &f->bill);
    land(f);
}

/* Out of flight with an answer, or a part of one, whose usage counts if `known`. */
static void settle_used(struct flow *f, const struct event *in, bool known)
{
    int64_t charged[DIM_RATES];
    charge_actual(f, &in->usage, charged);
    settle(f, in->now_us, known ? charged : f->bill.units);
}

static void requeue(struct account *a, struct flow *f, struct actions *out)
{
    if (a->draining)
        finish(f, OUTCOME_UNSENT, out);
    else
        to_queue(f, true);
}

/* A passing fault: it is tried again after a while. While the breaker is open it is the
 * provider's trouble, and does not count against the request. */
static void back_off(struct account *a, struct flow *f, const struct event *in,
                     int64_t asked_us, struct actions *out)
{
    bool outage = f->pool->breaker.state != BREAKER_CLOSED;
    if (breaker_fault(&f->pool->breaker, in->now_us))
        a->totals.outages++;
    f->failures += !outage || in->last;
    if (in->last || f->failures > a->config.retries_max) {
        finish(f, OUTCOME_FAILED, out);
        return;
    }
    if (a->draining) {
        finish(f, OUTCOME_UNSENT, out);
        return;
    }
    a->totals.retried++;
    int tries = f->failures > 0 ? f->failures - 1 : 0;
    f->due_us = in->now_us + backoff_us(tries, asked_us, &a->random);
    f->state = FLOW_BACKOFF;
    line_insert_due(&f->pool->waiting, f);
}

/* Which limit refused, and what that teaches. False if it is none of the ledger's: then the
 * pool as a whole has to wait. */
static bool refused_by_limit(struct account *a, struct pool *p, const struct flow *f,
                             const struct event *in, int64_t asked_us)
{
    if (str_eq(in->verdict.code, STR("slow_down")) &&
        slowdown_refused(&p->slowdown, &p->ledger, &a->rules, in->now_us))
        return false;
    if (learning_refused(p, f, in, asked_us))
        return true;
    struct refusal refusal = {.dim = in->verdict.dim,
                              .sent_us = f->sent_us,
                              .now_us = in->now_us,
                              .limit = in->verdict.limit,
                              .used = in->verdict.used,
                              .asked_us = asked_us};
    bool limit = in->verdict.dim != DIM_CONCURRENCY &&
                 feedback_refused(&p->ledger, &a->rules, &refusal, &a->random);
    if (!limit)
        inflight_refused(&p->inflight, in->now_us, f->sent_us, (int64_t)p->flying.n + 1);
    return limit;
}

/* Refused by a limit: that budget is frozen, its level is what the refusal says or nothing, and
 * more is kept free from now on. The request goes back to the head, without blame. */
static void refuse(struct account *a, struct flow *f, const struct event *in, int64_t asked_us,
                   struct actions *out)
{
    struct pool *p = f->pool;
    int64_t none[DIM_RATES] = {0};
    a->totals.refused++;
    f->refusals++;
    settle(f, in->now_us, a->config.refusals_drain ? f->bill.units : none);
    if (!refused_by_limit(a, p, f, in, asked_us)) {
        int64_t until_us = in->now_us + backoff_us(p->refused++, asked_us, &a->random);
        p->frozen_us = until_us > p->frozen_us ? until_us : p->frozen_us;
    }
    if (asked_us > 0)
        p->asked_us = in->now_us + asked_us;
    if (in->last)
        finish(f, OUTCOME_FAILED, out);
    else
        requeue(a, f, out);
}

static void halt(struct account *a, struct flow *f, int64_t now_us, struct actions *out)
{
    finish(f, a->config.halts ? OUTCOME_UNSENT : OUTCOME_FAILED, out);
    if (!a->config.halts)
        return;
    if (a->totals.halted)
        return;
    a->totals.halted = true;
    actions_add(out, ACT_HALT, f, OUTCOME_UNSENT);
    account_drain(a, now_us, out);
}

/* The provider answers, but this request is at fault. */
static void fail(struct flow *f, struct actions *out)
{
    breaker_answer(&f->pool->breaker);
    finish(f, OUTCOME_FAILED, out);
}

static void end(struct account *a, struct flow *f, const struct event *in, struct actions *out)
{
    int64_t asked_us = in->verdict.retry_us > f->due_us ? in->verdict.retry_us : f->due_us;
    if (in->verdict.kind == VERDICT_RATE_LIMIT) {
        refuse(a, f, in, asked_us, out);
        return;
    }
    if (in->verdict.kind == VERDICT_OK)
        charge_learn(f->pool, f, in);
    settle_used(f, in, in->last || in->verdict.kind == VERDICT_OK);
    switch (in->verdict.kind) {
    case VERDICT_OK:
        breaker_answer(&f->pool->breaker);
        inflight_answer(&f->pool->inflight);
        f->pool->refused = 0;
        f->pool->asked_us = 0;
        finish(f, OUTCOME_OK, out);
        break;
    case VERDICT_QUOTA:
    case VERDICT_AUTH:
        if (in->verdict.retryable) /* Azure's insufficient_quota passes */
            back_off(a, f, in, asked_us, out);
        else
            halt(a, f, in->now_us, out);
        break;
    case VERDICT_OVERLOADED:
    case VERDICT_OTHER:
        if (in->verdict.kind == VERDICT_OVERLOADED || in->verdict.retryable)
            back_off(a, f, in, asked_us, out);
        else
            fail(f, out);
        break;
    case VERDICT_CONTEXT_LENGTH:
    case VERDICT_TOO_LARGE:
    case VERDICT_RATE_LIMIT:
        fail(f, out);
        break;
    }
}

static void broken(struct account *a, struct flow *f, const struct event *in,
                   struct actions *out)
{
    struct event end = *in;
    bool unsent = in->fault == FAULT_CONNECT && f->sent_us < 0, whole = f->sent_us >= 0;
    if (unsent)
        unsend(f);
    else
        settle_used(f, in, in->last);
    end.last |= !unsent && whole && !a->config.resends && !f->safe;
    back_off(a, f, &end, -1, out);
}

/* Headers told of limits that we did not know: what is in flight draws on them too. */
static void learned(struct pool *p, size_t known, int64_t now_us)
{
    p->inflight.allowed = p->inflight.most;
    learning_end(p);
    for (size_t i = known; i < p->ledger.n; i++) {
        struct budget *b = &p->ledger.budgets[i];
        for (struct flow *f = p->flying.head; f; f = f->next)
            counter_debit(&b->spent, now_us, f->bill.units[b->dim]);
    }
}

static void head(struct account *a, struct flow *f, const struct event *in)
{
    charge(f, in->now_us);
    f->state = FLOW_RECEIVING;
    f->head_us = in->now_us;
    f->due_us = in->retry_us;
    if (in->status / 100 == 2)
        learning_good(f->pool, f->sent_us);
    struct echo echo = {.sent_us = f->sent_us,
                        .head_us = in->now_us,
                        .bill = &f->bill,
                        .readings = in->readings,
                        .n = in->reading_count};
    size_t known = f->pool->ledger.n;
    learning_told(f->pool, in);
    feedback_hear(&f->pool->ledger, &a->rules, &echo);
    if (f->pool->ledger.n > known)
        learned(f->pool, known, in->now_us);
}

static void cancel(struct flow *f, const struct event *in, struct actions *out)
{
    if (in_flight(f))
        breaker_forget(&f->pool->breaker);
    if (f->state == FLOW_QUEUED)
        pool_unqueue(f);
    else if (f->state == FLOW_BACKOFF)
        line_take(&f->pool->waiting, f);
    else if (in_flight(f) && f->sent_us < 0)
        unsend(f);
    else if (in_flight(f))
        settle_used(f, in, true);
    else
        return;
    finish(f, OUTCOME_UNSENT, out);
}

/* Out of flight for its tenant too. What will be sent again, or never was, is as if it had not
 * been; one that failed was a request; else what it used, or what it held where nobody knows.
 */
static void settle_stake(struct account *a, struct flow *f, const struct event *in)
{
    const struct usage *u = &in->usage;
    struct stake *s = f->stake;
    if (!s || !s->held || in_flight(f))
        return;
    int64_t input = u->input_tokens < 0 ? f->demand.input_tokens : u->input_tokens;
    int64_t rest = s->tokens > input ? s->tokens - input : 0;
    if (f->state != FLOW_DONE || f->sent_us < 0)
        stake_release(s, in->now_us);
    else if (in->kind == EVENT_END && in->verdict.kind != VERDICT_OK && !in->last)
        stake_settle(s, in->now_us, &f->demand, 0, 0);
    else
        stake_settle(s, in->now_us, &f->demand, input,
                     u->output_tokens < 0 ? rest : u->output_tokens);
    account_wake(a, f->tenant);
}

void flow_step(struct account *a, const struct event *in, struct actions *out)
{
    struct flow *f = in->flow;
    sl_assert(in->now_us >= a->now_us);
    a->now_us = in->now_us;
    switch (in->kind) {
    case EVENT_SUBMIT:
        submit(a, f, in->now_us, out);
        return; /* a refused one is its driver's again */
    case EVENT_SENT:
        sl_assert(f->state == FLOW_SENDING);
        charge(f, in->now_us);
        break;
    case EVENT_HEAD:
        sl_assert(in_flight(f));
        head(a, f, in);
        break;
    case EVENT_END:
        sl_assert(in_flight(f));
        end(a, f, in, out);
        break;
    case EVENT_BROKEN:
        sl_assert(in_flight(f));
        broken(a, f, in, out);
        break;
    case EVENT_CANCEL:
        cancel(f, in, out);
        break;
    }
    settle_stake(a, f, in);
    flow_check(f);
}
