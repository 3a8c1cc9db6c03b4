/* verb_emulate.c: `sluice emulate`: an emulated provider as a process of its own. */
#include "duration.h"
#include "emulate.h"
#include "exits.h"
#include "file.h"
#include "help.h"
#include "option.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { CATALOGUE_BYTES_MAX = 16 << 20 };

static const struct verb face = {
    .name = "emulate",
    .summary = "play a provider with its rate limits, on loopback",
    .usage = "sluice emulate --profile PROVIDER/TIER\n"
             "sluice emulate --limits MODEL:LIMITS ...",
    .about =
        "Serves the HTTP APIs of OpenAI (chat completions, completions, responses, embeddings, "
        "models; files and batches; threads, messages and runs), Azure OpenAI (deployment "
        "paths) and Anthropic (messages, message batches, token counting), plain and streamed, "
        "under a provider's limits and with its headers, refusals and retry times. Nothing "
        "leaves this machine and no key is needed.\n\n"
        "The first line on standard output names the base URL once requests are accepted. "
        "Answers depend on the seed and the request alone; a token is four characters.\n\n"
        "GET /_emulator/report tells, as JSON, for each model: arrivals, admissions, refusals "
        "by limit, what was charged, the least time the quota allows for that (bound_s) and "
        "how near to it the client came (efficiency); which requests were carried out twice, "
        "told apart by the header x-sluice-id or by their bodies; and likewise of limits by "
        "request type, batches, files and runs. POST /_emulator/reset forgets all.",
    .examples = "$ sluice emulate --profile openai/tier-1\n"
                "$ sluice emulate --limits 'gpt-4o:rpm=500,tpm=30000' --minute 2s\n"
                "$ sluice emulate --profile anthropic/tier-2 --fault 529=1%,reset=0.5%\n"
                "$ sluice emulate --batch-latency 1s --batch-faults fail=1%,expire=5%\n",
    .exits = "0 ended by a signal or by --for\n"
             "2 usage\n"
             "4 the address cannot be listened on\n",
};

/* What the command line says, before it is understood. One process has one. */
static struct words {
    const char *listen, *profile, *catalogue, *window, *charge, *headers, *headers_at, *latency,
        *output, *phase, *keys, *batch_latency, *batch_cancel, *run_latency;
    struct option_list limits, routes, hidden, queues, faults, snags;
    int64_t minute_us, concurrency, seed, fill, wallet_after, ramp, for_us;
    int64_t batch_window_us, batch_requests;
    bool drain, no_drain, strict, soft;
} words = {
    .listen = "127.0.0.1:4291",
    .latency = "50ms-400ms",
    .output = "50-300",
    .phase = "random",
    .batch_latency = "2s-6s",
    .batch_cancel = "500ms-1s",
    .run_latency = "200ms-1s",
    .batch_window_us = INT64_C(86400000000),
    .batch_requests = -1,
    .minute_us = 60000000,
    .seed = 1,
    .fill = 100,
    .wallet_after = -1,
};

