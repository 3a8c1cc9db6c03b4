/* requests.c: what the requests of batch files will cost, by model. One pass, in memory that
 * does not grow with the files; lines that are no requests are told and left out. */
#include "count.h"

#include "bounds.h"
#include "exits.h"
#include "lines.h"
#include "request_line.h"
#include "token.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    COMPLAINTS_SHOWN = 20 /* a screenful; then only their number */
};

struct largest {
    int64_t input_tokens;
    int64_t line;
    const char *path;
    struct buf custom_id;
};

struct row {
    struct str model;
    int64_t requests;
    int64_t input_tokens;
    int64_t reserved_tokens; /* charge max: the larger of input and max_tokens */
    bool exact;              /* all of them counted, none estimated */
    struct largest largest;  /* by input tokens */
};

struct table {
    const struct count_options *options;
    struct catalogue *catalogue;
    struct arena names;
    struct row *rows; /* in the order in which models were met */
    size_t n, cap;
    int64_t complaints;
};

static struct row *row_of(struct table *t, struct str model)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eq(t->rows[i].model, model))
            return &t->rows[i];
    }
    if (t->n == t->cap) {
        t->cap = t->cap * 2 + 8;
        t->rows = mem_grow(t->rows, t->cap * sizeof *t->rows);
    }
    t->rows[t->n] = (struct row){.model = arena_copy(&t->names, model), .exact = true};
    return &t->rows[t->n++];
}

static void say_unknown(struct str model)
{
    bool known;
    const struct encoding *e = encoding_of_model(model, &known);
    if (!known && !str_starts(model, STR("claude")))
        fprintf(stderr, "sluice count: %.*s: model not known: counting with %s\n",
                STR_ARG(model), encoding_name(e));
}

static void add_request(struct table *t, const char *path, int64_t number,
                        const struct request_line *line, const struct ask *ask)
{
    size_t before = t->n;
    struct row *row = row_of(t, ask->model);
    if (t->n > before && !ask->known)
        say_unknown(ask->model);
    row->requests++;
    row->input_tokens += ask->demand.input_tokens;
    int64_t asked = ask->demand.max_output_given ? ask->demand.max_output_tokens : 0;
    row->reserved_tokens += asked > ask->demand.input_tokens ? asked : ask->demand.input_tokens;
    row->exact &= ask->input_exact;
    if (row->requests > 1 && ask->demand.input_tokens <= row->largest.input_tokens)
        return;
    row->largest.input_tokens = ask->demand.input_tokens;
    row->largest.line = number;
    row->largest.path = path;
    buf_clear(&row->largest.custom_id);
    buf_add(&row->largest.custom_id, line->custom_id);
}

/* Counts as if each request named the model of --model. */
static void rename_model(const struct table *t, const struct request_line *line)
{
    struct json *model = json_get(line->tree, "model");
    if (t->options->model && model && model->type == JSON_STRING)
        model->text = str_of(t->options->model);
}

static enum sl_err read_request(struct table *t, const char *path, const struct line *line,
                                struct arena *arena, struct diag *diag)
{
    static const struct line_form batch = {.prompts = false};
    struct request_line request;
    struct ask ask;
    enum sl_err err =
        request_line_read(&batch, line->number, line->text, arena, &request, diag);
    if (err != SL_OK)
        return err;
    rename_model(t, &request);
    bool claude = request.route == ROUTE_MESSAGES;
    err = ask_parse(provider_get(claude ? PROVIDER_ANTHROPIC : PROVIDER_OPENAI), t->catalogue,
                    request.route, request.tree, &ask, diag);
    if (err == SL_OK)
        add_request(t, path, line->number, &request, &ask);
    return err;
}

static void complain(struct table *t, const char *path, int64_t line, const struct diag *diag)
{
    if (t->complaints++ < COMPLAINTS_SHOWN)
        fprintf(stderr, "sluice count: %s:%lld: %s%s%s\n", path, (long long)line, diag->where,
                *diag->where ? ": " : "", diag->what);
}

static int read_file(struct table *t, const char *path)
{
    struct lines *lines = NULL;
    struct arena arena = {0};
    struct diag diag = {0};
    struct line line = {0};
    bool more = true;
    enum sl_err err = lines_open(path, BOUND_BODY_BYTES, &lines, &diag);
    while (err == SL_OK && (err = lines_next(lines, &line, &more, &diag)) == SL_OK && more) {
        if (str_trim(line.text).n == 0)
            continue;
        struct diag wrong = {0};
        if (read_request(t, path, &line, &arena, &wrong) != SL_OK)
            complain(t, path, line.number, &wrong);
        arena_reset(&arena);
    }
    if (err != SL_OK)
        fprintf(stderr, "sluice count: %s: %s\n", diag.where, diag.what);
    lines_close(&lines);
    arena_free(&arena);
    if (err == SL_OK)
        return EXIT_ALL_DONE;
    return err == SL_TOO_LARGE ? EXIT_USAGE : EXIT_IO;
}

