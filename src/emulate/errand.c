/* errand.c: see errand.h. Wordings: docs/emulate.md says which were seen. */
#include "errand.h"

#include <stdarg.h>
#include <stdio.h>

void errand_refuse(struct errand *e, int status, const char *param, const char *code,
                   const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    e->status = status;
    e->message = arena_copy(e->arena, str_of(text)).p;
    e->param = param ? arena_copy(e->arena, str_of(param)).p : NULL;
    e->code = code;
}

const struct json *errand_object(struct errand *e)
{
    struct diag diag = {{0}, {0}};
    struct str text = str_trim(e->body);
    const struct json *root = json_parse(e->arena, text.n ? text : STR("{}"), &diag);
    if (!root)
        errand_refuse(e, 400, NULL, NULL,
                      "We could not parse the JSON body of your request (%s). The API expects "
                      "a JSON payload.",
                      diag.what);
    else if (root->type != JSON_OBJECT)
        errand_refuse(e, 400, NULL, NULL, "expected an object");
    return root && root->type == JSON_OBJECT ? root : NULL;
}

struct str errand_string(struct errand *e, const struct json *object, const char *field)
{
    const struct json *v = json_get(object, field);
    if (!v || v->type == JSON_NULL)
        errand_refuse(e, 400, field, "missing_required_parameter",
                      "Missing required parameter: '%s'.", field);
    else if (v->type != JSON_STRING)
        errand_refuse(e, 400, field, "invalid_type",
                      "Invalid type for '%s': expected a string.", field);
    return json_str(v);
}

bool errand_metadata(struct errand *e, const struct json *object, struct str *out)
{
    enum { PAIRS = 16, KEY_BYTES = 64, VALUE_BYTES = 512 };
    const struct json *metadata = json_get(object, "metadata");
    *out = STR("null");
    if (!metadata || metadata->type == JSON_NULL)
        return true;
    char name[100] = "metadata";
    if (metadata->type != JSON_OBJECT || metadata->count > PAIRS) {
        errand_refuse(e, 400, name, "invalid_type",
                      "Invalid type for 'metadata': expected an object of at most 16 strings.");
        return false;
    }
    for (const struct json *v = metadata->first; v; v = v->next) {
        snprintf(name, sizeof name, "metadata.%.*s", STR_ARG(str_cut(v->key, KEY_BYTES)));
        if (v->type != JSON_STRING) {
            errand_refuse(e, 400, name, "invalid_type",
                          "Invalid type for '%s': expected a string, but got %s instead.", name,
                          v->type == JSON_ARRAY ? "an array" : "another type");
            return false;
        }
        if (v->key.n > KEY_BYTES || v->text.n > VALUE_BYTES) {
            errand_refuse(e, 400, name, "string_above_max_length",
                          "Invalid '%s': keys hold at most 64 characters, values 512.", name);
            return false;
        }
    }
    *out = metadata->raw;
    return true;
}
