/* refusal.c: where providers put an error: {"error": {...}} in most, bare in some, in a list
 * (Gemini's compatible endpoint), in a run's last_error, in a batch's errors, in the event of a
 * stream, wrapped as a text inside another error (routers), or as a page of an edge network. */
#include "refusal.h"
#include "bounds.h"

enum { WRAPS_MAX = 8 }; /* errors inside errors: a router's, its provider's, and their texts */

static void read_text(struct refusal *r, struct str text, struct arena *arena, int depth);

static struct str scalar_text(const struct json *v)
{
    return v && (v->type == JSON_STRING || v->type == JSON_NUMBER) ? v->text : (struct str){0};
}

static struct str first_text(const struct json *v, const char *const *names)
{
    for (; *names; names++) {
        struct str text = scalar_text(json_get(v, *names));
        if (text.n)
            return text;
    }
    return (struct str){0};
}

static int64_t http_status(const struct json *v)
{
    static const char *const names[] = {"code",        "status",          "statusCode",
                                        "status_code", "raw_status_code", NULL};
    for (const char *const *name = names; *name; name++) {
        int64_t n;
        struct str text = scalar_text(json_get(v, *name));
        if (text.n == 3 && str_int(text, false, &n) == SL_OK && n >= 400 && n < 600)
            return n;
    }
    return 0;
}

/* The fields of an error object; what an outer object said stands unless said better here. */
static void read_fields(struct refusal *r, const struct json *v)
{
    static const char *const messages[] = {
        "message", "detail", "msg", "error_message", "error_description", NULL};
    static const char *const codes[] = {"code", NULL};
    static const char *const types[] = {"type", "__type", NULL};
    struct str message = first_text(v, messages), code = first_text(v, codes);
    struct str type = first_text(v, types), state = json_str(json_get(v, "status"));
    if (message.n)
        r->message = message;
    if (code.n)
        r->code = code;
    if (type.n && !str_eq(type, STR("error")))
        r->type = type;
    if (state.n)
        r->state = state;
    if (json_get(v, "details"))
        r->details = json_get(v, "details");
    struct str inner = json_str(json_path(v, "details.error_code"));
    if (inner.n)
        r->code = inner;
    if (http_status(v))
        r->status = http_status(v);
}

static bool given(const struct json *v)
{
    return v && v->type != JSON_NULL;
}

/* The object or text one step further in, or NULL. */
static const struct json *inner_error(const struct json *v)
{
    static const char *const paths[] = {"error", "last_error", "errors",       "response.error",
                                        "data",  "result",     "metadata.raw", NULL};
    for (const char *const *path = paths; *path; path++) {
        const struct json *in = json_path(v, *path);
        if (given(in) && (in->type == JSON_OBJECT || in->type == JSON_ARRAY || in->text.n))
            return in;
    }
    return NULL;
}

static bool names_an_error(const struct json *v)
{
    static const char *const paths[] = {"error",          "last_error",   "errors.data",
                                        "response.error", "result.error", NULL};
    for (const char *const *path = paths; *path; path++) {
        const struct json *in = json_path(v, *path);
        if (given(in) && (in->type != JSON_ARRAY || in->first))
            return true;
    }
    return json_is(json_get(v, "type"), "error") || json_is(json_get(v, "object"), "error");
}

static void read_json(struct refusal *r, const struct json *v, struct arena *arena, int depth)
{
    while (v && v->type == JSON_ARRAY)
        v = v->first;
    if (!v || depth == WRAPS_MAX)
        return;
    if (v->type == JSON_STRING) {
        read_text(r, v->text, arena, depth + 1);
        return;
    }
    if (v->type != JSON_OBJECT)
        return;
    read_fields(r, v);
    r->found |= names_an_error(v);
    r->event |= json_get(v, "sequence_number") != NULL;
    const struct json *inner = inner_error(v);
    if (inner)
        read_json(r, inner, arena, depth + 1);
}

/* ---- pages --------------------------------------------------------------------------- */

static bool is_page(struct str text)
{
    text = str_cut(text, 512);
    return str_find_nocase(text, STR("<html"), 0) >= 0 ||
           str_find_nocase(text, STR("<!doctype"), 0) >= 0;
}

static struct str page_title(struct str text)
{
    ptrdiff_t open = str_find_nocase(text, STR("<title"), 0);
    ptrdiff_t start = open < 0 ? -1 : str_find(text, STR(">"), (size_t)open);
    ptrdiff_t end = start < 0 ? -1 : str_find_nocase(text, STR("</title"), (size_t)start);
    if (end < 0)
        return (struct str){0};
    return str_trim((struct str){text.p + start + 1, (size_t)(end - start - 1)});
}

/* ---- texts --------------------------------------------------------------------------- */

/* JSON alone, or behind other words: "429 {...}", "event: error\ndata: {...}". */
static const struct json *json_within(struct str text, struct arena *arena)
{
    ptrdiff_t brace = str_find(text, STR("{"), 0), bracket = str_find(text, STR("["), 0);
    ptrdiff_t at = brace < 0 || (bracket >= 0 && bracket < brace) ? bracket : brace;
    const struct json *v = NULL;
    if (at == 0)
        v = json_parse(arena, text, NULL);
    if (v || brace < 0)
        return v;
    size_t end = text.n;
    while (end > (size_t)brace && text.p[end - 1] != '}')
        end--;
    if (end == (size_t)brace)
        return NULL;
    return json_parse(arena, (struct str){text.p + brace, end - (size_t)brace}, NULL);
}

static void read_text(struct refusal *r, struct str text, struct arena *arena, int depth)
{
    text = str_trim(text);
    if (is_page(text)) {
        r->page = true;
        r->message = page_title(text);
        return;
    }
    const struct json *v = depth < WRAPS_MAX ? json_within(text, arena) : NULL;
    if (v && (v->type == JSON_OBJECT || v->type == JSON_ARRAY))
        read_json(r, v, arena, depth);
    else if (text.n)
        r->message = text;
}

struct refusal refusal_read(struct str body, bool failed, struct arena *arena)
{
    struct refusal r = {0};
    read_text(&r, body, arena, 0);
    r.found |= failed;
    return r;
}
