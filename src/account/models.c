/* models.c: see models.h. */
#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "30000", "30k", "2M". */
static enum sl_err parse_units(struct str s, int64_t *out)
{
    int64_t factor = 1;
    if (str_ends(s, STR("k")) || str_ends(s, STR("K")))
        factor = 1000;
    else if (str_ends(s, STR("m")) || str_ends(s, STR("M")))
        factor = 1000000;
    if (factor > 1)
        s.n--;
    int64_t v;
    if (str_int(s, false, &v) != SL_OK || v < 0 || v > INT64_MAX / 4000000000)
        return SL_SYNTAX;
    *out = v * factor;
    return SL_OK;
}

static int64_t period_us(enum dimension dim, int64_t minute_us)
{
    return dimension_period_s(dim) / 60 * minute_us;
}

static enum sl_err parse_limit(struct str part, int64_t minute_us, struct limit_spec *out)
{
    struct str name = str_trim(str_split(&part, '='));
    enum dimension dim = dimension_of(name);
    if (dim == DIM_UNKNOWN || dim == DIM_BATCH_ENQUEUED || dim == DIM_SPEND)
        return SL_UNKNOWN;
    *out = (struct limit_spec){.dim = dim, .period_us = period_us(dim, minute_us)};
    return parse_units(str_trim(part), &out->limit);
}

static enum sl_err parse_entry(struct str text, int64_t minute_us, struct limit_entry *out)
{
    ptrdiff_t equals = str_find(text, STR("="), 0);
    if (!text.p || equals < 0)
        return SL_MISSING;
    ptrdiff_t colon = equals; /* the last one before "=": names hold colons ("ft:gpt-4o:us") */
    while (colon >= 0 && text.p[colon] != ':')
        colon--;
    *out = (struct limit_entry){.model = STR("*")};
    if (colon >= 0)
        out->model = str_cut(text, (size_t)colon);
    struct str rest = str_from(text, (size_t)(colon + 1));
    while (rest.p) {
        if (out->n == BOUND_BUDGETS)
            return SL_TOO_LARGE;
        enum sl_err err = parse_limit(str_split(&rest, ','), minute_us, &out->limits[out->n]);
        if (err != SL_OK)
            return err;
        out->n++;
    }
    return SL_OK;
}

enum sl_err limit_source_add(struct limit_source *s, const struct option_list *args,
                             struct diag *diag)
{
    for (size_t i = 0; i < args->n; i++) {
        sl_assert(s->n < sizeof s->entries / sizeof *s->entries);
        enum sl_err err = parse_entry(str_of(args->items[i]), s->minute_us, &s->entries[s->n]);
        if (err != SL_OK)
            return diag_set(diag, err, "--limits",
                            "\"%s\" is not of the form MODEL:rpm=500,tpm=30000; known are rpm, "
                            "tpm, itpm, otpm, ipm, rpd, tpd and concurrency",
                            args->items[i]);
        s->n++;
    }
    return SL_OK;
}

void models_free(struct models *m)
{
    free(m->list);
    free(m->pools);
    arena_free(&m->names);
    *m = (struct models){0};
}

bool limit_source_names(const struct limit_source *s, struct str name, bool any)
{
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(s->entries[i].model, name) || (any && str_eq(s->entries[i].model, STR("*"))))
            return true;
    }
    return false;
}

static const struct limit_entry *entry_for(const struct limit_source *s, struct str model)
{
    const struct limit_entry *any = NULL;
    for (size_t i = 0; i < s->n; i++) {
        if (str_eq(s->entries[i].model, model))
            return &s->entries[i];
        if (str_eq(s->entries[i].model, STR("*")))
            any = &s->entries[i];
    }
    return any;
}

static enum sl_err limits_of_tier(const struct limit_source *s, struct str model,
                                  struct batch_pool *p, struct diag *diag)
{
    struct tier_limit found[DIM_COUNT];
    size_t n =
        catalogue_limits(s->catalogue, str_of(s->provider->name), s->tier, model, found, diag);
    for (size_t i = 0; i < n; i++) {
        p->limits[p->limit_count++] =
            (struct limit_spec){.dim = found[i].dim,
                                .limit = found[i].limit,
                                .period_us = period_us(found[i].dim, s->minute_us)};
    }
    if (n)
        return SL_OK;
    size_t said = strlen(diag->what);
    snprintf(diag->what + said, sizeof diag->what - said,
             "; or give them: --limits %.*s:rpm=..,tpm=..", STR_ARG(str_cut(model, 80)));
    return SL_UNKNOWN;
}

static void take_entry(const struct limit_entry *entry, struct batch_pool *p)
{
    for (; p->limit_count < entry->n; p->limit_count++)
        p->limits[p->limit_count] = entry->limits[p->limit_count];
}

