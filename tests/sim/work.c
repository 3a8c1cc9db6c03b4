/* work.c: see work.h. Floating point is used to draw sizes, never to keep a budget. */
#include "work.h"
#include "arena.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>

static const int64_t RPM = 600, RPM_AMPLE = 6000, TPM = 300 * 1000, TPM_AMPLE = 3000 * 1000;
static const double SIGMA_OUTPUT = 0.6, SIGMA_INPUT = 0.98, MEDIAN_INPUT = 760;
static const double OUTPUT_SHARE = 0.35; /* of max_tokens, in the mean */
static const int64_t INPUT_LEAST = 16, INPUT_MOST = 8000;
static const int64_t TRACE_MAX_TOKENS = 1024, TRACE_SPAN_S = 3600;

static double draw_normal(struct random *r)
{
    double u = 1 - random_unit(r), v = random_unit(r);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static int64_t clamp(double x, int64_t lo, int64_t hi)
{
    int64_t n = (int64_t)(x + 0.5);
    return n < lo ? lo : n > hi ? hi : n;
}

static struct job draw_job(struct random *r, int64_t mean_service_us)
{
    double f = exp(SIGMA_OUTPUT * draw_normal(r) - SIGMA_OUTPUT * SIGMA_OUTPUT / 2);
    double input = MEDIAN_INPUT * exp(SIGMA_INPUT * draw_normal(r));
    struct job j = {.max_tokens = (int64_t)256 << random_below(r, 3)};
    j.char_tokens = clamp(input, INPUT_LEAST, INPUT_MOST);
    j.input_tokens = clamp((double)j.char_tokens * (1 - 0.15 * random_unit(r)), 1, INPUT_MOST);
    j.output_tokens = clamp(OUTPUT_SHARE * (double)j.max_tokens * f, 1, j.max_tokens);
    j.service_us = (int64_t)((double)mean_service_us * f);
    return j;
}

int64_t job_tokens(const struct job *j, enum sim_charge rule)
{
    switch (rule) {
    case SIM_CHARGE_MAX:
        return j->max_tokens > j->char_tokens ? j->max_tokens : j->char_tokens;
    case SIM_CHARGE_SUM:
        return j->max_tokens + j->char_tokens;
    case SIM_CHARGE_ACTUAL:
    case SIM_CHARGE_COUNT:
        break;
    }
    return j->input_tokens + j->output_tokens;
}

/* How many tenths of a minute's allowance the batch takes. */
static int64_t batch_tenths(const struct cell *c)
{
    if (c->mode == SIM_HIDDEN) /* first it is found, then it is kept to */
        return 200;
    if (c->window == SIM_BUCKET)
        return 115;
    return c->window == SIM_SLICES && c->bound != SIM_BOUND_TPM ? 105 : 125;
}

static enum sl_err make_synthetic(const struct cell *c, struct work *out)
{
    bool by_tokens = c->bound == SIM_BOUND_TPM;
    int64_t share = c->mode == SIM_STRANGER ? SIM_USE_PERCENT : 100;
    int64_t rpm = c->rpm > 0 ? c->rpm : c->mode == SIM_HIDDEN ? SIM_HIDDEN_RPM : RPM;
    int64_t target = (by_tokens ? TPM : rpm) * batch_tenths(c) * share / 1000;
    int64_t done = 0, tokens = 0;
    struct random r = {cell_stream(c, "work")};
    size_t room = 4096;
    out->jobs = mem_alloc(room * sizeof *out->jobs);
    while (done < target) {
        if (out->n == room)
            out->jobs = mem_grow(out->jobs, (room *= 2) * sizeof *out->jobs);
        struct job *j = &out->jobs[out->n++];
        *j = draw_job(&r, c->service_us);
        tokens += job_tokens(j, c->charge);
        done += by_tokens ? job_tokens(j, c->charge) : 1;
    }
    out->rpm = by_tokens ? RPM_AMPLE : rpm;
    out->tpm = by_tokens ? TPM : rpm > RPM ? TPM_AMPLE * rpm / RPM : TPM_AMPLE;
    if (c->bound == SIM_BOUND_MIXED)
        out->tpm = tokens * 1000 / (batch_tenths(c) * share);
    if (c->bound == SIM_BOUND_MIXED && c->window == SIM_SLICES)
        out->tpm = out->tpm * 660 / 600;
    return SL_OK;
}

/* "2023-11-16 18:15:46.6805900" in microseconds of its day; -1 if it is not that. */
static int64_t time_of_day_us(struct str s)
{
    int64_t h, m, sec, frac;
    struct str clock = str_from(s, 11);
    struct str fraction = str_cut(str_from(clock, 9), 6);
    if (clock.n < 15 || str_int(str_cut(clock, 2), false, &h) ||
        str_int(str_cut(str_from(clock, 3), 2), false, &m) ||
        str_int(str_cut(str_from(clock, 6), 2), false, &sec) || str_int(fraction, false, &frac))
        return -1;
    return ((h * 60 + m) * 60 + sec) * 1000 * 1000 + frac;
}

static enum sl_err read_line(struct str line, struct job *j)
{
    struct str rest = line;
    j->arrives_us = time_of_day_us(str_split(&rest, ','));
    enum sl_err err = str_int(str_split(&rest, ','), false, &j->input_tokens);
    if (!err)
        err = str_int(str_trim(rest), false, &j->output_tokens);
    return err ? err : j->arrives_us < 0 ? SL_SYNTAX : SL_OK;
}

/* Batches come shuffled, as a client without an order to keep would take them. */
static void shuffle(struct work *w, uint64_t stream)
{
    struct random r = {stream};
    for (size_t i = w->n; i > 1; i--) {
        size_t j = (size_t)random_below(&r, i);
        struct job swap = w->jobs[i - 1];
        w->jobs[i - 1] = w->jobs[j];
        w->jobs[j] = swap;
    }
}

static void limit_trace(const struct cell *c, struct work *w)
{
    int64_t tokens = 0, output = 0, count = (int64_t)w->n;
    for (size_t i = 0; i < w->n; i++)
        output += w->jobs[i].output_tokens;
    for (size_t i = 0; i < w->n; i++) {
        struct job *j = &w->jobs[i];
        j->max_tokens = TRACE_MAX_TOKENS;
        j->char_tokens = j->input_tokens;
        j->service_us = c->service_us * j->output_tokens * count / output;
        tokens += job_tokens(j, c->charge);
    }
    bool batch = c->work == SIM_TRACE;
    w->rpm = batch ? count * 10 / 125 : count * 60 * 10 / (TRACE_SPAN_S * 9);
    w->tpm = batch ? tokens * 10 / 125 : tokens * 60 / TRACE_SPAN_S * 10 / 9;
}

static enum sl_err make_trace(const struct cell *c, struct str csv, struct work *out)
{
    struct str rest = csv;
    size_t room = 1024;
    out->jobs = mem_alloc(room * sizeof *out->jobs);
    str_split(&rest, '\n'); /* the column names */
    while (rest.n) {
        struct str line = str_split(&rest, '\n');
        if (out->n == room)
            out->jobs = mem_grow(out->jobs, (room *= 2) * sizeof *out->jobs);
        enum sl_err err = read_line(line, &out->jobs[out->n++]);
        if (err)
            return err;
    }
    if (out->n == 0)
        return SL_SYNTAX;
    int64_t first_us = out->jobs[0].arrives_us;
    for (size_t i = 0; i < out->n; i++)
        out->jobs[i].arrives_us = c->work == SIM_TRACE ? 0 : out->jobs[i].arrives_us - first_us;
    limit_trace(c, out);
    if (c->work == SIM_TRACE)
        shuffle(out, cell_stream(c, "shuffle"));
    return SL_OK;
}

enum sl_err work_make(const struct cell *c, struct str csv, struct work *out)
{
    *out = (struct work){0};
    return c->work == SIM_SYNTHETIC ? make_synthetic(c, out) : make_trace(c, csv, out);
}

void work_free(struct work *w)
{
    free(w->jobs);
    *w = (struct work){0};
}
