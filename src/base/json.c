/* json.c: what is asked of a JSON tree. How it comes to be: json_read.c. */
#include "json.h"
#include "keyset.h"

#include <stdlib.h>
#include <string.h>

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

/* Objects of so few members are compared pair by pair, without memory. */
enum { FEW_MEMBERS = 8 };

static const struct json *duplicate_of_few(const struct json *object, size_t *steps)
{
    for (const struct json *b = object->first; b; b = b->next) {
        for (const struct json *a = object->first; a != b; a = a->next) {
            ++*steps;
            if (str_eq(a->key, b->key))
                return b;
        }
    }
    return NULL;
}

static const struct json *duplicate_below(const struct json *v, struct keyset *names,
                                          size_t *steps)
{
    const struct json *found = NULL;
    if (v->type == JSON_OBJECT && v->count <= FEW_MEMBERS) {
        found = duplicate_of_few(v, steps);
    } else if (v->type == JSON_OBJECT) {
        keyset_clear(names);
        for (const struct json *child = v->first; child && !found; child = child->next)
            found = keyset_add(names, child->key) ? NULL : child;
    }
    for (const struct json *child = v->first; child && !found; child = child->next)
        found = duplicate_below(child, names, steps);
    return found;
}

const struct json *json_duplicate_counted(const struct json *v, size_t *steps)
{
    struct keyset names = {0};
    *steps = 0;
    const struct json *found = v ? duplicate_below(v, &names, steps) : NULL;
    *steps += names.steps;
    keyset_free(&names);
    return found;
}

const struct json *json_duplicate(const struct json *v)
{
    size_t steps;
    return json_duplicate_counted(v, &steps);
}
