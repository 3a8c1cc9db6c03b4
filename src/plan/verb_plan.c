/* verb_plan.c: the verb `sluice plan`: reads a batch file as `run` would, sends nothing, and
 * tells what running it would take. */
#include "verb_plan.h"

#include "answered.h"
#include "checking.h"
#include "duration.h"
#include "exits.h"
#include "help.h"
#include "plan_report.h"
#include "replace.h"
#include "term.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct verb face = {
    .name = "plan",
    .summary = "what a batch file will take, on every tier, before it is run",
    .usage = "sluice plan REQUESTS [--tier TIER] [--from RESULTS]\n"
             "sluice plan REQUESTS --limits MODEL:LIMITS --window KIND\n"
             "sluice plan REQUESTS --emulate PROFILE",
    .about =
        "Tells, without sending anything: tokens, cost, how long it takes and which limit "
        "binds, on every tier of the provider, live and through its Batch API, with the models "
        "that the file names and with the next ones down; and what max_tokens costs in "
        "throughput, and which value would be enough.\n\n"
        "The times are those of the real pacing engine, which runs the file in virtual time "
        "against the emulated provider's limiter: the same options give the same order, and "
        "what `sluice run` will take. Prices, limits and tiers come from the catalogue, with "
        "their dates; what it does not know is said to be not known. The file's forms are "
        "those "
        "of `sluice run`; - is standard input.\n\n"
        "How long answers will be is not known beforehand. Without a word about it costs are a "
        "range, from a token each to max_tokens in full.",
    .examples = "$ sluice plan requests.jsonl\n"
                "$ sluice plan requests.jsonl --tier 1 --from results.jsonl --plot plan.svg\n"
                "$ sluice plan requests.jsonl --output-tokens 50-300 --json\n",
    .exits = "0 all of the file was planned\n"
             "1 some lines are invalid; the rest was planned\n"
             "2 usage, or nothing that could be planned\n"
             "4 a file cannot be read or written\n",
};

enum { OPTIONS_MAX = 48 };

struct request {
    struct account_options account;
    const char *file, *prompts, *model, *instead, *outputs, *from, *service, *plot;
    int64_t max_tokens;
    bool json;
    struct input input;
    struct guess guess;
    struct spread service_us;
};

static size_t table(struct request *r, struct option *out)
{
    const struct option own[] = {
        {"output-tokens", 0, OPTION_TEXT, "RANGE",
         "How many tokens answers will have: 140, 50-300, or lognormal:50-300.", &r->outputs},
        {"from", 0, OPTION_TEXT, "FILE",
         "Answers will be as long as those of an earlier run, of which this is the output.",
         &r->from},
        {"service-time", 0, OPTION_TEXT, "RANGE",
         "How long each answer will take to come: 2s, 1s-10s (as taken without a word).",
         &r->service},
        {"max-tokens", 0, OPTION_COUNT, "N", "As if no request asked for more than that.",
         &r->max_tokens},
        {"model", 'm', OPTION_TEXT, "NAME", "As if every request were for this model.",
         &r->model},
        {"instead", 0, OPTION_TEXT, "NAME",
         "The model to compare with, in place of the next one down; none for no comparison.",
         &r->instead},
        {"prompts", 0, OPTION_TEXT, "FILE",
         "A plain text file with a prompt a line; goes with --model.", &r->prompts},
        {"json", 'j', OPTION_FLAG, NULL, "Print JSON.", &r->json},
        {"plot", 0, OPTION_TEXT, "FILE", "Draw it as an SVG file too.", &r->plot},
    };
    static const char *const senders[] = {
        "api-key-env",     "api-key-file", "retries",      "Connection",     "ca-file",
        "connect-timeout", "timeout",      "idle-timeout", "emulate-faults", NULL};
    size_t n = sizeof own / sizeof *own;
    sl_assert(n + ACCOUNT_OPTIONS <= OPTIONS_MAX);
    memcpy(out, own, sizeof own);
    return n + account_options_rows_but(&r->account, senders, out + n);
}

static int complain(const char *place, const struct diag *diag, int code)
{
    const char *colon = *place && diag->where[0] ? ":" : "";
    fprintf(stderr, "sluice plan: %s%s%s%s%s\n", place, colon, diag->where,
            *place || diag->where[0] ? ": " : "", diag->what);
    return code;
}

/* ---- what is asked ------------------------------------------------------------------- */

