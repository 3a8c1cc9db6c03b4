/* literal.c: see literal.h. One pass, one state: the depth. The result need not be valid JSON
 * (a
 * "[Object]" or "<Response>" inside is passed on): the JSON parser judges that. */
#include "literal.h"

#include <string.h>

enum { DEPTH_MAX = 64 };

struct reader {
    struct str s;
    size_t at;
    struct buf *out;
};

static bool more(const struct reader *r)
{
    return r->at < r->s.n;
}

static char peek(const struct reader *r)
{
    return r->s.p[r->at];
}

static void skip_space(struct reader *r)
{
    while (more(r) && strchr(" \t\r\n", peek(r)))
        r->at++;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '$' || c == '-' || c == '+' || c == '.';
}

/* The character behind a backslash. JSON has fewer escapes than Python and JavaScript. */
static bool read_escape(struct reader *r)
{
    char c = peek(r);
    r->at++;
    if (strchr("bfnrtu\\/", c)) {
        buf_char(r->out, '\\');
        buf_char(r->out, c);
        return true;
    }
    if (c == '"')
        buf_puts(r->out, "\\\"");
    else if (c == '\'' || c == '`')
        buf_char(r->out, c);
    else if (c == 'x' && r->s.n - r->at >= 2) {
        buf_printf(r->out, "\\u00%.2s", r->s.p + r->at);
        r->at += 2;
    } else
        return c == '\n';
    return true;
}

/* One quoted piece, without its quotes. */
static bool read_piece(struct reader *r)
{
    char quote = peek(r);
    for (r->at++; more(r);) {
        char c = peek(r);
        r->at++;
        if (c == quote)
            return true;
        if (c == '\\') {
            if (!more(r) || !read_escape(r))
                return false;
        } else if (c == '"')
            buf_puts(r->out, "\\\"");
        else if ((unsigned char)c < ' ')
            buf_printf(r->out, "\\u%04x", c);
        else
            buf_char(r->out, c);
    }
    return false;
}

/* A string, or several that a console joined by + or Python by nothing. */
static bool read_string(struct reader *r)
{
    buf_char(r->out, '"');
    for (;;) {
        if (!read_piece(r))
            return false;
        size_t end = r->at;
        skip_space(r);
        if (more(r) && peek(r) == '+') {
            r->at++;
            skip_space(r);
        }
        if (!more(r) || !strchr("'\"`", peek(r))) {
            r->at = end;
            buf_char(r->out, '"');
            return true;
        }
    }
}

/* None, true, undefined, 429, the bare name of a member, or a class before its object, which
 * says nothing to us. */
static bool read_word(struct reader *r)
{
    size_t start = r->at;
    while (more(r) && is_name(peek(r)))
        r->at++;
    struct str word = {r->s.p + start, r->at - start};
    if (word.n == 0)
        return false;
    skip_space(r);
    bool member = more(r) && peek(r) == ':', class = more(r) && peek(r) == '{';
    if (class)
        return true;
    if (member)
        buf_json(r->out, word);
    else if (str_eq(word, STR("None")) || str_eq(word, STR("undefined")))
        buf_puts(r->out, "null");
    else if (str_eq(word, STR("True")))
        buf_puts(r->out, "true");
    else if (str_eq(word, STR("False")))
        buf_puts(r->out, "false");
    else
        buf_add(r->out, word);
    return true;
}

/* A comma before a closing bracket is no JSON. */
static void drop_comma(struct buf *out)
{
    if (out->n && out->p[out->n - 1] == ',')
        out->n--;
}

enum sl_err literal_json(struct str s, struct buf *out, size_t *used)
{
    struct reader r = {s, 0, out};
    size_t depth = 0;
    do {
        skip_space(&r);
        if (!more(&r))
            return SL_SYNTAX;
        char c = peek(&r);
        if (strchr("'\"`", c)) {
            if (!read_string(&r))
                return SL_SYNTAX;
        } else if (strchr("{}[],:", c)) {
            bool closes = c == '}' || c == ']';
            if (closes)
                drop_comma(out);
            depth += c == '{' || c == '[' ? 1 : 0;
            depth -= closes && depth ? 1 : 0;
            buf_char(out, c);
            r.at++;
        } else if (!read_word(&r)) {
            return SL_SYNTAX;
        }
    } while (depth > 0 && depth < DEPTH_MAX);
    *used = r.at;
    return depth == 0 ? SL_OK : SL_SYNTAX;
}
