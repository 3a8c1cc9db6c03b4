/* multipart.c: see multipart.h.
 *
 *   BODY --delimiter--> AFTER --CRLF--> HEAD --empty line--> BODY
 *                          \--"--"--> CLOSED --CRLF, CRLF--> DONE
 *
 * The delimiter is CRLF "--" boundary; a form begins within one, as if its CRLF had been read.
 * A delimiter cut off by the end of the bytes is held as a count, `matched`, since its bytes
 * are known. A CR stands only at its start, so a failed match never hides another one. */
#include "multipart.h"
#include "arena.h"
#include "bounds.h"

#include <stdlib.h>
#include <string.h>

#define MULTIPART_STATES(X) X(BODY) X(AFTER) X(HEAD) X(CLOSED) X(DONE) X(BROKEN)
enum multipart_state {
#define X(name) STATE_##name,
    MULTIPART_STATES(X)
#undef X
};

enum { LINE_ENDS = 2 }; /* that may follow the end of a form */

struct multipart {
    struct multipart_handler handler;
    enum multipart_state state;
    struct buf delimiter;
    size_t matched; /* bytes of it */
    bool in_part;   /* false before the first delimiter */
    char pair[2];   /* AFTER, CLOSED: what follows the delimiter */
    size_t pair_count;
    int line_ends;   /* CLOSED: how many */
    struct buf head; /* HEAD: up to and with the empty line; then lends the part's strings */
    struct multipart_part part;
    size_t part_count;
    enum sl_err err;
    const char *why;
};

static enum sl_err broken(struct multipart *m, enum sl_err err, const char *why)
{
    m->state = STATE_BROKEN;
    m->err = err;
    m->why = why;
    return err;
}

struct multipart *multipart_new(struct str boundary, struct multipart_handler h)
{
    struct multipart *m = mem_zero(sizeof *m);
    m->handler = h;
    m->why = "";
    m->matched = 2;
    buf_puts(&m->delimiter, "\r\n--");
    buf_add(&m->delimiter, boundary);
    return m;
}

void multipart_free(struct multipart **m)
{
    if (!*m)
        return;
    buf_free(&(*m)->delimiter);
    buf_free(&(*m)->head);
    free(*m);
    *m = NULL;
}

const char *multipart_why(const struct multipart *m)
{
    return m->why;
}

static void tell(struct multipart *m, enum multipart_event ev, struct str bytes)
{
    if (ev != MULTIPART_DATA || bytes.n)
        m->handler.on(m->handler.ctx, ev, &m->part, bytes);
}

/* ---- values with parameters ---- */

static bool is_token_byte(char c)
{
    return c > ' ' && c < 0x7F && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* A quoted string: \" and \\ stand for their second byte, any other backslash for itself, as
 * curl writes them and browsers leave them. Decoded where it lies, which `rest` lends. */
static bool take_quoted(struct str *rest, struct str *out)
{
    char *to = (char *)(uintptr_t)rest->p + 1;
    size_t i = 1;
    out->p = to;
    for (; i < rest->n && rest->p[i] != '"'; i++) {
        bool escape = rest->p[i] == '\\' && i + 1 < rest->n &&
                      (rest->p[i + 1] == '"' || rest->p[i + 1] == '\\');
        i += escape;
        if (to != rest->p + i) /* what holds no escape may be read-only */
            *to = rest->p[i];
        to++;
    }
    if (i >= rest->n)
        return false;
    out->n = (size_t)(to - out->p);
    *rest = str_from(*rest, i + 1);
    return true;
}

static size_t token_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_token_byte(s.p[n]))
        n++;
    return n;
}

/* The next "; name=value" of *rest. False at its end, or where it is not of that form: then
 * *rest is not empty. Quoted values are decoded where they lie. */
static bool take_parameter(struct str *rest, struct str *name, struct str *value)
{
    struct str at = str_trim(*rest);
    if (at.n == 0) {
        *rest = at;
        return false;
    }
    if (at.p[0] != ';')
        return false;
    at = str_trim(str_from(at, 1));
    *name = str_cut(at, token_length(at));
    at = str_from(at, name->n);
    if (name->n == 0 || at.n < 2 || at.p[0] != '=')
        return false;
    at = str_from(at, 1);
    *value = str_cut(at, token_length(at));
    if (at.p[0] != '"' && value->n == 0)
        return false;
    if (at.p[0] != '"')
        at = str_from(at, value->n);
    else if (!take_quoted(&at, value))
        return false;
    *rest = at;
    return true;
}