static enum sl_err take_files(struct request *r, int files, char **argv, struct diag *diag)
{
    if (files > 1)
        return diag_set(diag, SL_RANGE, argv[1], "one file at a time");
    if (files + (r->prompts != NULL) != 1)
        return diag_set(diag, SL_MISSING, "",
                        "which file? sluice plan REQUESTS.jsonl, or "
                        "--prompts FILE; --help tells the rest");
    if (r->prompts && !r->model)
        return diag_set(diag, SL_MISSING, "--model", "needed with --prompts");
    r->file = r->prompts ? r->prompts : argv[0];
    return SL_OK;
}

static void guess_ends(struct guess *g, int low_percent)
{
    outputs_settle(&g->likely);
    outputs_add(&g->low, outputs_covering(&g->likely, low_percent));
    outputs_add(&g->high, outputs_covering(&g->likely, 100 - low_percent));
    outputs_settle(&g->low);
    outputs_settle(&g->high);
}

static void guess_spread(struct guess *g, const struct spread *s)
{
    outputs_add_spread(&g->likely, s);
    guess_ends(g, s->lognormal ? 1 : 0);
}

static enum sl_err guess_told(struct request *r, struct diag *diag)
{
    struct spread told;
    r->guess.kind = GUESS_TOLD;
    if (r->from)
        return diag_set(diag, SL_RANGE, "--from", "one of it and --output-tokens");
    enum sl_err err = spread_parse(str_of(r->outputs), SPREAD_COUNT, &told, diag);
    if (err != SL_OK)
        return diag_set(diag, err, "--output-tokens",
                        "\"%s\": write 140, 50-300 or lognormal:50-300", r->outputs);
    guess_spread(&r->guess, &told);
    return SL_OK;
}

static enum sl_err guess_seen(struct request *r, struct diag *diag)
{
    enum { LOW_PERCENT = 5 };
    struct answered seen;
    enum sl_err err = answered_read(r->from, &r->guess.likely, &seen, diag);
    if (err != SL_OK)
        return err;
    r->guess.kind = GUESS_SEEN;
    r->guess.answers = seen.answers;
    r->guess.cut = seen.cut;
    guess_ends(&r->guess, LOW_PERCENT);
    return SL_OK;
}

static enum sl_err take_guess(struct request *r, struct diag *diag)
{
    if (r->outputs)
        return guess_told(r, diag);
    if (r->from)
        return guess_seen(r, diag);
    if (r->account.emulator) {
        r->guess.kind = GUESS_EMULATED;
        guess_spread(&r->guess, &r->account.emulator->output_tokens);
    } else {
        outputs_add(&r->guess.low, 1); /* and `high` stays empty: in full */
        outputs_settle(&r->guess.low);
    }
    return SL_OK;
}

static enum sl_err take_service(struct request *r, struct diag *diag)
{
    r->service_us = scenario_of(&r->account).service_us;
    if (!r->service)
        return SL_OK;
    enum sl_err err = spread_parse(str_of(r->service), SPREAD_DURATION, &r->service_us, diag);
    return err == SL_OK
               ? SL_OK
               : diag_set(diag, err, "--service-time",
                          "\"%s\": write 2s, 500ms-3s or lognormal:1s-10s", r->service);
}

/* ---- the input ----------------------------------------------------------------------- */

static bool provider_is_told(const struct request *r)
{
    return r->account.provider_name || r->account.emulate || r->account.base_url;
}

static int open_input(struct request *r)
{
    struct limit_source none = r->account.limits;
    none.n = 0;
    none.tier = (struct str){0};
    struct input_config c = {
        .path = r->file,
        .form = {r->prompts != NULL, r->model, r->max_tokens, r->account.provider},
        .provider = provider_is_told(r) ? r->account.provider : NULL,
        .model = r->prompts ? NULL : r->model,
        .catalogue = r->account.catalogue,
        .limits = &none,
        .charge = r->account.config.charge,
        .use_percent = 100};
    struct checking checking = {"plan", input_name(&c), term_look().interactive, 0, false};
    struct input_listener listener = checking_listener(&checking);
    struct diag diag;
    enum sl_err err = input_open(&r->input, &c, &listener, &diag);
    checking_end(&checking);
    r->input.config.limits = NULL; /* it was ours */
    if (err == SL_IO || err == SL_FULL)
        return complain("", &diag, EXIT_IO);
    if (err != SL_OK)
        return complain(input_name(&c), &diag, EXIT_USAGE);
    if (r->input.rows.n > r->input.invalid)
        return EXIT_ALL_DONE;
    (void)diag_set(&diag, SL_MISSING, "", "no request in it that could be run");
    return complain(input_name(&c), &diag, EXIT_USAGE);
}

