/* explain.c: the verb: reads, judges every piece, prints a diagnosis or a summary.
 *
 * Nothing pasted is kept beyond the run nor sent anywhere. A file is read once, in memory that
 * does not grow with it. */
#include "explain.h"

#include "bounds.h"
#include "diagnosis.h"
#include "exits.h"
#include "file.h"
#include "help.h"
#include "option.h"
#include "summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    CATALOGUE_BYTES = 16 << 20,
    /* Lines of JSON for bare findings wait until it is known that nothing tells more. */
    BARE_BYTES = 1 << 20,
};

struct session {
    const char *provider, *tier, *paid, *catalogue_file;
    int64_t days;
    bool json, summary;

    struct origin told; /* by --provider; .name NULL if not */
    struct standing standing;
    struct catalogue *catalogue;
    int64_t now_us;
    struct toll toll;
    struct traffic traffic;
    size_t lines, telling;
    struct buf bare; /* JSON of bare findings */
    bool broken;     /* standard output cannot be written */
};

static const struct verb verb = {
    .name = "explain",
    .summary = "say which limit a refusal means, why, and what to do about it",
    .usage = "sluice explain [FILE...]",
    .about =
        "Reads a refusal as you have it: a JSON body, what curl -i printed, an exception "
        "out of a log, a bare message, or a whole log file of any size. Says who refused, "
        "which limit, when to try again, whether trying again can help at all, and when it is "
        "worth writing to the provider's support. Without FILE, or for -, reads standard "
        "input. Sends nothing anywhere.\n\n"
        "A log gives a table: refusals by model, limit and kind, with the first and the last; "
        "the busiest minute of each model or kind of request against its limit; the worst "
        "offender; and a diagnosis of each kind. Read are access logs, JSON lines, what HTTP "
        "clients log, and exceptions in between.\n\n"
        "What a refusal cannot tell is taken from options: the tier, what was paid in all, and "
        "how long ago the first payment was. With them it is said whether a tier is owed.",
    .examples = "$ pbpaste | sluice explain\n"
                "$ sluice explain app.log --tier 1 --paid 60usd --since 10\n"
                "$ curl -si https://api.openai.com/v1/models | sluice explain --json\n",
    .exits = "0 understood\n1 no refusal in the input\n2 usage\n4 a file cannot be read\n",
};

/* ---- judging ------------------------------------------------------------------------- */

static void print(struct session *s, struct str text)
{
    if (text.n && fwrite(text.p, 1, text.n, stdout) != text.n)
        s->broken = true;
}

/* A line of JSON as soon as it is known to count. */
static void print_line(struct session *s, const struct finding *f)
{
    struct buf line = {0};
    diagnosis_json(&line, f);
    if (!f->bare || s->bare.n > BARE_BYTES)
        print(s, buf_str(&line));
    else if (!s->telling)
        buf_add(&s->bare, buf_str(&line));
    buf_free(&line);
}

/* The kind of an access log's request, if kinds have limits: it stands for the model there. */
static const struct route_class *type_of(const struct session *s, const struct logged *l)
{
    struct str provider = str_of(s->told.name ? s->told.name : "openai");
    return l->path.n ? kind_of(s->catalogue, provider, l->method, l->path) : NULL;
}

static void take_finding(struct session *s, struct finding *f)
{
    f->type = type_of(s, &f->evidence->logged);
    struct str label = f->type ? f->type->name : (struct str){0};
    bool fresh;
    struct group *g = toll_add(&s->toll, f, label, s->now_us, &fresh);
    s->telling += !f->bare;
    if (g && fresh)
        diagnosis_write(&g->words, f, &s->standing, s->now_us);
    if (s->json && !s->summary)
        print_line(s, f);
}

static void take_piece(void *ctx, const struct evidence *e)
{
    struct session *s = ctx;
    struct arena arena = {0};
    traffic_date(&s->traffic, e->logged.at_us);
    if (logged_is_request(&e->logged))
        traffic_add(&s->traffic, s->catalogue, str_of(s->told.name ? s->told.name : "openai"),
                    &e->logged);
    if (e->logged.status >= 200 && e->logged.status < 300)
        toll_success(&s->toll, e->logged.at_us);
    if (e->claim_count) {
        struct finding f = finding_of(e, &s->told, s->now_us, &arena);
        if (f.verdict.kind != VERDICT_OK)
            take_finding(s, &f);
    }
    arena_free(&arena);
}

/* ---- printing ------------------------------------------------------------------------ */

static void print_result(struct session *s)
{
    struct summary sum = {.toll = &s->toll,
                          .traffic = &s->traffic,
                          .standing = &s->standing,
                          .provider = str_of(s->told.name ? s->told.name : "openai"),
                          .lines = s->lines};
    struct buf out = {0};
    bool one = s->toll.refusals == 1 && s->traffic.total <= 1;
    if (s->json && s->summary)
        summary_json(&out, &sum);
    else if (s->json && !s->telling)
        buf_add(&out, buf_str(&s->bare));
    else if (!s->json && one && !s->summary && s->toll.n)
        buf_add(&out, buf_str(&s->toll.groups[0].words));
    else if (!s->json && (s->toll.refusals || s->traffic.total || s->summary))
        summary_write(&out, &sum);
    print(s, buf_str(&out));
    buf_free(&out);
}

static int finish(struct session *s)
{
    toll_settle(&s->toll);
    print_result(s);
    if (fflush(stdout) != 0 || s->broken) {
        fputs("sluice explain: standard output cannot be written\n", stderr);
        return EXIT_IO;
    }
    if (s->toll.refusals == 0)
        fputs("sluice explain: no refusal in the input\n", stderr);
    return s->toll.refusals ? EXIT_ALL_DONE : EXIT_SOME_FAILED;
}