/* ---- a part's head ---- */

static enum sl_err read_disposition(struct multipart *m, struct str value)
{
    struct str kind = str_cut(value, token_length(value)), rest = str_from(value, kind.n);
    struct str name, text;
    if (!str_eq_nocase(kind, STR("form-data")))
        return broken(m, SL_SYNTAX, "a part is not form-data");
    while (take_parameter(&rest, &name, &text)) {
        struct str *field = str_eq_nocase(name, STR("name"))       ? &m->part.name
                            : str_eq_nocase(name, STR("filename")) ? &m->part.filename
                                                                   : NULL;
        if (field && field->p)
            return broken(m, SL_SYNTAX, "a part has two names");
        if (field)
            *field = text;
    }
    return rest.n ? broken(m, SL_SYNTAX, "Content-Disposition of a part is malformed") : SL_OK;
}

static enum sl_err read_header(struct multipart *m, struct str line)
{
    struct str name = str_cut(line, token_length(line)), value = str_from(line, name.n);
    if (name.n == 0 || value.n == 0 || value.p[0] != ':')
        return broken(m, SL_SYNTAX, "a header of a part is malformed");
    value = str_trim(str_from(value, 1));
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < ' ' && value.p[i] != '\t')
            return broken(m, SL_SYNTAX, "a header of a part holds a control byte");
    }
    if (str_eq_nocase(name, STR("content-disposition")))
        return read_disposition(m, value);
    if (str_eq_nocase(name, STR("content-type")))
        m->part.type = value;
    /* RFC 7578 section 4.7: not to be used; what does not change the bytes does no harm */
    bool encoded = str_eq_nocase(name, STR("content-transfer-encoding"));
    if (encoded && !str_eq_nocase(value, STR("binary")) && !str_eq_nocase(value, STR("8bit")) &&
        !str_eq_nocase(value, STR("7bit")))
        return broken(m, SL_SYNTAX, "a part has a transfer encoding");
    return SL_OK;
}

static enum sl_err read_head(struct multipart *m)
{
    struct str rest = buf_str(&m->head);
    m->part = (struct multipart_part){0};
    for (;;) {
        ptrdiff_t end = str_find(rest, STR("\r\n"), 0);
        sl_assert(end >= 0); /* the head ends with an empty line */
        if (end == 0)
            break;
        enum sl_err err = read_header(m, str_cut(rest, (size_t)end));
        if (err)
            return err;
        rest = str_from(rest, (size_t)end + 2);
    }
    if (m->part.name.n == 0)
        return broken(m, SL_MISSING, "a part has no name");
    if (++m->part_count > BOUND_PARTS)
        return broken(m, SL_TOO_LARGE, "the form has too many parts");
    m->in_part = true;
    m->state = STATE_BODY;
    tell(m, MULTIPART_PART, (struct str){0});
    return SL_OK;
}

/* Takes bytes up to the empty line; returns how many. */
static size_t feed_head(struct multipart *m, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        char c = bytes.p[i], last = m->head.n ? m->head.p[m->head.n - 1] : 0;
        if ((c == '\n') != (last == '\r')) {
            (void)broken(m, SL_SYNTAX, "a line of a part's head does not end with CR LF");
            return i;
        }
        if (m->head.n == BOUND_PART_HEAD_BYTES) {
            (void)broken(m, SL_TOO_LARGE, "a part's head is too long");
            return i;
        }
        buf_char(&m->head, c);
        if (m->head.n == 2 ? c == '\n' : str_ends(buf_str(&m->head), STR("\r\n\r\n"))) {
            (void)read_head(m);
            return i + 1;
        }
    }
    return bytes.n;
}

/* ---- a part's body ---- */

static void end_body(struct multipart *m)
{
    if (m->in_part)
        tell(m, MULTIPART_END, (struct str){0});
    m->matched = 0;
    m->pair_count = 0;
    m->state = STATE_AFTER;
}

