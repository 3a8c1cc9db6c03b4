/* world.c: the simulated world; see world.h. Everything in it follows from the cell.
 *
 * Invariant: every arrival and every debit stands in the log, in the order in which the
 * provider saw it. */
#include "world.h"
#include "arena.h"
#include "random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What the remote's alarms are for. */
enum alarm { OFFER, STRANGER };

struct world {
    struct cell cell;
    const struct work *work;
    const struct client *client; /* while it runs */
    struct remote *remote;
    struct random stranger;
    double stranger_gap_us, stranger_tokens; /* means */
    struct oracle_log log;
    struct world_result result;
    bool narrate;
};

int64_t world_now_us(const struct world *w)
{
    return remote_now_us(w->remote);
}

static void say(const struct world *w, const char *what, uint32_t job, int64_t a, int64_t b)
{
    if (w->narrate)
        printf("%12.6f %-8s job %-6u %lld %lld\n", (double)world_now_us(w) / 1e6, what, job,
               (long long)a, (long long)b);
}

static enum oracle_shape shape_of(enum sim_window w)
{
    return w == SIM_BUCKET ? ORACLE_BUCKET : w == SIM_SLIDING ? ORACLE_SLIDING : ORACLE_FIXED;
}

void world_share(const struct cell *c, const struct work *work, int64_t percent,
                 struct oracle_budget out[WORLD_BUDGETS])
{
    int64_t phase_us = cell_phase_us(c);
    out[0] = (struct oracle_budget){.shape = shape_of(c->window),
                                    .limit = work->rpm * percent / 100,
                                    .period_us = SIM_MINUTE_US,
                                    .phase_us = phase_us,
                                    .drains = c->drain};
    out[1] = out[0];
    out[1].limit = work->tpm * percent / 100;
    out[1].drains = false;
    if (c->window == SIM_SLICES) {
        int64_t cap = work->rpm * SIM_SLICE_US / SIM_MINUTE_US;
        out[0].period_us = SIM_SLICE_US;
        out[0].limit = (cap < 1 ? 1 : cap) * percent / 100;
    }
}

void world_budgets(const struct cell *c, const struct work *work,
                   struct oracle_budget out[WORLD_BUDGETS])
{
    world_share(c, work, 100, out);
}

/* The limit that the provider enforces, sabotaged or not. */
static int64_t enforced(const struct cell *c, int64_t limit)
{
    return c->sabotage == SIM_OVER    ? limit + limit / 100
           : c->sabotage == SIM_UNDER ? limit - limit / 100
                                      : limit;
}

static struct remote *provider_new(const struct cell *c, const struct work *work)
{
    static const enum gauge_window windows[] = {[SIM_BUCKET] = GAUGE_BUCKET,
                                                [SIM_FIXED] = GAUGE_FIXED,
                                                [SIM_SLIDING] = GAUGE_SLIDING,
                                                [SIM_SLICES] = GAUGE_SLICES};
    static const enum gauge_charge rules[] = {[SIM_CHARGE_MAX] = GAUGE_MAX,
                                              [SIM_CHARGE_SUM] = GAUGE_SUM,
                                              [SIM_CHARGE_ACTUAL] = GAUGE_ACTUAL};
    struct gauge_config g = {
        .window = windows[c->window],
        .slice_us = SIM_SLICE_US,
        .minute_us = SIM_MINUTE_US,
        .phase_us = cell_phase_us(c),
        .refusals_drain = c->drain,
        .limits = {{DIM_RPM, enforced(c, work->rpm)}, {DIM_TPM, enforced(c, work->tpm)}},
        .limit_count = WORLD_BUDGETS,
        .fill_percent = 100};
    return remote_new(&(struct remote_config){.gauges = &g,
                                              .gauge_count = 1,
                                              .charge = rules[c->charge],
                                              .delay_us = SIM_DELAY_US,
                                              .jitter_us = c->jitter_us,
                                              .late = c->late,
                                              .seed = cell_stream(c, "network")});
}

/* How often the stranger comes, and with how much: a fifth of whichever limit the work presses
 * on. */
static void settle_stranger(struct world *w)
{
    int64_t tokens = 0, count = (int64_t)w->work->n;
    for (size_t i = 0; i < w->work->n; i++)
        tokens += job_tokens(&w->work->jobs[i], w->cell.charge);
    double mean = (double)tokens / (double)count;
    double requests = (double)w->work->rpm * SIM_STRANGER_PERCENT / 100;
    double share = (double)w->work->tpm * SIM_STRANGER_PERCENT / 100;
    double per_minute = fmin(requests, 4 * share / mean);
    w->stranger_gap_us = SIM_MINUTE_US / per_minute;
    w->stranger_tokens = fmin(mean, share / per_minute);
}

