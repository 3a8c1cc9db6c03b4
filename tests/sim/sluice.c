/* sluice.c: the fourth driver of the machine: events from the simulated world in, actions out.
 *
 * What the provider's figures become on the wire is done here without the wire: `rounded` gives
 * what headers_read would have read. */
#include "sluice.h"
#include "arena.h"
#include "flow.h"

#include <stdlib.h>

static const int64_t SECOND_US = 1000 * 1000, THOUSAND = 1000;
/* The provider's wall clock at time 0 of the simulation: its seconds are not ours. */
static const int64_t WALL_US = 471829;

struct sluice_client {
    struct cell cell;
    const struct work *work;
    struct world *world;
    struct account *account;
    struct pool *pool;
    struct flow *flows;
    bool *finished;
    uint32_t offered, submitted;
    struct actions actions;
    struct sluice_account sums;
};

static struct account_config config_of(const struct cell *c)
{
    static const enum window_kind windows[] = {[SIM_BUCKET] = WINDOW_BUCKET,
                                               [SIM_FIXED] = WINDOW_FIXED,
                                               [SIM_SLIDING] = WINDOW_SLIDING,
                                               [SIM_SLICES] = WINDOW_SLICES};
    static const enum charge_rule rules[] = {[SIM_CHARGE_MAX] = CHARGE_MAX,
                                             [SIM_CHARGE_SUM] = CHARGE_SUM,
                                             [SIM_CHARGE_ACTUAL] = CHARGE_ACTUAL};
    bool told = c->mode == SIM_KNOWN || c->mode == SIM_STRANGER;
    return (struct account_config){
        .minute_us = SIM_MINUTE_US,
        .window = told ? windows[c->window] : WINDOW_AUTO,
        .slice_us = SIM_SLICE_US,
        .charge = rules[c->charge],
        .refusals_drain = c->drain,
        .idle = true,
        .use_percent = c->mode == SIM_STRANGER ? SIM_USE_PERCENT : 100,
        .jitter_us = c->sabotage == SIM_BLUNT ? 1 : c->jitter_us,
        .retries_max = 8,
        .resends = true,
        .halts = true,
        .order = c->work == SIM_ARRIVALS ? ORDER_QUEUE : ORDER_BALANCE,
        .seed = cell_stream(c, "client"),
    };
}

struct sluice_client *sluice_client_new(const struct cell *c, const struct work *work,
                                        struct world *world)
{
    struct sluice_client *s = mem_zero(sizeof *s);
    struct account_config config = config_of(c);
    int64_t percent = c->sabotage == SIM_GREEDY ? 105 : 100;
    struct limit_spec limits[WORLD_BUDGETS] = {
        {DIM_RPM, work->rpm * percent / 100, SIM_MINUTE_US},
        {DIM_TPM, work->tpm * percent / 100, SIM_MINUTE_US}};
    s->cell = *c;
    s->work = work;
    s->world = world;
    s->account = account_new(&config);
    s->pool = account_pool(s->account, STR("gpt-4o"), limits,
                           c->mode == SIM_HIDDEN ? 0 : WORLD_BUDGETS);
    s->flows = mem_zero(work->n * sizeof *s->flows);
    s->finished = mem_zero(work->n * sizeof *s->finished);
    return s;
}

void sluice_client_free(struct sluice_client **s)
{
    account_free(&(*s)->account);
    actions_free(&(*s)->actions);
    free((*s)->flows);
    free((*s)->finished);
    free(*s);
    *s = NULL;
}

/* Carries out what the machine asked for; sending makes events of its own. */
static void act(struct sluice_client *s, int64_t now_us)
{
    for (size_t i = 0; i < s->actions.n; i++) {
        struct action a = s->actions.list[i];
        if (a.kind == ACT_SEND) {
            struct event sent = {.kind = EVENT_SENT, .now_us = now_us, .flow = a.flow};
            world_send(s->world, (uint32_t)a.flow->id);
            flow_step(s->account, &sent, &s->actions);
        } else if (a.kind == ACT_FINISH) {
            bool good = a.outcome == OUTCOME_OK && !s->finished[a.flow->id];
            s->finished[a.flow->id] = true;
            s->sums.finished += good;
            s->sums.failed += !good;
        } else {
            s->sums.failed++; /* a halt: there is no reason for one here */
        }
    }
    s->actions.n = 0;
}

static void submit(struct sluice_client *s, int64_t now_us)
{
    uint32_t i = s->submitted++;
    const struct job *j = &s->work->jobs[i];
    s->flows[i] = (struct flow){.id = i,
                                .pool = s->pool,
                                .demand = {.input_tokens = j->input_tokens,
                                           .char_tokens = j->char_tokens,
                                           .max_output_tokens = j->max_tokens,
                                           .max_output_given = true}};
    struct event in = {.kind = EVENT_SUBMIT, .now_us = now_us, .flow = &s->flows[i]};
    flow_step(s->account, &in, &s->actions);
    act(s, now_us);
}

/* Keeps the machine supplied: with all there is where order counts, else with as many
 * candidates as it likes to choose from. */