static size_t feed_body(struct multipart *m, struct str bytes)
{
    if (m->matched == 0) {
        const char *cr = memchr(bytes.p, '\r', bytes.n);
        struct str data = str_cut(bytes, cr ? (size_t)(cr - bytes.p) : bytes.n);
        tell(m, MULTIPART_DATA, data);
        m->matched = cr != NULL;
        return data.n + (cr != NULL);
    }
    size_t i = 0;
    while (i < bytes.n && m->matched < m->delimiter.n &&
           bytes.p[i] == m->delimiter.p[m->matched]) {
        i++;
        m->matched++;
    }
    if (m->matched == m->delimiter.n) {
        end_body(m);
    } else if (i < bytes.n && !m->in_part) {
        (void)broken(m, SL_SYNTAX, "the form does not begin with its boundary");
    } else if (i < bytes.n) {
        tell(m, MULTIPART_DATA, str_cut(buf_str(&m->delimiter), m->matched));
        m->matched = 0;
    }
    return i;
}

/* ---- between parts ---- */

static void feed_pair(struct multipart *m, char c)
{
    m->pair[m->pair_count++] = c;
    if (m->pair_count < 2)
        return;
    m->pair_count = 0;
    bool line_end = memcmp(m->pair, "\r\n", 2) == 0, dashes = memcmp(m->pair, "--", 2) == 0;
    if (m->state == STATE_AFTER && line_end) {
        buf_clear(&m->head);
        m->state = STATE_HEAD;
    } else if (m->state == STATE_AFTER && dashes) {
        m->state = STATE_CLOSED;
    } else if (m->state == STATE_CLOSED && line_end) {
        m->state = ++m->line_ends == LINE_ENDS ? STATE_DONE : STATE_CLOSED;
    } else {
        (void)broken(m, SL_SYNTAX,
                     m->state == STATE_AFTER ? "a boundary is followed by other bytes"
                                             : "bytes follow the end of the form");
    }
}

enum sl_err multipart_feed(struct multipart *m, struct str bytes)
{
    while (bytes.n && m->state != STATE_BROKEN) {
        size_t used = 1;
        switch (m->state) {
        case STATE_BODY:
            used = feed_body(m, bytes);
            break;
        case STATE_HEAD:
            used = feed_head(m, bytes);
            break;
        case STATE_AFTER:
        case STATE_CLOSED:
            feed_pair(m, bytes.p[0]);
            break;
        case STATE_DONE:
            (void)broken(m, SL_SYNTAX, "bytes follow the end of the form");
            break;
        case STATE_BROKEN:
            break;
        }
        bytes = str_from(bytes, used);
    }
    return m->state == STATE_BROKEN ? m->err : SL_OK;
}

enum sl_err multipart_finish(struct multipart *m)
{
    if (m->state == STATE_BROKEN)
        return m->err;
    if (m->state == STATE_DONE || (m->state == STATE_CLOSED && m->pair_count == 0))
        return SL_OK;
    return broken(m, SL_CLOSED, "the form ends in the middle");
}

/* ---- Content-Type ---- */

/* RFC 2046's bchars. */
static bool is_boundary(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && (c == 0 || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return s.n > 0 && s.n <= 70 && s.p[s.n - 1] != ' ';
}

enum sl_err multipart_boundary(struct str content_type, struct str *out)
{
    const struct str form = STR("multipart/form-data");
    struct str rest = str_trim(content_type), name, value;
    if (!str_eq_nocase(str_cut(rest, form.n), form))
        return SL_TYPE;
    *out = (struct str){0};
    rest = str_from(rest, form.n);
    while (rest.n) {
        /* a boundary holds no backslash, so looking for one decodes nothing */
        if (memchr(rest.p, '\\', rest.n) || !take_parameter(&rest, &name, &value))
            return rest.n ? SL_SYNTAX : out->p ? SL_OK : SL_MISSING;
        if (!str_eq_nocase(name, STR("boundary")))
            continue;
        if (out->p || !is_boundary(value))
            return SL_SYNTAX;
        *out = value;
    }
    return out->p ? SL_OK : SL_MISSING;
}
