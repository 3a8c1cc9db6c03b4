/* account_options.c: see account_options.h. */
#include "account_options.h"

#include "file.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECOND = 1000000,
    CATALOGUE_BYTES_MAX = 16 << 20,
    /* What the way to the provider's decision may vary by. On one busy machine a process waits
     * tens of milliseconds for its turn; over the open internet 100 ms of a minute cost
     * nothing. */
    JITTER_LEAST_US = 25000,
    JITTER_MOST_US = 100000,
};

struct account_options account_options_defaults(void)
{
    struct upstream_config u = upstream_defaults();
    return (struct account_options){.minute_us = 60 * (int64_t)SECOND,
                                    .use_percent = 100,
                                    .retries = -1,
                                    .seed = 1,
                                    .connect_timeout_us = u.connect_timeout_us,
                                    .first_byte_timeout_us = u.first_byte_timeout_us,
                                    .idle_timeout_us = u.idle_timeout_us};
}

size_t account_options_rows(struct account_options *a, struct option *out)
{
    const struct option list[] = {
        {"Account", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"provider", 0, OPTION_TEXT, "NAME", "openai, anthropic, azure, gemini or groq.",
         &a->provider_name},
        {"tier", 0, OPTION_TEXT, "TIER", "The account's usage tier: limits from the catalogue.",
         &a->tier},
        {"limits", 0, OPTION_LIST, "MODEL:LIMITS",
         "Limits of a model (* for any), as in "
         "gpt-4o:rpm=500,tpm=30000,rpd=10000,concurrency=8.",
         &a->limit_args},
        {"base-url", 0, OPTION_TEXT, "URL",
         "Where the API is; without --provider it is taken to speak as OpenAI's.",
         &a->base_url},
        {"api-key-env", 0, OPTION_LIST, "NAME",
         "The environment variable that holds the key; several keys of one organisation share "
         "its budgets.",
         &a->key_envs},
        {"api-key-file", 0, OPTION_LIST, "FILE", "The file that holds the key.", &a->key_files},
        {"use", 0, OPTION_PERCENT, "PERCENT", "How much of each limit may be used from here.",
         &a->use_percent},
        {"catalogue", 0, OPTION_TEXT, "FILE",
         "Models and limits of your own, laid over the built-in ones.", &a->catalogue_file},
        {"Pacing", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"window", 0, OPTION_TEXT, "KIND",
         "How limits are enforced: bucket, fixed, sliding, slices[:1s], or auto to find out.",
         &a->window},
        {"charge", 0, OPTION_TEXT, "RULE",
         "What counts against token limits: max (of max_tokens and input), sum, or actual.",
         &a->charge},
        {"minute", 0, OPTION_DURATION, "TIME",
         "How long a minute of the limits lasts; shorter for tests.", &a->minute_us},
        {"concurrency", 0, OPTION_COUNT, "N", "Most requests in flight; found by itself if 0.",
         &a->concurrency},
        {"retries", 0, OPTION_COUNT, "N",
         "How often a request is sent again after a passing fault; rate limits do not count.",
         &a->retries},
        {"seed", 0, OPTION_COUNT, "N", "Of the order of requests and of all jitter.", &a->seed},
        {"Connection", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"ca-file", 0, OPTION_TEXT, "FILE", "Certificates to trust instead of the system's.",
         &a->ca_file},
        {"connect-timeout", 0, OPTION_DURATION, "TIME", "Most for a connection.",
         &a->connect_timeout_us},
        {"timeout", 0, OPTION_DURATION, "TIME", "Most until an answer begins.",
         &a->first_byte_timeout_us},
        {"idle-timeout", 0, OPTION_DURATION, "TIME", "Most between two pieces of an answer.",
         &a->idle_timeout_us},
        {"Trying it out", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"emulate", 0, OPTION_TEXT, "PROFILE",
         "Use an emulated provider of our own, as openai/tier-1; needs no account.",
         &a->emulate},
        {"emulate-latency", 0, OPTION_TEXT, "RANGE", "How long it takes to answer: 50ms-400ms.",
         &a->latency},
        {"emulate-output", 0, OPTION_TEXT, "RANGE", "How many tokens it answers with: 50-300.",
         &a->outputs},
        {"emulate-faults", 0, OPTION_TEXT, "MIX", "Faults it makes: 500=1%,503=1%,reset=0.5%.",
         &a->faults},
    };
    size_t n = sizeof list / sizeof *list;
    sl_assert(n <= ACCOUNT_OPTIONS);
    memcpy(out, list, sizeof list);
    return n;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

size_t account_options_rows_but(struct account_options *a, const char *const *names,
                                struct option *out)
{
    struct option rows[ACCOUNT_OPTIONS];
    size_t n = 0, count = account_options_rows(a, rows);
    for (size_t i = 0; i < count; i++) {
        if (!is_among(rows[i].name, names))
            out[n++] = rows[i];
    }
    return n;
}

/* ---- checks -------------------------------------------------------------------------- */

static enum sl_err take_provider(struct account_options *a, struct diag *diag)
{
    struct str name = str_of(a->provider_name);
    if (a->emulate) {
        if (a->provider_name || a->base_url || a->tier)
            return diag_set(diag, SL_RANGE, "--emulate",
                            "stands for --provider, --tier and --base-url: give it alone");
        struct str tier = str_of(a->emulate);
        name = str_split(&tier, '/');
        a->limits.tier = tier;
    } else {
        a->limits.tier = str_of(a->tier);
    }
    a->provider = provider_get(PROVIDER_COMPATIBLE);
    if (name.n)
        a->provider = provider_named(name);
    if (!a->provider)
        return diag_set(diag, SL_UNKNOWN, a->emulate ? "--emulate" : "--provider",
                        "\"%.*s\" is not known; openai, anthropic, azure, gemini and groq are; "
                        "for others give --base-url",
                        STR_ARG(name));
    if (a->emulate || a->offline)
        return SL_OK;
    if (!a->base_url && !name.n)
        return diag_set(diag, SL_MISSING, "",
                        "where to? give --provider NAME --tier TIER, or --base-url URL, or "
                        "--emulate openai/tier-1 to try it out");
    if (!a->base_url && !a->provider->base_url)
        return diag_set(diag, SL_MISSING, "--base-url", "needed for %s", a->provider->name);
    if (!a->base_url)
        a->base_url = a->provider->base_url;
    struct url url;
    enum sl_err err = url_parse(str_of(a->base_url), &url, diag);
    if (err != SL_OK)
        snprintf(diag->where, sizeof diag->where, "--base-url");
    return err;
}

static enum sl_err take_pacing(struct account_options *a, enum order order, struct diag *diag)
{
    struct account_config *c = &a->config;
    int64_t retries = a->retries;
    *c = account_defaults(a->provider);
    c->minute_us = a->minute_us;
    if (a->window && window_parse(str_of(a->window), &c->window, &c->slice_us) != SL_OK)
        return diag_set(diag, SL_UNKNOWN, "--window",
                        "\"%s\" is none of bucket, fixed, sliding, slices[:1s], auto",
                        a->window);
    if (a->charge && charge_parse(str_of(a->charge), &c->charge) != SL_OK)
        return diag_set(diag, SL_UNKNOWN, "--charge", "\"%s\" is none of max, sum, actual",
                        a->charge);
    c->slice_us = (int64_t)((__int128)c->slice_us * a->minute_us / (60 * (int64_t)SECOND));
    c->use_percent = (int)a->use_percent;
    c->concurrency = a->concurrency;
    if (retries >= 0)
        c->retries_max = retries > 1000 ? 1000 : (int)retries;
    c->order = order;
    c->idle = a->emulate != NULL; /* nobody else has used an emulator of our own */
    c->jitter_us = a->minute_us / 600;
    if (c->jitter_us < JITTER_LEAST_US)
        c->jitter_us = JITTER_LEAST_US;
    if (c->jitter_us > JITTER_MOST_US)
        c->jitter_us = JITTER_MOST_US;
    c->seed = (uint64_t)a->seed;
    return SL_OK;
}

static enum sl_err take_catalogue(struct account_options *a, struct diag *diag)
{
    struct buf text = {0};
    enum sl_err err = SL_OK;
    if (a->catalogue_file)
        err = file_read(a->catalogue_file, CATALOGUE_BYTES_MAX, &text, diag);
    if (err == SL_OK) {
        a->catalogue = catalogue_open(buf_str(&text), a->catalogue_file, diag);
        err = a->catalogue ? SL_OK : SL_SYNTAX;
    }
    buf_free(&text);
    return err;
}

static enum sl_err unknown_tier(const struct account_options *a, struct diag *diag)
{
    struct str tiers[32];
    struct buf known = {0};
    const char *where = a->emulate ? "--emulate" : "--tier";
    size_t n = catalogue_tiers(a->catalogue, str_of(a->provider->name), tiers, 32);
    for (size_t i = 0; i < n; i++)
        buf_printf(&known, "%s%.*s", i ? ", " : "", STR_ARG(tiers[i]));
    if (n)
        diag_set(diag, SL_UNKNOWN, where, "\"%.*s\" is no tier of %s; its tiers: %s",
                 STR_ARG(str_cut(a->limits.tier, 40)), a->provider->name, buf_cstr(&known));
    else
        diag_set(diag, SL_UNKNOWN, where,
                 "the catalogue has no tiers of %s; give --limits MODEL:rpm=..,tpm=..",
                 a->provider->name);
    buf_free(&known);
    return SL_UNKNOWN;
}

static void note_any(void *ctx, struct str model, const struct tier_limit *limits, size_t n)
{
    (void)model;
    (void)limits;
    *(bool *)ctx |= n > 0;
}

/* A catalogue of one's own may give a tier limits and say no more of it. */
static bool is_a_tier(const struct account_options *a)
{
    struct str provider = str_of(a->provider->name), tier = a->limits.tier;
    bool any = catalogue_tier(a->catalogue, provider, tier) != NULL;
    if (!any)
        catalogue_each_limit(a->catalogue, provider, tier, note_any, &any);
    return any;
}

static enum sl_err take_limits(struct account_options *a, struct diag *diag)
{
    a->limits.provider = a->provider;
    a->limits.catalogue = a->catalogue;
    a->limits.minute_us = a->minute_us;
    bool open = a->offline && !a->provider_name && !a->emulate; /* settled later */
    if (a->limits.tier.n && !open && !is_a_tier(a))
        return unknown_tier(a, diag);
    return limit_source_add(&a->limits, &a->limit_args, diag);
}

/* A key goes only where it belongs: the provider's own variable is read for the provider's own
 * name, not for any base URL. */
static enum sl_err take_keys(struct account_options *a, struct diag *diag)
{
    enum sl_err err = SL_OK;
    if (a->emulate || a->offline)
        return SL_OK;
    for (size_t i = 0; i < a->key_envs.n && err == SL_OK; i++)
        err = keyring_add_env(&a->keys, a->key_envs.items[i], diag);
    if (err != SL_OK && !diag->where[0])
        snprintf(diag->where, sizeof diag->where, "--api-key-env");
    for (size_t i = 0; i < a->key_files.n && err == SL_OK; i++)
        err = keyring_add_file(&a->keys, a->key_files.items[i], diag);
    if (err != SL_OK && !diag->where[0])
        snprintf(diag->where, sizeof diag->where, "--api-key-file");
    if (err != SL_OK || a->keys.n || !a->provider_name)
        return err;
    const char *name = a->provider->key_env;
    bool own_url = a->provider->base_url && strcmp(a->base_url, a->provider->base_url) == 0;
    return own_url || getenv(name) ? keyring_add_env(&a->keys, name, diag) : SL_OK;
}

static enum gauge_window emulated_window(enum window_kind w)
{
    switch (w) {
    case WINDOW_FIXED:
        return GAUGE_FIXED;
    case WINDOW_SLIDING:
        return GAUGE_SLIDING;
    case WINDOW_SLICES:
        return GAUGE_SLICES;
    case WINDOW_AUTO:
    case WINDOW_BUCKET:
        break;
    }
    return GAUGE_BUCKET;
}

/* The emulator enforces what the run was told: same limits, window, minute. */
static enum sl_err take_emulator(struct account_options *a, struct diag *diag)
{
    if (!a->emulate) {
        if (a->latency || a->outputs || a->faults)
            return diag_set(diag, SL_RANGE, "--emulate-...", "goes with --emulate PROFILE");
        return SL_OK;
    }
    a->emulator = mem_alloc(sizeof *a->emulator);
    struct emulate_config *e = a->emulator;
    *e = emulate_defaults();
    e->listen = "127.0.0.1:0";
    enum sl_err err = emulate_profile(e, a->catalogue, str_of(a->emulate), diag);
    for (size_t i = 0; err == SL_OK && i < a->limit_args.n; i++)
        err = emulate_limits(e, str_of(a->limit_args.items[i]), diag);
    if (err == SL_OK && a->latency)
        err = spread_parse(str_of(a->latency), SPREAD_DURATION, &e->latency_us, diag);
    if (err == SL_OK && a->outputs)
        err = spread_parse(str_of(a->outputs), SPREAD_COUNT, &e->output_tokens, diag);
    if (err == SL_OK && a->faults)
        err = mishap_parse(str_of(a->faults), &e->mishaps, diag);
    e->minute_us = a->minute_us;
    e->seed = (uint64_t)a->seed;
    if (a->window && a->config.window != WINDOW_AUTO)
        e->window = emulated_window(a->config.window);
    if (a->charge)
        e->charge = a->config.charge == CHARGE_SUM      ? GAUGE_SUM
                    : a->config.charge == CHARGE_ACTUAL ? GAUGE_ACTUAL
                                                        : GAUGE_MAX;
    return err;
}

static void name_account(struct account_options *a)
{
    if (a->emulate)
        buf_printf(&a->name, "%s (emulated)", a->emulate);
    else if (!a->provider_name && a->base_url)
        buf_puts(&a->name, a->base_url);
    else if (a->tier)
        buf_printf(&a->name, "%s/%s%s", a->provider->name,
                   a->tier[0] >= '0' && a->tier[0] <= '9' ? "tier-" : "", a->tier);
    else
        buf_puts(&a->name, a->provider->name);
    buf_cstr(&a->name);
}

enum sl_err account_options_make(struct account_options *a, enum order order, struct diag *diag)
{
    if (a->minute_us < 1000) /* a slice of it would last no time at all */
        return diag_set(diag, SL_RANGE, "--minute", "a millisecond at least");
    enum sl_err err = take_provider(a, diag);
    if (err == SL_OK)
        err = take_pacing(a, order, diag);
    if (err == SL_OK)
        err = take_catalogue(a, diag);
    if (err == SL_OK)
        err = take_limits(a, diag);
    if (err == SL_OK)
        err = take_keys(a, diag);
    if (err == SL_OK)
        err = take_emulator(a, diag);
    if (err == SL_OK)
        name_account(a);
    return err;
}

enum sl_err account_options_settle(struct account_options *a, const struct provider *p,
                                   struct diag *diag)
{
    struct str tier = a->limits.tier;
    sl_assert(a->offline);
    a->provider = a->limits.provider = p;
    buf_clear(&a->name);
    name_account(a);
    if (tier.n && !catalogue_tier(a->catalogue, str_of(p->name), tier))
        return diag_set(diag, SL_UNKNOWN, "--tier", "\"%.*s\" is no tier of %s", STR_ARG(tier),
                        p->name);
    return take_pacing(a, a->config.order, diag);
}

void account_options_free(struct account_options *a)
{
    keyring_wipe(&a->keys);
    buf_free(&a->name);
    catalogue_close(&a->catalogue);
    free(a->emulator);
}
