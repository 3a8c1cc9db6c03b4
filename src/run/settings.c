/* settings.c: see settings.h. The key is read from the environment or a file, never from the
 * command line, where everyone on the machine could read it; it is wiped when it is no longer
 * needed and stands in no message. */
#include "settings.h"

#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000, KEY_BYTES_MAX = 4096, CATALOGUE_BYTES_MAX = 16 << 20 };

static const struct verb face = {
    .name = "run",
    .summary = "take a batch file through an account's limits",
    .usage = "sluice run REQUESTS.jsonl -o RESULTS.jsonl --provider NAME --tier TIER\n"
             "sluice run REQUESTS.jsonl -o RESULTS.jsonl --base-url URL --limits "
             "MODEL:rpm=..,tpm=..\n"
             "sluice run REQUESTS.jsonl -o RESULTS.jsonl --emulate PROFILE",
    .about =
        "Sends every request of the file as early as the account's rate limits allow, and none "
        "earlier: no refusals, no waiting that is not needed. The file holds OpenAI Batch "
        "lines, "
        "Anthropic batch lines (custom_id, params), or with --prompts a prompt a line. - is "
        "standard input.\n\n"
        "Answers are appended to the output as they come, in OpenAI Batch output form; "
        "failures go "
        "to RESULTS.errors.jsonl. The output is also the journal: run the same command again, "
        "after "
        "whatever stopped it, and it continues. Rows that failed for passing reasons are asked "
        "again.\n\n"
        "All lines are checked before the first request is sent.",
    .examples = "$ sluice run requests.jsonl -o results.jsonl --provider openai --tier 1\n"
                "$ sluice run requests.jsonl -o results.jsonl --emulate openai/tier-1\n"
                "$ sluice run --prompts prompts.txt --model gpt-4o -o results.jsonl --provider "
                "openai\n",
    .exits = "0 all done\n"
             "1 some rows failed\n"
             "2 usage or invalid input; nothing was sent\n"
             "3 the account cannot continue: wallet, key\n"
             "4 disk or network cannot continue\n"
             "130 interrupted\n",
};

enum { OPTIONS_MAX = 40 };