static const struct option options[] = {
    {"Whom to play", 0, OPTION_HEADING, NULL, NULL, NULL},
    {"profile", 0, OPTION_TEXT, "PROVIDER/TIER",
     "openai/tier-1, anthropic/tier-2, groq/free, gemini/free ...: limits, window, charge "
     "rule, headers and words of that provider; azure alone takes its limits from "
     "--limits.",
     &words.profile},
    {"catalogue", 0, OPTION_TEXT, "FILE",
     "Models, limits and routes of your own, laid over the built-in ones.", &words.catalogue},
    {"limits", 0, OPTION_LIST, "MODEL:LIMITS",
     "Limits of one model, as in gpt-4o:rpm=500,tpm=30000; also rpd, tpd, itpm, otpm, ipm, "
     "concurrency. MODEL may be * for all others. May be repeated.",
     &words.limits},
    {"route", 0, OPTION_LIST, "METHOD /PATH=N",
     "A limit by request type, per minute, or per hour as in 'POST /v1/batches=2000/h'. In a "
     "path * is a segment, at its end the rest. May be repeated.",
     &words.routes},
    {"hidden", 0, OPTION_LIST, "METHOD /PATH=N",
     "The same, but never told, in no header and no words: 'POST /v1/things/*=300'. A path "
     "that is no API answers 200 where it has a limit.",
     &words.hidden},
    {"window", 0, OPTION_TEXT, "KIND", "bucket, fixed, sliding, slices or slices:10s.",
     &words.window},
    {"charge", 0, OPTION_TEXT, "RULE",
     "What a request is charged: max(max_tokens, input), sum of both, actual (output as it "
     "is produced) or input.",
     &words.charge},
    {"concurrency", 0, OPTION_COUNT, "N", "At most N requests in flight per model.",
     &words.concurrency},
    {"drain", 0, OPTION_FLAG, NULL, "A refused request counts as a request (RPM).",
     &words.drain},
    {"no-drain", 0, OPTION_FLAG, NULL, "A refused request costs nothing.", &words.no_drain},
    {"strict", 0, OPTION_FLAG, NULL, "Never admit over a limit (the default).", &words.strict},
    {"soft", 0, OPTION_FLAG, NULL,
     "Late enforcement: whatever is left admits a request, which may overdraw.", &words.soft},
    {"ramp", 0, OPTION_COUNT, "TOKENS",
     "Tell traffic above so many tokens a minute to slow down unless it grows by no more "
     "than half in 15 minutes.",
     &words.ramp},
    {"headers", 0, OPTION_TEXT, "WHOSE", "openai, azure, anthropic, groq or none.",
     &words.headers},
    {"headers-at", 0, OPTION_TEXT, "WHEN",
     "Whether headers show the figures of the decision (arrival) or of when the answer "
     "leaves (answer).",
     &words.headers_at},
    {"keys", 0, OPTION_TEXT, "A,B", "Accept these API keys only.", &words.keys},
    {"Batches and runs", 0, OPTION_HEADING, NULL, NULL, NULL},
    {"batch-latency", 0, OPTION_TEXT, "RANGE", "From a batch's creation to its end.",
     &words.batch_latency},
    {"batch-cancel", 0, OPTION_TEXT, "RANGE", "From its cancellation to its end.",
     &words.batch_cancel},
    {"batch-window", 0, OPTION_DURATION, "TIME",
     "When a batch expires; shrinks as the minute does.", &words.batch_window_us},
    {"batch-queue", 0, OPTION_LIST, "MODEL=TOKENS",
     "Input tokens that OpenAI's batches of a model may hold in the queue, as in "
     "gpt-4o=90000. MODEL may be *. May be repeated.",
     &words.queues},
    {"batch-requests", 0, OPTION_COUNT, "N",
     "Requests that Anthropic's batches may have waiting; 0: any.", &words.batch_requests},
    {"run-latency", 0, OPTION_TEXT, "RANGE", "From a run's creation to its end.",
     &words.run_latency},
    {"batch-faults", 0, OPTION_LIST, "KIND=RATE,...",
     "Of a batch's requests and of runs: fail (server error), zero (status 0); of batches: "
     "expire; of calls to these APIs: busy (503, nothing done), drop (done, but unanswered), "
     "absent (404 although it is there).",
     &words.snags},
    {"Time", 0, OPTION_HEADING, NULL, NULL, NULL},
    {"minute", 0, OPTION_DURATION, "TIME",
     "How long a minute takes; hours and days shrink alike.", &words.minute_us},
    {"phase", 0, OPTION_TEXT, "TIME", "Where the first reset stands: random, or a duration.",
     &words.phase},
    {"fill", 0, OPTION_PERCENT, "PERCENT", "What buckets hold at the first request.",
     &words.fill},
    {"latency", 0, OPTION_TEXT, "RANGE",
     "From arrival to the last byte: 50ms-400ms, or lognormal:50ms-400ms (5 % below, 5 % "
     "above).",
     &words.latency},
    {"output-tokens", 0, OPTION_TEXT, "RANGE",
     "Length of answers: 50-300, or lognormal:50-300.", &words.output},
    {"seed", 0, OPTION_COUNT, "N", "Of answers, latencies, faults and phase.", &words.seed},
    {"Trouble", 0, OPTION_HEADING, NULL, NULL, NULL},
    {"fault", 0, OPTION_LIST, "KIND=RATE,...",
     "Rates of faults: 500, 503, 529, reset, stall, midstream, as in 500=1%,reset=0.5%.",
     &words.faults},
    {"wallet-after", 0, OPTION_COUNT, "N", "The account is empty after N requests.",
     &words.wallet_after},
    {"Process", 0, OPTION_HEADING, NULL, NULL, NULL},
    {"listen", 0, OPTION_TEXT, "ADDRESS:PORT", "Where to listen; port 0 takes any.",
     &words.listen},
    {"for", 0, OPTION_DURATION, "TIME", "End after so long.", &words.for_us},
};

