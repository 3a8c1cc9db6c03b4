/* setup.c: from words to a configuration: profiles of providers, limits as people write them.
 *
 * What each provider does is in facts/providers.md (sections 1 and 4). Where a habit is not
 * known, the profile takes OpenAI's, and refusals drain only where a provider says so. */
#include "emulate.h"
#include "pattern.h"

#include <stdio.h>
#include <string.h>

enum { S = 1000000 };

static const struct profile {
    const char *name;
    enum emulate_dialect dialect;
    enum emulate_headers headers;
    enum gauge_window window;
    enum gauge_charge charge;
    bool refusals_drain;
} profiles[] = {
    {"openai", EMULATE_OPENAI, EMULATE_HEADERS_OPENAI, GAUGE_BUCKET, GAUGE_MAX, true},
    {"anthropic", EMULATE_ANTHROPIC, EMULATE_HEADERS_ANTHROPIC, GAUGE_BUCKET, GAUGE_ACTUAL,
     false},
    {"azure", EMULATE_AZURE, EMULATE_HEADERS_AZURE, GAUGE_SLICES, GAUGE_SUM, false},
    {"groq", EMULATE_GROQ, EMULATE_HEADERS_GROQ, GAUGE_BUCKET, GAUGE_MAX, false},
    {"gemini", EMULATE_GEMINI, EMULATE_HEADERS_NONE, GAUGE_FIXED, GAUGE_INPUT, false},
};
enum { PROFILES = sizeof profiles / sizeof *profiles };

struct emulate_config emulate_defaults(void)
{
    return (struct emulate_config){
        .listen = "127.0.0.1:4291",
        .dialect = EMULATE_OPENAI,
        .headers = EMULATE_HEADERS_OPENAI,
        .window = GAUGE_BUCKET,
        .charge = GAUGE_MAX,
        .refusals_drain = true,
        .slice_us = S,
        .minute_us = 60 * (int64_t)S,
        .phase_us = -1,
        .fill_percent = 100,
        .latency_us = {.low = 50000, .high = 400000},
        .output_tokens = {.low = 50, .high = 300},
        .batch_latency_us = {.low = 2 * S, .high = 6 * S},
        .batch_cancel_us = {.low = S / 2, .high = S},
        .run_latency_us = {.low = S / 5, .high = S},
        .batch_window_us = 86400 * (int64_t)S,
        .seed = 1,
        .wallet_after = -1,
        .epoch_us = 1767225600 * (int64_t)S, /* 2026-01-01; the process sets its own */
    };
}

/* The entry of that name, new if there is none; NULL when the table is full. */
static struct emulate_model *model_entry(struct emulate_config *c, struct str name)
{
    for (size_t i = 0; i < c->model_count; i++) {
        if (str_eq(c->models[i].name, name))
            return &c->models[i];
    }
    if (c->model_count == EMULATE_MODELS)
        return NULL;
    c->models[c->model_count] = (struct emulate_model){.name = name};
    return &c->models[c->model_count++];
}

struct take {
    struct emulate_config *config;
    const struct catalogue *catalogue;
    struct str provider, tier;
    struct str model; /* whose names are taken */
    size_t taken;
};

static void take_alias(void *ctx, struct str name)
{
    const struct take *t = ctx;
    struct emulate_config *c = t->config;
    if (!str_eq(name, t->model) && c->alias_count < EMULATE_ALIASES)
        c->aliases[c->alias_count++] = (struct emulate_alias){name, t->model};
}

/* The queue of that name, new if there is none; NULL when the table is full. */
static struct emulate_queue *queue_entry(struct emulate_config *c, struct str model)
{
    for (size_t i = 0; i < c->queue_count; i++) {
        if (str_eq(c->queues[i].model, model))
            return &c->queues[i];
    }
    if (c->queue_count == EMULATE_MODELS)
        return NULL;
    c->queues[c->queue_count] = (struct emulate_queue){.model = model};
    return &c->queues[c->queue_count++];
}

