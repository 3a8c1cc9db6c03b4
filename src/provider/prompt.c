/* prompt.c: see prompt.h. Counts what a model reads, message by message.
 *
 * Exact for plain chats of models whose tokenizer is public. Where it cannot be exact it leans
 * to the larger figure, for a budget overdrawn is a refusal, and marks the count as estimated:
 *   audio   a token for 500 base64 characters: 10 tokens a second at the lowest usual bit rate
 *   files   a token for 30 base64 characters: a page of 45 kB of base64 as 1,500 tokens */
#include "prompt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { AUDIO_CHARACTERS_PER_TOKEN = 500, FILE_CHARACTERS_PER_TOKEN = 30 };
static const int64_t largest_count = 1000000000000;

void prompt_fail(struct prompt *p, enum sl_err err, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (p->err)
        return;
    p->err = diag_set(p->diag, err, p->path, "%s", what);
}

/* On the way of every request, so without printf. */
static void extend(struct prompt *p, struct str text)
{
    struct str part = str_cut(text, sizeof p->path - 1 - p->path_n);
    memcpy(p->path + p->path_n, part.p, part.n);
    p->path_n += part.n;
    p->path[p->path_n] = 0;
}

size_t prompt_enter(struct prompt *p, const char *key)
{
    size_t mark = p->path_n;
    if (mark)
        extend(p, STR("."));
    extend(p, str_of(key));
    return mark;
}

size_t prompt_enter_index(struct prompt *p, size_t i)
{
    char text[24];
    size_t mark = p->path_n;
    snprintf(text, sizeof text, "[%zu]", i);
    extend(p, str_of(text));
    return mark;
}

void prompt_leave(struct prompt *p, size_t mark)
{
    p->path_n = mark;
    p->path[mark] = 0;
}

const struct json *prompt_member(struct prompt *p, const struct json *object, const char *key)
{
    const struct json *found = NULL;
    struct str name = str_of(key);
    if (object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *v = object->first; v; v = v->next) {
        if (!str_eq(v->key, name))
            continue;
        if (found) {
            size_t mark = prompt_enter(p, key);
            prompt_fail(p, SL_SYNTAX, "given twice");
            prompt_leave(p, mark);
        }
        found = v;
    }
    return found && found->type != JSON_NULL ? found : NULL;
}

struct str prompt_member_text(struct prompt *p, const struct json *object, const char *key)
{
    const struct json *v = prompt_member(p, object, key);
    if (v && v->type != JSON_STRING) {
        size_t mark = prompt_enter(p, key);
        prompt_fail(p, SL_TYPE, "must be a string");
        prompt_leave(p, mark);
    }
    return json_str(v);
}

int64_t prompt_member_count(struct prompt *p, const struct json *object, const char *key,
                            int64_t absent)
{
    const struct json *v = prompt_member(p, object, key);
    int64_t n = absent;
    if (v && (json_int(v, &n) || n < 0 || n > largest_count)) {
        size_t mark = prompt_enter(p, key);
        prompt_fail(p, SL_TYPE, "must be a whole number from 0");
        prompt_leave(p, mark);
        n = absent;
    }
    return n;
}

/* Bytes that continue none, eight at a time. */
static int64_t code_points(struct str s)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    size_t n = 0, i = 0;
    for (uint64_t word; s.n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        uint64_t continuing = (word >> 7) & ~(word >> 6) & each;
        n += sizeof word - (size_t)((continuing * each) >> 56); /* their sum, in the top byte */
    }
    for (; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return (int64_t)n;
}

void prompt_text(struct prompt *p, struct str text)
{
    if (p->err || text.n == 0)
        return;
    p->characters += code_points(text);
    p->tokens +=
        p->claude ? claude_tokens(p->model, text) : (int64_t)token_count(p->encoding, text);
}

/* What has no rule here: every string in it counts as text. */
static void count_strings(struct prompt *p, const struct json *v)
{
    p->estimated = true;
    if (v->type == JSON_STRING)
        prompt_text(p, v->text);
    for (const struct json *c = v->first; c; c = c->next)
        count_strings(p, c);
}

static void bulk(struct prompt *p, struct str base64, int64_t characters_per_token)
{
    p->estimated = true;
    p->tokens += (int64_t)base64.n / characters_per_token + 1;
}

/* `where` is a URL, a data URL, bare base64, or empty (an uploaded file's id). */
static void image(struct prompt *p, struct str where, struct str detail)
{
    int64_t width = 0, height = 0;
    if (str_starts(where, STR("data:"))) {
        ptrdiff_t comma = str_find(str_cut(where, 256), STR(","), 0);
        where = comma < 0 ? (struct str){0} : str_from(where, (size_t)comma + 1);
    }
    if (!image_size(where, &width, &height))
        width = height = 0;
    p->estimated = true;
    p->images++;
    p->tokens += image_tokens(p->model, image_detail_named(detail), width, height);
}

