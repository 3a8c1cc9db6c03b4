/* world.c: the simulated world; see world.h. Everything in it follows from the cell.
 *
 * Invariants: time never goes backwards; at most one request per job is under way; every
 * arrival and every debit stands in the log, in the order in which the provider saw it. */
#include "world.h"
#include "arena.h"
#include "heap.h"
#include "random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PRODUCE_STEPS = 4, TIMER_GRAIN_US = 1000 };

enum what { OFFER, ARRIVE, PRODUCE, ANSWER, STRANGER };

struct world {
    struct cell cell;
    const struct work *work;
    struct gauge *gauge;
    struct heap heap;
    struct random network, stranger;
    double stranger_gap_us, stranger_tokens; /* means */
    struct world_answer *answers;            /* by job: what is on its way back */
    bool *under_way;
    struct oracle_log log;
    int64_t now_us;
    struct world_result result;
    bool narrate;
};

static void say(const struct world *w, const char *what, uint32_t job, int64_t a, int64_t b)
{
    if (w->narrate)
        printf("%12.6f %-8s job %-6u %lld %lld\n", (double)w->now_us / 1e6, what, job,
               (long long)a, (long long)b);
}

static void put(struct world *w, int64_t at_us, enum what kind, uint32_t job, uint32_t step)
{
    heap_put(&w->heap,
             (struct happening){.at_us = at_us, .kind = (int)kind, .job = job, .step = step});
}