static void take_limits(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    struct take *t = ctx;
    struct emulate_model *m = model_entry(t->config, model);
    if (!m)
        return;
    m->pool = catalogue_pool(t->catalogue, t->provider, model);
    t->model = model;
    int64_t queue = catalogue_batch_enqueued(t->catalogue, t->provider, t->tier, model);
    struct emulate_queue *q = queue > 0 ? queue_entry(t->config, model) : NULL;
    if (q)
        q->tokens = queue;
    catalogue_each_name(t->catalogue, model, take_alias, t);
    m->limit_count = 0;
    for (size_t i = 0; i < n && m->limit_count < GAUGE_LIMITS - 1; i++) {
        if (limits[i].dim == DIM_CONCURRENCY || dimension_period_s(limits[i].dim) > 0)
            m->limits[m->limit_count++] = (struct gauge_limit){limits[i].dim, limits[i].limit};
    }
    t->taken += m->limit_count > 0;
}

static void take_route(void *ctx, const struct route_class *class)
{
    struct take *t = ctx;
    struct emulate_config *c = t->config;
    if (c->route_count == EMULATE_ROUTES || class->limit < 0)
        return;
    struct emulate_route *r = &c->routes[c->route_count++];
    *r = (struct emulate_route){
        .name = class->name, .limit = class->limit, .period_s = class->period_s};
    for (size_t i = 0; i < class->pattern_count && i < EMULATE_PATTERNS; i++)
        r->patterns[r->pattern_count++] = class->patterns[i];
}

/* The catalogue, which knows no HTTP, takes any text for a pattern. */
static enum sl_err check_routes(const struct emulate_config *c, struct diag *diag)
{
    struct diag why = {{0}, {0}};
    for (size_t i = 0; i < c->route_count; i++) {
        for (size_t k = 0; k < c->routes[i].pattern_count; k++) {
            enum sl_err err = pattern_check(c->routes[i].patterns[k], &why);
            if (err)
                return diag_set(diag, err, "--catalogue", "routes, class %.*s: %s",
                                STR_ARG(c->routes[i].name), why.what);
        }
    }
    return SL_OK;
}

static enum sl_err unknown_tier(const struct catalogue *catalogue, struct str provider,
                                struct str tier, struct diag *diag)
{
    struct str tiers[16];
    size_t n = catalogue_tiers(catalogue, provider, tiers, sizeof tiers / sizeof *tiers);
    struct buf known = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&known, "%s%.*s", i ? ", " : "", STR_ARG(tiers[i]));
    diag_set(diag, SL_UNKNOWN, "--profile",
             n ? "no limits of %.*s are known for tier \"%.*s\"; tiers: %s"
               : "%.*s has no tier \"%.*s\"; give its limits with --limits%s",
             STR_ARG(provider), STR_ARG(tier), n ? buf_cstr(&known) : "");
    buf_free(&known);
    return SL_UNKNOWN;
}

enum sl_err emulate_profile(struct emulate_config *c, const struct catalogue *catalogue,
                            struct str profile, struct diag *diag)
{
    struct str tier = profile, name = str_split(&tier, '/');
    const struct profile *p = NULL;
    for (size_t i = 0; i < PROFILES; i++) {
        if (str_eq(name, str_of(profiles[i].name)))
            p = &profiles[i];
    }
    if (!p)
        return diag_set(diag, SL_UNKNOWN, "--profile",
                        "\"%.*s\" is not known; openai, anthropic, azure, groq and gemini are, "
                        "with a tier as in openai/tier-1",
                        STR_ARG(name));
    c->dialect = p->dialect;
    c->headers = p->headers;
    c->window = p->window;
    c->charge = p->charge;
    c->refusals_drain = p->refusals_drain;
    c->alias_count = c->route_count = c->queue_count = 0;
    struct take t = {.config = c, .catalogue = catalogue, .provider = name, .tier = tier};
    if (catalogue)
        catalogue_each_route(catalogue, name, tier, take_route, &t);
    enum sl_err err = check_routes(c, diag);
    if (err || !tier.p)
        return err;
    catalogue_each_limit(catalogue, name, tier, take_limits, &t);
    int64_t requests = catalogue_batch_queue(catalogue, name, tier);
    c->batch_requests = requests > 0 ? requests : 0;
    return t.taken ? SL_OK : unknown_tier(catalogue, name, tier, diag);
}

