/* results.c: see results.h.
 *
 * Invariants: an id stands at most once in output and error file together: rows in ROW_DONE and
 * ROW_FAILED are never asked again, and a passing failure leaves the error file before its row
 * is asked. Every line is one append, so whatever kills the process leaves whole lines. */
#include "results.h"

#include "journal.h"
#include "replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct results {
    uv_loop_t *loop;
    struct journal *output;
    struct journal
        *errors; /* opened by the first failure, so that without one there is no file */
    struct buf errors_path; /* empty: failures go to the output */
    struct buf line;
};

/* Codes of ours that a resumed run asks again; a provider's own code of such a name means the
 * same. */
static const char *const passing[] = {
    "overloaded",       "rate_limit",   "server_error",  "connection",    "timeout",
    "broken_answer",    "quota",        "auth",          "batch_expired", "batch_cancelled",
    "batch_incomplete", "batch_failed", "batch_refused", "over_limit",    "over_budget"};

bool failure_passes(struct str code)
{
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (str_eq(code, str_of(passing[i])))
            return true;
    }
    return false;
}

static struct str fault_code(enum sl_err err)
{
    if (err == SL_TIMEOUT)
        return STR("timeout");
    if (err == SL_SYNTAX || err == SL_TOO_LARGE)
        return STR("broken_answer");
    return STR("connection");
}

struct str failure_code(const struct ending *end)
{
    if (end->outcome == OUTCOME_TOO_LARGE)
        return STR("too_large");
    if (!end->answered)
        return fault_code(end->err);
    if (end->verdict.kind != VERDICT_OTHER)
        return str_of(verdict_name(end->verdict.kind));
    if (end->verdict.retryable)
        return STR("server_error");
    return end->verdict.code.n ? end->verdict.code : STR("rejected");
}

/* ---- writing ------------------------------------------------------------------------- */

/* JSON text on one line: a line break can stand only between tokens, where a space means the
 * same.
 */
static void add_one_line(struct buf *b, struct str json)
{
    size_t from = b->n;
    buf_add(b, str_trim(json));
    for (size_t i = from; i < b->n; i++) {
        if (b->p[i] == '\n' || b->p[i] == '\r')
            b->p[i] = ' ';
    }
}

static bool is_json(struct str body)
{
    struct arena arena = {0};
    bool yes = json_parse(&arena, body, NULL) != NULL;
    arena_free(&arena);
    return yes;
}

static void add_response(struct buf *b, const struct result *row)
{
    if (!row->answered) {
        buf_puts(b, "null");
        return;
    }
    buf_printf(b, "{\"status_code\":%d,\"request_id\":", row->status);
    buf_json(b, row->request_id);
    buf_puts(b, ",\"body\":");
    if (row->status / 100 == 2 || is_json(row->body))
        add_one_line(b, row->body);
    else
        buf_json(b, row->body); /* an edge network's plain text */
    buf_char(b, '}');
}

static void start_line(struct results *r, const struct result *row)
{
    char id[ID_BYTES];
    id_write(row->id, id);
    struct buf *b = &r->line;
    buf_clear(b);
    buf_puts(b, "{\"id\":\"");
    buf_add(b, (struct str){id, ID_BYTES});
    buf_puts(b, "\",\"custom_id\":");
    if (row->custom_id.p)
        buf_json(b, row->custom_id);
    else
        buf_puts(b, "null");
    buf_puts(b, ",\"response\":");
    add_response(b, row);
    buf_puts(b, ",\"error\":");
}

enum sl_err results_answer(struct results *r, const struct result *row, struct diag *diag)
{
    start_line(r, row);
    buf_puts(&r->line, "null}");
    return journal_append(r->output, buf_str(&r->line), diag);
}

enum sl_err results_failure(struct results *r, const struct result *row, struct str code,
                            struct str message, struct diag *diag)
{
    start_line(r, row);
    buf_puts(&r->line, "{\"code\":");
    buf_json(&r->line, code);
    buf_puts(&r->line, ",\"message\":");
    buf_json(&r->line, message);
    buf_puts(&r->line, "}}");
    if (!r->errors_path.n)
        return journal_append(r->output, buf_str(&r->line), diag);
    if (!r->errors) {
        struct journal_reader silent = {NULL, NULL};
        enum sl_err err = journal_open(r->loop, r->errors_path.p, silent, &r->errors, diag);
        if (err != SL_OK)
            return err;
    }
    return journal_append(r->errors, buf_str(&r->line), diag);
}

/* ---- reading back -------------------------------------------------------------------- */

struct reading_back {
    const char *path;
    struct input *in;
    struct results_found *found;
    struct arena arena;
    struct diag *diag;
    int64_t number;
    struct replacement *kept; /* the error file: lines that stay; NULL for the output */
};

static enum sl_err foreign(struct reading_back *s, const char *what, struct str custom_id)
{
    struct buf where = {0};
    buf_printf(&where, "%s:%lld", s->path, (long long)s->number);
    diag_set(s->diag, SL_RANGE, buf_cstr(&where), what, STR_ARG(str_cut(custom_id, 80)));
    buf_free(&where);
    return SL_RANGE;
}

