/* settings.c: see settings.h. */
#include "settings.h"

#include "file.h"
#include "help.h"
#include "money.h"
#include "scenario.h"

#include <string.h>

static const struct verb face = {
    .name = "run",
    .summary = "take a batch file through an account's limits",
    .usage = "sluice run REQUESTS -o RESULTS --provider NAME --tier TIER\n"
             "sluice run REQUESTS -o RESULTS --base-url URL --limits MODEL:LIMITS\n"
             "sluice run REQUESTS -o RESULTS --emulate PROFILE",
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
        "All lines are checked before the first request is sent.\n\n"
        "With --mode batch all goes through the provider's Batch API, usually for half the "
        "price; with --mode auto each model goes the way that keeps a deadline for the least "
        "money, or ends soonest within a budget. Which and why is told before the start.",
    .examples =
        "$ sluice run requests.jsonl -o results.jsonl --provider openai --tier 1\n"
        "$ sluice run requests.jsonl -o results.jsonl --emulate openai/tier-1\n"
        "$ sluice run --prompts prompts.txt --model gpt-4o -o out.jsonl --provider openai\n"
        "$ sluice run requests.jsonl -o results.jsonl --provider openai --tier 1 \\\n"
        "      --mode auto --deadline 6h\n",
    .exits = "0 all done\n"
             "1 some rows failed\n"
             "2 usage or invalid input; nothing was sent\n"
             "3 the account cannot continue: wallet, key\n"
             "4 disk or network cannot continue\n"
             "130 interrupted\n",
};

enum { OPTIONS_MAX = 64 };

static size_t batch_rows(struct settings *s, struct option *out)
{
    const struct option list[] = {
        {"Batch API", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"mode", 0, OPTION_TEXT, "MODE",
         "live: as requests; batch: through the provider's Batch API; auto: whichever keeps "
         "--deadline or --budget.",
         &s->mode_text},
        {"deadline", 0, OPTION_DURATION, "TIME",
         "When all is to be done: as batches where there is time for it, live where there is "
         "not. With --mode auto.",
         &s->deadline_us},
        {"budget", 0, OPTION_TEXT, "USD",
         "What all may cost, as in 20usd: live as far as it pays for it, the rest as batches. "
         "With --mode auto.",
         &s->budget_text},
        {"output-tokens", 0, OPTION_TEXT, "RANGE",
         "How long answers are taken to be by --mode auto, as in 140 or 50-300; without a word "
         "as long as requests allow.",
         &s->outputs_text},
        {"service-time", 0, OPTION_TEXT, "RANGE",
         "How long --mode auto takes each answer to take to come: 2s, 1s-10s (without a word).",
         &s->service_text},
        {"batch-rest", 0, OPTION_TEXT, "WHERE",
         "What becomes of rows that a batch gives back (failed in passing, expired, "
         "cancelled): "
         "live asks them as requests, error writes them to the error file.",
         &s->rest_text},
        {"batch-queue", 0, OPTION_LIST, "MODEL=N",
         "How many input tokens of a model may wait in OpenAI's batches at once, where the "
         "tier "
         "does not tell; *=N: how many requests in Anthropic's.",
         &s->batch_queues},
        {"poll", 0, OPTION_DURATION, "TIME",
         "How often a batch is looked at when it takes long; young ones are looked at more "
         "often.",
         &s->poll_us},
        {"cancel", 0, OPTION_FLAG, NULL,
         "End the batches of this output that are under way, and fetch what they did.",
         &s->cancel},
    };
    memcpy(out, list, sizeof list);
    return sizeof list / sizeof *list;
}

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
        {"patience", 0, OPTION_DURATION, "TIME",
         "How long an outage may last before it ends the run.", &s->patience_us},
        {"ui", 0, OPTION_MAYBE, "ADDRESS:PORT",
         "Show the run on a page while it goes on (127.0.0.1 and any port by default); the "
         "address, with its token, is printed once.",
         &s->ui},
        {"quiet", 'q', OPTION_FLAG, NULL, "No progress and no table.", &s->quiet},
        {"color", 0, OPTION_FLAG, NULL, "Colours even where they would not be used.",
         &s->color},
        {"state", 0, OPTION_TEXT, "DIR",
         "Where limits that were learned from refusals are remembered.", &s->state},
        {"Over a limit", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"over-limit", 0, OPTION_LIST, "[MODEL=]WHAT",
         "What becomes of a request that its model's limits make wait: wait; downgrade, to a "
         "--fallback; or fail, as in gpt-4o=fail,after=1h. MODEL may be gpt-4* or *.",
         &s->over_limits},
        {"fallback", 0, OPTION_LIST, "MODEL=OTHER",
         "Another model, as in gpt-4o=gpt-4o-mini,on=wait,after=10m, for what would wait "
         "longer "
         "than that; or on=length, for what is too long for its own.",
         &s->fallbacks},
        {"config", 0, OPTION_TEXT, "FILE",
         "Take both from the routes of a configuration, which may be a gateway's.",
         &s->config_file},
    };
    size_t n = sizeof list / sizeof *list;
    memcpy(out, list, sizeof list);
    n += batch_rows(s, out + n);
    sl_assert(n + ACCOUNT_OPTIONS <= OPTIONS_MAX);
    return n + account_options_rows(&s->account, out + n);
}