static size_t table(struct settings *s, struct option *out)
{
    const struct option list[] = {
        {"output", 'o', OPTION_TEXT, "FILE",
         "Where answers are appended; - is standard output.", &s->output},
        {"errors", 0, OPTION_TEXT, "FILE",
         "Where failures are appended; by default beside the output as NAME.errors.jsonl.",
         &s->errors},
        {"report", 0, OPTION_TEXT, "FILE", "Write the figures of the end as JSON.", &s->report},
        {"prompts", 0, OPTION_TEXT, "FILE", "A plain text file with a prompt a line.",
         &s->prompts},
        {"model", 0, OPTION_TEXT, "NAME", "The model that --prompts go to.", &s->model},
        {"max-tokens", 0, OPTION_COUNT, "N", "The longest answer to each of --prompts.",
         &s->max_tokens},
        {"skip-invalid", 0, OPTION_FLAG, NULL,
         "Put invalid lines into the error file and run the rest.", &s->skip_invalid},
        {"Account", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"provider", 0, OPTION_TEXT, "NAME", "openai, anthropic, azure, gemini or groq.",
         &s->provider_name},
        {"tier", 0, OPTION_TEXT, "TIER", "The account's usage tier: limits from the catalogue.",
         &s->tier},
        {"limits", 0, OPTION_LIST, "MODEL:LIMITS",
         "Limits of a model (* for any), as in "
         "gpt-4o:rpm=500,tpm=30000,rpd=10000,concurrency=8.",
         &s->limit_args},
        {"base-url", 0, OPTION_TEXT, "URL",
         "Where the API is; without --provider it is taken to speak as OpenAI's.",
         &s->base_url},
        {"api-key-env", 0, OPTION_TEXT, "NAME", "The environment variable that holds the key.",
         &s->key_env},
        {"api-key-file", 0, OPTION_TEXT, "FILE", "The file that holds the key.", &s->key_file},
        {"use", 0, OPTION_PERCENT, "PERCENT", "How much of each limit is for this run.",
         &s->use_percent},
        {"catalogue", 0, OPTION_TEXT, "FILE",
         "Models and limits of your own, laid over the built-in ones.", &s->catalogue_file},
        {"Pacing", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"window", 0, OPTION_TEXT, "KIND",
         "How limits are enforced: bucket, fixed, sliding, slices[:1s], or auto to find out.",
         &s->window},
        {"charge", 0, OPTION_TEXT, "RULE",
         "What counts against token limits: max (of max_tokens and input), sum, or actual.",
         &s->charge},
        {"minute", 0, OPTION_DURATION, "TIME",
         "How long a minute of the limits lasts; shorter for tests.", &s->minute_us},
        {"concurrency", 0, OPTION_COUNT, "N", "Most requests in flight; found by itself if 0.",
         &s->concurrency},
        {"retries", 0, OPTION_COUNT, "N",
         "How often a request is sent again after a passing fault; rate limits do not count.",
         &s->retries},
        {"patience", 0, OPTION_DURATION, "TIME",
         "How long an outage may last before it ends the run.", &s->patience_us},
        {"seed", 0, OPTION_COUNT, "N", "Of the order of requests and of all jitter.", &s->seed},
        {"Connection", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"ca-file", 0, OPTION_TEXT, "FILE", "Certificates to trust instead of the system's.",
         &s->ca_file},
        {"connect-timeout", 0, OPTION_DURATION, "TIME", "Most for a connection.",
         &s->connect_timeout_us},
        {"timeout", 0, OPTION_DURATION, "TIME", "Most until an answer begins.",
         &s->first_byte_timeout_us},
        {"idle-timeout", 0, OPTION_DURATION, "TIME", "Most between two pieces of an answer.",
         &s->idle_timeout_us},
        {"Trying it out", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"emulate", 0, OPTION_TEXT, "PROFILE",
         "Run against an emulated provider of our own, as openai/tier-1; needs no account.",
         &s->emulate},
        {"emulate-latency", 0, OPTION_TEXT, "RANGE", "How long it takes to answer: 50ms-400ms.",
         &s->latency},
        {"emulate-output", 0, OPTION_TEXT, "RANGE", "How many tokens it answers with: 50-300.",
         &s->outputs},
        {"emulate-faults", 0, OPTION_TEXT, "MIX", "Faults it makes: 500=1%,503=1%,reset=0.5%.",
         &s->faults},
        {"Display", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"quiet", 'q', OPTION_FLAG, NULL, "No progress and no table.", &s->quiet},
        {"color", 0, OPTION_FLAG, NULL, "Colours even where they would not be used.",
         &s->color},
    };
    size_t n = sizeof list / sizeof *list;
    sl_assert(n <= OPTIONS_MAX);
    memcpy(out, list, sizeof list);
    return n;
}

void settings_help(struct buf *out)
{
    struct settings none = {0};
    struct option options[OPTIONS_MAX];
    size_t n = table(&none, options);
    options_help(out, &face, options, n);
}

/* ---- checks --------------------------------------------------------------------------------
 */

static enum sl_err take_files(struct settings *s, int files, char **argv, struct diag *diag)
{
    if (files > 1)
        return diag_set(diag, SL_RANGE, argv[1],
                        "one file at a time; or pipe them: cat ... | sluice run -");
    if (files == 1)
        s->input = argv[0];
    if (s->prompts && s->input)
        return diag_set(diag, SL_RANGE, "--prompts", "takes the place of the request file %s",
                        s->input);
    if (s->prompts && !s->model)
        return diag_set(diag, SL_MISSING, "--model", "needed with --prompts");
    if (s->model && !s->prompts)
        return diag_set(diag, SL_RANGE, "--model",
                        "goes with --prompts; batch lines name theirs");
    if (s->prompts)
        s->input = s->prompts;
    if (!s->input)
        return diag_set(
            diag, SL_MISSING, "",
            "which file? sluice run REQUESTS.jsonl -o RESULTS.jsonl; --help tells the rest");
    if (!s->output)
        return diag_set(diag, SL_MISSING, "-o", "needed: where answers are appended");
    return SL_OK;
}