/* ---- output -------------------------------------------------------------------------- */

static struct row total_of(const struct table *t)
{
    struct row total = {.model = STR("total"), .exact = true};
    for (size_t i = 0; i < t->n; i++) {
        total.requests += t->rows[i].requests;
        total.input_tokens += t->rows[i].input_tokens;
        total.reserved_tokens += t->rows[i].reserved_tokens;
        total.exact &= t->rows[i].exact;
    }
    return total;
}

/* A number with separators, right-aligned; "~" before an estimate. */
static void add_number(struct buf *out, int64_t n, bool exact, int width)
{
    struct buf text = {0};
    buf_puts(&text, exact ? "" : "~");
    buf_thousands(&text, n);
    buf_printf(out, "  %*s", width, buf_cstr(&text));
    buf_free(&text);
}

static void add_line(struct buf *out, const struct row *row, int model_width)
{
    buf_printf(out, "%-*.*s", model_width, STR_ARG(row->model));
    add_number(out, row->requests, true, 9);
    add_number(out, row->input_tokens, row->exact, 14);
    add_number(out, row->reserved_tokens, row->exact, 15);
    if (row->largest.path) {
        add_number(out, row->largest.input_tokens, row->exact, 0);
        buf_puts(out, "  ");
        buf_add(out, buf_str(&row->largest.custom_id));
        buf_printf(out, " (%s:%lld)", row->largest.path, (long long)row->largest.line);
    }
    buf_char(out, '\n');
}

static void add_table(struct buf *out, const struct table *t)
{
    struct row total = total_of(t);
    int width = 5;
    for (size_t i = 0; i < t->n; i++)
        width = (int)t->rows[i].model.n > width ? (int)t->rows[i].model.n : width;
    buf_printf(out, "%-*s  %9s  %14s  %15s  %s\n", width, "model", "requests", "input tokens",
               "reserved tokens", "largest request");
    for (size_t i = 0; i < t->n; i++)
        add_line(out, &t->rows[i], width);
    if (t->n > 1)
        add_line(out, &total, width);
    if (!total.exact)
        buf_puts(out, "~ estimated: no public tokenizer, or images, tools, files\n");
}

static void add_sums(struct buf *out, const struct row *row)
{
    buf_printf(out,
               "\"requests\": %lld, \"input_tokens\": %lld, \"reserved_tokens\": %lld, "
               "\"exact\": %s",
               (long long)row->requests, (long long)row->input_tokens,
               (long long)row->reserved_tokens, row->exact ? "true" : "false");
}

static void add_json(struct buf *out, const struct table *t)
{
    struct row total = total_of(t);
    buf_puts(out, "{\"models\": [");
    for (size_t i = 0; i < t->n; i++) {
        const struct largest *largest = &t->rows[i].largest;
        buf_puts(out, i ? ", {\"model\": " : "{\"model\": ");
        buf_json(out, t->rows[i].model);
        buf_puts(out, ", ");
        add_sums(out, &t->rows[i]);
        buf_puts(out, ", \"largest\": {\"custom_id\": ");
        buf_json(out, buf_str(&largest->custom_id));
        buf_puts(out, ", \"file\": ");
        buf_json(out, str_of(largest->path));
        buf_printf(out, ", \"line\": %lld, \"input_tokens\": %lld}}", (long long)largest->line,
                   (long long)largest->input_tokens);
    }
    buf_puts(out, "], ");
    add_sums(out, &total);
    buf_puts(out, "}\n");
}

static void table_free(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        buf_free(&t->rows[i].largest.custom_id);
    free(t->rows);
    arena_free(&t->names);
    catalogue_close(&t->catalogue);
}

int count_requests(const struct count_options *options, char **paths, int n)
{
    struct diag diag;
    struct table t = {.options = options};
    t.catalogue = catalogue_open((struct str){0}, NULL, &diag);
    sl_assert(t.catalogue); /* the built-in data */
    int exit_code = EXIT_ALL_DONE;
    for (int i = 0; i < n; i++) {
        int code = read_file(&t, paths[i]);
        exit_code = code > exit_code ? code : exit_code;
    }
    if (t.complaints > COMPLAINTS_SHOWN)
        fprintf(stderr, "sluice count: and %lld more\n",
                (long long)(t.complaints - COMPLAINTS_SHOWN));
    if (t.complaints && exit_code == EXIT_ALL_DONE)
        exit_code = EXIT_USAGE;
    struct buf out = {0};
    if (options->json)
        add_json(&out, &t);
    else if (t.n > 0)
        add_table(&out, &t);
    if (!count_write(&out))
        exit_code = EXIT_IO;
    buf_free(&out);
    table_free(&t);
    return exit_code;
}
