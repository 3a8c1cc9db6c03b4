/* promise.c: what will be admitted when, told by letting copies admit it: of the ledger, of the
 * queue, of the allowances of the tenants in it.
 *
 * Exact where charges are known and nothing new comes; costs a step for every queued request.
 * A bound that costs nothing of the kind is told beside it. */
#include "account.h"
#include "arena.h"
#include "turn.h"

#include <stdlib.h>

enum {
    TOLD_US = 10000, /* a promise is good for so long */
    SURELY = 2,      /* a bound is an estimate so many times over */
    MINUTE_US = 60000000
};

struct outlook {
    const struct pool *pool;
    struct ledger ledger;
    struct queue_fork fork;
    struct allowance **allowances; /* copies, by tenant; made when first met */
    uint32_t tenants;
    int64_t at_us; /* everything before was admitted by then */
    int64_t now_us;
    struct promise last;
};

static void outlook_open(struct outlook *o, const struct pool *p, int64_t now_us,
                         struct flow *guest)
{
    *o = (struct outlook){.pool = p, .now_us = now_us, .last.dim = DIM_UNKNOWN};
    o->at_us = p->frozen_us > now_us ? p->frozen_us : now_us;
    if (p->asked_us > o->at_us)
        o->at_us = p->asked_us;
    ledger_copy(&o->ledger, &p->ledger);
    ledger_foresee(&o->ledger, now_us);
    queue_fork(&o->fork, &p->turns, guest ? &guest->turn : NULL);
    while (o->fork.queue.parked_count > 0) /* held back or not is found out anew */
        queue_wake(&o->fork.queue, o->fork.queue.parked[0]);
    o->tenants = o->fork.queue.tenant_count;
    o->allowances = mem_zero((o->tenants + 1) * sizeof(struct allowance *));
}

static void outlook_close(struct outlook *o)
{
    ledger_free(&o->ledger);
    queue_fork_free(&o->fork);
    for (uint32_t i = 0; i < o->tenants; i++)
        free(o->allowances[i]);
    free(o->allowances);
}

static struct stake stake_on_copy(struct outlook *o, const struct flow *f)
{
    struct allowance **copy = &o->allowances[f->tenant];
    if (!*copy) {
        *copy = mem_alloc(sizeof **copy);
        **copy = *f->stake->allowance;
    }
    return (struct stake){.allowance = *copy, .price = f->stake->price};
}

static void blame(void *ctx, struct flow *f, enum dimension dim, bool own)
{
    struct outlook *o = ctx;
    o->last.dim = dim;
    o->last.own = own;
}

/* What may come back with a request in flight is waited for a minute at most. */
static struct allowed ask_own(void *ctx, const struct flow *f, int64_t now_us)
{
    struct outlook *o = ctx;
    struct allowed a = {.take = TAKE_OK};
    if (!f->stake)
        return a;
    struct stake s = stake_on_copy(o, f);
    a = stake_ask(&s, now_us, &f->demand);
    if (a.take == TAKE_LATER && a.until_ends && a.wait_us > MINUTE_US)
        a.take = TAKE_OK;
    return a;
}

static void take_share(struct outlook *o, const struct flow *f)
{
    if (!f->stake)
        return;
    struct stake s = stake_on_copy(o, f);
    stake_hold(&s, o->at_us, &f->demand);
    stake_settle(&s, o->at_us, &f->demand, f->demand.input_tokens,
                 s.tokens - f->demand.input_tokens);
}

/* Lets one more through. NULL when nobody is left. Nobody comes back in here: what is admitted
 * is charged whole at once, or it would be in the way for ever. */
static struct flow *outlook_next(struct outlook *o)
{
    const struct desk desk = {&o->fork.queue, &o->ledger, ask_own, blame, o};
    for (;;) {
        struct turn t = desk_turn(&desk, o->at_us);
        if (!t.flow && t.next_us == INT64_MAX)
            return NULL;
        if (!t.flow) {
            o->at_us = t.next_us;
            continue;
        }
        o->last.wait_us = t.never ? INT64_MAX : o->at_us - o->now_us;
        if (!t.never) {
            struct bill bill = t.flow->bill;
            struct admission got = ledger_admit(&o->ledger, o->at_us, &bill);
            sl_assert(got.take == TAKE_OK);
            ledger_foresee(&o->ledger, o->at_us);
            take_share(o, t.flow);
        }
        queue_pass(&o->fork, &t.flow->turn);
        return t.flow;
    }
}

/* ---- asked ------------------------------------------------------------------------------- */

static bool draws_no_more(const struct bill *a, const struct bill *b)
{
    for (int dim = 0; dim < DIM_RATES; dim++) {
        if (a->units[dim] > b->units[dim])
            return false;
    }
    return true;
}

/* A hammering client asks again and again before a long queue. */
static bool told_before(const struct pool *p, const struct flow *f, int64_t now_us)
{
    const struct told *t = &p->told;
    return t->at_us > 0 && now_us - t->at_us <= TOLD_US && t->tenant == f->tenant &&
           t->priority == f->priority && draws_no_more(&f->bill, &t->bill);
}

