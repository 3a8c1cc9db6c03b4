/* gauge.c: the limits of one model, checked together: all are debited, or none.
 *
 * Invariant: a refusal changes no level, except that with `refusals_drain` it takes a request
 * from RPM as far as one is there. */
#include "gauge.h"
#include "arena.h"
#include "meter.h"

#include <stdlib.h>

struct gauge {
    bool refusals_drain, soft;
    struct meter meters[GAUGE_LIMITS];
    size_t count;
};

static const int64_t MINUTE_S = 60;

/* A slice of q holds max(1, floor(RPM * q / minute)) requests. */
static int64_t slice_cap(int64_t limit, int64_t slice_us, int64_t minute_us)
{
    int64_t share = (int64_t)((__int128)limit * slice_us / minute_us);
    return limit == 0 ? 0 : share < 1 ? 1 : share;
}

static struct meter meter_for(const struct gauge_config *c, struct gauge_limit l)
{
    struct meter m = {.dim = l.dim,
                      .limit = l.limit,
                      .cap = l.limit,
                      .at_us = INT64_MIN,
                      .kind = METER_BUCKET};
    m.period_us = c->minute_us * (dimension_period_s(l.dim) / MINUTE_S);
    if (m.period_us == 0)
        m.kind = METER_SLOTS;
    else if (m.period_us == c->minute_us && c->window == GAUGE_SLIDING)
        m.kind = METER_LOG;
    else if (m.period_us == c->minute_us && c->window != GAUGE_BUCKET)
        m.kind = METER_COUNTER;
    if (m.kind == METER_COUNTER) {
        m.frame_us = c->minute_us;
        m.phase_us = c->phase_us;
    }
    if (m.kind == METER_COUNTER && c->window == GAUGE_SLICES && l.dim == DIM_RPM) {
        sl_assert(c->slice_us > 0 && c->slice_us <= c->minute_us);
        m.period_us = c->slice_us;
        m.cap = slice_cap(l.limit, c->slice_us, c->minute_us);
    }
    m.level = (__int128)m.cap * m.period_us * c->fill_percent / 100;
    return m;
}

struct gauge *gauge_new(const struct gauge_config *c)
{
    sl_assert(c->limit_count <= GAUGE_LIMITS && c->minute_us > 0);
    struct gauge *g = mem_zero(sizeof *g);
    g->refusals_drain = c->refusals_drain;
    g->soft = c->soft;
    g->count = c->limit_count;
    for (size_t i = 0; i < g->count; i++) {
        sl_assert(c->limits[i].limit >= 0);
        g->meters[i] = meter_for(c, c->limits[i]);
    }
    return g;
}

void gauge_free(struct gauge **g)
{
    for (size_t i = 0; *g && i < (*g)->count; i++)
        meter_free(&(*g)->meters[i]);
    free(*g);
    *g = NULL;
}

void gauge_cost(enum gauge_charge rule, const struct gauge_ask *ask, int64_t charge[DIM_COUNT])
{
    int64_t in = ask->input_tokens, out = rule == GAUGE_ACTUAL ? 1 : ask->max_tokens;
    int64_t tokens = in + out;
    if (rule == GAUGE_INPUT)
        tokens = in;
    else if (rule == GAUGE_MAX)
        tokens = in > out ? in : out;
    for (size_t d = 0; d < DIM_COUNT; d++)
        charge[d] = 0;
    charge[DIM_RPM] = charge[DIM_RPD] = charge[DIM_CONCURRENCY] = 1;
    charge[DIM_TPM] = charge[DIM_TPD] = tokens;
    charge[DIM_ITPM] = in;
    charge[DIM_OTPM] = out;
    charge[DIM_IPM] = ask->images;
}

static struct gauge_figure figure_of(const struct meter *m, int64_t requested)
{
    int64_t used = meter_used(m);
    return (struct gauge_figure){.dim = m->dim,
                                 .limit = m->limit,
                                 .cap = m->cap,
                                 .used = used,
                                 .requested = requested,
                                 .remaining = m->cap - used,
                                 .reset_us = meter_reset_us(m),
                                 .period_us = m->period_us};
}

/* Looks for the limit that refuses, if any, and notes it in the answer. */
static void judge(const struct gauge *g, const int64_t charge[DIM_COUNT],
                  struct gauge_answer *a)
{
    a->admitted = true;
    for (size_t i = 0; i < g->count; i++) {
        const struct meter *m = &g->meters[i];
        int64_t asked = charge[m->dim];
        bool never = asked > m->cap;
        int64_t wait = never ? -1 : meter_wait_us(m, g->soft && asked > 1 ? 1 : asked);
        if (wait == 0)
            continue;
        /* of several: too large, then the longest wait, then what cannot be told */
        if (a->admitted || (never && !a->too_large) || (!a->too_large && wait > a->retry_us)) {
            a->why = figure_of(m, asked);
            a->retry_us = wait;
            a->too_large = never;
        }
        a->admitted = false;
    }
}

static void debit(struct gauge *g, const int64_t charge[DIM_COUNT], bool admitted)
{
    for (size_t i = 0; i < g->count; i++) {
        struct meter *m = &g->meters[i];
        if (admitted) {
            meter_add(m, charge[m->dim]);
        } else if (g->refusals_drain && m->dim == DIM_RPM) {
            if (meter_wait_us(m, 1) == 0)
                meter_add(m, 1);
            else if (m->kind == METER_BUCKET && m->level > 0)
                m->level = 0;
        }
    }
}

struct gauge_answer gauge_arrive(struct gauge *g, int64_t now_us,
                                 const int64_t charge[DIM_COUNT])
{
    struct gauge_answer a = {.figure_count = g->count};
    for (size_t i = 0; i < g->count; i++)
        meter_advance(&g->meters[i], now_us);
    judge(g, charge, &a);
    debit(g, charge, a.admitted);
    for (size_t i = 0; i < g->count; i++)
        a.figures[i] = figure_of(&g->meters[i], charge[g->meters[i].dim]);
    return a;
}

void gauge_produce(struct gauge *g, int64_t now_us, enum dimension dim, int64_t units)
{
    for (size_t i = 0; i < g->count; i++) {
        struct meter *m = &g->meters[i];
        if (m->dim != dim)
            continue;
        meter_advance(m, now_us);
        meter_add(m, units);
    }
}

void gauge_release(struct gauge *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct meter *m = &g->meters[i];
        if (m->kind != METER_SLOTS)
            continue;
        sl_assert(m->used > 0);
        m->used--;
    }
}

struct gauge_answer gauge_look(const struct gauge *g, int64_t now_us)
{
    struct gauge_answer a = {.admitted = true, .figure_count = g->count};
    for (size_t i = 0; i < g->count; i++) {
        struct meter m = g->meters[i]; /* shares the log, of which advancing changes nothing */
        meter_advance(&m, now_us);
        a.figures[i] = figure_of(&m, 0);
    }
    return a;
}
