/* oracle_json.h: what yajl, an independent reader, makes of a JSON text, to hold ours against.
 */
#ifndef SLUICE_ORACLE_JSON_H
#define SLUICE_ORACLE_JSON_H

#include "json.h"
#include <yajl/yajl_parse.h>

static int oracle_put(void *out, char kind, const void *p, size_t n)
{
    buf_printf(out, "%c%zu:", kind, n);
    buf_add(out, (struct str){p, n});
    return 1;
}

static int oracle_null(void *out)
{
    return oracle_put(out, 'n', "", 0);
}

static int oracle_bool(void *out, int value)
{
    return oracle_put(out, value ? 't' : 'f', "", 0);
}

static int oracle_number(void *out, const char *p, size_t n)
{
    return oracle_put(out, '#', p, n);
}

static int oracle_string(void *out, const unsigned char *p, size_t n)
{
    return oracle_put(out, '"', p, n);
}

static int oracle_key(void *out, const unsigned char *p, size_t n)
{
    return oracle_put(out, 'k', p, n);
}

static int oracle_open_object(void *out)
{
    return oracle_put(out, '{', "", 0);
}

static int oracle_open_array(void *out)
{
    return oracle_put(out, '[', "", 0);
}

static int oracle_close(void *out)
{
    return oracle_put(out, ']', "", 0);
}

/* Whether yajl takes the text; *out is then what it has read, as oracle_tell tells of a tree.
 */
static bool oracle_reads(struct str text, struct buf *out)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = oracle_null,
        .yajl_boolean = oracle_bool,
        .yajl_number = oracle_number,
        .yajl_string = oracle_string,
        .yajl_map_key = oracle_key,
        .yajl_start_map = oracle_open_object,
        .yajl_end_map = oracle_close,
        .yajl_start_array = oracle_open_array,
        .yajl_end_array = oracle_close,
    };
    yajl_handle h = yajl_alloc(&callbacks, NULL, out);
    yajl_status status = yajl_parse(h, (const unsigned char *)text.p, text.n);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(h);
    yajl_free(h);
    return status == yajl_status_ok && out->n > 0;
}

static void oracle_tell(const struct json *v, struct buf *out)
{
    static const char kinds[] = {[JSON_NULL] = 'n',  [JSON_NUMBER] = '#', [JSON_STRING] = '"',
                                 [JSON_ARRAY] = '[', [JSON_OBJECT] = '{', [JSON_BOOL] = 'f'};
    char kind = v->type == JSON_BOOL && v->boolean ? 't' : kinds[v->type];
    oracle_put(out, kind, v->text.p, v->text.n);
    for (const struct json *c = v->first; c; c = c->next) {
        if (v->type == JSON_OBJECT)
            oracle_put(out, 'k', c->key.p, c->key.n);
        oracle_tell(c, out);
    }
    if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        oracle_close(out);
}

/* Ours is stricter: yajl bears overlong forms and surrogates in UTF-8, and half a token after
 * the end of a value. */
static bool oracle_is_lenient(const struct diag *ours)
{
    return strstr(ours->what, "deeper") || strstr(ours->what, "UTF-8") ||
           strstr(ours->what, "more after");
}

/* NULL, or what the two readers differ in. Half a surrogate pair, which yajl reads as it
 * pleases, is not compared. */
static const char *oracle_objection(struct str text)
{
    struct arena arena = {0};
    struct buf theirs = {0}, ours = {0};
    struct diag diag;
    const struct json *v = json_parse(&arena, text, &diag);
    bool taken = oracle_reads(text, &theirs);
    const char *why = NULL;
    if (v)
        oracle_tell(v, &ours);
    if (v && !taken)
        why = "yajl does not take it";
    else if (!v && taken && !oracle_is_lenient(&diag))
        why = "yajl takes it";
    else if (v && str_find_nocase(text, STR("\\ud"), 0) < 0 &&
             !str_eq(buf_str(&ours), buf_str(&theirs)))
        why = "yajl reads something else";
    buf_free(&theirs);
    buf_free(&ours);
    arena_free(&arena);
    return why;
}

#endif