static bool goes_now(const struct pool *p, const struct flow *f, int64_t now_us)
{
    return !p->queue.head && p->frozen_us <= now_us &&
           ledger_ask((struct ledger *)&p->ledger, now_us, &f->bill).take == TAKE_OK &&
           (!f->stake || stake_ask(f->stake, now_us, &f->demand).take == TAKE_OK);
}

struct promise pool_promise(const struct account *a, struct pool *p, int64_t now_us,
                            const struct flow *f)
{
    struct flow guest = *f;
    struct outlook o;
    charge_expect(p, &guest.demand, &guest.bill);
    if (goes_now(p, &guest, now_us))
        return (struct promise){.dim = DIM_UNKNOWN};
    if (told_before(p, &guest, now_us))
        return p->told.promise;
    pool_turn(&guest, now_us);
    outlook_open(&o, p, now_us, &guest);
    while (outlook_next(&o) != &guest)
        ;
    p->told = (struct told){.at_us = now_us,
                            .tenant = f->tenant,
                            .priority = f->priority,
                            .bill = guest.bill,
                            .promise = o.last};
    outlook_close(&o);
    return p->told.promise;
}

void pool_promises(const struct account *a, const struct pool *p, int64_t now_us,
                   void (*each)(void *ctx, struct flow *f, struct promise promise), void *ctx)
{
    struct outlook o;
    if (!p->queue.head)
        return;
    outlook_open(&o, p, now_us, NULL);
    for (struct flow *f; (f = outlook_next(&o)) != NULL;)
        each(ctx, f, o.last);
    outlook_close(&o);
}

/* ---- bounds ------------------------------------------------------------------------------ */

/* So many units beyond what is there, at a limit's rate; windows give them in whole periods. */
static int64_t earn_us(int64_t lacks, int64_t limit, int64_t period_us, bool whole)
{
    if (lacks <= 0)
        return 0;
    if (limit <= 0)
        return INT64_MAX / 4;
    __int128 us = (__int128)SURELY * lacks * period_us / limit + (whole ? 2 : 0) * period_us;
    return us < INT64_MAX / 4 ? (int64_t)us : INT64_MAX / 4;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t account_most_us(const struct pool *p, int64_t now_us, const struct bill *bill)
{
    struct ledger *l = (struct ledger *)&p->ledger;
    int64_t wait_us = most(0, most(p->frozen_us, p->asked_us) - now_us);
    int64_t open_us = breaker_wait_us(&p->breaker, now_us);
    wait_us = most(wait_us, open_us == INT64_MAX ? p->breaker.pause_us : open_us);
    for (size_t i = 0; i < l->n; i++) {
        struct budget *b = &l->budgets[i];
        int64_t lacks =
            p->backlog[b->dim] + bill->units[b->dim] - budget_level(b, now_us) + b->caution;
        int64_t thaw_us = most(0, b->frozen_us - now_us) + SURELY * b->spent.log.slack_us;
        wait_us = most(wait_us, thaw_us + earn_us(lacks, b->limit, b->period_us,
                                                  b->spent.kind != WINDOW_BUCKET));
    }
    return wait_us;
}

/* Of the tenant's own requests in this queue. */
static void sum_own(const struct pool *p, const struct flow *f, int64_t *requests,
                    int64_t *tokens)
{
    *requests = 1;
    *tokens = stake_tokens(f->stake, &f->demand);
    for (int priority = 0; priority < QUEUE_PRIORITIES; priority++) {
        const struct queue_item *turn = queue_first(&p->turns, f->tenant, priority);
        for (; turn; turn = turn->next) {
            const struct flow *before = flow_of(turn);
            ++*requests;
            *tokens += stake_tokens(before->stake, &before->demand);
        }
    }
}

static int64_t own_most_us(const struct pool *p, int64_t now_us, const struct flow *f)
{
    static const enum dimension dims[] = {DIM_RPM, DIM_TPM, DIM_RPD, DIM_TPD};
    int64_t requests, tokens, limit, left, full_us, wait_us = 0;
    const struct allowance *a = f->stake->allowance;
    sum_own(p, f, &requests, &tokens);
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        if (!allowance_look(a, now_us, dims[i], &limit, &left, &full_us))
            continue;
        bool of_tokens = dims[i] == DIM_TPM || dims[i] == DIM_TPD;
        wait_us = most(wait_us, earn_us((of_tokens ? tokens : requests) - left, limit,
                                        a->buckets[dims[i]].period_us, false));
    }
    struct allowed now = stake_ask(f->stake, now_us, &f->demand);
    return now.dim == DIM_SPEND ? most(wait_us, now.wait_us) : wait_us;
}

int64_t pool_wait_most_us(const struct account *a, const struct pool *p, int64_t now_us,
                          const struct flow *f)
{
    struct bill bill;
    charge_expect(p, &f->demand, &bill);
    int64_t wait_us = account_most_us(p, now_us, &bill);
    return f->stake ? wait_us + own_most_us(p, now_us, f) : wait_us;
}
