/* hour.c: see hour.h. */
#include "hour.h"

#include "arena.h"
#include "flow.h"
#include "gauge.h"
#include "heap.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>

enum {
    MINUTE = 60000000,
    SECOND = 1000000,
    TENANTS = 5,
    MODELS = 2,
    ARRIVALS_PER_SECOND = 12,
    RPM = 600,
    TPM = 300000,
    WAY_US = 20000,
    JITTER_US = 40000,
};

/* What befalls an attempt. */
enum fate {
    FATE_GOOD,
    FATE_NOT_REACHED,
    FATE_LOST, /* reached, and the connection died */
    FATE_TIMED_OUT,
    FATE_500,
    FATE_503,
    FATE_529,
    FATE_CUT, /* a stream that breaks off once part of it was passed on */
    FATES
};

enum what { COME, REACH, ANSWER, LEAVE, RENEW };

struct visitor {
    struct flow flow;
    struct stake stake;
    int model;
    int64_t output;
    enum fate fate;
    uint32_t attempt; /* happenings of an attempt before are void */
    bool over, refused;
};

struct tenant_book {
    struct allowance allowance;
    int64_t tokens; /* what its requests used, by our own account of them */
    int64_t in_flight, at_renewal;
};

struct scene {
    struct hour sum;
    struct random random;
    struct heap heap;
    struct account *account;
    struct pool *pools[MODELS];
    struct gauge *gauges[MODELS];
    struct tenant_book tenants[TENANTS];
    struct visitor *visitors;
    uint32_t n;
    struct actions actions;
    int64_t now_us;
    int64_t charged_requests, charged_tokens; /* by the provider */
};

static int64_t below(struct scene *s, int64_t n)
{
    return (int64_t)random_below(&s->random, (uint64_t)n);
}

static void put(struct scene *s, int64_t in_us, enum what kind, uint32_t who)
{
    uint32_t step = kind == COME || kind == RENEW ? 0 : s->visitors[who].attempt;
    heap_put(&s->heap,
             (struct happening){
                 .at_us = s->now_us + in_us, .kind = (int)kind, .job = who, .step = step});
}

static int64_t way_us(struct scene *s)
{
    return WAY_US + below(s, JITTER_US);
}

/* ---- what a request used, by its fate ------------------------------------------------ */

static const struct usage unknown = {-1, -1, -1};

static struct usage part_of(struct scene *s, const struct visitor *v)
{
    return (struct usage){v->flow.demand.input_tokens, below(s, v->output + 1), -1};
}

static void book(struct scene *s, const struct visitor *v, const struct usage *u)
{
    struct tenant_book *t = &s->tenants[v->flow.tenant];
    t->tokens += u->output_tokens < 0 ? v->stake.tokens : u->input_tokens + u->output_tokens;
}

static void step(struct scene *s, struct visitor *v, struct event ev)
{
    ev.now_us = s->now_us;
    ev.flow = &v->flow;
    flow_step(s->account, &ev, &s->actions);
}

/* ---- the engine's part --------------------------------------------------------------- */

static enum fate draw_fate(struct scene *s)
{
    enum { ONE_IN = 20 };
    if (below(s, ONE_IN) != 0)
        return FATE_GOOD;
    s->sum.faults++;
    return (enum fate)(1 + below(s, FATES - 1));
}

static int64_t service_us(struct scene *s)
{
    return SECOND / 5 + (int64_t)(-log(1 - random_unit(&s->random)) * 2 * SECOND);
}

static void send(struct scene *s, struct visitor *v)
{
    struct tenant_book *t = &s->tenants[v->flow.tenant];
    const struct allowance_limits *l = &t->allowance.limits;
    s->sum.attempts++;
    v->attempt++;
    v->fate = draw_fate(s);
    t->in_flight++;
    /* Those that were in flight when the limit was lowered are not over it. */
    int64_t most = l->concurrency > t->at_renewal ? l->concurrency : t->at_renewal;
    s->sum.over += t->in_flight > most;
    if (v->fate == FATE_NOT_REACHED) {
        put(s, way_us(s), ANSWER, (uint32_t)v->flow.id);
        return;
    }
    step(s, v, (struct event){.kind = EVENT_SENT});
    put(s, way_us(s), REACH, (uint32_t)v->flow.id);
}

static void finish(struct scene *s, struct visitor *v, enum outcome outcome)
{
    s->sum.twice += v->over;
    v->over = true;
    s->sum.answered += outcome == OUTCOME_OK;
    s->sum.failed += outcome == OUTCOME_FAILED || outcome == OUTCOME_TOO_LARGE;
    s->sum.left += outcome == OUTCOME_UNSENT;
}

static void carry(struct scene *s)
{
    for (size_t i = 0; i < s->actions.n; i++) {
        struct action a = s->actions.list[i];
        struct visitor *v = (struct visitor *)a.flow;
        if (a.kind == ACT_SEND)
            send(s, v);
        else if (a.kind == ACT_FINISH)
            finish(s, v, a.outcome);
    }
    s->actions.n = 0;
}

/* ---- what happens -------------------------------------------------------------------- */

