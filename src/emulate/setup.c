/* setup.c: from words to a configuration: profiles of providers, limits as people write them.
 *
 * What each provider does is in facts/providers.md (sections 1 and 4). Where a habit is not
 * known, the profile takes OpenAI's, and refusals drain only where a provider says so. */
#include "emulate.h"

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
        .seed = 1,
        .wallet_after = -1,
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
    struct str provider;
    size_t taken;
};

static void take_limits(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    struct take *t = ctx;
    struct emulate_model *m = model_entry(t->config, model);
    if (!m)
        return;
    m->pool = catalogue_pool(t->catalogue, t->provider, model);
    m->limit_count = 0;
    for (size_t i = 0; i < n && m->limit_count < GAUGE_LIMITS - 1; i++) {
        if (limits[i].dim == DIM_CONCURRENCY || dimension_period_s(limits[i].dim) > 0)
            m->limits[m->limit_count++] = (struct gauge_limit){limits[i].dim, limits[i].limit};
    }
    t->taken += m->limit_count > 0;
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
    if (!tier.p)
        return SL_OK;
    struct take t = {c, catalogue, name, 0};
    catalogue_each_limit(catalogue, name, tier, take_limits, &t);
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