struct world *world_new(const struct cell *c, const struct work *work)
{
    struct world *w = mem_zero(sizeof *w);
    w->cell = *c;
    w->work = work;
    w->remote = provider_new(c, work);
    w->stranger.state = cell_stream(c, "stranger");
    w->result.first_send_us = -1;
    if (c->mode == SIM_STRANGER) {
        settle_stranger(w);
        remote_alarm(w->remote, 0, STRANGER, 0);
    }
    for (uint32_t j = 0; j < work->n; j++)
        remote_alarm(w->remote, work->jobs[j].arrives_us, OFFER, j);
    return w;
}

void world_free(struct world **w)
{
    remote_free(&(*w)->remote);
    oracle_log_free(&(*w)->log);
    free(*w);
    *w = NULL;
}

void world_send(struct world *w, uint32_t job)
{
    const struct job *j = &w->work->jobs[job];
    bool exact = w->cell.charge == SIM_CHARGE_ACTUAL;
    struct remote_request q = {.ask = {.input_tokens = exact ? j->input_tokens : j->char_tokens,
                                       .max_tokens = j->max_tokens},
                               .output_tokens = j->output_tokens,
                               .service_us = j->service_us};
    w->result.sends++;
    if (w->result.first_send_us < 0)
        w->result.first_send_us = world_now_us(w);
    say(w, "send", job, 0, 0);
    remote_send(w->remote, job, &q);
}

static void note(struct world *w, enum oracle_kind kind, uint32_t job, const int64_t *charge)
{
    oracle_note(&w->log, &(struct oracle_entry){.at_us = world_now_us(w),
                                                .kind = kind,
                                                .ours = true,
                                                .job = job,
                                                .charge = {charge[DIM_RPM], charge[DIM_TPM]}});
}

static void count_admission(struct world *w, int64_t now_us, uint32_t job)
{
    if (w->result.first_admit_us == 0)
        w->result.first_admit_us = now_us;
    w->result.last_admit_us = now_us;
    w->result.waited_us += now_us - w->work->jobs[job].arrives_us;
}

static void on_sight(void *self, int64_t now_us, const struct remote_sight *s)
{
    struct world *w = self;
    const struct gauge_figure *left = s->answer->said.figures;
    static const enum oracle_kind kinds[] = {[REMOTE_ADMITTED] = ORACLE_ADMITTED,
                                             [REMOTE_REFUSED] = ORACLE_REFUSED,
                                             [REMOTE_PRODUCED] = ORACLE_PRODUCED};
    note(w, kinds[s->event], s->slot, s->charge);
    if (s->event == REMOTE_ADMITTED)
        count_admission(w, now_us, s->slot);
    if (s->event != REMOTE_PRODUCED)
        say(w, s->event == REMOTE_ADMITTED ? "admitted" : "REFUSED", s->slot, left[0].remaining,
            left[1].remaining);
}

static void on_answer(void *self, int64_t now_us, uint32_t job, const struct remote_answer *a)
{
    struct world *w = self;
    w->result.answered += a->said.admitted;
    if (a->said.admitted)
        w->result.last_answer_us = now_us;
    say(w, "answer", job, a->said.figures[0].reset_us, a->said.figures[1].reset_us);
    w->client->answer(w->client->self, now_us, job, a);
    if (w->result.answered == (int64_t)w->work->n)
        remote_stop(w->remote);
}

static void on_stranger(struct world *w, int64_t now_us)
{
    double u = random_unit(&w->stranger), size = 0.5 + random_unit(&w->stranger);
    int64_t charge[DIM_COUNT] = {[DIM_RPM] = 1};
    charge[DIM_TPM] = (int64_t)(size * w->stranger_tokens);
    if (now_us > 0) {
        struct gauge_answer a = gauge_arrive(remote_gauge(w->remote, 0), now_us, charge);
        oracle_note(&w->log, &(struct oracle_entry){
                                 .at_us = now_us,
                                 .kind = a.admitted ? ORACLE_ADMITTED : ORACLE_REFUSED,
                                 .charge = {charge[DIM_RPM], charge[DIM_TPM]}});
    }
    double gap = w->cell.window == SIM_SLICES ? 0.75 + 0.5 * u : -log(1 - u);
    remote_alarm(w->remote, now_us + 1 + (int64_t)(gap * w->stranger_gap_us), STRANGER, 0);
}

static bool on_alarm(void *self, int64_t now_us, int kind, uint32_t job)
{
    struct world *w = self;
    if (kind == STRANGER) {
        on_stranger(w, now_us);
        return false;
    }
    w->client->offer(w->client->self, now_us, job);
    return true;
}

static int64_t on_due(void *self, int64_t now_us)
{
    const struct world *w = self;
    return w->client->due(w->client->self, now_us);
}

struct world_result world_run(struct world *w, struct client *client, int64_t limit_us)
{
    const struct remote_client face = {w, on_answer, on_due, on_alarm, on_sight};
    w->client = client;
    w->result.stuck = !remote_run(w->remote, &face, limit_us);
    w->result.events = remote_events(w->remote);
    return w->result;
}

const struct oracle_log *world_log(const struct world *w)
{
    return &w->log;
}

void world_narrate(struct world *w, bool on)
{
    w->narrate = on;
}
