/* explain.c: the verb: reads, judges every piece, prints a diagnosis or a summary.
 *
 * Nothing pasted is kept beyond the run nor sent anywhere. A log repeats itself: an exception's
 * line beside the line of its HTTP status. So lines of a log that say no more
 * than that something was refused count only where nothing else does. */
#include "explain.h"

#include "bounds.h"
#include "diagnosis.h"
#include "exits.h"
#include "file.h"
#include "option.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Refusals alike in all that a summary tells. */
struct group {
    const char *title;
    enum verdict_kind kind;
    enum dimension dim;
    size_t count, first_line, last_line;
    struct buf words; /* of the first: its diagnosis */
};

struct session {
    struct origin told; /* by --provider; .name NULL if not */
    int64_t now_us;
    bool bare;       /* this pass takes the lines that say no more than "refused" */
    struct buf json; /* a line each */
    struct group *groups;
    size_t group_count, refusals;
};

static const struct verb verb = {
    .name = "explain",
    .summary = "say which limit a refusal means, why, and what to do about it",
    .usage = "sluice explain [FILE...]",
    .about =
        "Reads a refusal as you have it: a JSON body, what curl -i printed, an exception "
        "out of a log, a bare message, or a whole log file. Says who refused, which limit, "
        "when to try again, and whether trying again can help at all. Without FILE, or for "
        "-, reads standard input. Sends nothing anywhere.",
    .examples = "$ pbpaste | sluice explain\n"
                "$ sluice explain app.log\n"
                "$ curl -si https://api.openai.com/v1/models | sluice explain --json\n",
    .exits = "0 understood\n1 no refusal in the input\n2 usage\n4 a file cannot be read\n",
};

/* ---- judging --------------------------------------------------------------------------------
 */

/* A line of a log may speak of rate limits without being a refusal. */
static bool reads_as_refusal(struct str text)
{
    static const char *const words[] = {
        "exceed",       "reached",   "too many",  "too large", "too long", "overload",
        "insufficient", "refused",   "denied",    "maximum",   "error",    "incorrect",
        "invalid",      "not valid", "try again", "throttl",   "retry in", "high demand",
        "retry after",  "limit:",    "429",       "rejected",  "quota",    "billing"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_find_nocase(text, str_of(words[i]), 0) >= 0)
            return true;
    }
    return false;
}

static struct verdict judge(const struct session *s, const struct evidence *e,
                            const struct origin *o, struct arena *arena)
{
    struct verdict v = verdict_of(o->provider, e->status, &e->head, e->body, s->now_us, arena);
    /* an object that stands beside the words that matter */
    if (v.message.n == 0 && !e->prose && e->head.header_count == 0)
        v = verdict_of(o->provider, e->status, &e->head, e->text, s->now_us, arena);
    bool doubtful = !e->alone && e->status == 0;
    if (doubtful && (v.kind == VERDICT_OTHER || (e->prose && !reads_as_refusal(e->body))))
        v.kind = VERDICT_OK;
    return v;
}

static bool says_more(const struct verdict *v)
{
    return v->kind != VERDICT_RATE_LIMIT || v->dim != DIM_UNKNOWN || v->limit >= 0 ||
           v->retry_us >= 0;
}

static struct group *group_of(struct session *s, const char *title, const struct verdict *v)
{
    for (size_t i = 0; i < s->group_count; i++) {
        struct group *g = &s->groups[i];
        if (str_eq(str_of(g->title), str_of(title)) && g->kind == v->kind && g->dim == v->dim)
            return g;
    }
    s->groups = mem_grow(s->groups, (s->group_count + 1) * sizeof *s->groups);
    struct group *g = &s->groups[s->group_count++];
    *g = (struct group){.title = title, .kind = v->kind, .dim = v->dim};
    return g;
}

static void take_piece(void *ctx, const struct evidence *e)
{
    struct session *s = ctx;
    struct arena arena = {0};
    struct origin o = s->told.name ? s->told : origin_detect(e);
    struct verdict v = judge(s, e, &o, &arena);
    bool bare = e->prose && !says_more(&v);
    if (v.kind != VERDICT_OK && bare == s->bare) {
        struct group *g = group_of(s, o.title, &v);
        diagnosis_json(&s->json, &o, &v);
        if (g->count++ == 0) {
            g->first_line = e->line;
            diagnosis_write(&g->words, &o, &v);
        }
        g->last_line = e->line;
        s->refusals++;
    }
    arena_free(&arena);
}

