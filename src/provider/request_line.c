/* request_line.c: see request_line.h. */
#include "request_line.h"

static enum sl_err need_string(const struct json *object, const char *key, struct str *out,
                               struct diag *diag)
{
    const struct json *v = json_get(object, key);
    if (!v)
        return diag_set(diag, SL_MISSING, key, "missing");
    if (v->type != JSON_STRING)
        return diag_set(diag, SL_TYPE, key, "must be a string");
    if (v->text.n == 0)
        return diag_set(diag, SL_RANGE, key, "must not be empty");
    *out = v->text;
    return SL_OK;
}

static enum sl_err need_body(const struct json *root, struct request_line *out,
                             struct diag *diag)
{
    const struct json *v = json_get(root, out->field);
    if (!v)
        return diag_set(diag, SL_MISSING, out->field, "missing: the request itself");
    if (v->type != JSON_OBJECT)
        return diag_set(diag, SL_TYPE, out->field, "must be an object");
    out->tree = v;
    out->body = v->raw;
    if (json_true(json_get(v, "stream")))
        return diag_set(diag, SL_RANGE, "stream",
                        "a batch has no streams; remove it, the answer comes whole");
    return SL_OK;
}

static enum sl_err read_anthropic(const struct json *root, struct request_line *out,
                                  struct diag *diag)
{
    out->field = "params";
    out->url = STR("/v1/messages");
    out->route = ROUTE_MESSAGES;
    return need_body(root, out, diag);
}

static enum sl_err read_openai(const struct json *root, struct request_line *out,
                               struct diag *diag)
{
    struct str method = {0};
    enum sl_err err = need_string(root, "method", &method, diag);
    if (err != SL_OK)
        return err;
    if (!str_eq(method, STR("POST")))
        return diag_set(diag, SL_UNKNOWN, "method", "must be \"POST\"");
    err = need_string(root, "url", &out->url, diag);
    if (err != SL_OK)
        return err;
    out->route = route_of(out->url);
    if (out->url.p[0] != '/' || out->route == ROUTE_OTHER)
        return diag_set(diag, SL_UNKNOWN, "url",
                        "\"%.*s\" is not known; known are /v1/chat/completions, /v1/responses, "
                        "/v1/completions, /v1/embeddings, /v1/moderations, "
                        "/v1/images/generations and /v1/messages",
                        STR_ARG(str_cut(out->url, 80)));
    out->field = "body";
    return need_body(root, out, diag);
}

/* The limit's name in the body: OpenAI's own newer models refuse the older one. */
static const char *max_tokens_key(const struct provider *p)
{
    bool openai = p->id == PROVIDER_OPENAI || p->id == PROVIDER_AZURE;
    return openai ? "max_completion_tokens" : "max_tokens";
}

static enum sl_err read_prompt(const struct line_form *form, int64_t number, struct str text,
                               struct arena *arena, struct request_line *out)
{
    bool messages = form->provider->id == PROVIDER_ANTHROPIC;
    out->custom_id = arena_printf(arena, "prompt-%lld", (long long)number);
    out->url = messages ? STR("/v1/messages") : STR("/v1/chat/completions");
    out->route = messages ? ROUTE_MESSAGES : ROUTE_CHAT;
    out->field = "";
    struct buf b = {0};
    buf_puts(&b, "{\"model\":");
    buf_json(&b, str_of(form->model));
    if (form->max_tokens)
        buf_printf(&b, ",\"%s\":%lld", max_tokens_key(form->provider),
                   (long long)form->max_tokens);
    buf_puts(&b, ",\"messages\":[{\"role\":\"user\",\"content\":");
    buf_json(&b, str_trim(text)); /* a carriage return, indentation */
    buf_puts(&b, "}]}");
    out->body = arena_copy(arena, buf_str(&b));
    buf_free(&b);
    out->tree = json_parse(arena, out->body, NULL);
    sl_assert(out->tree);
    return SL_OK;
}

enum sl_err request_line_read(const struct line_form *form, int64_t number, struct str text,
                              struct arena *arena, struct request_line *out, struct diag *diag)
{
    *out = (struct request_line){.field = "", .route = ROUTE_OTHER};
    if (form->prompts)
        return read_prompt(form, number, text, arena, out);
    const struct json *root = json_parse(arena, text, diag);
    if (!root)
        return SL_SYNTAX;
    if (root->type != JSON_OBJECT)
        return diag_set(diag, SL_TYPE, "", "must be a JSON object");
    enum sl_err err = need_string(root, "custom_id", &out->custom_id, diag);
    if (err != SL_OK)
        return err;
    const struct json *twice = json_duplicate(root);
    if (twice)
        return diag_set(diag, SL_SYNTAX, "", "key \"%.*s\" stands twice in one object",
                        STR_ARG(str_cut(twice->key, 80)));
    if (json_get(root, "params") && !json_get(root, "url"))
        return read_anthropic(root, out, diag);
    return read_openai(root, out, diag);
}

struct str request_line_path(const struct request_line *line, bool base_has_path)
{
    if (base_has_path && str_starts(line->url, STR("/v1/")))
        return str_from(line->url, 3);
    return line->url;
}
