/* batch_line.c: see batch_line.h. */
#include "batch_line.h"

void batch_request_write(enum batch_dialect d, const struct batch_request *r, bool first,
                         struct buf *out)
{
    bool openai = d == BATCH_OPENAI;
    buf_puts(out, openai || first ? "{\"custom_id\":" : ",{\"custom_id\":");
    buf_json(out, r->custom_id);
    if (openai) {
        buf_puts(out, ",\"method\":\"POST\",\"url\":");
        buf_json(out, r->endpoint);
    }
    buf_puts(out, openai ? ",\"body\":" : ",\"params\":");
    buf_add(out, r->body);
    buf_puts(out, openai ? "}\n" : "}");
}

void batch_id_write(int64_t number, struct str mark, struct buf *out)
{
    buf_int(out, number);
    buf_char(out, '-');
    buf_add(out, mark);
}

int64_t batch_id_read(struct str id, struct str mark)
{
    int64_t number;
    struct str digits = str_split(&id, '-');
    if (!str_eq(id, mark) || str_int(digits, false, &number) != SL_OK || number < 0)
        return -1;
    return number;
}

/* ---- results ---- */

static enum sl_err no_result(struct diag *diag, const char *field)
{
    return diag_set(diag, SL_TYPE, field, "is not what a line of results holds");
}

static enum sl_err read_response(const struct json *response, struct batch_result *out,
                                 struct diag *diag)
{
    int64_t status;
    const struct json *body = json_get(response, "body");
    if (response->type != JSON_OBJECT || !body)
        return no_result(diag, "response");
    if (json_int(json_get(response, "status_code"), &status) != SL_OK || status < 0 ||
        status > 999)
        return no_result(diag, "response.status_code");
    out->status = (int)status;
    out->request_id = json_str(json_get(response, "request_id"));
    out->body = body->raw;
    out->tree = body;
    out->fate = status / 100 == 2 ? FATE_ANSWERED : FATE_ERRORED;
    return SL_OK;
}

static enum sl_err read_openai(const struct json *root, struct batch_result *out,
                               struct diag *diag)
{
    const struct json *response = json_get(root, "response"), *error = json_get(root, "error");
    if (response && response->type != JSON_NULL)
        return read_response(response, out, diag);
    if (!error || error->type != JSON_OBJECT)
        return no_result(diag, "error");
    out->code = json_str(json_get(error, "code"));
    out->message = json_str(json_get(error, "message"));
    out->fate = FATE_ERRORED;
    if (str_eq(out->code, STR("batch_expired")))
        out->fate = FATE_EXPIRED;
    if (str_eq(out->code, STR("batch_cancelled")))
        out->fate = FATE_CANCELLED;
    return SL_OK;
}

static enum sl_err read_anthropic(const struct json *root, struct batch_result *out,
                                  struct diag *diag)
{
    static const struct {
        const char *type, *body;
        enum batch_fate fate;
    } types[] = {{"succeeded", "message", FATE_ANSWERED},
                 {"errored", "error", FATE_ERRORED},
                 {"expired", NULL, FATE_EXPIRED},
                 {"canceled", NULL, FATE_CANCELLED}};
    const struct json *result = json_get(root, "result"), *type = json_get(result, "type");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!json_is(type, types[i].type))
            continue;
        const struct json *body = types[i].body ? json_get(result, types[i].body) : NULL;
        if (types[i].body && !body)
            return no_result(diag, "result");
        out->fate = types[i].fate;
        out->status = out->fate == FATE_ANSWERED ? 200 : 0;
        if (body)
            out->body = body->raw;
        out->tree = body;
        return SL_OK;
    }
    return no_result(diag, "result.type");
}

enum sl_err batch_result_read(enum batch_dialect d, struct str text, struct arena *arena,
                              struct batch_result *out, struct diag *diag)
{
    *out = (struct batch_result){.fate = FATE_ERRORED};
    const struct json *root = json_parse(arena, text, diag);
    if (!root)
        return SL_SYNTAX;
    out->custom_id = json_str(json_get(root, "custom_id"));
    if (!out->custom_id.p)
        return diag_set(diag, SL_MISSING, "custom_id", "missing");
    return d == BATCH_OPENAI ? read_openai(root, out, diag) : read_anthropic(root, out, diag);
}