enum sl_err emulate_limits(struct emulate_config *c, struct str text, struct diag *diag)
{
    struct str list = text, name = str_split(&list, ':');
    if (!list.n || !name.n)
        return diag_set(diag, SL_SYNTAX, "--limits",
                        "\"%.*s\": write MODEL:rpm=500,tpm=30000 (MODEL may be *)",
                        STR_ARG(text));
    struct emulate_model *m = model_entry(c, name);
    if (!m)
        return diag_set(diag, SL_TOO_LARGE, "--limits", "more than %d models", EMULATE_MODELS);
    m->pool = (struct str){0};
    m->limit_count = 0;
    while (list.p) {
        struct str value = str_split(&list, ','), key = str_trim(str_split(&value, '='));
        enum dimension dim = dimension_of(key);
        int64_t limit;
        if (dim == DIM_UNKNOWN || dim == DIM_BATCH_ENQUEUED || dim == DIM_SPEND)
            return diag_set(diag, SL_UNKNOWN, "--limits",
                            "\"%.*s\" is no limit; known: rpm, tpm, itpm, otpm, ipm, rpd, tpd, "
                            "concurrency",
                            STR_ARG(key));
        if (str_int(str_trim(value), false, &limit) != SL_OK || limit < 0)
            return diag_set(diag, SL_RANGE, "--limits", "%.*s: \"%.*s\" is not a whole number",
                            STR_ARG(key), STR_ARG(value));
        if (m->limit_count == GAUGE_LIMITS - 1) /* one is left for --concurrency */
            return diag_set(diag, SL_TOO_LARGE, "--limits", "more than %d limits of one model",
                            GAUGE_LIMITS - 1);
        m->limits[m->limit_count++] = (struct gauge_limit){dim, limit};
    }
    return SL_OK;
}

enum sl_err emulate_add_queue(struct emulate_config *c, struct str text, struct diag *diag)
{
    struct str count = text, model = str_trim(str_split(&count, '='));
    int64_t tokens;
    if (!model.n || str_int(str_trim(count), true, &tokens) != SL_OK || tokens < 1)
        return diag_set(diag, SL_SYNTAX, "--batch-queue",
                        "\"%.*s\": write MODEL=TOKENS, as in gpt-4o=90000 (MODEL may be *)",
                        STR_ARG(text));
    struct emulate_queue *q = queue_entry(c, model);
    if (!q)
        return diag_set(diag, SL_TOO_LARGE, "--batch-queue", "more than %d models",
                        EMULATE_MODELS);
    q->tokens = tokens;
    return SL_OK;
}

/* "300" or "300/m" per minute, "2000/h" per hour. */
static enum sl_err read_pace(struct str text, struct emulate_route *r)
{
    struct str unit = text, count = str_split(&unit, '/');
    r->period_s = 60;
    if (unit.p && str_eq(unit, STR("h")))
        r->period_s = 3600;
    else if (unit.p && !str_eq(unit, STR("m")))
        return SL_SYNTAX;
    enum sl_err err = str_int(str_trim(count), true, &r->limit);
    return !err && r->limit < 0 ? SL_RANGE : err;
}

enum sl_err emulate_add_route(struct emulate_config *c, struct str text, bool hidden,
                              struct diag *diag)
{
    const char *option = hidden ? "--hidden" : "--route";
    struct emulate_route r = {.pattern_count = 1, .hidden = hidden};
    struct diag why = {{0}, {0}};
    size_t equals = text.n;
    while (equals && text.p[equals - 1] != '=')
        equals--;
    if (!equals)
        return diag_set(diag, SL_SYNTAX, option,
                        "\"%.*s\": write METHOD /PATH=300, as in POST /v1/things/*=300",
                        STR_ARG(text));
    r.patterns[0] = r.name = str_trim(str_cut(text, equals - 1));
    enum sl_err err = pattern_check(r.name, &why);
    if (err)
        return diag_set(diag, err, option, "%s", why.what);
    err = read_pace(str_from(text, equals), &r);
    if (err)
        return diag_set(diag, err, option,
                        "\"%.*s\": write a limit as %.*s=300, or =2000/h for an hour",
                        STR_ARG(text), STR_ARG(r.name));
    if (c->route_count == EMULATE_ROUTES)
        return diag_set(diag, SL_TOO_LARGE, option, "more than %d classes", EMULATE_ROUTES);
    c->routes[c->route_count++] = r;
    return SL_OK;
}