static enum sl_err find_limits(const struct limit_source *s, struct str model,
                               struct batch_pool *p, struct diag *diag)
{
    const struct limit_entry *entry = entry_for(s, model);
    if (!entry)
        return s->tier.n ? limits_of_tier(s, model, p, diag) : SL_OK;
    take_entry(entry, p);
    return SL_OK;
}

static size_t pool_named(const struct models *m, struct str name)
{
    size_t i = 0;
    while (i < m->pool_count && !str_eq(m->pools[i].name, name))
        i++;
    return i;
}

static void add_pool(struct models *m, const struct batch_pool *p)
{
    if (m->pool_count == m->pool_cap) {
        m->pool_cap = m->pool_cap ? m->pool_cap * 2 : 8;
        m->pools = mem_grow(m->pools, m->pool_cap * sizeof *m->pools);
    }
    m->pools[m->pool_count++] = *p;
}

size_t models_class(struct models *m, const struct limit_source *source,
                    const struct route_class *class)
{
    enum { MINUTE_S = 60 };
    size_t index = 0;
    while (index < m->pool_count && !str_eq(m->pools[index].class, class->name))
        index++;
    if (index < m->pool_count)
        return index;
    struct batch_pool p = {.name = arena_printf(&m->names, "(%.*s)", STR_ARG(class->name)),
                           .class = arena_copy(&m->names, class->name)};
    int64_t period_us = source->minute_us * (class->period_s / MINUTE_S);
    if (limit_source_names(source, p.name, false))
        take_entry(entry_for(source, p.name), &p);
    else if (class->limit >= 0)
        p.limits[p.limit_count++] = (struct limit_spec){DIM_RPM, class->limit, period_us};
    add_pool(m, &p);
    return index;
}

static enum sl_err pool_index(struct models *m, const struct limit_source *s, struct str model,
                              size_t *index, struct diag *diag)
{
    struct str name = model;
    if (!entry_for(s, model)) /* limits told by hand are the model's own */
        name = catalogue_pool(s->catalogue, str_of(s->provider->name), model);
    *index = pool_named(m, name);
    if (*index < m->pool_count)
        return SL_OK;
    struct batch_pool p = {.name = arena_copy(&m->names, name)};
    enum sl_err err = find_limits(s, model, &p, diag);
    if (err != SL_OK)
        return err;
    add_pool(m, &p);
    return SL_OK;
}

enum sl_err models_index(struct models *m, const struct limit_source *source, struct str name,
                         size_t *index, struct diag *diag)
{
    for (*index = 0; *index < m->n; ++*index) {
        if (str_eq(m->list[*index].name, name))
            return SL_OK;
    }
    if (m->n == MODELS_MAX)
        return diag_set(diag, SL_TOO_LARGE, "model", "more than %d models in one file",
                        MODELS_MAX);
    struct batch_model model = {.known = catalogue_model(source->catalogue, name)};
    enum sl_err err = pool_index(m, source, name, &model.pool, diag);
    if (err != SL_OK)
        return err;
    model.name = arena_copy(&m->names, name);
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->list = mem_grow(m->list, m->cap * sizeof *m->list);
    }
    m->list[m->n++] = model;
    return SL_OK;
}

const struct batch_pool *models_pool(const struct models *m, const struct pool *pool)
{
    for (size_t i = 0; i < m->pool_count; i++) {
        if (m->pools[i].pool == pool)
            return &m->pools[i];
    }
    return NULL;
}

enum sl_err pool_fits(const struct batch_pool *p, const struct demand *d, enum charge_rule rule,
                      int use_percent, struct diag *diag)
{
    struct demand sure = *d;
    if (rule == CHARGE_ACTUAL)
        sure.max_output_tokens = 0; /* charged as produced: how much is not known beforehand */
    for (size_t i = 0; i < p->limit_count; i++) {
        const struct limit_spec *limit = &p->limits[i];
        int64_t charge = demand_charge(&sure, rule, limit->dim);
        int64_t ours = limit->limit * use_percent / 100;
        if (charge <= ours || limit->dim == DIM_CONCURRENCY)
            continue;
        struct buf b = {0};
        buf_puts(&b, "is charged ");
        buf_thousands(&b, charge);
        buf_printf(&b, ", more than the whole limit of ");
        buf_thousands(&b, ours);
        buf_printf(&b, " %s of %.*s: no wait can help", dimension_unit(limit->dim),
                   STR_ARG(str_cut(p->name, 80)));
        if (d->max_output_tokens >= charge)
            buf_puts(&b, "; lower max_tokens");
        enum sl_err err = diag_set(diag, SL_TOO_LARGE, "", "%s", buf_cstr(&b));
        buf_free(&b);
        return err;
    }
    return SL_OK;
}