/* Chat: {"image_url": {"url", "detail"}}; Responses: {"image_url": "...", "detail"}; Anthropic:
 * {"source": {"data" or "url"}}. */
static void image_part(struct prompt *p, const struct json *part)
{
    const struct json *url = prompt_member(p, part, "image_url");
    const struct json *source = prompt_member(p, part, "source");
    struct str detail = prompt_member_text(p, part, "detail");
    struct str where = json_str(url);
    if (url && url->type == JSON_OBJECT) {
        size_t mark = prompt_enter(p, "image_url");
        where = prompt_member_text(p, url, "url");
        detail = prompt_member_text(p, url, "detail");
        prompt_leave(p, mark);
    }
    if (source)
        where = json_str(prompt_member(p, source, "data"));
    image(p, where, detail);
}

/* Chat: {"file": {"file_data"}}; Responses: {"file_data"}; Anthropic: {"source": {"data"}}, of
 * type text or base64. */
static void file_part(struct prompt *p, const struct json *part)
{
    const struct json *source = prompt_member(p, part, "source");
    const struct json *file = prompt_member(p, part, "file");
    struct str data = json_str(prompt_member(p, file ? file : part, "file_data"));
    if (source && json_is(prompt_member(p, source, "type"), "text")) {
        prompt_text(p, json_str(prompt_member(p, source, "data")));
        return;
    }
    if (source)
        data = json_str(prompt_member(p, source, "data"));
    bulk(p, data, FILE_CHARACTERS_PER_TOKEN);
}

static void audio_part(struct prompt *p, const struct json *part)
{
    const struct json *audio = prompt_member(p, part, "input_audio");
    bulk(p, audio ? json_str(prompt_member(p, audio, "data")) : (struct str){0},
         AUDIO_CHARACTERS_PER_TOKEN);
}

static bool ends_on(struct str type, const char *word)
{
    return str_ends(type, str_of(word));
}

static void content_part(struct prompt *p, const struct json *part)
{
    if (part->type == JSON_STRING) {
        prompt_text(p, part->text);
        return;
    }
    if (part->type != JSON_OBJECT) {
        prompt_fail(p, SL_TYPE, "must be a content part: an object with a type");
        return;
    }
    struct str type = prompt_member_text(p, part, "type");
    if (type.n == 0 || ends_on(type, "text"))
        prompt_text(p, prompt_member_text(p, part, "text"));
    else if (ends_on(type, "image_url") || ends_on(type, "image"))
        image_part(p, part);
    else if (ends_on(type, "audio"))
        audio_part(p, part);
    else if (ends_on(type, "file") || ends_on(type, "document"))
        file_part(p, part);
    else if (str_eq(type, STR("refusal")))
        prompt_text(p, prompt_member_text(p, part, "refusal"));
    else if (str_eq(type, STR("tool_result"))) {
        const struct json *inner = prompt_member(p, part, "content");
        size_t mark = prompt_enter(p, "content");
        prompt_content(p, inner);
        prompt_leave(p, mark);
    } else
        count_strings(p, part);
}

void prompt_content(struct prompt *p, const struct json *content)
{
    if (!content || content->type == JSON_NULL)
        return;
    if (content->type == JSON_STRING) {
        prompt_text(p, content->text);
        return;
    }
    if (content->type != JSON_ARRAY) {
        prompt_fail(p, SL_TYPE, "must be a text or a list of content parts");
        return;
    }
    size_t i = 0;
    for (const struct json *part = content->first; part && !p->err; part = part->next, i++) {
        size_t mark = prompt_enter_index(p, i);
        content_part(p, part);
        prompt_leave(p, mark);
    }
}

/* Calls of tools that an assistant message repeats: each framed like a message. */
static void tool_calls(struct prompt *p, const struct json *calls)
{
    for (const struct json *call = calls ? calls->first : NULL; call; call = call->next) {
        const struct json *function = prompt_member(p, call, "function");
        p->estimated = true;
        p->tokens += p->cost->message;
        if (!function) {
            count_strings(p, call);
            continue;
        }
        prompt_text(p, json_str(prompt_member(p, function, "name")));
        prompt_text(p, json_str(prompt_member(p, function, "arguments")));
    }
}

static void framing(struct prompt *p, const struct json *message)
{
    struct str role = prompt_member_text(p, message, "role");
    struct str name = prompt_member_text(p, message, "name");
    if (p->claude) {
        p->tokens += CLAUDE_MESSAGE_TOKENS;
        return;
    }
    p->tokens += p->cost->message;
    prompt_text(p, role);
    if (name.n) {
        p->tokens += p->cost->name;
        prompt_text(p, name);
    }
}

