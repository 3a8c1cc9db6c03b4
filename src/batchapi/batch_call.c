/* batch_call.c: see batch_call.h. */
#include "batch_call.h"

#include "multipart.h"

enum { ID_BYTES_MAX = 128 };

enum batch_dialect batch_dialect_of(const struct provider *p)
{
    switch (p->id) {
    case PROVIDER_OPENAI:
    case PROVIDER_COMPATIBLE:
        return BATCH_OPENAI;
    case PROVIDER_ANTHROPIC:
        return BATCH_ANTHROPIC;
    case PROVIDER_AZURE:
    case PROVIDER_GEMINI:
    case PROVIDER_GROQ:
    case PROVIDER_COUNT:
        break;
    }
    return BATCH_NONE;
}

const struct batch_rules *batch_rules_of(const struct catalogue *c, const struct provider *p)
{
    enum batch_dialect d = batch_dialect_of(p);
    if (d == BATCH_NONE)
        return NULL;
    return catalogue_batch_rules(c, d == BATCH_OPENAI ? STR("openai") : STR("anthropic"));
}

int batch_endpoint(const struct batch_rules *rules, struct str url)
{
    const struct str version = STR("/v1");
    for (size_t i = 0; i < rules->endpoint_count; i++) {
        struct str endpoint = rules->endpoints[i];
        if (str_eq(url, endpoint) ||
            (str_starts(endpoint, version) && str_eq(url, str_from(endpoint, version.n))))
            return (int)i;
    }
    return -1;
}

const char *batch_method(enum batch_verb v)
{
    return v == BATCH_UPLOAD || v == BATCH_CREATE || v == BATCH_CANCEL ? "POST" : "GET";
}

static void openai_path(enum batch_verb v, struct str id, struct buf *out)
{
    bool files = v == BATCH_UPLOAD || v == BATCH_FILES || v == BATCH_CONTENT;
    buf_puts(out, files ? "/files" : "/batches");
    if (v == BATCH_FILES)
        buf_puts(out, "?purpose=batch&limit=100");
    if (v == BATCH_LIST)
        buf_puts(out, "?limit=100");
    if ((v == BATCH_FILES || v == BATCH_LIST) && id.n)
        buf_printf(out, "&after=%.*s", STR_ARG(id));
    if (v == BATCH_LOOK || v == BATCH_CANCEL || v == BATCH_CONTENT)
        buf_printf(out, "/%.*s", STR_ARG(id));
    if (v == BATCH_CANCEL || v == BATCH_CONTENT)
        buf_puts(out, v == BATCH_CANCEL ? "/cancel" : "/content");
}

static void anthropic_path(enum batch_verb v, struct str id, struct buf *out)
{
    sl_assert(v != BATCH_UPLOAD && v != BATCH_FILES);
    buf_puts(out, "/messages/batches");
    if (v == BATCH_LIST)
        buf_puts(out, "?limit=100");
    if (v == BATCH_LIST && id.n)
        buf_printf(out, "&after_id=%.*s", STR_ARG(id));
    if (v == BATCH_LOOK || v == BATCH_CANCEL || v == BATCH_CONTENT)
        buf_printf(out, "/%.*s", STR_ARG(id));
    if (v == BATCH_CANCEL || v == BATCH_CONTENT)
        buf_puts(out, v == BATCH_CANCEL ? "/cancel" : "/results");
}

void batch_path(enum batch_dialect d, enum batch_verb v, struct str id, bool base_has_path,
                struct buf *out)
{
    sl_assert(d != BATCH_NONE && (id.n == 0 || batch_id_is_plain(id)));
    buf_puts(out, base_has_path ? "" : "/v1");
    if (d == BATCH_OPENAI)
        openai_path(v, id, out);
    else
        anthropic_path(v, id, out);
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_' || c == '.';
}

bool batch_id_is_plain(struct str id)
{
    size_t dots = 0;
    for (size_t i = 0; i < id.n; i++) {
        if (!is_plain(id.p[i]))
            return false;
        dots += id.p[i] == '.';
    }
    return id.n <= ID_BYTES_MAX && dots < id.n;
}

void batch_create_body(struct str file, struct str endpoint, struct str mark, struct buf *out)
{
    buf_puts(out, "{\"input_file_id\":");
    buf_json(out, file);
    buf_puts(out, ",\"endpoint\":");
    buf_json(out, endpoint);
    buf_puts(out, ",\"completion_window\":\"24h\",\"metadata\":{\"sluice\":");
    buf_json(out, mark);
    buf_puts(out, "}}");
}

void batch_frame_head(enum batch_dialect d, struct str boundary, struct str filename,
                      struct buf *out)
{
    if (d == BATCH_ANTHROPIC) {
        buf_puts(out, "{\"requests\":[");
        return;
    }
    struct multipart_writer w = {.boundary = boundary};
    const struct multipart_part file = {
        .name = STR("file"), .filename = filename, .type = STR("application/jsonl")};
    enum sl_err err = multipart_write_field(&w, out, STR("purpose"), STR("batch"));
    if (err == SL_OK)
        err = multipart_write_file(&w, out, &file);
    sl_assert(err == SL_OK); /* names of our own making */
}

void batch_frame_tail(enum batch_dialect d, struct str boundary, struct buf *out)
{
    struct multipart_writer w = {.boundary = boundary, .begun = true};
    if (d == BATCH_ANTHROPIC)
        buf_puts(out, "]}");
    else
        multipart_write_tail(&w, out);
}

void batch_frame_type(enum batch_dialect d, struct str boundary, struct buf *out)
{
    struct multipart_writer w = {.boundary = boundary};
    if (d == BATCH_ANTHROPIC)
        buf_puts(out, "application/json");
    else
        multipart_write_type(&w, out);
}