struct choice {
    const char *word;
    int value;
};

/* The value of a word, or SL_UNKNOWN with all words in *diag. A NULL word changes nothing. */
static enum sl_err choose(const struct choice *choices, const char *option, const char *word,
                          int *value, struct diag *diag)
{
    struct buf known = {0};
    if (!word)
        return SL_OK;
    for (const struct choice *c = choices; c->word; c++) {
        if (str_eq(str_of(word), str_of(c->word))) {
            *value = c->value;
            buf_free(&known);
            return SL_OK;
        }
        buf_printf(&known, "%s%s", c == choices ? "" : ", ", c->word);
    }
    diag_set(diag, SL_UNKNOWN, option, "\"%s\" is not one of %s", word, buf_cstr(&known));
    buf_free(&known);
    return SL_UNKNOWN;
}

static enum sl_err read_window(struct emulate_config *c, const char *text, struct diag *diag)
{
    static const struct choice windows[] = {{"bucket", GAUGE_BUCKET},
                                            {"fixed", GAUGE_FIXED},
                                            {"sliding", GAUGE_SLIDING},
                                            {"slices", GAUGE_SLICES},
                                            {NULL, 0}};
    int window = (int)c->window;
    struct str slice = str_of(text), name = str_split(&slice, ':');
    char word[16];
    snprintf(word, sizeof word, "%.*s", STR_ARG(name));
    enum sl_err err = choose(windows, "--window", text ? word : NULL, &window, diag);
    c->window = (enum gauge_window)window;
    if (!err && slice.p &&
        (c->window != GAUGE_SLICES || duration_parse(slice, &c->slice_us) != SL_OK ||
         c->slice_us <= 0))
        err = diag_set(diag, SL_SYNTAX, "--window", "write slices:1s or slices:10s");
    return err;
}

static enum sl_err read_choices(struct emulate_config *c, const struct words *w,
                                struct diag *diag)
{
    static const struct choice charges[] = {{"max", GAUGE_MAX},
                                            {"sum", GAUGE_SUM},
                                            {"actual", GAUGE_ACTUAL},
                                            {"input", GAUGE_INPUT},
                                            {NULL, 0}};
    static const struct choice headers[] = {
        {"openai", EMULATE_HEADERS_OPENAI},       {"azure", EMULATE_HEADERS_AZURE},
        {"anthropic", EMULATE_HEADERS_ANTHROPIC}, {"groq", EMULATE_HEADERS_GROQ},
        {"none", EMULATE_HEADERS_NONE},           {NULL, 0}};
    static const struct choice moments[] = {{"arrival", false}, {"answer", true}, {NULL, 0}};
    int charge = (int)c->charge, style = (int)c->headers, at_answer = c->headers_at_answer;
    enum sl_err err = choose(charges, "--charge", w->charge, &charge, diag);
    if (!err)
        err = choose(headers, "--headers", w->headers, &style, diag);
    if (!err)
        err = choose(moments, "--headers-at", w->headers_at, &at_answer, diag);
    c->charge = (enum gauge_charge)charge;
    c->headers = (enum emulate_headers)style;
    c->headers_at_answer = at_answer;
    return err;
}