/* ---- printing -------------------------------------------------------------------------------
 */

static int by_count(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void write_summary(struct buf *out, struct session *s)
{
    buf_thousands(out, (int64_t)s->refusals);
    buf_puts(out, " refusals\n");
    for (size_t i = 0; i < s->group_count; i++) {
        const struct group *g = &s->groups[i];
        buf_printf(out, "  %6zu   %-14s  %-24s  %-12s  last on line %zu\n", g->count,
                   verdict_name(g->kind), g->dim == DIM_UNKNOWN ? "" : dimension_unit(g->dim),
                   g->title, g->last_line);
    }
    buf_printf(out, "\nthe most frequent, line %zu:\n", s->groups[0].first_line);
}

static int print(struct session *s, bool json)
{
    struct buf out = {0};
    if (s->group_count)
        qsort(s->groups, s->group_count, sizeof *s->groups, by_count);
    if (json)
        buf_add(&out, buf_str(&s->json));
    else if (s->refusals > 1)
        write_summary(&out, s);
    if (!json && s->refusals)
        buf_add(&out, buf_str(&s->groups[0].words));
    bool written =
        (out.n == 0 || fwrite(out.p, 1, out.n, stdout) == out.n) && fflush(stdout) == 0;
    if (s->refusals == 0)
        fputs("sluice explain: no refusal in the input\n", stderr);
    buf_free(&out);
    if (!written)
        return EXIT_IO;
    return s->refusals ? EXIT_ALL_DONE : EXIT_SOME_FAILED;
}

static void session_free(struct session *s)
{
    for (size_t i = 0; i < s->group_count; i++)
        buf_free(&s->groups[i].words);
    free(s->groups);
    buf_free(&s->json);
}

static int explain(struct session *s, int files, char **paths, bool json)
{
    static char *standard_input[] = {"-"};
    struct buf text = {0};
    struct diag diag;
    if (files == 0) {
        paths = standard_input;
        files = 1;
    }
    for (int i = 0; i < files; i++) {
        if (file_read(paths[i], BOUND_BODY_BYTES, &text, &diag) != SL_OK) {
            fprintf(stderr, "sluice explain: %s: %s\n", diag.where, diag.what);
            buf_free(&text);
            return EXIT_IO;
        }
    }
    evidence_each(buf_str(&text), take_piece, s);
    if (s->refusals == 0) {
        s->bare = true;
        evidence_each(buf_str(&text), take_piece, s);
    }
    buf_free(&text);
    return print(s, json);
}

int verb_explain(int argc, char **argv)
{
    const char *provider = NULL;
    bool json = false, help = false;
    const struct option options[] = {
        {"provider", 'p', OPTION_TEXT, "NAME",
         "Who refused, where the text does not tell: openai, anthropic, azure, gemini, groq, "
         "...",
         &provider},
        {"json", 'j', OPTION_FLAG, NULL, "Print a line of JSON for each refusal.", &json},
    };
    enum { OPTIONS = sizeof options / sizeof *options };
    struct session s = {.now_us = (int64_t)time(NULL) * 1000000};
    struct diag diag;
    int files;
    if (options_parse(options, OPTIONS, argc, argv, &files, &help, &diag) != SL_OK) {
        fprintf(stderr, "sluice explain: %s: %s\n", diag.where, diag.what);
        return EXIT_USAGE;
    }
    if (help) {
        struct buf text = {0};
        options_help(&text, &verb, options, OPTIONS);
        fwrite(text.p, 1, text.n, stdout);
        buf_free(&text);
        return EXIT_ALL_DONE;
    }
    s.told = origin_named(str_of(provider));
    if (provider && !s.told.name) {
        struct buf names = {0};
        origin_list(&names);
        fprintf(stderr, "sluice explain: --provider: \"%s\" is not known; known: %s\n",
                provider, buf_cstr(&names));
        buf_free(&names);
        return EXIT_USAGE;
    }
    int code = explain(&s, files, argv, json);
    session_free(&s);
    return code;
}
