/* json_read.c: a JSON text becomes a tree, in one pass. Source: RFC 8259.
 *
 * Every body that passes the gateway and every event of its streams is read here, so what costs
 * is what is done for each byte: strings, of which a text mostly consists, are passed over
 * eight bytes at a time, and are not copied unless something in them is escaped.
 *
 * Invariant: `at` never leaves the text; whoever returns NULL or false has said why, once. */
#include "bounds.h"
#include "json.h"

struct reader {
    struct arena *arena;
    const char *at, *end;
    size_t depth;    /* containers open */
    size_t left;     /* values that there may still be */
    const char *why; /* the complaint, about what stands at `at` */
    enum sl_err err;
};

static bool object_to(struct reader *r, enum sl_err err, const char *why)
{
    r->why = why;
    r->err = err;
    return false;
}

static struct json *read_value(struct reader *r, struct str key);

/* The next byte; 0, which no text may hold outside of a string, at the end. */
static char next(const struct reader *r)
{
    return r->at < r->end ? *r->at : 0;
}

static bool wrong(struct reader *r, const char *wanted)
{
    return object_to(r, SL_SYNTAX, r->at == r->end ? "the text ends here, too early" : wanted);
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* ---- Strings ---------------------------------------------------------------------------- */

/* Past the ASCII that stands for itself. A borrow between bytes can only cry wolf. */
static void skip_plain(struct reader *r)
{
    const uint64_t each = UINT64_C(0x0101010101010101), tops = each << 7;
    const char *p = r->at;
    for (uint64_t word; (size_t)(r->end - p) >= sizeof word; p += sizeof word) {
        memcpy(&word, p, sizeof word);
        uint64_t quote = word ^ (each * '"'), escape = word ^ (each * '\\');
        if (((word - each * ' ') | (quote - each) | (escape - each) | word) & tops)
            break;
    }
    while (p < r->end && (unsigned char)*p >= ' ' && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    r->at = p;
}

/* The four digits of \uXXXX at p, which are there; or -1. */
static int32_t hex(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = p[i] >= '0' && p[i] <= '9'   ? p[i] - '0'
                    : p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10
                    : p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)((0xF00 >> n) | c);
    return n;
}

/* \uXXXX at p, or two of them that are one character; half of a pair is U+FFFD. Its bytes. */
static size_t put_unicode(char *out, const char *p, const char *end, const char **after)
{
    uint32_t c = (uint32_t)hex(p + 2);
    bool high = c >= 0xD800 && c < 0xDC00;
    *after = p + 6;
    if (high && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = (uint32_t)hex(p + 8);
        if (low >= 0xDC00 && low < 0xE000) {
            *after = p + 12;
            return put_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
        }
    }
    return put_utf8(out, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
}

/* Of a string that read_string has found good. What is escaped is never shorter than what it
 * stands for. */
static struct str unescape(struct arena *arena, struct str s)
{
    char *out = arena_alloc(arena, s.n + 1);
    const char *p = s.p, *end = s.p + s.n;
    size_t n = 0;
    while (p < end) {
        const char *stop = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((stop ? stop : end) - p);
        memcpy(out + n, p, run);
        n += run;
        p += run;
        if (p == end)
            break;
        if (p[1] == 'u') {
            n += put_unicode(out + n, p, end, &p);
        } else {
            static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
            const char *letter = strchr(letters, p[1]);
            out[n++] = letter ? bytes[letter - letters] : p[1];
            p += 2;
        }
    }
    return (struct str){out, n};
}

/* Whether an escape stands at `at`, which goes past it. */
static bool skip_escape(struct reader *r)
{
    size_t left = (size_t)(r->end - r->at);
    char c = left > 1 ? r->at[1] : 0;
    bool good = c == 'u' ? left >= 6 && hex(r->at + 2) >= 0 : c && strchr("\"\\/bfnrt", c);
    if (!good)
        return object_to(r, SL_SYNTAX, "an escape that JSON does not have");
    r->at += c == 'u' ? 6 : 2;
    return true;
}

static bool read_string(struct reader *r, struct str *out)
{
    const char *start = ++r->at; /* past the quote */
    bool escaped = false;
    for (;;) {
        skip_plain(r);
        char c = next(r);
        size_t n;
        if (c == '"')
            break;
        if (c == '\\') {
            escaped = true;
            if (!skip_escape(r))
                return false;
        } else if (r->at == r->end || (unsigned char)c < ' ') {
            return wrong(r, "a control byte in a string");
        } else {
            n = str_utf8((struct str){r->at, (size_t)(r->end - r->at)});
            if (n == 0)
                return object_to(r, SL_SYNTAX, "invalid UTF-8 in a string");
            r->at += n;
        }
    }
    *out = (struct str){start, (size_t)(r->at - start)};
    r->at++;
    if (escaped)
        *out = unescape(r->arena, *out);
    return true;
}

/* ---- Numbers and words ------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool skip_digits(struct reader *r)
{
    if (!is_digit(next(r)))
        return wrong(r, "a digit is wanted here");
    while (is_digit(next(r)))
        r->at++;
    return true;
}

static bool read_number(struct reader *r, struct str *out)
{
    const char *start = r->at;
    r->at += next(r) == '-';
    if (next(r) == '0')
        r->at++;
    else if (!skip_digits(r))
        return false;
    if (next(r) == '.') {
        r->at++;
        if (!skip_digits(r))
            return false;
    }
    if (next(r) == 'e' || next(r) == 'E') {
        r->at++;
        r->at += next(r) == '+' || next(r) == '-';
        if (!skip_digits(r))
            return false;
    }
    *out = (struct str){start, (size_t)(r->at - start)};
    return true;
}

static bool read_word(struct reader *r, struct str word)
{
    struct str rest = {r->at, (size_t)(r->end - r->at)};
    if (!str_starts(rest, word))
        return object_to(r, SL_SYNTAX, "a value is wanted here");
    r->at += word.n;
    return true;
}

/* ---- Containers ------------------------------------------------------------------------- */

static bool read_key(struct reader *r, struct str *key)
{
    if (next(r) != '"')
        return wrong(r, "a member's name is wanted here");
    if (!read_string(r, key))
        return false;
    skip_space(r);
    if (next(r) != ':')
        return wrong(r, "a colon is wanted here");
    r->at++;
    skip_space(r);
    return true;
}

/* Members or elements up to the bracket that closes them. */
static bool read_children(struct reader *r, struct json *v, char close)
{
    struct json **place = &v->first;
    r->at++;
    skip_space(r);
    while (next(r) != close || v->count) {
        struct str key = {0};
        if (v->type == JSON_OBJECT && !read_key(r, &key))
            return false;
        struct json *child = read_value(r, key);
        if (!child)
            return false;
        *place = child;
        place = &child->next;
        v->count++;
        skip_space(r);
        if (next(r) == close)
            break;
        if (next(r) != ',')
            return wrong(r, "a comma or the end of what was opened is wanted here");
        r->at++;
        skip_space(r);
    }
    r->at++;
    return true;
}

_Static_assert(BOUND_JSON_DEPTH == 128, "it is told in words");

static bool read_container(struct reader *r, struct json *v, char close)
{
    if (r->depth == BOUND_JSON_DEPTH)
        return object_to(r, SL_TOO_LARGE, "nested deeper than 128 levels");
    r->depth++;
    bool good = read_children(r, v, close);
    r->depth--;
    return good;
}

static bool read_content(struct reader *r, struct json *v)
{
    switch (next(r)) {
    case '{':
        v->type = JSON_OBJECT;
        return read_container(r, v, '}');
    case '[':
        v->type = JSON_ARRAY;
        return read_container(r, v, ']');
    case '"':
        v->type = JSON_STRING;
        return read_string(r, &v->text);
    case 't':
    case 'f':
        v->type = JSON_BOOL;
        v->boolean = next(r) == 't';
        return read_word(r, v->boolean ? STR("true") : STR("false"));
    case 'n':
        v->type = JSON_NULL;
        return read_word(r, STR("null"));
    default:
        v->type = JSON_NUMBER;
        if (next(r) != '-' && !is_digit(next(r)))
            return wrong(r, "a value is wanted here");
        return read_number(r, &v->text);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than BOUND_JSON_DEPTH */
static struct json *read_value(struct reader *r, struct str key)
{
    if (r->left == 0) {
        (void)object_to(r, SL_TOO_LARGE, "more values than may be");
        return NULL;
    }
    struct json *v = arena_alloc(r->arena, sizeof *v);
    const char *start = r->at;
    r->left--;
    v->key = key;
    if (!read_content(r, v))
        return NULL;
    v->raw = (struct str){start, (size_t)(r->at - start)};
    return v;
}

struct json *json_parse(struct arena *a, struct str text, struct diag *diag)
{
    return json_parse_within(a, text, BOUND_JSON_VALUES, diag);
}

struct json *json_parse_within(struct arena *a, struct str text, size_t values_max,
                               struct diag *diag)
{
    struct reader r = {
        .arena = a, .at = text.p, .end = text.n ? text.p + text.n : text.p, .left = values_max};
    skip_space(&r);
    struct json *root = read_value(&r, (struct str){0});
    if (root) {
        skip_space(&r);
        if (r.at == r.end)
            return root;
        (void)object_to(&r, SL_SYNTAX, "more after the end of the value");
    }
    diag_set(diag, r.err, "", "%s JSON at byte %zu: %s",
             r.err == SL_TOO_LARGE ? "too much" : "bad", (size_t)(r.at - text.p), r.why);
    return NULL;
}