static enum sl_err read_lists(struct emulate_config *c, const struct words *w,
                              struct diag *diag)
{
    enum sl_err err = SL_OK;
    for (size_t i = 0; !err && i < w->limits.n; i++)
        err = emulate_limits(c, str_of(w->limits.items[i]), diag);
    for (size_t i = 0; !err && i < w->routes.n; i++)
        err = emulate_add_route(c, str_of(w->routes.items[i]), false, diag);
    for (size_t i = 0; !err && i < w->hidden.n; i++)
        err = emulate_add_route(c, str_of(w->hidden.items[i]), true, diag);
    for (size_t i = 0; !err && i < w->faults.n; i++)
        err = mishap_parse(str_of(w->faults.items[i]), &c->mishaps, diag);
    for (size_t i = 0; !err && i < w->queues.n; i++)
        err = emulate_add_queue(c, str_of(w->queues.items[i]), diag);
    for (size_t i = 0; !err && i < w->snags.n; i++)
        err = snag_parse(str_of(w->snags.items[i]), &c->snags, diag);
    return err;
}

static enum sl_err read_spreads(struct emulate_config *c, const struct words *w,
                                struct diag *diag)
{
    const struct {
        const char *text;
        enum spread_unit unit;
        struct spread *out;
    } rows[] = {{w->latency, SPREAD_DURATION, &c->latency_us},
                {w->output, SPREAD_COUNT, &c->output_tokens},
                {w->batch_latency, SPREAD_DURATION, &c->batch_latency_us},
                {w->batch_cancel, SPREAD_DURATION, &c->batch_cancel_us},
                {w->run_latency, SPREAD_DURATION, &c->run_latency_us}};
    enum sl_err err = SL_OK;
    for (size_t i = 0; !err && i < sizeof rows / sizeof *rows; i++)
        err = spread_parse(str_of(rows[i].text), rows[i].unit, rows[i].out, diag);
    return err;
}

/* Profile first, then what was said by hand. */
static enum sl_err configure(struct emulate_config *c, const struct words *w,
                             const struct catalogue *catalogue, struct diag *diag)
{
    if (w->minute_us < 1000)
        return diag_set(diag, SL_RANGE, "--minute", "a millisecond at least");
    if (w->batch_window_us < 1000000)
        return diag_set(diag, SL_RANGE, "--batch-window", "a second at least");
    if ((w->drain && w->no_drain) || (w->strict && w->soft))
        return diag_set(diag, SL_RANGE, w->drain && w->no_drain ? "--drain" : "--strict",
                        "cannot be both");
    c->listen = w->listen;
    c->minute_us = w->minute_us;
    c->concurrency = w->concurrency;
    c->seed = (uint64_t)w->seed;
    c->fill_percent = (int)w->fill;
    c->wallet_after = w->wallet_after;
    c->ramp_tpm = w->ramp;
    c->keys = w->keys;
    c->batch_window_us = w->batch_window_us;
    enum sl_err err = SL_OK;
    if (w->profile)
        err = emulate_profile(c, catalogue, str_of(w->profile), diag);
    if (w->batch_requests >= 0)
        c->batch_requests = w->batch_requests;
    if (w->drain || w->no_drain)
        c->refusals_drain = w->drain;
    c->soft = w->soft;
    if (!err && !str_eq(str_of(w->phase), STR("random")) &&
        duration_parse(str_of(w->phase), &c->phase_us) != SL_OK)
        err = diag_set(diag, SL_SYNTAX, "--phase", "random, or a duration such as 0 or 500ms");
    if (!err)
        err = read_window(c, w->window, diag);
    if (!err)
        err = read_choices(c, w, diag);
    if (!err)
        err = read_spreads(c, w, diag);
    return err ? err : read_lists(c, w, diag);
}