int settings_help(void)
{
    struct settings none = {0};
    struct option options[OPTIONS_MAX];
    size_t n = table(&none, options);
    return help_print(&face, options, n);
}

/* ---- checks -------------------------------------------------------------------------- */

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

/* "gpt-4o=90000": the last "=" counts. */
static bool split_queue(const char *text, struct str *model, int64_t *n)
{
    const char *equals = strrchr(text, '=');
    if (!equals)
        return false;
    *model = (struct str){text, (size_t)(equals - text)};
    return model->n && str_int(str_of(equals + 1), true, n) == SL_OK && *n > 0;
}

int64_t settings_batch_queue(const struct settings *s, struct str model)
{
    struct str name;
    int64_t n, any = -1;
    for (size_t i = s->batch_queues.n; i-- > 0;) {
        if (!split_queue(s->batch_queues.items[i], &name, &n))
            continue;
        if (str_eq(name, model))
            return n;
        if (any < 0 && str_eq(name, STR("*")))
            any = n;
    }
    return any;
}

static enum sl_err take_mode(struct settings *s, struct diag *diag)
{
    static const char *const names[] = {
        [MODE_LIVE] = "live", [MODE_BATCH] = "batch", [MODE_AUTO] = "auto"};
    s->mode = MODE_LIVE;
    while (s->mode_text && s->mode <= MODE_AUTO &&
           !str_eq(str_of(s->mode_text), str_of(names[s->mode])))
        s->mode++;
    if (s->mode > MODE_AUTO)
        return diag_set(diag, SL_UNKNOWN, "--mode", "\"%s\" is none of live, batch, auto",
                        s->mode_text);
    const char *stray = s->deadline_us >= 0 ? "--deadline"
                        : s->budget_text    ? "--budget"
                        : s->outputs_text   ? "--output-tokens"
                        : s->service_text   ? "--service-time"
                                            : NULL;
    if (s->mode != MODE_AUTO && stray && !s->cancel)
        return diag_set(diag, SL_RANGE, stray, "goes with --mode auto");
    if (s->mode == MODE_AUTO && s->deadline_us < 0 && !s->budget_text)
        return diag_set(diag, SL_MISSING, "--mode",
                        "auto chooses for a --deadline (6h) or a --budget (20usd): name one");
    return SL_OK;
}