struct feeding {
    struct evidence_reader *reader;
    bool torn; /* the last line has not ended */
};

static void feed(void *ctx, struct str bytes)
{
    struct feeding *f = ctx;
    evidence_feed(f->reader, bytes);
    f->torn = bytes.p[bytes.n - 1] != '\n';
}

/* The last line of one file is not the first of the next. */
static enum sl_err feed_file(struct feeding *f, const char *path, struct diag *diag)
{
    f->torn = false;
    enum sl_err err = file_pass(path, feed, f, diag);
    if (f->torn)
        evidence_feed(f->reader, STR("\n"));
    return err;
}

static int explain(struct session *s, int files, char **paths)
{
    static char *standard_input[] = {"-"};
    struct diag diag;
    enum sl_err err = SL_OK;
    if (files == 0) {
        paths = standard_input;
        files = 1;
    }
    struct feeding f = {evidence_new(s->now_us, take_piece, s), false};
    for (int i = 0; i < files && err == SL_OK; i++)
        err = feed_file(&f, paths[i], &diag);
    s->lines = evidence_end(&f.reader);
    if (err == SL_OK)
        return finish(s);
    fprintf(stderr, "sluice explain: %s: %s\n", diag.where, diag.what);
    return EXIT_IO;
}

/* ---- the command line ---------------------------------------------------------------- */

static enum sl_err take_provider(struct session *s, struct diag *diag)
{
    struct buf names = {0};
    s->told = origin_named(str_of(s->provider));
    if (!s->provider || s->told.name)
        return SL_OK;
    origin_list(&names);
    enum sl_err err = diag_set(diag, SL_UNKNOWN, "--provider", "\"%s\" is not known; known: %s",
                               s->provider, buf_cstr(&names));
    buf_free(&names);
    return err;
}

/* A tier has to be one of the provider told, or of any. */
static enum sl_err take_tier(struct session *s, struct diag *diag)
{
    bool found = false;
    s->standing.tier = str_of(s->tier);
    if (!s->tier)
        return SL_OK;
    for (int id = 0; id < PROVIDER_COUNT; id++) {
        struct str name = str_of(provider_get((enum provider_id)id)->name);
        bool asked = !s->told.name || str_eq(name, str_of(s->told.name));
        found |= asked && catalogue_tier(s->catalogue, name, s->standing.tier);
    }
    if (found)
        return SL_OK;
    return diag_set(diag, SL_UNKNOWN, "--tier", "\"%s\" is no tier of %s", s->tier,
                    s->told.name ? s->told.title : "any provider");
}

static enum sl_err take_options(struct session *s, struct diag *diag)
{
    struct buf text = {0};
    enum sl_err err = take_provider(s, diag);
    if (err == SL_OK && s->catalogue_file)
        err = file_read(s->catalogue_file, CATALOGUE_BYTES, &text, diag);
    if (err == SL_OK) {
        s->catalogue = catalogue_open(buf_str(&text), s->catalogue_file, diag);
        err = s->catalogue ? SL_OK : SL_SYNTAX;
    }
    buf_free(&text);
    s->standing =
        (struct standing){.catalogue = s->catalogue, .paid_cents = -1, .days = s->days};
    if (err == SL_OK)
        err = take_tier(s, diag);
    if (err == SL_OK && s->paid)
        err = standing_paid(str_of(s->paid), &s->standing.paid_cents, diag);
    return err;
}

static int run(struct session *s, int files, char **argv)
{
    struct diag diag = {{0}, {0}};
    if (take_options(s, &diag) != SL_OK) {
        fprintf(stderr, "sluice explain: %s: %s\n", diag.where, diag.what);
        return EXIT_USAGE;
    }
    toll_init(&s->toll);
    traffic_init(&s->traffic);
    int code = explain(s, files, argv);
    toll_free(&s->toll);
    traffic_free(&s->traffic);
    buf_free(&s->bare);
    return code;
}

int verb_explain(int argc, char **argv)
{
    struct session s = {.days = -1, .now_us = (int64_t)time(NULL) * 1000000};
    bool help = false;
    const struct option options[] = {
        {"json", 'j', OPTION_FLAG, NULL, "Print a line of JSON for each refusal.", &s.json},
        {"summary", 's', OPTION_FLAG, NULL,
         "Print the table of a log, with --json as one object, even for one refusal.",
         &s.summary},
        {"What the text does not tell", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"provider", 'p', OPTION_TEXT, "NAME",
         "Who refused: openai, anthropic, azure, gemini, groq, ...", &s.provider},
        {"tier", 0, OPTION_TEXT, "TIER", "The account's tier, as in 2 or build.", &s.tier},
        {"paid", 0, OPTION_TEXT, "AMOUNT", "What was paid in all, in US dollars: 60usd.",
         &s.paid},
        {"since", 0, OPTION_COUNT, "DAYS", "Days since the first payment.", &s.days},
        {"catalogue", 0, OPTION_TEXT, "FILE",
         "Models, limits and tiers of your own, laid over the built-in ones.",
         &s.catalogue_file},
    };
    enum { OPTIONS = sizeof options / sizeof *options };
    struct diag diag;
    int files;
    if (options_parse(options, OPTIONS, argc, argv, &files, &help, &diag) != SL_OK) {
        fprintf(stderr, "sluice explain: %s: %s\n", diag.where, diag.what);
        return EXIT_USAGE;
    }
    if (help)
        return help_print(&verb, options, OPTIONS);
    int code = run(&s, files, argv);
    catalogue_close(&s.catalogue);
    return code;
}
