/* A parsed value's raw bytes parse again to a value of the same type: offsets are right.
 * Duplicate keys are told as comparing all pairs tells them. And the text is read as yajl reads
 * it, but for two bytes that it takes for space. */
#include "../support/oracle_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reparse(const struct json *v)
{
    struct arena a = {0};
    struct json *again = json_parse(&a, v->raw, NULL);
    sl_assert(again && again->type == v->type && again->count == v->count);
    sl_assert(str_eq(again->text, v->text));
    arena_free(&a);
}

static bool has_duplicate(const struct json *v)
{
    for (const struct json *a = v->first; a; a = a->next) {
        for (const struct json *b = v->type == JSON_OBJECT ? a->next : NULL; b; b = b->next) {
            if (str_eq(a->key, b->key))
                return true;
        }
        if (has_duplicate(a))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct diag d;
    struct json *v = json_parse(&a, (struct str){(const char *)data, size}, &d);
    if (v) {
        reparse(v);
        for (struct json *c = v->first; c; c = c->next)
            reparse(c);
        sl_assert(has_duplicate(v) == (json_duplicate(v) != NULL));
    }
    arena_free(&a);
    struct str text = {(const char *)data, size};
    if (size && !memchr(data, '\v', size) && !memchr(data, '\f', size))
        sl_assert(oracle_objection(text) == NULL);
    return 0;
}