/* The row a line speaks of: NULL in *row for an invalid line of an earlier run. */
static enum sl_err row_of(struct reading_back *s, const struct json *line, struct row **row)
{
    struct hash128 id;
    struct str name = json_str(json_get(line, "custom_id"));
    if (id_read(json_str(json_get(line, "id")), &id) != SL_OK || !json_get(line, "error"))
        return foreign(s, "is not a result of an earlier run; name another output with -o%.*s",
                       STR(""));
    *row = NULL;
    if (json_is(json_path(line, "error.code"), FAILURE_INVALID))
        return SL_OK;
    *row = rows_find(&s->in->rows, hash128_of(&name, 1));
    if (!*row)
        return foreign(s,
                       "custom_id \"%.*s\" is not in the input: the output belongs to another "
                       "one; name another output with -o",
                       name);
    if (!hash128_eq((*row)->id, id))
        return foreign(s,
                       "custom_id \"%.*s\" has another body in the input now: the input was "
                       "changed; undo that, or name another output with -o",
                       name);
    return SL_OK;
}

static enum sl_err parse_back(struct reading_back *s, struct str text, const struct json **line,
                              struct row **row)
{
    s->number++;
    arena_reset(&s->arena);
    *line = json_parse(&s->arena, text, NULL);
    return row_of(s, *line, row);
}

static enum sl_err read_output_line(void *ctx, struct str text, int64_t offset)
{
    (void)offset;
    struct reading_back *s = ctx;
    const struct json *line;
    struct row *row;
    enum sl_err err = parse_back(s, text, &line, &row);
    if (err != SL_OK || !row || row->state != ROW_PENDING)
        return err;
    row->state = ROW_DONE;
    s->found->ok++;
    return SL_OK;
}

static enum sl_err read_error_line(void *ctx, struct str text, int64_t offset)
{
    (void)offset;
    struct reading_back *s = ctx;
    const struct json *line;
    struct row *row;
    enum sl_err err = parse_back(s, text, &line, &row);
    if (err != SL_OK || !row || row->state != ROW_PENDING)
        return err;
    if (failure_passes(json_str(json_path(line, "error.code")))) {
        s->found->retried++;
        return SL_OK;
    }
    row->state = ROW_FAILED;
    s->found->failed++;
    return replacement_add(s->kept, text, s->diag);
}

/* ---- opening ------------------------------------------------------------------------- */

static void name_errors(struct results *r, const struct results_config *c)
{
    struct str out = str_of(c->output);
    struct buf *b = &r->errors_path;
    if (c->errors) {
        buf_puts(b, c->errors);
    } else if (!file_is_regular(c->output)) {
        return;
    } else if (str_ends(out, STR(".jsonl"))) {
        buf_add(b, str_cut(out, out.n - strlen(".jsonl")));
        buf_puts(b, ".errors.jsonl");
    } else {
        buf_add(b, out);
        buf_puts(b, ".errors.jsonl");
    }
    buf_cstr(b);
}

/* The error file is read under its lock, then replaced: the output's lock keeps other runs away
 * in between. */
static enum sl_err renew_errors(struct results *r, struct reading_back *s)
{
    struct journal_reader reader = {read_error_line, s};
    struct journal *old;
    s->path = r->errors_path.p;
    s->number = 0;
    enum sl_err err = replacement_begin(s->path, &s->kept, s->diag);
    if (err != SL_OK)
        return err;
    err = journal_open(r->loop, s->path, reader, &old, s->diag);
    if (err == SL_OK)
        err = journal_close(&old, s->diag);
    if (err != SL_OK)
        replacement_drop(&s->kept);
    return err == SL_OK ? replacement_commit(&s->kept, s->diag) : err;
}

enum sl_err results_open(uv_loop_t *loop, const struct results_config *c, struct input *in,
                         struct results **out, struct results_found *found, struct diag *diag)
{
    *found = (struct results_found){0};
    struct results *r = mem_zero(sizeof *r);
    struct reading_back s = {.path = c->output, .in = in, .found = found, .diag = diag};
    struct journal_reader reader = {read_output_line, &s};
    r->loop = loop;
    name_errors(r, c);
    enum sl_err err = journal_open(loop, c->output, reader, &r->output, diag);
    if (err == SL_OK)
        found->torn_bytes = journal_torn_bytes(r->output);
    if (err == SL_OK && r->errors_path.n)
        err = renew_errors(r, &s);
    arena_free(&s.arena);
    *out = r;
    if (err != SL_OK) {
        struct diag ignored;
        enum sl_err again = results_close(out, &ignored);
        (void)again; /* the first error is the one to tell */
    }
    return err;
}

const char *results_errors_path(const struct results *r)
{
    return r->errors_path.n ? r->errors_path.p : "the output";
}

enum sl_err results_sync(struct results *r, struct diag *diag)
{
    enum sl_err err = journal_sync(r->output, diag);
    if (err == SL_OK && r->errors)
        err = journal_sync(r->errors, diag);
    return err;
}

enum sl_err results_close(struct results **pr, struct diag *diag)
{
    struct results *r = *pr;
    *pr = NULL;
    if (!r)
        return SL_OK;
    enum sl_err err = SL_OK, second = SL_OK;
    struct diag other;
    if (r->output)
        err = journal_close(&r->output, diag);
    if (r->errors)
        second = journal_close(&r->errors, err == SL_OK ? diag : &other);
    buf_free(&r->errors_path);
    buf_free(&r->line);
    free(r);
    return err == SL_OK ? second : err;
}
