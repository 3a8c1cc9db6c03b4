/* trial.c: see trial.h. The order of the faults is the order of their weight: a provider that
 * misjudges makes every other figure worthless. */
#include "trial.h"
#include "baseline.h"
#include "sluice.h"
#include "world.h"

#include <stdlib.h>

const char *trial_fault_text(enum trial_fault f)
{
#define X(name, text) text,
    static const char *const texts[] = {TRIAL_FAULTS(X)};
#undef X
    return texts[f];
}

double trial_target(const struct cell *c)
{
    if (c->client != SIM_SLUICE || c->work == SIM_ARRIVALS)
        return 0;
    if (c->mode == SIM_HIDDEN) /* of the last ten minutes; slices together: hidden.h */
        return c->window == SIM_SLICES ? 0 : 0.95;
    return c->mode == SIM_KNOWN ? 0.99 : c->mode == SIM_IDENTIFY ? 0.98 : 0;
}

/* The least time the whole work can take within the client's share of the account. */
static void measure(struct trial *t, const struct world_result *r, const struct work *work)
{
    struct oracle_budget budgets[WORLD_BUDGETS];
    int64_t share = t->cell.mode == SIM_STRANGER ? SIM_USE_PERCENT : 100;
    world_share(&t->cell, work, share, budgets);
    t->bound_us = -1;
    for (int b = 0; b < WORLD_BUDGETS; b++) {
        int64_t us = oracle_bound_us(&budgets[b], t->oracle.charged[b], r->first_send_us,
                                     r->first_admit_us);
        t->binding = us > t->bound_us ? b : t->binding;
        t->bound_us = us > t->bound_us ? us : t->bound_us;
    }
    const struct oracle_budget *widest = &budgets[1];
    t->first_reset_us =
        widest->shape != ORACLE_FIXED
            ? -1
            : oracle_bound_us(widest, widest->limit + 1, r->first_send_us, r->first_admit_us);
    t->span_us = r->last_admit_us - r->first_send_us;
    t->last_us = r->last_admit_us;
    t->makespan_us = r->last_answer_us - r->first_send_us;
    t->wait_us = r->waited_us / (int64_t)work->n;
    bool figure = t->bound_us >= 0 && t->span_us > 0 && t->cell.work != SIM_ARRIVALS;
    t->efficiency = figure ? (double)t->bound_us / (double)t->span_us : -1;
}

/* How long a hidden limit was looked for, and what was made of it in the end. */
static void measure_find(struct trial *t, const struct oracle_log *log, const struct work *work)
{
    enum { MINUTES = 10 };
    int64_t from_us = t->last_us - MINUTES * (int64_t)SIM_MINUTE_US, n = 0;
    t->found_us = 0;
    for (size_t i = 0; i < log->n; i++) {
        if (log->list[i].kind == ORACLE_REFUSED)
            t->found_us = log->list[i].at_us;
        n += log->list[i].kind == ORACLE_ADMITTED && log->list[i].at_us > from_us;
    }
    t->use = (double)n / (double)(MINUTES * work->rpm);
}

static int64_t settled_off(const struct trial *t, const struct sluice_account *books)
{
    int64_t worst = 0;
    for (int b = 0; b < WORLD_BUDGETS; b++) {
        int64_t off = llabs(books->charged[b] - t->oracle.charged[b]);
        worst = off > worst ? off : worst;
    }
    return worst;
}