/* What --mode auto is to keep, and what it takes for that. */
static enum sl_err take_wishes(struct settings *s, struct diag *diag)
{
    const int64_t micro_max = INT64_MAX / 1000000;
    int64_t micro = 0;
    struct spread told;
    s->budget_pusd = -1;
    if (s->budget_text) {
        if (money_parse(str_of(s->budget_text), &micro) != SL_OK || micro > micro_max)
            return diag_set(diag, SL_SYNTAX, "--budget",
                            "\"%s\" is not of the form 20usd or 12.50", s->budget_text);
        s->budget_pusd = micro * 1000000;
    }
    if (s->deadline_us >= 0 && s->rest == REST_ERROR)
        return diag_set(diag, SL_RANGE, "--batch-rest",
                        "error leaves rows unanswered, which no --deadline could want");
    if (s->outputs_text) {
        if (spread_parse(str_of(s->outputs_text), SPREAD_COUNT, &told, diag) != SL_OK)
            return diag_set(diag, SL_SYNTAX, "--output-tokens",
                            "\"%s\": write 140, 50-300 or lognormal:50-300", s->outputs_text);
        outputs_add_spread(&s->outputs, &told);
        outputs_settle(&s->outputs);
    }
    s->service_us = scenario_of(&s->account).service_us;
    if (s->service_text &&
        spread_parse(str_of(s->service_text), SPREAD_DURATION, &s->service_us, diag) != SL_OK)
        return diag_set(diag, SL_SYNTAX, "--service-time",
                        "\"%s\": write 2s, 500ms-3s or lognormal:1s-10s", s->service_text);
    return SL_OK;
}

static enum sl_err take_batch(struct settings *s, struct diag *diag)
{
    struct str rest = str_of(s->rest_text), name;
    int64_t n;
    s->rest = str_eq(rest, STR("error")) ? REST_ERROR : REST_LIVE;
    if (rest.n && s->rest == REST_LIVE && !str_eq(rest, STR("live")))
        return diag_set(diag, SL_UNKNOWN, "--batch-rest", "\"%s\" is none of live, error",
                        s->rest_text);
    if (s->poll_us < 1000)
        return diag_set(diag, SL_RANGE, "--poll", "a millisecond at least");
    for (size_t i = 0; i < s->batch_queues.n; i++) {
        if (!split_queue(s->batch_queues.items[i], &name, &n))
            return diag_set(diag, SL_SYNTAX, "--batch-queue",
                            "\"%s\" is not of the form gpt-4o=90000", s->batch_queues.items[i]);
    }
    return SL_OK;
}

static enum sl_err take_detours(struct settings *s, struct diag *diag)
{
    enum { CONFIG_BYTES_MAX = 4 << 20 };
    enum sl_err err = detour_rules_add(&s->detours, &s->over_limits, &s->fallbacks, diag);
    if (err != SL_OK || !s->config_file)
        return err;
    struct buf text = {0};
    struct complaints complaints = {.file = s->config_file};
    err = file_read(s->config_file, CONFIG_BYTES_MAX, &text, diag);
    if (err == SL_OK) {
        err = detour_rules_parse(&s->detours, buf_str(&text), &complaints);
        struct str rest = buf_str(&complaints.text), first = str_split(&rest, '\n');
        if (err != SL_OK)
            diag_set(diag, err, "--config", "%.*s", STR_ARG(first));
    }
    buf_free(&text);
    buf_free(&complaints.text);
    return err;
}

enum sl_err settings_read(struct settings *s, int argc, char **argv, bool *help,
                          struct diag *diag)
{
    struct option options[OPTIONS_MAX];
    int files = 0;
    *s = (struct settings){.account = account_options_defaults(),
                           .patience_us = 3600 * INT64_C(1000000),
                           .poll_us = 60 * INT64_C(1000000),
                           .deadline_us = -1};
    size_t n = table(s, options);
    enum sl_err err = options_parse(options, n, argc, argv, &files, help, diag);
    if (err != SL_OK || *help)
        return err;
    err = take_files(s, files, argv, diag);
    if (err == SL_OK)
        err = take_mode(s, diag);
    if (err == SL_OK)
        err = take_batch(s, diag);
    if (err == SL_OK)
        err = take_detours(s, diag);
    if (err == SL_OK)
        err = account_options_make(&s->account, ORDER_BALANCE, diag);
    if (err == SL_OK)
        err = take_wishes(s, diag);
    s->form =
        (struct line_form){s->prompts != NULL, s->model, s->max_tokens, s->account.provider};
    return err;
}

void settings_free(struct settings *s)
{
    account_options_free(&s->account);
    outputs_free(&s->outputs);
    detour_rules_free(&s->detours);
}