static enum sl_err take_provider(struct settings *s, struct diag *diag)
{
    struct str name = str_of(s->provider_name);
    if (s->emulate) {
        if (s->provider_name || s->base_url || s->tier)
            return diag_set(diag, SL_RANGE, "--emulate",
                            "stands for --provider, --tier and --base-url: give it alone");
        struct str tier = str_of(s->emulate);
        name = str_split(&tier, '/');
        s->limits.tier = tier;
    } else {
        s->limits.tier = str_of(s->tier);
    }
    s->provider = provider_get(PROVIDER_COMPATIBLE);
    if (name.n)
        s->provider = provider_named(name);
    if (!s->provider)
        return diag_set(diag, SL_UNKNOWN, s->emulate ? "--emulate" : "--provider",
                        "\"%.*s\" is not known; openai, anthropic, azure, gemini and groq are; "
                        "for others give --base-url",
                        STR_ARG(name));
    if (s->emulate)
        return SL_OK;
    if (!s->base_url && !name.n)
        return diag_set(diag, SL_MISSING, "",
                        "where to? give --provider NAME --tier TIER, or --base-url URL, or "
                        "--emulate openai/tier-1 to try it out");
    if (!s->base_url && !s->provider->base_url)
        return diag_set(diag, SL_MISSING, "--base-url", "needed for %s", s->provider->name);
    if (!s->base_url)
        s->base_url = s->provider->base_url;
    return SL_OK;
}

static enum sl_err take_account(struct settings *s, struct diag *diag)
{
    struct account_config *a = &s->account;
    int64_t retries = s->retries;
    *a = account_defaults(s->provider);
    a->minute_us = s->minute_us;
    if (s->window && window_parse(str_of(s->window), &a->window, &a->slice_us) != SL_OK)
        return diag_set(diag, SL_UNKNOWN, "--window",
                        "\"%s\" is none of bucket, fixed, sliding, slices[:1s], auto",
                        s->window);
    if (s->charge && charge_parse(str_of(s->charge), &a->charge) != SL_OK)
        return diag_set(diag, SL_UNKNOWN, "--charge", "\"%s\" is none of max, sum, actual",
                        s->charge);
    a->slice_us = a->slice_us * s->minute_us / (60 * (int64_t)SECOND);
    a->use_percent = (int)s->use_percent;
    a->concurrency = s->concurrency;
    if (retries >= 0)
        a->retries_max = retries > 1000 ? 1000 : (int)retries;
    a->order = ORDER_BALANCE;
    a->seed = (uint64_t)s->seed;
    return SL_OK;
}

static enum sl_err take_catalogue(struct settings *s, struct diag *diag)
{
    struct buf text = {0};
    enum sl_err err = SL_OK;
    if (s->catalogue_file)
        err = file_read(s->catalogue_file, CATALOGUE_BYTES_MAX, &text, diag);
    if (err == SL_OK) {
        s->catalogue = catalogue_open(buf_str(&text), s->catalogue_file, diag);
        err = s->catalogue ? SL_OK : SL_SYNTAX;
    }
    buf_free(&text);
    return err;
}

static enum sl_err take_limits(struct settings *s, struct diag *diag)
{
    s->limits.provider = s->provider;
    s->limits.catalogue = s->catalogue;
    s->limits.minute_us = s->minute_us;
    struct str tiers[32];
    size_t n = catalogue_tiers(s->catalogue, str_of(s->provider->name), tiers, 32);
    if (s->limits.tier.n && !n)
        return diag_set(diag, SL_UNKNOWN, "--tier",
                        "the catalogue has no tiers of %s; give --limits MODEL:rpm=..,tpm=..",
                        s->provider->name);
    return limit_source_add(&s->limits, &s->limit_args, diag);
}

/* A key goes only where it belongs: the provider's own variable is read for the provider's own
 * name, not for any base URL. */
static enum sl_err take_key(struct settings *s, struct diag *diag)
{
    const char *name = s->key_env;
    if (s->emulate)
        return SL_OK;
    if (s->key_file) {
        enum sl_err err = file_read(s->key_file, KEY_BYTES_MAX, &s->key, diag);
        struct str text = str_trim(buf_str(&s->key));
        if (err == SL_OK && !text.n)
            err = diag_set(diag, SL_MISSING, s->key_file, "holds no key");
        if (err == SL_OK) {
            memmove(s->key.p, text.p, text.n);
            s->key.n = text.n;
        }
        return err;
    }
    if (!name && s->provider_name)
        name = s->provider->key_env;
    const char *value = name ? getenv(name) : NULL;
    struct str key = str_trim(str_of(value));
    buf_add(&s->key, key);
    bool own_url = s->provider->base_url && strcmp(s->base_url, s->provider->base_url) == 0;
    if (!key.n && (s->key_env || own_url))
        return diag_set(diag, SL_MISSING, name,
                        "not set; it has to hold the API key (or give --api-key-file)");
    return SL_OK;
}

