/* literal.c: see literal.h. One pass, one state: the depth. The result need not be valid JSON
 * (a
 * "[Object]" or "<Response>" inside is passed on): the JSON parser judges that. Parentheses say
 * nothing: what is wrapped in them is read as it stands. */
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

static void skip_arrow(struct reader *r)
{
    if (r->s.n - r->at >= 2 && r->s.p[r->at] == '=' && r->s.p[r->at + 1] == '>')
        r->at += 2;
    else
        r->at++;
}

/* Does ", name=" or a closing bracket stand here? Then a map's bare text has ended. */
static bool ends_bare(const struct reader *r)
{
    size_t at = r->at;
    if (r->s.p[at] == '}' || r->s.p[at] == ']')
        return true;
    if (r->s.p[at] != ',')
        return false;
    for (at++; at < r->s.n && r->s.p[at] == ' ';)
        at++;
    size_t name = at;
    while (at < r->s.n && is_name(r->s.p[at]))
        at++;
    return at > name && at < r->s.n && r->s.p[at] == '=';
}

/* The value of a Java map's member: words without quotes. */
static void read_bare(struct reader *r)
{
    size_t start = r->at;
    while (more(r) && !ends_bare(r))
        r->at++;
    struct str text = str_trim((struct str){r->s.p + start, r->at - start});
    if (str_eq(text, STR("null")))
        buf_puts(r->out, "null");
    else
        buf_json(r->out, text);
}

/* A word that is a value: numbers and JSON's own words as they are, others ("Object") as text.
 */
static void write_value(struct reader *r, struct str word)
{
    static const struct {
        const char *word, *json;
    } rows[] = {{"None", "null"}, {"undefined", "null"}, {"nil", "null"},  {"null", "null"},
                {"True", "true"}, {"False", "false"},    {"true", "true"}, {"false", "false"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (str_eq(word, str_of(rows[i].word))) {
            buf_puts(r->out, rows[i].json);
            return;
        }
    }
    if (strchr("0123456789-", word.p[0]))
        buf_add(r->out, word);
    else
        buf_json(r->out, word);
}

/* None, true, undefined, 429, the bare name of a member, or a class before its object or its
 * parentheses, which says nothing to us. */
static bool read_word(struct reader *r)
{
    size_t start = r->at;
    while (more(r) && is_name(peek(r)))
        r->at++;
    struct str word = {r->s.p + start, r->at - start};
    if (word.n == 0)
        return false;
    skip_space(r);
    char next = more(r) ? peek(r) : 0;
    if (next == '{' || next == '(')
        return true;
    if (next == ':') {
        buf_json(r->out, word);
        return true;
    }
    if (next != '=') {
        write_value(r, word);
        return true;
    }
    bool arrow = r->at + 1 < r->s.n && r->s.p[r->at + 1] == '>';
    buf_json(r->out, word);
    buf_char(r->out, ':');
    skip_arrow(r);
    if (!arrow && more(r) && !strchr("{[\"'", peek(r)))
        read_bare(r);
    return true;
}

/* A colon between a name and its value, or before a symbol, which is a word. */
static void read_colon(struct reader *r)
{
    char last = r->out->n ? r->out->p[r->out->n - 1] : 0;
    if (last != '{' && last != ',' && last != '[' && last != ':')
        buf_char(r->out, ':');
    r->at++;
}

/* A comma before a closing bracket is no JSON. */
static void drop_comma(struct buf *out)
{
    if (out->n && out->p[out->n - 1] == ',')
        out->n--;
}

static bool read_bracket(struct reader *r, size_t *depth)
{
    char c = peek(r);
    bool closes = c == '}' || c == ']';
    if (closes)
        drop_comma(r->out);
    *depth += c == '{' || c == '[' ? 1 : 0;
    *depth -= closes && *depth ? 1 : 0;
    buf_char(r->out, c);
    r->at++;
    return true;
}

static bool read_next(struct reader *r, size_t *depth)
{
    char c = peek(r);
    if (strchr("'\"`", c))
        return read_string(r);
    if (strchr("{}[],", c))
        return read_bracket(r, depth);
    if (c == ':') {
        read_colon(r);
        return true;
    }
    if (c == '=') { /* "name" => value */
        buf_char(r->out, ':');
        skip_arrow(r);
        return true;
    }
    if (c == '(' || c == ')') {
        r->at++;
        return *depth > 0;
    }
    return read_word(r);
}

enum sl_err literal_json(struct str s, struct buf *out, size_t *used)
{
    struct reader r = {s, 0, out};
    size_t depth = 0;
    do {
        skip_space(&r);
        if (!more(&r) || !read_next(&r, &depth))
            return SL_SYNTAX;
    } while (depth > 0 && depth < DEPTH_MAX);
    *used = r.at;
    return depth == 0 ? SL_OK : SL_SYNTAX;
}

/* ---- protocol buffers as text -------------------------------------------------------- */

/* The quoted text or the number behind `name:` at or after `from`; where it ends in *end. */
static struct str field_after(struct str s, const char *name, size_t from, size_t *end)
{
    struct str word = str_of(name);
    ptrdiff_t at = str_find(s, word, from);
    if (at < 0)
        return (struct str){0};
    struct str rest = str_from(s, (size_t)at + word.n);
    size_t skipped = 0;
    while (skipped < rest.n && strchr(": \"", rest.p[skipped]))
        skipped++;
    rest = str_from(rest, skipped);
    size_t n = 0;
    while (n < rest.n && !strchr("\" \n}", rest.p[n]))
        n++;
    *end = (size_t)(rest.p - s.p) + n;
    return str_cut(rest, n);
}

bool literal_quota_failure(struct str text, struct str message, struct buf *out)
{
    size_t from = 0, count = 0, end = 0;
    ptrdiff_t delay = str_find(text, STR("retry_delay"), 0);
    if (str_find(text, STR("violations"), 0) < 0)
        return false;
    buf_puts(out, "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":");
    buf_json(out, message);
    buf_puts(out, ",\"details\":[{\"violations\":[");
    for (;;) {
        struct str id = field_after(text, "quota_id", from, &end);
        if (!id.n)
            break;
        struct str value = field_after(text, "quota_value", end, &from);
        buf_puts(out, count++ ? ",{\"quotaId\":" : "{\"quotaId\":");
        buf_json(out, id);
        ptrdiff_t next = str_find(text, STR("quota_id"), end);
        if (value.n && (next < 0 || from < (size_t)next)) {
            buf_puts(out, ",\"quotaValue\":");
            buf_json(out, value);
        }
        buf_char(out, '}');
        from = end;
    }
    buf_puts(out, "]}");
    struct str seconds = {0};
    if (delay >= 0)
        seconds = field_after(text, "seconds", (size_t)delay, &end);
    if (seconds.n)
        buf_printf(out, ",{\"retryDelay\":\"%.*ss\"}", STR_ARG(seconds));
    buf_puts(out, "]}}");
    return count > 0;
}
