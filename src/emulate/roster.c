/* roster.c: see roster.h. Lists are short and searched from the front. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "-2024-11-20" or "-20250929". */
static bool is_date(struct str s)
{
    size_t digits = 0;
    if (!str_starts(s, STR("-20")))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = s.p[i] == '-' && (i == 0 || i == 5 || i == 8);
        digits += is_digit(s.p[i]);
        if (!is_digit(s.p[i]) && !dash)
            return false;
    }
    return digits == 8;
}

static bool is_snapshot(struct str model, struct str name)
{
    return str_starts(model, name) && is_date(str_from(model, name.n));
}

static bool is_younger(struct str a, struct str b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) > 0;
}

static const struct emulate_model *entry_named(const struct emulate_config *c, struct str name)
{
    for (size_t i = 0; i < c->model_count; i++) {
        if (str_eq(c->models[i].name, name))
            return &c->models[i];
    }
    return NULL;
}

static const struct emulate_model *entry_by_alias(const struct emulate_config *c,
                                                  struct str name)
{
    for (size_t i = 0; i < c->alias_count; i++) {
        if (str_eq(c->aliases[i].alias, name))
            return entry_named(c, c->aliases[i].model);
    }
    return NULL;
}

static const struct emulate_model *entry_by_date(const struct emulate_config *c,
                                                 struct str name)
{
    const struct emulate_model *found = NULL;
    for (size_t i = 0; i < c->model_count; i++) {
        const struct emulate_model *m = &c->models[i];
        if (is_snapshot(name, m->name))
            return m;
        /* of several dates the last one is meant */
        if (is_snapshot(m->name, name) && (!found || is_younger(m->name, found->name)))
            found = m;
    }
    return found;
}

static const struct emulate_model *entry_of(const struct emulate_config *c, struct str name)
{
    const struct emulate_model *m = entry_named(c, name);
    if (!m)
        m = entry_by_alias(c, name);
    if (!m)
        m = entry_by_date(c, name);
    return m ? m : entry_named(c, STR("*"));
}

static struct gauge_config gauge_config_of(const struct emulate_config *c,
                                           const struct emulate_model *m)
{
    struct gauge_config g = {.window = c->window,
                             .minute_us = c->minute_us,
                             .phase_us = c->phase_us,
                             .refusals_drain = c->refusals_drain,
                             .soft = c->soft,
                             .fill_percent = c->fill_percent};
    /* a slice shrinks as the minute does */
    g.slice_us = (int64_t)((__int128)c->slice_us * c->minute_us / 60000000);
    g.slice_us = g.slice_us < 1 ? 1 : g.slice_us > g.minute_us ? g.minute_us : g.slice_us;
    for (size_t i = 0; m && i < m->limit_count; i++)
        g.limits[g.limit_count++] = m->limits[i];
    if (c->concurrency)
        g.limits[g.limit_count++] = (struct gauge_limit){DIM_CONCURRENCY, c->concurrency};
    return g;
}

static void pool_open(const struct emulate_config *c, struct roster_pool *p)
{
    p->gauge = gauge_new(&p->config);
    p->ramp = ramp_new(c->ramp_tpm, c->minute_us);
    p->book = logbook_new();
}

void roster_reset(struct roster *r)
{
    for (size_t i = 0; i < r->pool_count; i++) {
        struct roster_pool *p = r->pools[i];
        gauge_free(&p->gauge);
        pool_open(r->config, p);
        p->batch_most = 0;
        p->generation++;
    }
}

void roster_free(struct roster *r)
{
    for (size_t i = 0; i < r->pool_count; i++) {
        gauge_free(&r->pools[i]->gauge);
        free(r->pools[i]);
    }
    arena_free(&r->names);
}

/* By the model as it was asked for, by its entry's name, or for all others. */
static int64_t batch_limit_of(const struct emulate_config *c, struct str model,
                              const struct emulate_model *m)
{
    int64_t others = 0;
    for (size_t i = 0; i < c->queue_count; i++) {
        struct str name = c->queues[i].model;
        if (str_eq(name, model) || (m && str_eq(name, m->name)))
            return c->queues[i].tokens;
        if (str_eq(name, STR("*")))
            others = c->queues[i].tokens;
    }
    return others;
}

struct roster_pool *roster_find(struct roster *r, struct str model)
{
    const struct emulate_model *m = entry_of(r->config, model);
    if (!m && r->config->model_count)
        return NULL;
    struct str name = model;
    if (m && !str_eq(m->name, STR("*")))
        name = m->pool.n ? m->pool : m->name;
    for (size_t i = 0; i < r->pool_count; i++) {
        if (str_eq(r->pools[i]->name, name))
            return r->pools[i];
    }
    if (r->pool_count == ROSTER_POOLS)
        return r->pools[ROSTER_POOLS - 1];
    struct roster_pool *p = mem_zero(sizeof *p);
    p->name = arena_copy(&r->names, name);
    p->config = gauge_config_of(r->config, m);
    p->batch_limit = batch_limit_of(r->config, model, m);
    pool_open(r->config, p);
    r->pools[r->pool_count++] = p;
    return p;
}