static enum sl_err key_is_text(const struct settings *s, struct diag *diag)
{
    for (size_t i = 0; i < s->key.n; i++) {
        if ((unsigned char)s->key.p[i] <= ' ' || (unsigned char)s->key.p[i] >= 127)
            return diag_set(diag, SL_SYNTAX, "API key",
                            "holds bytes that no key has; is it one line?");
    }
    return SL_OK;
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
static enum sl_err take_emulator(struct settings *s, struct diag *diag)
{
    if (!s->emulate) {
        if (s->latency || s->outputs || s->faults)
            return diag_set(diag, SL_RANGE, "--emulate-...", "goes with --emulate PROFILE");
        return SL_OK;
    }
    s->emulator = mem_alloc(sizeof *s->emulator);
    struct emulate_config *e = s->emulator;
    *e = emulate_defaults();
    e->listen = "127.0.0.1:0";
    enum sl_err err = emulate_profile(e, s->catalogue, str_of(s->emulate), diag);
    for (size_t i = 0; err == SL_OK && i < s->limit_args.n; i++)
        err = emulate_limits(e, str_of(s->limit_args.items[i]), diag);
    if (err == SL_OK && s->latency)
        err = spread_parse(str_of(s->latency), SPREAD_DURATION, &e->latency_us, diag);
    if (err == SL_OK && s->outputs)
        err = spread_parse(str_of(s->outputs), SPREAD_COUNT, &e->output_tokens, diag);
    if (err == SL_OK && s->faults)
        err = mishap_parse(str_of(s->faults), &e->mishaps, diag);
    e->minute_us = s->minute_us;
    e->seed = (uint64_t)s->seed;
    if (s->window && s->account.window != WINDOW_AUTO)
        e->window = emulated_window(s->account.window);
    if (s->charge)
        e->charge = s->account.charge == CHARGE_SUM      ? GAUGE_SUM
                    : s->account.charge == CHARGE_ACTUAL ? GAUGE_ACTUAL
                                                         : GAUGE_MAX;
    return err;
}

static void name_account(struct settings *s)
{
    if (s->emulate)
        buf_printf(&s->account_name, "%s (emulated)", s->emulate);
    else if (!s->provider_name)
        buf_puts(&s->account_name, s->base_url);
    else if (s->tier)
        buf_printf(&s->account_name, "%s/%s%s", s->provider->name,
                   s->tier[0] >= '0' && s->tier[0] <= '9' ? "tier-" : "", s->tier);
    else
        buf_puts(&s->account_name, s->provider->name);
    buf_cstr(&s->account_name);
}

static void defaults(struct settings *s)
{
    struct upstream_config u = upstream_defaults();
    *s = (struct settings){.minute_us = 60 * (int64_t)SECOND,
                           .use_percent = 100,
                           .retries = -1,
                           .seed = 1,
                           .connect_timeout_us = u.connect_timeout_us,
                           .first_byte_timeout_us = u.first_byte_timeout_us,
                           .idle_timeout_us = u.idle_timeout_us,
                           .patience_us = 3600 * (int64_t)SECOND};
}

enum sl_err settings_read(struct settings *s, int argc, char **argv, bool *help,
                          struct diag *diag)
{
    struct option options[OPTIONS_MAX];
    int files = 0;
    defaults(s);
    size_t n = table(s, options);
    enum sl_err err = options_parse(options, n, argc, argv, &files, help, diag);
    if (err != SL_OK || *help)
        return err;
    if (s->minute_us <= 0)
        return diag_set(diag, SL_RANGE, "--minute", "must be longer than nothing");
    err = take_files(s, files, argv, diag);
    if (err == SL_OK)
        err = take_provider(s, diag);
    if (err == SL_OK)
        err = take_account(s, diag);
    if (err == SL_OK)
        err = take_catalogue(s, diag);
    if (err == SL_OK)
        err = take_limits(s, diag);
    if (err == SL_OK)
        err = take_key(s, diag);
    if (err == SL_OK)
        err = key_is_text(s, diag);
    if (err == SL_OK)
        err = take_emulator(s, diag);
    if (err == SL_OK)
        name_account(s);
    s->form = (struct line_form){s->prompts != NULL, s->model, s->max_tokens, s->provider};
    return err;
}

void settings_free(struct settings *s)
{
    if (s->key.p)
        explicit_bzero(s->key.p, s->key.cap);
    buf_free(&s->key);
    buf_free(&s->account_name);
    catalogue_close(&s->catalogue);
    free(s->emulator);
}
