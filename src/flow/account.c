/* account.c: an account, its pools, and what people are shown of them. */
#include "account.h"
#include "arena.h"
#include "learning.h"

#include <stdlib.h>

enum { MINUTE_US = 60000000, SLACK_LEAST_US = 10000, SLACK_MOST_US = 100000 };

struct account_config account_defaults(const struct provider *p)
{
    struct account_config c = {.minute_us = MINUTE_US,
                               .slice_us = 1000000,
                               .use_percent = 100,
                               .retries_max = 4,
                               .order = ORDER_QUEUE,
                               .resends = true,
                               .halts = true,
                               .refusals_drain = true,
                               .seed = 1};
    if (p) {
        c.window = p->window;
        c.charge = p->charge;
        c.refusals_drain = p->refusals_drain;
        if (p->slice_us > 0)
            c.slice_us = p->slice_us;
    }
    return c;
}

/* Ways over the open internet vary by tens of milliseconds; of a minute 100 ms cost nothing. A
 * shortened minute is a test on one machine, where they would cost a lot. */
static int64_t default_slack_us(int64_t minute_us)
{
    int64_t slack_us = minute_us / 80;
    if (slack_us < SLACK_LEAST_US)
        slack_us = SLACK_LEAST_US;
    return slack_us < SLACK_MOST_US ? slack_us : SLACK_MOST_US;
}

struct account *account_new(const struct account_config *config)
{
    sl_assert(config->minute_us > 0 && config->use_percent >= 1 && config->use_percent <= 100);
    struct account *a = mem_zero(sizeof *a);
    a->config = *config;
    a->random.state = config->seed;
    a->promised_us = INT64_MAX;
    a->rules = (struct budget_rules){
        .window = config->window,
        .minute_us = config->minute_us,
        .slice_us = config->slice_us > 0 ? config->slice_us : config->minute_us / 60,
        .slack_us =
            config->jitter_us > 0 ? config->jitter_us : default_slack_us(config->minute_us),
        .use_percent = config->use_percent,
        .idle = config->idle,
        .later = config->charge == CHARGE_ACTUAL,
    };
    return a;
}

void account_free(struct account **a)
{
    if (!*a)
        return;
    for (struct pool *p = (*a)->pools, *next; p; p = next) {
        next = p->next;
        learning_end(p);
        ledger_free(&p->ledger);
        queue_free(&p->turns);
        free(p->name);
        free(p);
    }
    free(*a);
    *a = NULL;
}

static char *copy_name(struct str name)
{
    char *copy = mem_alloc(name.n + 1);
    for (size_t i = 0; i < name.n; i++)
        copy[i] = name.p[i];
    copy[name.n] = '\0';
    return copy;
}

struct pool *account_pool(struct account *a, struct str name, const struct limit_spec *limits,
                          size_t n)
{
    struct pool **at = &a->pools;
    for (; *at; at = &(*at)->next) {
        if (str_eq(str_of((*at)->name), name))
            return *at;
    }
    struct pool *p = *at = mem_zero(sizeof *p);
    p->account = a;
    p->binds = DIM_UNKNOWN;
    p->name = copy_name(name);
    int64_t most = a->config.concurrency > 0 ? a->config.concurrency : INFLIGHT_CEILING;
    breaker_init(&p->breaker);
    p->output.hopeful = a->config.window != WINDOW_BUCKET;
    for (size_t i = 0; i < n; i++) {
        if (limits[i].dim == DIM_CONCURRENCY && limits[i].limit < most)
            most = limits[i].limit;
        else if (limits[i].period_us > 0)
            ledger_add(&p->ledger, &limits[i], &a->rules);
    }
    inflight_init(&p->inflight, most, p->ledger.n == 0);
    if (p->ledger.n == 0)
        learning_begin(p);
    return p;
}

void pool_relimit(struct pool *p, int64_t now_us, const struct limit_spec *limits, size_t n)
{
    if (n > 0)
        learning_end(p);
    for (size_t i = 0; i < n; i++) {
        struct budget *b = ledger_find(&p->ledger, limits[i].dim);
        if (limits[i].dim == DIM_CONCURRENCY)
            inflight_bound(&p->inflight, limits[i].limit);
        else if (b && b->spec.limit != limits[i].limit)
            budget_relimit(b, now_us, limits[i].limit);
        else if (!b && limits[i].period_us > 0)
            ledger_add(&p->ledger, &limits[i], &p->account->rules);
    }
}

void account_use(struct account *a, int64_t now_us, int percent)
{
    if (percent == a->rules.use_percent)
        return;
    a->rules.use_percent = percent;
    for (struct pool *p = a->pools; p; p = p->next) {
        for (size_t i = 0; i < p->ledger.n; i++) {
            struct budget *b = &p->ledger.budgets[i];
            b->use_percent = percent;
            budget_relimit(b, now_us, b->spec.limit);
        }
    }
}

void pool_remember(struct pool *p, int64_t now_us, enum dimension dim, int64_t left)
{
    struct budget *b = ledger_find(&p->ledger, dim);
    if (b && b->limit > 0)
        counter_clamp(&b->spent, now_us, INT64_MIN / 4, left);
}

struct str pool_name(const struct pool *p)
{
    return str_of(p->name);
}

size_t pool_waiting(const struct pool *p)
{
    return p->queue.n + p->waiting.n;
}

size_t pool_load(const struct pool *p)
{
    return p->queue.n + p->waiting.n + p->flying.n;
}

