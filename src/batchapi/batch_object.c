/* batch_object.c: see batch_object.h. */
#include "batch_object.h"

#include "duration.h"

static enum sl_err read_id(const struct json *v, const char *key, struct str *out,
                           struct diag *diag)
{
    const struct json *id = json_get(v, key);
    if (!id || id->type == JSON_NULL)
        return SL_OK;
    *out = json_str(id);
    if (batch_id_is_plain(*out))
        return SL_OK;
    *out = (struct str){0};
    return diag_set(diag, SL_RANGE, key, "is no id");
}

static int64_t count_of(const struct json *v, const char *path)
{
    int64_t n;
    return json_int(json_path(v, path), &n) == SL_OK && n >= 0 ? n : -1;
}

/* Seconds since 1970, or RFC 3339. */
static int64_t instant_of(const struct json *v)
{
    enum { SECOND = 1000000 };
    int64_t at = -1;
    if (json_int(v, &at) == SL_OK)
        return at >= 0 && at < INT64_MAX / SECOND ? at * SECOND : -1;
    return instant_rfc3339(json_str(v), &at) == SL_OK && at >= 0 ? at : -1;
}

static enum batch_phase phase_of(struct str status)
{
    static const char *const over[] = {"completed", "expired", "cancelled", "ended"};
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        if (str_eq(status, str_of(over[i])))
            return BATCH_OVER;
    }
    return str_eq(status, STR("failed")) ? BATCH_FAILED : BATCH_AT_WORK;
}

static int64_t sum(const struct json *counts, const char *const *keys)
{
    int64_t all = -1;
    for (; *keys; keys++) {
        int64_t n = count_of(counts, *keys);
        if (n >= 0 && n < INT64_MAX / 8)
            all = (all < 0 ? 0 : all) + n;
    }
    return all;
}

static enum sl_err read_openai(const struct json *v, struct batch_object *out,
                               struct diag *diag)
{
    static const char *const done[] = {"completed", "failed", NULL};
    const struct json *counts = json_get(v, "request_counts");
    const struct json *complaints = json_path(v, "errors.data");
    out->status = json_str(json_get(v, "status"));
    out->mark = json_str(json_path(v, "metadata.sluice"));
    out->total = count_of(counts, "total");
    out->done = sum(counts, done);
    if (complaints && complaints->type == JSON_ARRAY)
        out->complaints = complaints->first;
    enum sl_err err = read_id(v, "output_file_id", &out->output_file, diag);
    return err == SL_OK ? read_id(v, "error_file_id", &out->error_file, diag) : err;
}

static void read_anthropic(const struct json *v, struct batch_object *out)
{
    static const char *const done[] = {"succeeded", "errored", "canceled", "expired", NULL};
    const struct json *counts = json_get(v, "request_counts");
    int64_t processing = count_of(counts, "processing");
    out->status = json_str(json_get(v, "processing_status"));
    out->done = sum(counts, done);
    if (out->done >= 0 && processing >= 0 && processing < INT64_MAX / 8)
        out->total = out->done + processing;
}

enum sl_err batch_object_read(enum batch_dialect d, const struct json *v,
                              struct batch_object *out, struct diag *diag)
{
    *out = (struct batch_object){.total = -1, .done = -1, .text = v ? v->raw : STR("")};
    enum sl_err err = read_id(v, "id", &out->id, diag);
    if (err == SL_OK && d == BATCH_OPENAI)
        err = read_openai(v, out, diag);
    else if (err == SL_OK)
        read_anthropic(v, out);
    if (err == SL_OK && !out->id.n)
        err = diag_set(diag, SL_MISSING, "id", "missing");
    if (err == SL_OK && !out->status.n)
        err = diag_set(diag, SL_MISSING, "status", "missing");
    out->phase = phase_of(out->status);
    out->created_us = instant_of(json_get(v, "created_at"));
    out->expires_us = instant_of(json_get(v, "expires_at"));
    return err;
}

struct batch_complaint batch_complaint_read(const struct json *v)
{
    int64_t line = count_of(v, "line");
    return (struct batch_complaint){.line = line < 0 ? 0 : line,
                                    .code = json_str(json_get(v, "code")),
                                    .message = json_str(json_get(v, "message"))};
}

bool batch_queue_was_full(const struct batch_object *b)
{
    if (b->phase != BATCH_FAILED)
        return false;
    for (const struct json *v = b->complaints; v; v = v->next) {
        if (json_is(json_get(v, "code"), "token_limit_exceeded"))
            return true;
    }
    return false;
}

enum sl_err batch_page_read(const struct json *v, struct batch_page *out, struct diag *diag)
{
    *out = (struct batch_page){.more = json_true(json_get(v, "has_more"))};
    const struct json *data = json_get(v, "data");
    if (!data || data->type != JSON_ARRAY)
        return diag_set(diag, SL_TYPE, "data", "is not a list");
    out->first = data->first;
    return read_id(v, "last_id", &out->last, diag);
}

enum sl_err batch_file_read(const struct json *v, struct batch_file *out, struct diag *diag)
{
    *out = (struct batch_file){.filename = json_str(json_get(v, "filename"))};
    enum sl_err err = read_id(v, "id", &out->id, diag);
    if (err == SL_OK && !out->id.n)
        err = diag_set(diag, SL_MISSING, "id", "missing");
    return err;
}