/* Whose models these are, unless it was told. */
static const struct provider *provider_of(const struct request *r)
{
    const struct models *models = &r->input.models;
    for (size_t i = 0; i < models->n && !provider_is_told(r); i++) {
        const struct model *m = catalogue_model(r->account.catalogue, models->list[i].name);
        const struct provider *p = m ? provider_named(m->provider) : NULL;
        if (p)
            return p;
    }
    return r->account.provider;
}

static enum sl_err settle(struct request *r, struct diag *diag)
{
    const struct provider *p = provider_of(r);
    enum sl_err err = account_options_settle(&r->account, p, diag);
    if (err != SL_OK)
        return err;
    struct str name;
    size_t tiers = catalogue_tiers(r->account.catalogue, str_of(p->name), &name, 1);
    if (!tiers && !r->account.limits.n)
        return diag_set(diag, SL_MISSING, "--limits",
                        "needed: no limits of %s are known; as in --limits "
                        "'*:rpm=500,tpm=30000'",
                        p->id == PROVIDER_COMPATIBLE ? "these models" : p->name);
    if (r->instead && strcmp(r->instead, "none") == 0)
        r->instead = "";
    if (r->instead && *r->instead && !catalogue_model(r->account.catalogue, str_of(r->instead)))
        return diag_set(diag, SL_UNKNOWN, "--instead", "\"%s\" is not in the catalogue",
                        r->instead);
    return SL_OK;
}

/* ---- the plan ------------------------------------------------------------------------ */

static int show(const struct request *r, const struct plan *p)
{
    struct buf out = {0};
    struct diag diag;
    int code = r->input.invalid ? EXIT_SOME_FAILED : EXIT_ALL_DONE;
    if (r->json)
        plan_json(p, &out);
    else
        plan_table(p, &out);
    if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
        fputs("sluice plan: standard output cannot be written\n", stderr);
        code = EXIT_IO;
    }
    buf_clear(&out);
    if (r->plot && code != EXIT_IO) {
        plan_plot(p, &out);
        if (replacement_write(r->plot, buf_str(&out), &diag) != SL_OK)
            code = complain("--plot", &diag, EXIT_IO);
    }
    buf_free(&out);
    return code;
}

static int make(struct request *r)
{
    enum { DATE = sizeof "2026-11-26" - 1 };
    struct buf now = {0};
    struct diag diag = {{0}, {0}};
    enum sl_err err = settle(r, &diag);
    if (err == SL_OK)
        err = take_service(r, &diag);
    if (err == SL_OK)
        err = take_guess(r, &diag);
    if (err != SL_OK)
        return complain("", &diag, err == SL_IO ? EXIT_IO : EXIT_USAGE);
    instant_write_rfc3339(&now, (int64_t)time(NULL) * 1000000);
    struct plan_ask ask = {.input = &r->input,
                           .account = &r->account,
                           .guess = &r->guess,
                           .service_us = r->service_us,
                           .max_tokens = r->max_tokens,
                           .instead = r->instead,
                           .today = str_cut(buf_str(&now), DATE)};
    struct plan plan;
    plan_make(&plan, &ask);
    int code = show(r, &plan);
    plan_free(&plan);
    buf_free(&now);
    return code;
}

static int plan(struct request *r, int files, char **argv)
{
    struct diag diag = {{0}, {0}};
    enum sl_err err = take_files(r, files, argv, &diag);
    if (err == SL_OK)
        err = account_options_make(&r->account, ORDER_BALANCE, &diag);
    if (err != SL_OK)
        return complain("", &diag, EXIT_USAGE);
    int code = open_input(r);
    return code == EXIT_ALL_DONE ? make(r) : code;
}

int verb_plan(int argc, char **argv)
{
    struct request r = {.account = account_options_defaults()};
    struct option options[OPTIONS_MAX];
    struct diag diag = {{0}, {0}};
    bool help = false;
    int files = 0;
    r.account.offline = true;
    size_t n = table(&r, options);
    if (options_parse(options, n, argc, argv, &files, &help, &diag) != SL_OK)
        return complain("", &diag, EXIT_USAGE);
    if (help)
        return help_print(&face, options, n);
    int code = plan(&r, files, argv);
    guess_free(&r.guess);
    input_close(&r.input);
    account_options_free(&r.account);
    return code;
}