static void top_up(struct sluice_client *s, int64_t now_us)
{
    bool all = s->cell.work == SIM_ARRIVALS;
    while (s->submitted < s->offered && (all || pool_appetite(s->pool) > 0))
        submit(s, now_us);
}

static void on_offer(void *self, int64_t now_us, uint32_t job)
{
    struct sluice_client *s = self;
    (void)now_us;
    (void)job;
    s->offered++;
}

static int64_t floor_to(int64_t x, int64_t grain)
{
    int64_t rest = x % grain;
    return x - (rest < 0 ? rest + grain : rest);
}

/* A figure as its header would have been read. */
static struct reading rounded(const struct cell *c, const struct world_answer *a,
                              const struct gauge_figure *f)
{
    struct reading r = {.dim = f->dim,
                        .limit = f->limit,
                        .remaining = f->remaining,
                        .has_remaining = true,
                        .reset_us = f->reset_us,
                        .remaining_round = 1,
                        .period_us = -1};
    int64_t wall_us = WALL_US + a->decided_us;
    switch (c->rounding) {
    case SIM_ROUND_MS:
        r.reset_round_us = THOUSAND;
        r.reset_us = floor_to(f->reset_us, THOUSAND);
        break;
    case SIM_ROUND_SECONDS:
        r.reset_round_us = SECOND_US;
        r.reset_us = floor_to(f->reset_us + SECOND_US - 1, SECOND_US);
        break;
    case SIM_ROUND_INSTANT:
        r.reset_round_us = SECOND_US;
        r.reset_us = floor_to(wall_us + f->reset_us, SECOND_US) - floor_to(wall_us, SECOND_US);
        if (f->dim == DIM_TPM) {
            r.remaining_round = THOUSAND;
            r.remaining = floor_to(f->remaining + THOUSAND / 2, THOUSAND);
        }
        break;
    case SIM_ROUNDING_COUNT:
        sl_assert(c->rounding < SIM_ROUNDING_COUNT);
    }
    return r;
}

static struct verdict verdict_on(const struct cell *c, const struct world_answer *a)
{
    struct verdict v = {.kind = VERDICT_OK,
                        .dim = DIM_UNKNOWN,
                        .limit = -1,
                        .used = -1,
                        .requested = -1,
                        .retry_us = -1,
                        .status = a->admitted ? 200 : 429};
    if (a->admitted)
        return v;
    v.kind = VERDICT_RATE_LIMIT;
    v.retryable = true;
    if (c->mode == SIM_HIDDEN)
        return v;
    v.dim = a->why.dim;
    v.limit = a->why.limit;
    v.used = a->why.used;
    v.requested = a->why.requested;
    v.retry_us = floor_to(a->retry_us, THOUSAND);
    return v;
}

static void on_answer(void *self, int64_t now_us, uint32_t job, const struct world_answer *a)
{
    struct sluice_client *s = self;
    const struct job *j = &s->work->jobs[job];
    struct reading readings[WORLD_BUDGETS];
    bool hidden = s->cell.mode == SIM_HIDDEN, silent = hidden || s->cell.mode == SIM_BLIND;
    for (size_t i = 0; i < WORLD_BUDGETS; i++)
        readings[i] = rounded(&s->cell, a, &a->figures[i]);
    struct event in = {.kind = EVENT_HEAD,
                       .now_us = now_us,
                       .flow = &s->flows[job],
                       .status = a->admitted ? 200 : 429,
                       .readings = readings,
                       .reading_count = silent ? 0 : WORLD_BUDGETS,
                       .retry_us = a->admitted || hidden ? -1 : a->retry_us};
    flow_step(s->account, &in, &s->actions);
    in = (struct event){.kind = EVENT_END,
                        .now_us = now_us,
                        .flow = &s->flows[job],
                        .status = in.status,
                        .retry_us = in.retry_us,
                        .verdict = verdict_on(&s->cell, a),
                        .usage = {j->input_tokens, j->output_tokens, -1}};
    flow_step(s->account, &in, &s->actions);
    act(s, now_us);
}

static int64_t on_due(void *self, int64_t now_us)
{
    struct sluice_client *s = self;
    int64_t next_us;
    uint32_t before;
    top_up(s, now_us);
    do { /* what was admitted makes room for candidates, which may be admitted at once */
        before = s->submitted;
        account_due(s->account, now_us, &s->actions, &next_us);
        act(s, now_us);
        top_up(s, now_us);
    } while (s->submitted != before);
    return next_us;
}

struct client sluice_client_face(struct sluice_client *s)
{
    return (struct client){.self = s, .offer = on_offer, .answer = on_answer, .due = on_due};
}

struct sluice_account sluice_client_account(const struct sluice_client *s, int64_t now_us)
{
    struct sluice_account sums = s->sums;
    struct pool_view view;
    pool_look(s->account, s->pool, now_us, &view);
    sums.in_flight = (int64_t)view.in_flight;
    for (size_t i = 0; i < view.budget_count; i++) {
        if (view.budgets[i].dim == DIM_RPM)
            sums.charged[0] = view.budgets[i].charged;
        if (view.budgets[i].dim == DIM_TPM)
            sums.charged[1] = view.budgets[i].charged;
    }
    return sums;
}
