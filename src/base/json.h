/* json.h: a JSON text as a tree in an arena, with byte offsets so that parts can be sent on
 * unchanged.
 *
 * Strict (RFC 8259): bad UTF-8, trailing bytes, leading zeros are refused. Strings keep \u0000;
 * half of a surrogate pair is U+FFFD. Duplicate keys are kept; json_get finds the LAST, as most
 * parsers do, and json_duplicate tells of any. */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include "arena.h"
#include "str.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    bool boolean;
    struct str text;    /* a string decoded, or a number as written */
    struct str key;     /* the name under which the parent object holds this value, decoded */
    struct str raw;     /* the bytes of this value in the parsed text */
    size_t count;       /* members or elements */
    struct json *first; /* children in order */
    struct json *next;
};

/* Parses the whole text; the tree lives in `a`, raw slices and some strings point into `text`.
 * NULL on error with *diag (may be NULL) saying what and at which byte. Depth and number of
 * values are bounded (bounds.h): SL_TOO_LARGE. */
struct json *json_parse(struct arena *a, struct str text, struct diag *diag);
/* ... of at most so many values. */
struct json *json_parse_within(struct arena *a, struct str text, size_t values_max,
                               struct diag *diag);

/* All getters accept NULL and values of another type, and then say "absent". */
struct json *json_get(const struct json *object, const char *key);
/* json_path(root, "error.details") walks objects. */
struct json *json_path(const struct json *root, const char *dotted);
struct str json_str(const struct json *v); /* a string's text, else an empty str, p == NULL */
bool json_is(const struct json *v, const char *literal); /* a string equal to literal */
/* A whole number (also written 3.0 or 3e2); SL_TYPE if not a number, SL_RANGE if fractional or
 * too large. */
enum sl_err json_int(const struct json *v, int64_t *out) SL_CHECK;
bool json_true(const struct json *v);
/* A member whose key occurred before in the same object, anywhere below v, or NULL. In time
 * linear in the text, whoever wrote it. */
const struct json *json_duplicate(const struct json *v);
/* The same, and the work it took: at most KEYSET_STEPS (keyset.h) for each byte of a key,
 * counting one more for its end. */
const struct json *json_duplicate_counted(const struct json *v, size_t *steps);

#endif
