/* sluice.c: the client under test: the real machine, piloted as the verb `plan` does. */
#include "sluice.h"
#include "arena.h"
#include "pilot.h"

#include <stdlib.h>

struct sluice_client {
    struct cell cell;
    const struct work *work;
    struct world *world;
    struct account *account;
    struct pool *pool;
    struct pilot pilot;
    struct flow *flows;
    bool *finished;
    uint32_t offered, submitted;
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

static enum header_form headers_of(const struct cell *c)
{
    static const enum header_form forms[] = {[SIM_ROUND_MS] = HEADERS_DURATIONS,
                                             [SIM_ROUND_SECONDS] = HEADERS_SECONDS,
                                             [SIM_ROUND_INSTANT] = HEADERS_INSTANTS};
    bool silent = c->mode == SIM_BLIND || c->mode == SIM_HIDDEN;
    return silent ? HEADERS_NONE : forms[c->rounding];
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
    pilot_submit(&s->pilot, now_us, &s->flows[i]);
}

/* Keeps the machine supplied: with all there is where order counts, else with as many
 * candidates as it likes to choose from. */
static void on_hungry(void *ctx, int64_t now_us)
{
    struct sluice_client *s = ctx;
    bool all = s->cell.work == SIM_ARRIVALS;
    while (s->submitted < s->offered && (all || pool_appetite(s->pool) > 0))
        submit(s, now_us);
}

static void on_send(void *ctx, int64_t now_us, struct flow *f)
{
    struct sluice_client *s = ctx;
    (void)now_us;
    world_send(s->world, (uint32_t)f->id);
}

static void on_over(void *ctx, int64_t now_us, struct flow *f, enum outcome outcome)
{
    struct sluice_client *s = ctx;
    bool good = outcome == OUTCOME_OK && !s->finished[f->id];
    (void)now_us;
    s->finished[f->id] = true;
    s->sums.finished += good;
    s->sums.failed += !good;
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
    s->pilot = (struct pilot){.account = s->account,
                              .headers = headers_of(c),
                              .driver = {on_hungry, on_send, on_over, s}};
    s->flows = mem_zero(work->n * sizeof *s->flows);
    s->finished = mem_zero(work->n * sizeof *s->finished);
    return s;
}

void sluice_client_free(struct sluice_client **s)
{
    account_free(&(*s)->account);
    pilot_free(&(*s)->pilot);
    free((*s)->flows);
    free((*s)->finished);
    free(*s);
    *s = NULL;
}

static void on_offer(void *self, int64_t now_us, uint32_t job)
{
    struct sluice_client *s = self;
    (void)now_us;
    (void)job;
    s->offered++;
}

static void on_answer(void *self, int64_t now_us, uint32_t job, const struct remote_answer *a)
{
    struct sluice_client *s = self;
    const struct job *j = &s->work->jobs[job];
    struct remote_answer heard = *a;
    if (s->cell.mode == SIM_HIDDEN) { /* a refusal says no more than that it is one */
        heard.said.why =
            (struct gauge_figure){.dim = DIM_UNKNOWN, .limit = -1, .used = -1, .requested = -1};
        heard.said.retry_us = -1;
    }
    pilot_answer(&s->pilot, now_us, &s->flows[job], &heard,
                 &(struct usage){j->input_tokens, j->output_tokens, -1});
}

static int64_t on_due(void *self, int64_t now_us)
{
    struct sluice_client *s = self;
    return pilot_due(&s->pilot, now_us);
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
