/* json.c: yajl's events become a tree.
 *
 * Invariant while parsing: stack[depth] is the container being filled, `key` the name waiting
 * for its value. Every value's raw slice ends where yajl has consumed to when its event
 * arrives; for scalars the start is found from the token itself. */
#include "json.h"
#include "bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

struct builder {
    struct arena *arena;
    struct str text;
    yajl_handle yajl;
    struct json *root;
    struct json *stack[BOUND_JSON_DEPTH];
    struct json *last[BOUND_JSON_DEPTH]; /* last child of each open container */
    size_t depth;
    struct str key;
    bool too_deep;
};

static struct json *add(struct builder *b, enum json_type type)
{
    struct json *v = arena_alloc(b->arena, sizeof *v);
    v->type = type;
    v->key = b->key;
    b->key = (struct str){0};
    if (b->depth == 0) {
        b->root = v;
        return v;
    }
    struct json *parent = b->stack[b->depth - 1];
    if (b->last[b->depth - 1])
        b->last[b->depth - 1]->next = v;
    else
        parent->first = v;
    b->last[b->depth - 1] = v;
    parent->count++;
    return v;
}

/* The decoded bytes of a string may be yajl's own memory; those inside the text are lent. */
static struct str keep(struct builder *b, const unsigned char *p, size_t n)
{
    const char *s = (const char *)p;
    if (s >= b->text.p && s + n <= b->text.p + b->text.n)
        return (struct str){s, n};
    return arena_copy(b->arena, (struct str){s, n});
}

static size_t consumed(const struct builder *b)
{
    return yajl_get_bytes_consumed(b->yajl);
}

static void raw_scalar(struct builder *b, struct json *v, size_t length)
{
    /* A scalar that is the whole text may be seen only when the end is told (yajl waits for
     * more digits), with an offset past the text. */
    size_t end = consumed(b);
    v->raw = b->depth ? (struct str){b->text.p + end - length, length} : str_trim(b->text);
}

static int on_null(void *ctx)
{
    raw_scalar(ctx, add(ctx, JSON_NULL), 4);
    return 1;
}

static int on_bool(void *ctx, int value)
{
    struct json *v = add(ctx, JSON_BOOL);
    v->boolean = value != 0;
    raw_scalar(ctx, v, value ? 4 : 5);
    return 1;
}

static int on_number(void *ctx, const char *p, size_t n)
{
    struct builder *b = ctx;
    struct json *v = add(b, JSON_NUMBER);
    v->text = keep(b, (const unsigned char *)p, n);
    raw_scalar(b, v, n);
    return 1;
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    struct builder *b = ctx;
    struct json *v = add(b, JSON_STRING);
    v->text = keep(b, p, n);
    if (v->text.p == (const char *)p && n) { /* nothing in it was escaped */
        v->raw = (struct str){v->text.p - 1, n + 2};
        return 1;
    }
    /* The closing quote is the last byte consumed. The opening one is the nearest quote before
     * it that an even number of backslashes precedes. */
    size_t end = consumed(b), start = end - 1;
    for (;;) {
        start--;
        while (b->text.p[start] != '"')
            start--;
        size_t slashes = 0;
        while (slashes < start && b->text.p[start - 1 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            break;
    }
    v->raw = (struct str){b->text.p + start, end - start};
    return 1;
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
    struct builder *b = ctx;
    b->key = keep(b, p, n);
    return 1;
}

static int open_container(struct builder *b, enum json_type type)
{
    if (b->depth == BOUND_JSON_DEPTH) {
        b->too_deep = true;
        return 0;
    }
    struct json *v = add(b, type);
    v->raw.p = b->text.p + consumed(b) - 1;
    b->stack[b->depth] = v;
    b->last[b->depth] = NULL;
    b->depth++;
    return 1;
}

static int on_open_object(void *ctx)
{
    return open_container(ctx, JSON_OBJECT);
}

static int on_open_array(void *ctx)
{
    return open_container(ctx, JSON_ARRAY);
}

static int on_close(void *ctx)
{
    struct builder *b = ctx;
    struct json *v = b->stack[--b->depth];
    v->raw.n = (size_t)(b->text.p + consumed(b) - v->raw.p);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_map_key = on_key,
    .yajl_start_map = on_open_object,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close,
};

static void complain(struct builder *b, yajl_handle h, struct diag *diag)
{
    if (b->too_deep) {
        diag_set(diag, SL_TOO_LARGE, "", "JSON nested deeper than %d levels", BOUND_JSON_DEPTH);
        return;
    }
    const unsigned char *text = (const unsigned char *)b->text.p;
    unsigned char *message = yajl_get_error(h, 0, text, b->text.n);
    struct str said = str_trim(str_of((const char *)message));
    struct str prefix = STR("lexical error: "), parse = STR("parse error: ");
    if (str_starts(said, prefix))
        said = str_from(said, prefix.n);
    else if (str_starts(said, parse))
        said = str_from(said, parse.n);
    diag_set(diag, SL_SYNTAX, "", "bad JSON at byte %zu: %.*s", consumed(b), STR_ARG(said));
    yajl_free_error(h, message);
}

struct json *json_parse(struct arena *a, struct str text, struct diag *diag)
{
    struct builder b = {.arena = a, .text = text};
    yajl_handle h = yajl_alloc(&callbacks, NULL, &b);
    sl_assert(h);
    b.yajl = h;
    yajl_status status = yajl_parse(h, (const unsigned char *)text.p, text.n);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(h);
    struct json *root = b.root;
    if (status != yajl_status_ok || !root) {
        complain(&b, h, diag);
        root = NULL;
    }
    yajl_free(h);
    return root;
}

static struct json *member(const struct json *object, struct str key)
{
    struct json *found = NULL;
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (struct json *v = object->first; v; v = v->next) {
        if (str_eq(v->key, key))
            found = v;
    }
    return found;
}

struct json *json_get(const struct json *object, const char *key)
{
    return member(object, str_of(key));
}

struct json *json_path(const struct json *root, const char *dotted)
{
    struct str rest = str_of(dotted);
    const struct json *v = root;
    while (v && rest.p)
        v = member(v, str_split(&rest, '.'));
    return (struct json *)(uintptr_t)v;
}

struct str json_str(const struct json *v)
{
    return v && v->type == JSON_STRING ? v->text : (struct str){0};
}

bool json_is(const struct json *v, const char *literal)
{
    return v && v->type == JSON_STRING && str_eq(v->text, str_of(literal));
}

enum sl_err json_int(const struct json *v, int64_t *out)
{
    if (!v || v->type != JSON_NUMBER)
        return SL_TYPE;
    if (str_int(v->text, false, out) == SL_OK)
        return SL_OK;
    char copy[64];
    if (v->text.n >= sizeof copy)
        return SL_RANGE;
    memcpy(copy, v->text.p, v->text.n);
    copy[v->text.n] = 0;
    double d = strtod(copy, NULL);
    if (!(d >= -9007199254740992.0 && d <= 9007199254740992.0) || d != (double)(int64_t)d)
        return SL_RANGE;
    *out = (int64_t)d;
    return SL_OK;
}

bool json_true(const struct json *v)
{
    return v && v->type == JSON_BOOL && v->boolean;
}

const struct json *json_duplicate(const struct json *v)
{
    if (!v)
        return NULL;
    for (const struct json *a = v->first; a; a = a->next) {
        for (const struct json *b = v->type == JSON_OBJECT ? a->next : NULL; b; b = b->next) {
            if (str_eq(a->key, b->key))
                return b;
        }
        const struct json *below = json_duplicate(a);
        if (below)
            return below;
    }
    return NULL;
}
