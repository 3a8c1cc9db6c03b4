/* str.c: see str.h. */
#include "str.h"
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Most that are compared differ, and names of headers do near their ends. */
bool str_same_nocase(const char *a, const char *b, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_cut(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

ptrdiff_t str_find(struct str s, struct str needle, size_t from)
{
    if (from > s.n || needle.n > s.n - from)
        return -1;
    if (needle.n == 0)
        return (ptrdiff_t)from;
    const char *hit = memmem(s.p + from, s.n - from, needle.p, needle.n);
    return hit ? hit - s.p : -1;
}

/* The place of the needle's letter that texts have least of: looking for that one skips most of
 * a text at once. */
static size_t rarest(struct str needle)
{
    static const unsigned char rarity[256] = {
        ['q'] = 18, ['z'] = 17, ['j'] = 16, ['x'] = 15, ['k'] = 14, ['v'] = 13,
        ['w'] = 12, ['b'] = 11, ['y'] = 10, ['f'] = 9,  ['g'] = 8,  ['p'] = 7,
        ['m'] = 6,  ['u'] = 5,  ['h'] = 4,  ['d'] = 3,  ['l'] = 2,  ['c'] = 1};
    size_t best = 0;
    for (size_t i = 1; i < needle.n; i++) {
        if (rarity[lower(needle.p[i])] > rarity[lower(needle.p[best])])
            best = i;
    }
    return best;
}

static const char *next_of(const char *p, const char *end, unsigned char c)
{
    return p < end ? memchr(p, c, (size_t)(end - p)) : NULL;
}

ptrdiff_t str_find_nocase(struct str s, struct str needle, size_t from)
{
    if (from > s.n || needle.n > s.n - from)
        return -1;
    if (needle.n == 0)
        return (ptrdiff_t)from;
    size_t at = rarest(needle);
    unsigned char small = lower(needle.p[at]), large = small;
    if (small >= 'a' && small <= 'z')
        large = (unsigned char)(small - 'a' + 'A');
    const char *end = s.p + s.n - needle.n + at + 1; /* of where that letter may stand */
    const char *a = next_of(s.p + from + at, end, small);
    const char *b = large == small ? NULL : next_of(s.p + from + at, end, large);
    while (a || b) {
        const char **first = !b || (a && a < b) ? &a : &b;
        const char *start = *first - at;
        if (str_same_nocase(start, needle.p, needle.n))
            return start - s.p;
        *first = next_of(*first + 1, end, first == &a ? small : large);
    }
    return -1;
}

struct str str_from(struct str s, size_t offset)
{
    if (offset >= s.n)
        return (struct str){s.p ? s.p + s.n : NULL, 0};
    return (struct str){s.p + offset, s.n - offset};
}

struct str str_cut(struct str s, size_t n)
{
    return (struct str){s.p, s.n < n ? s.n : n};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0]))
        s = str_from(s, 1);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_split(struct str *s, char sep)
{
    const char *hit = s->n ? memchr(s->p, sep, s->n) : NULL;
    struct str head = *s;
    if (hit) {
        head.n = (size_t)(hit - s->p);
        *s = (struct str){hit + 1, s->n - head.n - 1};
    } else {
        *s = (struct str){0};
    }
    return head;
}

enum sl_err str_int(struct str s, bool commas, int64_t *out)
{
    bool negative = s.n && s.p[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.n)
        return SL_SYNTAX;
    int64_t value = 0;
    for (; i < s.n; i++) {
        if (commas && s.p[i] == ',' && i > 0 && i + 1 < s.n)
            continue;
        if (s.p[i] < '0' || s.p[i] > '9')
            return SL_SYNTAX;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.p[i] - '0', &value))
            return SL_RANGE;
    }
    if (!negative && value == INT64_MIN)
        return SL_RANGE;
    *out = negative ? value : -value;
    return SL_OK;
}

struct str str_decimal(int64_t n, char room[STR_DECIMAL])
{
    size_t i = STR_DECIMAL;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
    do
        room[--i] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (n < 0)
        room[--i] = '-';
    return (struct str){room + i, STR_DECIMAL - i};
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
}

void buf_grow(struct buf *b, size_t extra)
{
    sl_assert(extra <= SIZE_MAX / 2 - b->n);
    size_t need = b->n + extra;
    size_t cap = b->cap ? b->cap * 2 : 128;
    b->cap = cap < need ? need : cap;
    b->p = mem_grow(b->p, b->cap);
}

void buf_puts(struct buf *b, const char *cstr)
{
    buf_add(b, str_of(cstr));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, (struct str){&c, 1});
}

void buf_int(struct buf *b, int64_t n)
{
    char room[STR_DECIMAL];
    buf_add(b, str_decimal(n, room));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    sl_assert(n >= 0);
    buf_reserve(b, (size_t)n + 1);
    va_start(args, fmt);
    vsnprintf(b->p + b->n, (size_t)n + 1, fmt, args);
    va_end(args);
    b->n += (size_t)n;
}

/* RFC 3629: no overlong forms, no surrogates. */
size_t str_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || s.n < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool beyond = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : len;
}

/* How many bytes at the start of s stand for themselves in a JSON string. */
static size_t plain_run(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7F && s.p[i] != '"' && s.p[i] != '\\')
        i++;
    return i;
}

void buf_json(struct buf *b, struct str s)
{
    static const char escapes[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    buf_reserve(b, s.n + 2);
    buf_char(b, '"');
    for (size_t i = 0; i < s.n;) {
        size_t plain = plain_run(str_from(s, i));
        if (plain) {
            buf_add(b, (struct str){s.p + i, plain});
            i += plain;
            continue;
        }
        unsigned char c = (unsigned char)s.p[i];
        const char *e = c && c < 0x80 ? strchr(escapes, c) : NULL;
        if (c >= 0x80) {
            size_t len = str_utf8(str_from(s, i));
            buf_add(b, len ? (struct str){s.p + i, len} : STR("\xEF\xBF\xBD"));
            i += len ? len : 1;
            continue;
        }
        if (e && (c < 0x20 || c == '"' || c == '\\')) {
            /* the table holds pairs: the byte, then its letter */
            buf_char(b, '\\');
            buf_char(b, e[1]);
        } else {
            buf_printf(b, "\\u%04x", c);
        }
        i++;
    }
    buf_char(b, '"');
}

void buf_thousands(struct buf *b, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    int sign = digits[0] == '-';
    for (int i = 0; i < len; i++) {
        if (i > sign && (len - i) % 3 == 0)
            buf_char(b, ',');
        buf_char(b, digits[i]);
    }
}

void buf_drop(struct buf *b, size_t n)
{
    sl_assert(n <= b->n);
    if (n && n < b->n)
        memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

const char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->p[b->n] = 0;
    return b->p;
}