static void come(struct scene *s, uint32_t who)
{
    struct visitor *v = &s->visitors[who];
    uint32_t tenant = (uint32_t)below(s, TENANTS);
    int64_t input = 50 + below(s, 900), most = 64 << below(s, 4);
    v->model = (int)below(s, MODELS);
    v->output = below(s, most + 1);
    v->stake = (struct stake){.allowance = &s->tenants[tenant].allowance, .price = {-1, -1}};
    v->flow = (struct flow){.id = who,
                            .pool = s->pools[v->model],
                            .stake = &v->stake,
                            .tenant = tenant,
                            .priority = (uint8_t)below(s, 3)};
    v->flow.demand = (struct demand){.input_tokens = input,
                                     .char_tokens = input,
                                     .max_output_tokens = most,
                                     .max_output_given = below(s, 4) != 0};
    if (!v->flow.demand.max_output_given)
        v->output = v->output > input ? input : v->output; /* what it is charged covers it */
    s->sum.requests++;
    step(s, v, (struct event){.kind = EVENT_SUBMIT});
    if (below(s, 20) == 0)
        put(s, below(s, 20 * SECOND), LEAVE, who);
    if (who + 1 < s->n)
        put(s, (int64_t)(-log(1 - random_unit(&s->random)) * SECOND / ARRIVALS_PER_SECOND),
            COME, who + 1);
}

/* At the provider: judged and charged, whatever comes of it. */
static void reach(struct scene *s, struct visitor *v)
{
    int64_t charge[DIM_COUNT];
    const struct demand *d = &v->flow.demand;
    struct gauge_ask ask = {.input_tokens = d->input_tokens,
                            .max_tokens = d->max_output_given ? d->max_output_tokens : 0};
    gauge_cost(GAUGE_MAX, &ask, charge);
    struct gauge_answer a = gauge_arrive(s->gauges[v->model], s->now_us, charge);
    v->refused = !a.admitted;
    s->sum.refused += !a.admitted;
    s->charged_requests += a.admitted ? charge[DIM_RPM] : 0;
    s->charged_tokens += a.admitted ? charge[DIM_TPM] : 0;
    put(s, (a.admitted ? service_us(s) : 0) + way_us(s), ANSWER, (uint32_t)v->flow.id);
}

static void answer(struct scene *s, struct visitor *v)
{
    static const int statuses[FATES] = {[FATE_500] = 500, [FATE_503] = 503, [FATE_529] = 529};
    struct event end = {.kind = EVENT_END, .usage = unknown};
    s->tenants[v->flow.tenant].in_flight--;
    if (v->fate == FATE_NOT_REACHED) {
        step(s, v,
             (struct event){.kind = EVENT_BROKEN, .fault = FAULT_CONNECT, .usage = unknown});
        return;
    }
    bool headed = v->fate != FATE_LOST && v->fate != FATE_TIMED_OUT;
    if (headed)
        step(s, v, (struct event){.kind = EVENT_HEAD, .retry_us = -1});
    end.verdict = (struct verdict){.kind = VERDICT_OK, .dim = DIM_UNKNOWN, .retry_us = -1};
    if (v->refused) {
        end.verdict.kind = VERDICT_RATE_LIMIT;
    } else if (statuses[v->fate]) {
        end.verdict.kind = v->fate == FATE_500 ? VERDICT_OTHER : VERDICT_OVERLOADED;
        end.verdict.retryable = true;
    } else if (v->fate == FATE_GOOD) {
        end.usage = (struct usage){v->flow.demand.input_tokens, v->output, -1};
        book(s, v, &end.usage);
    } else {
        end.kind = EVENT_BROKEN;
        end.fault = v->fate == FATE_TIMED_OUT ? FAULT_TIMEOUT : FAULT_RESET;
        end.last = v->fate == FATE_CUT;
        end.usage = end.last ? part_of(s, v) : unknown;
        book(s, v, &end.usage); /* nothing of it is asked for again */
    }
    step(s, v, end);
}

static void leave(struct scene *s, struct visitor *v)
{
    struct usage used = unknown;
    bool flying = v->flow.state == FLOW_SENDING || v->flow.state == FLOW_RECEIVING;
    if (v->over)
        return;
    if (flying)
        s->tenants[v->flow.tenant].in_flight--;
    if (flying && v->flow.sent_us >= 0) {
        used = below(s, 2) ? part_of(s, v) : unknown;
        book(s, v, &used);
    }
    /* What has left for the provider arrives there all the same. */
    step(s, v, (struct event){.kind = EVENT_CANCEL, .usage = used});
}