/* ---- the process ---- */

struct process {
    uv_loop_t loop;
    struct emulator *emulator;
    uv_signal_t term, interrupt;
    uv_timer_t lifetime;
};

static void end(struct process *p)
{
    if (!p->emulator)
        return;
    emulator_stop(&p->emulator);
    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
    uv_close((uv_handle_t *)&p->lifetime, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    end(signal->data);
}

static void on_lifetime(uv_timer_t *timer)
{
    end(timer->data);
}

static int serve(const struct emulate_config *c, int64_t for_us, struct diag *diag)
{
    struct process p;
    int rc = uv_loop_init(&p.loop);
    sl_assert(rc == 0);
    p.emulator = emulator_start(&p.loop, c, diag);
    if (!p.emulator) {
        uv_run(&p.loop, UV_RUN_DEFAULT);
        uv_loop_close(&p.loop);
        return EXIT_IO;
    }
    uv_signal_init(&p.loop, &p.term);
    uv_signal_init(&p.loop, &p.interrupt);
    uv_timer_init(&p.loop, &p.lifetime);
    p.term.data = p.interrupt.data = p.lifetime.data = &p;
    uv_signal_start(&p.term, on_signal, SIGTERM);
    uv_signal_start(&p.interrupt, on_signal, SIGINT);
    if (for_us)
        uv_timer_start(&p.lifetime, on_lifetime, (uint64_t)(for_us + 999) / 1000, 0);
    const char *colon = strrchr(c->listen, ':');
    printf("listening on http://%.*s:%d/v1\n", (int)(colon - c->listen), c->listen,
           emulator_port(p.emulator));
    fflush(stdout);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    rc = uv_loop_close(&p.loop);
    sl_assert(rc == 0); /* every handle was closed */
    return EXIT_ALL_DONE;
}

static int complain(const struct diag *diag, int code)
{
    fprintf(stderr, "sluice emulate: %s%s%s\n", diag->where, diag->where[0] ? ": " : "",
            diag->what);
    return code;
}

/* With the user's file laid over it, if there is one; NULL with *diag. */
static struct catalogue *open_catalogue(const char *path, struct diag *diag)
{
    struct buf text = {0};
    struct catalogue *c = NULL;
    if (!path || file_read(path, CATALOGUE_BYTES_MAX, &text, diag) == SL_OK)
        c = catalogue_open(buf_str(&text), path, diag);
    buf_free(&text);
    return c;
}

int verb_emulate(int argc, char **argv)
{
    const size_t n = sizeof options / sizeof *options;
    struct diag diag = {{0}, {0}};
    int positional;
    bool help;
    if (options_parse(options, n, argc, argv, &positional, &help, &diag) != SL_OK)
        return complain(&diag, EXIT_USAGE);
    if (help)
        return help_print(&face, options, n);
    if (positional) {
        diag_set(&diag, SL_UNKNOWN, argv[0], "emulate takes options only; see --help");
        return complain(&diag, EXIT_USAGE);
    }
    struct catalogue *catalogue = open_catalogue(words.catalogue, &diag);
    if (!catalogue)
        return complain(&diag, EXIT_USAGE);
    struct emulate_config c = emulate_defaults();
    int code = EXIT_USAGE;
    if (configure(&c, &words, catalogue, &diag) == SL_OK)
        code = serve(&c, words.for_us, &diag);
    catalogue_close(&catalogue);
    return code == EXIT_ALL_DONE ? code : complain(&diag, code);
}
