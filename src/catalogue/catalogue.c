/* catalogue.c: looking things up. See catalogue.h.
 *
 * Lists are short (some hundred rows) and searched from the end, because what was laid over the
 * built-in data stands behind it. */
#include "catalogue_data.h"

#include <stdlib.h>
#include <string.h>

struct catalogue *catalogue_open(struct str override_text, const char *name, struct diag *diag)
{
    struct catalogue *c = mem_zero(sizeof *c);
    struct str models = {catalogue_file_models, catalogue_size_models};
    struct str limits = {catalogue_file_limits, catalogue_size_limits};
    enum sl_err err = catalogue_load(c, models, "models.json", diag);
    if (!err)
        err = catalogue_load(c, limits, "limits.json", diag);
    if (!err && override_text.n)
        err = catalogue_load(c, override_text, name, diag);
    if (err)
        catalogue_close(&c);
    return c;
}

void catalogue_close(struct catalogue **c)
{
    if (!*c)
        return;
    arena_free(&(*c)->arena);
    free((*c)->models);
    free((*c)->names);
    free((*c)->tiers);
    free((*c)->limits);
    free((*c)->pools);
    free((*c)->batches);
    free((*c)->routes);
    free((*c)->polls);
    free(*c);
    *c = NULL;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

/* "gpt-4o-2024-11-20" and "claude-opus-4-7-20260401" without their dates; else unchanged. */
static struct str without_date(struct str name)
{
    enum { DASHED = sizeof "-2024-11-20" - 1, PLAIN = sizeof "-20241120" - 1 };
    if (name.n > DASHED) {
        struct str tail = str_from(name, name.n - DASHED);
        if (tail.p[0] == '-' && tail.p[5] == '-' && tail.p[8] == '-' &&
            all_digits((struct str){tail.p + 1, 4}) &&
            all_digits((struct str){tail.p + 6, 2}) && all_digits((struct str){tail.p + 9, 2}))
            return str_cut(name, name.n - DASHED);
    }
    if (name.n > PLAIN) {
        struct str tail = str_from(name, name.n - PLAIN);
        if (tail.p[0] == '-' && all_digits(str_from(tail, 1)))
            return str_cut(name, name.n - PLAIN);
    }
    return name;
}

static const struct model *by_name(const struct catalogue *c, struct str name)
{
    for (size_t i = c->name_count; i-- > 0;) {
        if (str_eq(c->names[i].name, name))
            return &c->models[c->names[i].model];
    }
    return NULL;
}

/* What a model is called behind "models/" (Gemini) and "ft:NAME:org::id" (OpenAI). */
static struct str bare_name(struct str name)
{
    if (str_starts(name, STR("models/")))
        name = str_from(name, sizeof "models/" - 1);
    if (str_starts(name, STR("ft:"))) {
        name = str_from(name, sizeof "ft:" - 1);
        name = str_split(&name, ':');
    }
    return name;
}

const struct model *catalogue_model(const struct catalogue *c, struct str name)
{
    name = bare_name(name);
    const struct model *m = by_name(c, name);
    return m ? m : by_name(c, without_date(name));
}

struct str catalogue_tier_name(struct str tier)
{
    struct str word = STR("tier");
    if (tier.n > word.n + 1 && str_eq_nocase(str_cut(tier, word.n), word) &&
        strchr("- _", tier.p[word.n]))
        return str_from(tier, word.n + 1);
    return tier;
}

/* The name under which limits are filed: models without an own entry can have limits. */
static struct str filed_name(const struct catalogue *c, struct str model)
{
    const struct model *m = catalogue_model(c, model);
    return m ? m->name : without_date(bare_name(model));
}

static const struct limit_row *find_row(const struct catalogue *c, struct str provider,
                                        struct str tier, struct str model)
{
    for (size_t i = c->limit_count; i-- > 0;) {
        const struct limit_row *r = &c->limits[i];
        if (r->input_tokens_above == 0 && str_eq(r->model, model) &&
            str_eq_nocase(r->tier, tier) && str_eq(r->provider, provider))
            return r;
    }
    return NULL;
}

static size_t live_limits(const struct limit_row *r, struct tier_limit out[DIM_COUNT])
{
    size_t n = 0;
    for (int d = 0; d < DIM_COUNT; d++) {
        if (d != DIM_BATCH_ENQUEUED && r->limit[d] >= 0)
            out[n++] = (struct tier_limit){(enum dimension)d, r->limit[d]};
    }
    return n;
}

static void complain(const struct catalogue *c, struct str provider, struct str tier,
                     struct str model, struct diag *diag)
{
    struct buf known = {0};
    bool tier_known = false;
    for (size_t i = 0; i < c->tier_count; i++) {
        if (!str_eq(c->tiers[i].provider, provider))
            continue;
        buf_puts(&known, known.n ? ", " : "");
        buf_add(&known, c->tiers[i].tier.name);
        tier_known |= str_eq_nocase(c->tiers[i].tier.name, tier);
    }
    if (tier_known)
        (void)diag_set(diag, SL_UNKNOWN, "model",
                       "no published limits of %.*s on %.*s tier %.*s are known",
                       STR_ARG(model), STR_ARG(provider), STR_ARG(tier));
    else if (known.n)
        (void)diag_set(diag, SL_UNKNOWN, "tier", "%.*s has no tier \"%.*s\"; known: %s",
                       STR_ARG(provider), STR_ARG(tier), buf_cstr(&known));
    else
        (void)diag_set(
            diag, SL_UNKNOWN, "tier",
            "no tiers of %.*s are known: limits belong to the account or the deployment",
            STR_ARG(provider));
    buf_free(&known);
}

size_t catalogue_limits(const struct catalogue *c, struct str provider, struct str tier,
                        struct str model, struct tier_limit out[DIM_COUNT], struct diag *diag)
{
    tier = catalogue_tier_name(tier);
    const struct limit_row *r = find_row(c, provider, tier, filed_name(c, model));
    size_t n = r ? live_limits(r, out) : 0;
    if (n == 0 && diag)
        complain(c, provider, tier, model, diag);
    return n;
}

void catalogue_each_limit(const struct catalogue *c, struct str provider, struct str tier,
                          void (*each)(void *ctx, struct str model,
                                       const struct tier_limit *limits, size_t n),
                          void *ctx)
{
    tier = catalogue_tier_name(tier);
    for (size_t i = 0; i < c->limit_count; i++) {
        const struct limit_row *r = &c->limits[i];
        if (find_row(c, provider, tier, r->model) != r)
            continue; /* another tier, or overridden */
        struct tier_limit limits[DIM_COUNT];
        size_t n = live_limits(r, limits);
        if (n)
            each(ctx, r->model, limits, n);
    }
}

int64_t catalogue_batch_enqueued(const struct catalogue *c, struct str provider,
                                 struct str tier, struct str model)
{
    const struct limit_row *r =
        find_row(c, provider, catalogue_tier_name(tier), filed_name(c, model));
    return r ? r->limit[DIM_BATCH_ENQUEUED] : -1;
}

struct str catalogue_limits_date(const struct catalogue *c, struct str provider,
                                 struct str tier, struct str model)
{
    const struct limit_row *r =
        find_row(c, provider, catalogue_tier_name(tier), filed_name(c, model));
    return r ? r->date : (struct str){0};
}

int64_t catalogue_batch_queue(const struct catalogue *c, struct str provider, struct str tier)
{
    tier = catalogue_tier_name(tier);
    for (size_t i = c->batch_count; i-- > 0;) {
        const struct batch_row *b = &c->batches[i];
        if (str_eq(b->provider, provider) && str_eq_nocase(b->tier, tier))
            return b->queued_requests;
    }
    return -1;
}

/* Dates of this form sort as text. */
static bool is_past(struct str date, struct str today)
{
    size_t n = date.n < today.n ? date.n : today.n;
    return n && memcmp(date.p, today.p, n) <= 0;
}

const struct model *catalogue_next_down(const struct catalogue *c, const struct model *m,
                                        struct str today)
{
    const struct model *next = m;
    size_t steps = 0; /* a user's file may lead in a circle */
    do {
        bool more = next->next_down.n && steps++ < c->model_count;
        next = more ? catalogue_model(c, next->next_down) : NULL;
    } while (next && is_past(next->shutdown, today));
    return next == m ? NULL : next;
}

const struct batch_rules *catalogue_batch_rules(const struct catalogue *c, struct str provider)
{
    for (size_t i = c->batch_count; i-- > 0;) {
        const struct batch_row *b = &c->batches[i];
        if (b->tier.n == 0 && str_eq(b->provider, provider))
            return &b->rules;
    }
    return NULL;
}

/* Whether a later row says the same class anew. */
static bool is_replaced(const struct catalogue *c, size_t row)
{
    const struct route_row *r = &c->routes[row];
    for (size_t i = row + 1; i < c->route_count; i++) {
        const struct route_row *later = &c->routes[i];
        if (str_eq(later->provider, r->provider) && str_eq_nocase(later->tier, r->tier) &&
            str_eq(later->class.name, r->class.name))
            return true;
    }
    return false;
}

void catalogue_each_route(const struct catalogue *c, struct str provider, struct str tier,
                          void (*each)(void *ctx, const struct route_class *route), void *ctx)
{
    tier = catalogue_tier_name(tier);
    for (size_t i = 0; i < c->route_count; i++) {
        const struct route_row *r = &c->routes[i];
        bool holds =
            str_eq(r->provider, provider) && (r->tier.n == 0 || str_eq_nocase(r->tier, tier));
        if (holds && !is_replaced(c, i))
            each(ctx, &r->class);
    }
}

void catalogue_each_poll(const struct catalogue *c, struct str provider,
                         void (*each)(void *ctx, const struct poll_class *poll), void *ctx)
{
    for (size_t i = 0; i < c->poll_count; i++) {
        if (str_eq(c->polls[i].provider, provider))
            each(ctx, &c->polls[i].class);
    }
}

void catalogue_each_name(const struct catalogue *c, struct str name,
                         void (*each)(void *ctx, struct str name), void *ctx)
{
    const struct model *m = catalogue_model(c, name);
    for (size_t i = 0; m && i < c->name_count; i++) {
        if (&c->models[c->names[i].model] == m)
            each(ctx, c->names[i].name);
    }
}

struct str catalogue_pool(const struct catalogue *c, struct str provider, struct str model)
{
    const struct model *known = catalogue_model(c, model);
    struct str name = filed_name(c, model);
    for (size_t i = c->pool_count; i-- > 0;) {
        const struct pool_row *p = &c->pools[i];
        if (str_eq(p->model, name) && str_eq(p->provider, provider))
            return p->pool;
    }
    return known ? known->name : model;
}