static void message(struct prompt *p, const struct json *m)
{
    if (m->type != JSON_OBJECT) {
        prompt_fail(p, SL_TYPE, "must be an object with role and content");
        return;
    }
    /* Responses items that are not messages name their type: calls, outputs, reasoning. */
    struct str type = prompt_member_text(p, m, "type");
    if (type.n && !str_eq(type, STR("message"))) {
        p->tokens += p->cost->message;
        count_strings(p, m);
        return;
    }
    framing(p, m);
    const struct json *content = prompt_member(p, m, "content");
    size_t mark = prompt_enter(p, "content");
    prompt_content(p, content);
    prompt_leave(p, mark);
    tool_calls(p, prompt_member(p, m, "tool_calls"));
}

void prompt_messages(struct prompt *p, const struct json *list)
{
    size_t i = 0;
    if (list->type != JSON_ARRAY) {
        prompt_fail(p, SL_TYPE, "must be a list of messages");
        return;
    }
    for (const struct json *m = list->first; m && !p->err; m = m->next, i++) {
        size_t mark = prompt_enter_index(p, i);
        message(p, m);
        prompt_leave(p, mark);
    }
}

/* ---- tools --------------------------------------------------------------------------- */

static void schema(struct prompt *p, const struct json *node);

static void property(struct prompt *p, const struct json *v)
{
    struct str type = json_str(json_get(v, "type"));
    struct str description = json_str(json_get(v, "description"));
    p->tokens += chat_property(p->encoding, p->cost, v->key, type, description);
    p->characters += code_points(v->key) + code_points(type) + code_points(description);
    schema(p, v);
}

/* A schema's properties and enums, and those of the schemas inside it. */
static void schema(struct prompt *p, const struct json *node)
{
    const struct json *properties = json_get(node, "properties");
    const struct json *items = json_get(node, "enum");
    if (properties && properties->first)
        p->tokens += p->cost->properties;
    for (const struct json *v = properties ? properties->first : NULL; v; v = v->next)
        property(p, v);
    if (items && items->first)
        p->tokens += p->cost->enums;
    for (const struct json *v = items ? items->first : NULL; v; v = v->next) {
        struct str item = v->type == JSON_STRING ? v->text : v->raw;
        p->tokens += chat_enum_item(p->encoding, p->cost, item);
        p->characters += code_points(item);
    }
    static const char *const inner[] = {"items", "additionalProperties"};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) {
        const struct json *v = json_get(node, inner[i]);
        if (v)
            schema(p, v);
    }
    static const char *const several[] = {"anyOf", "oneOf", "allOf", "$defs", "definitions"};
    for (size_t i = 0; i < sizeof several / sizeof *several; i++) {
        const struct json *list = json_get(node, several[i]);
        for (const struct json *v = list ? list->first : NULL; v; v = v->next)
            schema(p, v);
    }
}

/* Chat: {"function": {"name", "description", "parameters"}}; Responses and the old `functions`:
 * the same without the envelope. */
static void tool(struct prompt *p, const struct json *definition)
{
    const struct json *function = prompt_member(p, definition, "function");
    if (!function)
        function = definition;
    struct str name = json_str(prompt_member(p, function, "name"));
    struct str description = json_str(prompt_member(p, function, "description"));
    const struct json *parameters = prompt_member(p, function, "parameters");
    p->tokens += chat_tool(p->encoding, p->cost, name, description);
    p->characters += code_points(name) + code_points(description);
    if (parameters)
        schema(p, parameters);
}

static void tool_list(struct prompt *p, const struct json *body, const char *key)
{
    const struct json *list = prompt_member(p, body, key);
    if (!list)
        return;
    size_t mark = prompt_enter(p, key);
    if (list->type != JSON_ARRAY)
        prompt_fail(p, SL_TYPE, "must be a list of tools");
    for (const struct json *v = list->first; v && !p->err; v = v->next) {
        p->estimated = true;
        if (p->claude)
            prompt_text(p, v->raw);
        else
            tool(p, v);
    }
    if (list->first && !p->claude)
        p->tokens += p->cost->tools_end;
    prompt_leave(p, mark);
}

void prompt_tools(struct prompt *p, const struct json *body)
{
    tool_list(p, body, "tools");
    tool_list(p, body, "functions");
    /* A schema for the answer is read by the model too: counted as it is written. */
    const struct json *format = prompt_member(p, body, "response_format");
    const struct json *text = prompt_member(p, body, "text");
    if (!format && text)
        format = prompt_member(p, text, "format");
    if (format && json_is(json_get(format, "type"), "json_schema")) {
        p->estimated = true;
        prompt_text(p, format->raw);
    }
}