/* Another configuration: narrower limits or wide ones again, other shares and allowances. */
static void renew(struct scene *s)
{
    s->sum.renewals++;
    for (int m = 0; m < MODELS; m++) {
        int64_t percent = 60 + below(s, 41);
        struct limit_spec limits[] = {{DIM_RPM, RPM * percent / 100, MINUTE},
                                      {DIM_TPM, TPM * percent / 100, MINUTE}};
        pool_relimit(s->pools[m], s->now_us, limits, 2);
        for (uint32_t t = 0; t < TENANTS; t++)
            pool_weight(s->pools[m], t, 50 + below(s, 200));
    }
    account_use(s->account, s->now_us, 80 + (int)below(s, 21));
    for (uint32_t t = 0; t < TENANTS; t++) {
        struct allowance_limits l = {.rpm = 100 + below(s, 200),
                                     .tpm = 60000 + below(s, 90000),
                                     .tpd = 100000000,
                                     .concurrency = 4 + below(s, 30)};
        s->tenants[t].at_renewal = s->tenants[t].in_flight;
        allowance_relimit(&s->tenants[t].allowance, s->now_us, &l);
        account_wake(s->account, t);
    }
    put(s, MINUTE, RENEW, 0);
}

static void happen(struct scene *s, struct happening h)
{
    struct visitor *v = &s->visitors[h.job];
    bool current = h.step == v->attempt && !v->over;
    switch ((enum what)h.kind) {
    case COME:
        come(s, h.job);
        break;
    case RENEW:
        renew(s);
        break;
    case LEAVE:
        leave(s, v);
        break;
    case REACH:
        if (current || v->over)
            reach(s, v);
        break;
    case ANSWER:
        if (current)
            answer(s, v);
        break;
    }
}

/* ---- life ---------------------------------------------------------------------------- */

static void open_scene(struct scene *s, uint64_t seed, int64_t minutes)
{
    struct account_config c = account_defaults(NULL);
    const struct gauge_config g = {
        .window = GAUGE_BUCKET,
        .minute_us = MINUTE,
        .limits = {{DIM_RPM, RPM}, {DIM_TPM, TPM}},
        .limit_count = 2,
        .fill_percent = 100,
    };
    c.window = WINDOW_BUCKET;
    c.charge = CHARGE_MAX;
    c.jitter_us = JITTER_US;
    c.idle = true;
    c.halts = false;
    c.resends = false;
    c.seed = seed;
    *s = (struct scene){.random = {seed}, .now_us = SECOND};
    s->n = (uint32_t)(minutes * 60 * ARRIVALS_PER_SECOND);
    s->visitors = mem_zero(s->n * sizeof *s->visitors);
    s->account = account_new(&c);
    for (int m = 0; m < MODELS; m++) {
        struct limit_spec limits[] = {{DIM_RPM, RPM, MINUTE}, {DIM_TPM, TPM, MINUTE}};
        s->pools[m] = account_pool(s->account, m ? STR("b") : STR("a"), limits, 2);
        s->gauges[m] = gauge_new(&g);
    }
    for (uint32_t t = 0; t < TENANTS; t++)
        allowance_init(&s->tenants[t].allowance, &(struct allowance_limits){0}, MINUTE);
    put(s, 0, RENEW, 0);
    put(s, 0, COME, 0);
}

static void compare_books(struct scene *s)
{
    int64_t requests = 0, tokens = 0;
    for (int m = 0; m < MODELS; m++) {
        struct pool_view view;
        pool_look(s->account, s->pools[m], s->now_us, &view);
        s->sum.held += (int64_t)(view.in_flight + view.queued);
        for (size_t i = 0; i < view.budget_count; i++) {
            requests += view.budgets[i].dim == DIM_RPM ? view.budgets[i].charged : 0;
            tokens += view.budgets[i].dim == DIM_TPM ? view.budgets[i].charged : 0;
        }
    }
    s->sum.requests_off = requests - s->charged_requests;
    s->sum.tokens_off = tokens - s->charged_tokens;
    for (uint32_t t = 0; t < TENANTS; t++) {
        struct tenant_book *b = &s->tenants[t];
        s->sum.tenants_off += llabs(b->allowance.tokens - b->tokens);
        s->sum.held += b->allowance.in_flight + b->allowance.held_tokens + b->in_flight;
    }
    for (uint32_t i = 0; i < s->n; i++)
        s->sum.unfinished += !s->visitors[i].over;
}

static void close_scene(struct scene *s)
{
    account_free(&s->account);
    actions_free(&s->actions);
    heap_free(&s->heap);
    for (int m = 0; m < MODELS; m++)
        gauge_free(&s->gauges[m]);
    free(s->visitors);
}

struct hour hour_run(uint64_t seed, int64_t minutes)
{
    static struct scene s;
    open_scene(&s, seed, minutes);
    int64_t end_us = (minutes + 30) * (int64_t)MINUTE, wake_us = 0;
    while (s.now_us < end_us) {
        int64_t at_us = heap_next_us(&s.heap);
        at_us = wake_us < at_us ? wake_us : at_us;
        s.now_us = at_us > s.now_us ? at_us : s.now_us;
        while (heap_next_us(&s.heap) <= s.now_us)
            happen(&s, heap_take(&s.heap));
        carry(&s);
        account_due(s.account, s.now_us, &s.actions, &wake_us);
        carry(&s);
        if (wake_us <= s.now_us)
            wake_us = s.now_us + 1;
    }
    compare_books(&s);
    struct hour sum = s.sum;
    close_scene(&s);
    return sum;
}
