/* str.h: borrowed bytes (struct str) and a growing buffer (struct buf). */
#ifndef SLUICE_STR_H
#define SLUICE_STR_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Lent bytes: not NUL-terminated, not owned, may hold any byte. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str)STR_INIT(literal))
#define STR_INIT(literal)                                                                      \
    {                                                                                          \
        "" literal, sizeof(literal) - 1                                                        \
    } /* in a static table */
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p

/* NULL gives an empty str. Costs nothing for a literal. */
static inline struct str str_of(const char *cstr)
{
    return cstr ? (struct str){cstr, strlen(cstr)} : (struct str){0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
bool str_same_nocase(const char *a, const char *b, size_t n); /* ASCII case only */
static inline bool str_eq_nocase(struct str a, struct str b)
{
    return a.n == b.n && str_same_nocase(a.p, b.p, a.n);
}
static inline bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_same_nocase(s.p, prefix.p, prefix.n);
}
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Offset of the first occurrence at or after `from`, or -1. */
ptrdiff_t str_find(struct str s, struct str needle, size_t from);
ptrdiff_t str_find_nocase(struct str s, struct str needle, size_t from);
struct str str_from(struct str s, size_t offset); /* offset past the end gives empty */
struct str str_cut(struct str s, size_t n);       /* at most the first n bytes */
struct str str_trim(struct str s);                /* ASCII white space off both ends */
/* Cuts s at the first `sep`: returns what precedes it and leaves in *s what follows it; without
 * a separator returns all and leaves *s empty with p == NULL. */
struct str str_split(struct str *s, char sep);
/* The whole text as a decimal integer ("-12", "30,000" when commas is true). SL_SYNTAX on any
 * other byte, SL_RANGE on overflow; *out is untouched on error. */
enum sl_err str_int(struct str s, bool commas, int64_t *out) SL_CHECK;
/* n in decimal, in `room`. */
enum { STR_DECIMAL = 20 }; /* of -2^63 */
struct str str_decimal(int64_t n, char room[STR_DECIMAL]);

/* Length of the valid UTF-8 sequence that s begins with, or 0; s is not empty. */
size_t str_utf8(struct str s);

/* Owned, growing bytes. Zero-initialise; free with buf_free. The bytes are not NUL-terminated
 * unless buf_cstr is called. */
struct buf {
    char *p;
    size_t n;
    size_t cap;
};

void buf_free(struct buf *b);
void buf_clear(struct buf *b);
void buf_grow(struct buf *b, size_t extra); /* as buf_reserve, where there is none */
/* Room for `extra` more bytes. */
static inline void buf_reserve(struct buf *b, size_t extra)
{
    if (extra > b->cap - b->n)
        buf_grow(b, extra);
}
static inline void buf_add(struct buf *b, struct str s)
{
    if (s.n == 0)
        return;
    buf_reserve(b, s.n);
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}
void buf_puts(struct buf *b, const char *cstr);
void buf_char(struct buf *b, char c);
void buf_int(struct buf *b, int64_t n); /* in decimal */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The bytes as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void buf_json(struct buf *b, struct str s);
/* 1234567 as "1,234,567". */
void buf_thousands(struct buf *b, int64_t n);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);
struct str buf_str(const struct buf *b);
/* NUL-terminates (not counted in n) and lends the bytes until the next change. */
const char *buf_cstr(struct buf *b);

#endif
