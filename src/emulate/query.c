/* query.c: reading requests as loosely as providers do: unknown fields are none of our
 * business, what we must act upon has to be right. */
#include "query.h"

#include <string.h>

static int64_t characters(struct str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

/* Characters of all text below v: plain strings of arrays, and the fields that hold text.
 * Numbers of arrays are tokens already: four characters each. Depth is bounded by the parser.
 */
static int64_t text_characters(const struct json *v)
{
    static const char *const fields[] = {"content", "text",   "input",
                                         "prompt",  "system", "instructions"};
    int64_t n = 0;
    if (!v)
        return 0;
    if (v->type == JSON_NUMBER)
        return v->key.p ? 0 : 4;
    if (v->type == JSON_STRING) {
        if (!v->key.p)
            return characters(v->text);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
            if (str_eq(v->key, str_of(fields[i])))
                return characters(v->text);
        }
        return 0;
    }
    for (const struct json *child = v->first; child; child = child->next)
        n += text_characters(child);
    return n;
}

/* The first of the fields that is there and not null, as a whole number of at least `least`. */
static enum sl_err read_count(const struct json *body, const char *const names[2],
                              int64_t least, int64_t *out, struct diag *diag)
{
    for (size_t i = 0; i < 2 && names[i]; i++) {
        const struct json *v = json_get(body, names[i]);
        if (!v || v->type == JSON_NULL)
            continue;
        if (json_int(v, out) != SL_OK)
            return diag_set(diag, SL_TYPE, names[i], "expected a whole number");
        if (*out < least)
            return diag_set(diag, SL_RANGE, names[i], "expected at least %lld",
                            (long long)least);
        return SL_OK;
    }
    return SL_OK;
}

static enum sl_err read_embeddings(const struct json *body, struct query *out,
                                   struct diag *diag)
{
    const struct json *input = json_get(body, "input");
    out->vectors = 1;
    if (input->type == JSON_ARRAY && input->first && input->first->type != JSON_NUMBER)
        out->vectors = (int64_t)input->count;
    out->dimensions = str_ends(out->model, STR("-large")) ? 3072 : 1536;
    out->base64 = json_is(json_get(body, "encoding_format"), "base64");
    enum sl_err err =
        read_count(body, (const char *const[2]){"dimensions"}, 1, &out->dimensions, diag);
    if (!err && out->dimensions > 4096)
        err = diag_set(diag, SL_RANGE, "dimensions", "expected at most 4096");
    if (!err && out->vectors > 2048)
        err = diag_set(diag, SL_RANGE, "input", "expected at most 2048 inputs");
    return err;
}

static const char *text_field(enum target_api api)
{
    if (api == API_RESPONSES || api == API_EMBEDDINGS)
        return "input";
    return api == API_COMPLETIONS ? "prompt" : "messages";
}

static enum sl_err read_lengths(const struct json *body, struct query *out, struct diag *diag)
{
    const char *const chat[2] = {"max_completion_tokens", "max_tokens"};
    const char *const responses[2] = {"max_output_tokens"}, *const other[2] = {"max_tokens"};
    bool is_chat = out->api == API_CHAT, is_responses = out->api == API_RESPONSES;
    enum sl_err err = read_count(body,
                                 is_chat        ? chat
                                 : is_responses ? responses
                                                : other,
                                 1, &out->max_tokens, diag);
    if (!err && out->api == API_MESSAGES && out->max_tokens == 0)
        err = diag_set(diag, SL_MISSING, "max_tokens", "Field required");
    if (!err && out->api == API_COMPLETIONS && out->max_tokens == 0)
        out->max_tokens = 16; /* this API's documented default */
    if (!err && (is_chat || out->api == API_COMPLETIONS))
        err = read_count(body, (const char *const[2]){"n"}, 1, &out->choices, diag);
    if (!err && out->choices > 128)
        err = diag_set(diag, SL_RANGE, "n", "expected at most 128");
    return err;
}

enum sl_err query_of(const struct target *to, const struct json *root, struct query *out,
                     struct diag *diag)
{
    *out = (struct query){.api = to->api, .choices = 1, .model = to->name};
    if (root->type != JSON_OBJECT)
        return diag_set(diag, SL_SYNTAX, "", "expected an object");
    struct str model = json_str(json_get(root, "model"));
    if (!out->model.n)
        out->model = model;
    if (!out->model.n)
        return diag_set(diag, SL_MISSING, "model", "Field required");
    const struct json *text = json_get(root, text_field(to->api));
    if (!text || text->type == JSON_NULL)
        return diag_set(diag, SL_MISSING, text_field(to->api), "Field required");
    out->stream = json_true(json_get(root, "stream"));
    out->include_usage = json_true(json_path(root, "stream_options.include_usage"));
    int64_t chars = text_characters(text) + text_characters(json_get(root, "system")) +
                    text_characters(json_get(root, "instructions"));
    out->input_tokens = (chars + 3) / 4;
    if (to->api == API_EMBEDDINGS)
        return read_embeddings(root, out, diag);
    return read_lengths(root, out, diag);
}

enum sl_err query_read(struct arena *arena, const struct target *to, struct str body,
                       struct query *out, struct diag *diag)
{
    *out = (struct query){.api = to->api, .choices = 1, .model = to->name};
    const struct json *root = json_parse(arena, body, diag);
    return root ? query_of(to, root, out, diag) : SL_SYNTAX;
}