static enum trial_fault fault_of(const struct trial *t, const struct world_result *r,
                                 const struct sluice_account *books)
{
    const struct oracle_finding *o = &t->oracle;
    bool ours = t->cell.client == SIM_SLUICE;
    if (o->backwards)
        return TRIAL_BACKWARDS;
    if (o->over)
        return TRIAL_ORACLE_OVER;
    if (o->needless)
        return TRIAL_ORACLE_NEEDLESS;
    if (o->twice)
        return TRIAL_TWICE;
    if (o->refused > (t->cell.mode == SIM_HIDDEN ? TRIAL_HIDDEN_REFUSALS : 0) && ours)
        return TRIAL_REFUSED;
    if (r->stuck)
        return TRIAL_STUCK;
    if (o->lost || (ours && (books->finished != t->jobs || books->failed || books->in_flight)))
        return TRIAL_LOST;
    if (t->settled_off)
        return TRIAL_SETTLED;
    if (t->cell.mode == SIM_HIDDEN)
        return t->use < trial_target(&t->cell) ? TRIAL_SLOW : TRIAL_NONE;
    if (t->efficiency >= 0 && t->efficiency < trial_target(&t->cell))
        return TRIAL_SLOW;
    return TRIAL_NONE;
}

/* A generous end: twice what a batch should take, and room for the slowest answers. */
static int64_t patience_us(const struct cell *c, const struct work *work)
{
    int64_t batch_us = 14 * (int64_t)SIM_MINUTE_US;
    if (c->work == SIM_ARRIVALS)
        batch_us = work->jobs[work->n - 1].arrives_us;
    return 2 * batch_us + 60 * c->service_us;
}

/* The log with one entry wrong, for the oracle to find. */
static void falsify(struct oracle_log *log, enum sim_sabotage how)
{
    size_t middle = log->n / 2;
    while (log->list[middle].kind != ORACLE_ADMITTED)
        middle++;
    if (how == SIM_TWICE)
        log->list[middle - 1] = log->list[middle];
    if (how == SIM_LOST)
        log->list[middle].kind = ORACLE_PRODUCED;
}

static struct trial judge(struct trial t, struct world *world, const struct work *work,
                          const struct world_result *r, const struct sluice_account *books)
{
    struct oracle_budget budgets[WORLD_BUDGETS];
    struct oracle_log log = {0};
    for (size_t i = 0; i < world_log(world)->n; i++)
        oracle_note(&log, &world_log(world)->list[i]);
    if (t.cell.sabotage == SIM_LOST || t.cell.sabotage == SIM_TWICE)
        falsify(&log, t.cell.sabotage);
    world_budgets(&t.cell, work, budgets);
    t.oracle = oracle_judge(&log, budgets, WORLD_BUDGETS, (uint32_t)work->n);
    oracle_log_free(&log);
    bool books_kept = t.cell.client == SIM_SLUICE && t.cell.mode != SIM_HIDDEN;
    t.settled_off = books_kept ? settled_off(&t, books) : 0;
    measure(&t, r, work);
    measure_find(&t, world_log(world), work);
    t.fault = fault_of(&t, r, books);
    return t;
}

struct trial trial_run(const struct cell *c, struct str csv, bool narrate)
{
    struct trial t = {.cell = *c, .done = true, .phase_us = cell_phase_us(c)};
    struct work work;
    if (work_make(c, csv, &work))
        return (struct trial){.cell = *c, .done = true, .fault = TRIAL_LOST};
    struct world *world = world_new(c, &work);
    world_narrate(world, narrate);
    t.jobs = (int64_t)work.n;
    t.rpm = work.rpm;
    t.tpm = work.tpm;
    struct sluice_account books = {0};
    struct world_result r;
    if (c->client == SIM_SLUICE) {
        struct sluice_client *s = sluice_client_new(c, &work, world);
        struct client face = sluice_client_face(s);
        r = world_run(world, &face, patience_us(c, &work));
        books = sluice_client_account(s, world_now_us(world));
        sluice_client_free(&s);
    } else {
        struct baseline *b = baseline_new(c, &work, world);
        struct client face = baseline_face(b);
        r = world_run(world, &face, patience_us(c, &work));
        baseline_free(&b);
    }
    t.sends = r.sends;
    t.events = r.events;
    t = judge(t, world, &work, &r, &books);
    world_free(&world);
    work_free(&work);
    return t;
}