/* A way that varies by more than this of the minute is met with refusals, not with waiting. */
enum { JITTER_PARTS = 200 };

void account_jitter(struct account *a, int64_t jitter_us)
{
    int64_t most_us = a->config.minute_us / JITTER_PARTS;
    if (jitter_us > most_us)
        jitter_us = most_us;
    if (jitter_us <= a->rules.slack_us)
        return;
    a->rules.slack_us = jitter_us;
    for (struct pool *p = a->pools; p; p = p->next)
        for (size_t i = 0; i < p->ledger.n; i++)
            budget_slacken(&p->ledger.budgets[i], jitter_us);
}

void pool_weight(struct pool *p, uint32_t tenant, int64_t weight)
{
    queue_weight(&p->turns, tenant, weight);
}

/* What a turn costs its tenant. */
static int64_t turn_cost(const struct bill *b)
{
    int64_t tokens =
        b->units[DIM_TPM] > 0 ? b->units[DIM_TPM] : b->units[DIM_ITPM] + b->units[DIM_OTPM];
    return tokens > 0 ? tokens : 1;
}

void pool_turn(struct flow *f, int64_t since_us)
{
    bool top = f->priority >= QUEUE_PRIORITIES;
    f->turn = (struct queue_item){.since_us = since_us,
                                  .cost = turn_cost(&f->bill),
                                  .tenant = f->tenant,
                                  .priority = top ? QUEUE_PRIORITIES - 1 : f->priority};
}

/* Counts a flow among what waits, or no more. */
static void count_backlog(struct flow *f, int sign)
{
    struct pool *p = f->pool;
    for (int dim = 0; dim < DIM_RATES; dim++)
        p->backlog[dim] += sign * f->bill.units[dim];
}

void pool_rebill(struct flow *f)
{
    count_backlog(f, -1);
    charge_expect(f->pool, &f->demand, &f->bill);
    count_backlog(f, 1);
}

void pool_queue(struct flow *f, bool head)
{
    struct pool *p = f->pool;
    f->state = FLOW_QUEUED;
    count_backlog(f, 1);
    p->told.at_us = 0;
    (head ? line_push_head : line_push)(&p->queue, f);
    if (p->account->config.order != ORDER_QUEUE)
        return;
    pool_turn(f, f->submitted_us);
    (head ? queue_push_head : queue_push)(&p->turns, &f->turn);
}

void pool_unqueue(struct flow *f)
{
    count_backlog(f, -1);
    line_take(&f->pool->queue, f);
    if (f->pool->account->config.order == ORDER_QUEUE)
        queue_take(&f->pool->turns, &f->turn);
}

void pool_serve(struct flow *f)
{
    count_backlog(f, -1);
    line_take(&f->pool->queue, f);
    if (f->pool->account->config.order == ORDER_QUEUE)
        queue_serve(&f->pool->turns, &f->turn);
}

bool account_wake(struct account *a, uint32_t tenant)
{
    bool any = false;
    for (struct pool *p = a->pools; p; p = p->next)
        any |= queue_wake(&p->turns, tenant);
    return any;
}

size_t pool_appetite(const struct pool *p)
{
    return p->queue.n < CANDIDATES ? CANDIDATES - p->queue.n : 0;
}

struct account_totals account_look(const struct account *a)
{
    struct account_totals totals = a->totals;
    for (const struct pool *p = a->pools; p; p = p->next)
        totals.paused = totals.paused || p->breaker.state != BREAKER_CLOSED;
    return totals;
}

void pool_look(const struct account *a, const struct pool *p, int64_t now_us,
               struct pool_view *out)
{
    struct ledger *l = (struct ledger *)&p->ledger;
    int64_t most = p->inflight.allowed;
    *out = (struct pool_view){.name = str_of(p->name),
                              .queued = p->queue.n + p->waiting.n,
                              .in_flight = p->flying.n,
                              .in_flight_most = most < INFLIGHT_CEILING ? most : 0,
                              .in_flight_binds = p->queue.head && (int64_t)p->flying.n >= most,
                              .budget_count = l->n};
    struct admission next = {.take = TAKE_OK};
    if (p->queue.head)
        next = ledger_ask(l, now_us, &p->queue.head->bill);
    for (size_t i = 0; i < l->n; i++) {
        struct budget *b = &l->budgets[i];
        bool binds = next.take != TAKE_OK && next.binds == i;
        out->budgets[i] = (struct budget_view){.dim = b->dim,
                                               .limit = b->limit,
                                               .period_us = b->period_us,
                                               .level = budget_level(b, now_us),
                                               .charged = b->charged,
                                               .binds = binds,
                                               .wait_us = binds ? next.wait_us : 0,
                                               .refusals = b->refusals,
                                               .window = b->spent.kind,
                                               .learned = p->learner != NULL,
                                               .edge_us = budget_edge_us(b)};
    }
}

int64_t pool_forecast_us(const struct account *a, const struct pool *p, int64_t now_us,
                         const int64_t total[DIM_COUNT])
{
    struct ledger *l = (struct ledger *)&p->ledger;
    int64_t latest_us = now_us;
    for (size_t i = 0; i < l->n; i++) {
        struct budget *b = &l->budgets[i];
        int64_t lacks = total[b->dim] - budget_level(b, now_us);
        if (lacks <= 0 || b->limit <= 0)
            continue;
        int64_t at_us = now_us + (int64_t)((__int128)lacks * b->period_us / b->limit);
        if (at_us > latest_us)
            latest_us = at_us;
    }
    return latest_us;
}