static int64_t one_way_us(struct world *w)
{
    return SIM_DELAY_US + (int64_t)random_below(&w->network, (uint64_t)w->cell.jitter_us + 1);
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

static struct gauge *provider_new(const struct cell *c, const struct work *work)
{
    static const enum gauge_window windows[] = {[SIM_BUCKET] = GAUGE_BUCKET,
                                                [SIM_FIXED] = GAUGE_FIXED,
                                                [SIM_SLIDING] = GAUGE_SLIDING,
                                                [SIM_SLICES] = GAUGE_SLICES};
    struct gauge_config g = {
        .window = windows[c->window],
        .slice_us = SIM_SLICE_US,
        .minute_us = SIM_MINUTE_US,
        .phase_us = cell_phase_us(c),
        .refusals_drain = c->drain,
        .limits = {{DIM_RPM, enforced(c, work->rpm)}, {DIM_TPM, enforced(c, work->tpm)}},
        .limit_count = WORLD_BUDGETS,
        .fill_percent = 100};
    return gauge_new(&g);
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
    w->gauge = provider_new(c, work);
    w->network.state = cell_stream(c, "network");
    w->stranger.state = cell_stream(c, "stranger");
    w->answers = mem_zero(work->n * sizeof *w->answers);
    w->under_way = mem_zero(work->n * sizeof *w->under_way);
    w->result.first_send_us = -1;
    if (c->mode == SIM_STRANGER) {
        settle_stranger(w);
        put(w, 0, STRANGER, 0, 0);
    }
    for (uint32_t j = 0; j < work->n; j++)
        put(w, work->jobs[j].arrives_us, OFFER, j, 0);
    return w;
}

void world_free(struct world **w)
{
    gauge_free(&(*w)->gauge);
    heap_free(&(*w)->heap);
    oracle_log_free(&(*w)->log);
    free((*w)->answers);
    free((*w)->under_way);
    free(*w);
    *w = NULL;
}

void world_send(struct world *w, uint32_t job)
{
    sl_assert(job < w->work->n && !w->under_way[job]);
    w->under_way[job] = true;
    w->result.sends++;
    if (w->result.first_send_us < 0)
        w->result.first_send_us = w->now_us;
    say(w, "send", job, 0, 0);
    put(w, w->now_us + one_way_us(w), ARRIVE, job, 0);
}

/* One arrival at the provider: judged, debited, logged. */
static struct gauge_answer arrive(struct world *w, const int64_t charge[DIM_COUNT], bool ours,
                                  uint32_t job)
{
    struct gauge_answer a = gauge_arrive(w->gauge, w->now_us, charge);
    oracle_note(&w->log,
                &(struct oracle_entry){.at_us = w->now_us,
                                       .kind = a.admitted ? ORACLE_ADMITTED : ORACLE_REFUSED,
                                       .ours = ours,
                                       .job = job,
                                       .charge = {charge[DIM_RPM], charge[DIM_TPM]}});
    return a;
}

static struct gauge_answer arrive_job(struct world *w, uint32_t job)
{
    static const enum gauge_charge rules[] = {[SIM_CHARGE_MAX] = GAUGE_MAX,
                                              [SIM_CHARGE_SUM] = GAUGE_SUM,
                                              [SIM_CHARGE_ACTUAL] = GAUGE_ACTUAL};
    const struct job *j = &w->work->jobs[job];
    bool exact = w->cell.charge == SIM_CHARGE_ACTUAL;
    struct gauge_ask ask = {.input_tokens = exact ? j->input_tokens : j->char_tokens,
                            .max_tokens = j->max_tokens};
    int64_t charge[DIM_COUNT];
    gauge_cost(rules[w->cell.charge], &ask, charge);
    return arrive(w, charge, true, job);
}

static void figures_note(struct world *w, uint32_t job, const struct gauge_answer *a)
{
    for (size_t i = 0; i < WORLD_BUDGETS; i++)
        w->answers[job].figures[i] = a->figures[i];
    w->answers[job].decided_us = w->now_us;
}

static void on_arrive(struct world *w, uint32_t job)
{
    const struct job *j = &w->work->jobs[job];
    struct gauge_answer a = arrive_job(w, job);
    w->answers[job] =
        (struct world_answer){.admitted = a.admitted, .retry_us = a.retry_us, .why = a.why};
    figures_note(w, job, &a);
    say(w, a.admitted ? "admitted" : "REFUSED", job, a.figures[0].remaining,
        a.figures[1].remaining);
    if (!a.admitted) {
        put(w, w->now_us + one_way_us(w), ANSWER, job, 0);
        return;
    }
    if (w->result.first_admit_us == 0)
        w->result.first_admit_us = w->now_us;
    w->result.last_admit_us = w->now_us;
    w->result.waited_us += w->now_us - j->arrives_us;
    put(w, w->now_us + j->service_us / PRODUCE_STEPS, PRODUCE, job, 1);
}

/* A quarter of the answer has been written; after the last it leaves. */
static void on_produce(struct world *w, uint32_t job, uint32_t step)
{
    const struct job *j = &w->work->jobs[job];
    int64_t rest = j->output_tokens - 1; /* one was charged on arrival */
    int64_t part = rest * step / PRODUCE_STEPS - rest * (step - 1) / PRODUCE_STEPS;
    if (w->cell.charge == SIM_CHARGE_ACTUAL && part > 0) {
        gauge_produce(w->gauge, w->now_us, DIM_TPM, part);
        oracle_note(&w->log, &(struct oracle_entry){.at_us = w->now_us,
                                                    .kind = ORACLE_PRODUCED,
                                                    .ours = true,
                                                    .job = job,
                                                    .charge = {0, part}});
    }
    if (step < PRODUCE_STEPS) {
        put(w, w->now_us + j->service_us / PRODUCE_STEPS, PRODUCE, job, step + 1);
        return;
    }
    if (w->cell.late) {
        struct gauge_answer a = gauge_look(w->gauge, w->now_us);
        figures_note(w, job, &a);
    }
    put(w, w->now_us + one_way_us(w), ANSWER, job, 0);
}

static void on_answer(struct world *w, const struct client *client, uint32_t job)
{
    struct world_answer a = w->answers[job];
    w->under_way[job] = false;
    w->result.answered += a.admitted;
    if (a.admitted)
        w->result.last_answer_us = w->now_us;
    say(w, "answer", job, a.figures[0].reset_us, a.figures[1].reset_us);
    client->answer(client->self, w->now_us, job, &a);
}

static void on_stranger(struct world *w)
{
    double u = random_unit(&w->stranger), size = 0.5 + random_unit(&w->stranger);
    int64_t charge[DIM_COUNT] = {[DIM_RPM] = 1};
    charge[DIM_TPM] = (int64_t)(size * w->stranger_tokens);
    if (w->now_us > 0)
        arrive(w, charge, false, 0);
    double gap = w->cell.window == SIM_SLICES ? 0.75 + 0.5 * u : -log(1 - u);
    put(w, w->now_us + 1 + (int64_t)(gap * w->stranger_gap_us), STRANGER, 0, 0);
}

static void happen(struct world *w, const struct client *client, struct happening h)
{
    switch ((enum what)h.kind) {
    case OFFER:
        client->offer(client->self, w->now_us, h.job);
        break;
    case ARRIVE:
        on_arrive(w, h.job);
        break;
    case PRODUCE:
        on_produce(w, h.job, h.step);
        break;
    case ANSWER:
        on_answer(w, client, h.job);
        break;
    case STRANGER:
        on_stranger(w);
        break;
    }
}

static int64_t grain_up(int64_t at_us)
{
    if (at_us > INT64_MAX - TIMER_GRAIN_US)
        return INT64_MAX;
    return (at_us + TIMER_GRAIN_US - 1) / TIMER_GRAIN_US * TIMER_GRAIN_US;
}

/* Whether only the client can notice it: nothing it could act upon happens inside the provider.
 */
static bool concerns_client(int kind)
{
    return kind == OFFER || kind == ANSWER;
}

struct world_result world_run(struct world *w, struct client *client, int64_t limit_us)
{
    int64_t wake_us = 0;
    while (w->result.answered < (int64_t)w->work->n) {
        int64_t next_us = heap_next_us(&w->heap);
        int64_t at_us = next_us < wake_us ? next_us : wake_us;
        if (at_us > limit_us) {
            w->result.stuck = true;
            break;
        }
        sl_assert(at_us >= w->now_us);
        bool call = wake_us <= at_us;
        w->now_us = at_us;
        while (heap_next_us(&w->heap) == at_us) {
            struct happening h = heap_take(&w->heap);
            call = call || concerns_client(h.kind);
            happen(w, client, h);
            w->result.events++;
        }
        if (call) {
            int64_t asked_us = client->due(client->self, at_us);
            wake_us = grain_up(asked_us > at_us ? asked_us : at_us + 1);
        }
    }
    return w->result;
}

const struct oracle_log *world_log(const struct world *w)
{
    return &w->log;
}

int64_t world_now_us(const struct world *w)
{
    return w->now_us;
}

void world_narrate(struct world *w, bool on)
{
    w->narrate = on;
}
