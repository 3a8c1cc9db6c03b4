/* parser.c: bytes of a connection in, HTTP messages out.
 *
 *   IDLE ---first byte---> HEAD ---empty line---> BODY ---last chunk---> TRAILER
 *    ^                      |                      |                        |
 *    |                      +----- no body --------+---> END <--------------+
 *    +---------------- keep-alive -----------------------+----> CLOSED     any ---> FAILED
 *
 * llhttp does the grammar. Heads and trailers are first collected here up to their empty line:
 * that bounds them, lets every line be checked for what llhttp tolerates (bare CR or LF, folded
 * lines, control bytes), and makes all spans contiguous, so a header needs no copy of its own.
 * Whether bytes come in one piece or one by one never shows in the events. */
#include "arena.h"
#include "message.h"
#include "plain.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#define STAGES(X) X(IDLE) X(HEAD) X(BODY) X(TRAILER) X(END) X(CLOSED) X(FAILED)
enum stage {
#define X(name) STAGE_##name,
    STAGES(X)
#undef X
};

/* Lines up to and including an empty one. */
struct section {
    struct buf bytes;
    size_t line;       /* where the current line starts */
    size_t first_line; /* length of the first line without its CR LF, 0 while unknown */
    bool complete;
};

struct parser {
    llhttp_t ll;
    llhttp_settings_t settings;
    struct parser_handler handler;
    enum message_side side;
    enum stage stage;
    bool paused;
    bool no_body;
    bool last_chunk;        /* llhttp has seen the chunk of size 0 */
    bool complete;          /* llhttp has seen the end */
    size_t extension_bytes; /* of all chunks of this message */
    struct section head;
    struct section trailer;
    struct message message;
    enum sl_err err; /* why FAILED */
    struct objection objection;
};

static enum sl_err refuse(struct parser *p, enum sl_err err, int status, const char *why)
{
    p->stage = STAGE_FAILED;
    p->err = err;
    p->objection = (struct objection){status, why};
    return err;
}

static void emit(struct parser *p, enum parse_event ev, struct str body)
{
    if (p->handler.on(p->handler.ctx, ev, &p->message, body) != 0)
        p->paused = true;
}

/* ---- Sections ------------------------------------------------------------------------- */

static void section_reset(struct section *s)
{
    buf_clear(&s->bytes);
    s->line = s->first_line = 0;
    s->complete = false;
}

static void section_free(struct section *s)
{
    if (s->bytes.p)
        explicit_bzero(s->bytes.p, s->bytes.cap);
    buf_free(&s->bytes);
}

/* Why the byte c cannot follow what the section holds, or NULL. */
static const char *byte_objection(const struct section *s, char c)
{
    char last = s->bytes.n ? s->bytes.p[s->bytes.n - 1] : 0;
    bool at_start = s->bytes.n == s->line;
    if (last == '\r' && c != '\n')
        return "a CR without its LF";
    if (c == '\n' && last != '\r')
        return "a LF without its CR";
    if (at_start && s->line > 0 && (c == ' ' || c == '\t'))
        return "a folded header line";
    if (((unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7F)
        return "a control byte in the head";
    return NULL;
}

static void end_line(struct section *s)
{
    size_t length = s->bytes.n - s->line - 2;
    if (s->line == 0)
        s->first_line = length;
    s->complete = length == 0;
    s->line = s->bytes.n;
}

/* Takes bytes until the section is complete; NULL or why not. */
static const char *section_take(struct section *s, struct str in, size_t *took)
{
    while (*took < in.n && !s->complete && s->bytes.n < BOUND_HEADER_BYTES) {
        struct str rest = str_cut(str_from(in, *took), BOUND_HEADER_BYTES - s->bytes.n);
        const char *why = byte_objection(s, rest.p[0]);
        if (why)
            return why;
        /* Text, to which within a line nobody can object, and its line's end; or one byte. */
        size_t n = plain_ahead(rest);
        if (str_starts(str_from(rest, n), STR("\r\n")))
            n += 2;
        else if (n == 0)
            n = 1;
        buf_add(&s->bytes, str_cut(rest, n));
        *took += n;
        if (rest.p[n - 1] == '\n')
            end_line(s);
    }
    return NULL;
}

static bool section_overflows(const struct section *s)
{
    return !s->complete && s->bytes.n >= BOUND_HEADER_BYTES;
}

/* ---- What llhttp tells ---------------------------------------------------------------- */

static int on_header_field(llhttp_t *ll, const char *at, size_t n)
{
    struct parser *p = ll->data;
    struct message *m = &p->message;
    if (p->stage == STAGE_TRAILER)
        return 0;
    if (m->header_count == BOUND_HEADERS)
        p->objection = (struct objection){431, "too many headers"};
    else if (n == 0 || at[n] != ':')
        p->objection = (struct objection){400, "a malformed header name"};
    if (p->objection.why)
        return -1;
    m->headers[m->header_count++] = (struct header){{at, n}, {at + n, 0}};
    return 0;
}

static int on_header_value(llhttp_t *ll, const char *at, size_t n)
{
    struct parser *p = ll->data;
    if (p->stage != STAGE_TRAILER)
        p->message.headers[p->message.header_count - 1].value = str_trim((struct str){at, n});
    return 0;
}

static int on_headers_complete(llhttp_t *ll)
{
    struct parser *p = ll->data;
    struct message *m = &p->message;
    if (message_frame(m, p->side, &p->objection) != SL_OK)
        return -1;
    m->upgrade = ll->upgrade != 0;
    /* An upgrade may be ignored (RFC 9110, 7.8), and CONNECT is the handler's to refuse. */
    ll->upgrade = 0;
    bool bodiless = false;
    if (p->side == MESSAGE_RESPONSE) {
        m->status = ll->status_code;
        bodiless = p->no_body || m->status < 200 || m->status == 204 || m->status == 304;
    }
    if (bodiless)
        ll->flags |= F_SKIPBODY;
    m->keep_alive = llhttp_should_keep_alive(ll) != 0;
    return bodiless ? 1 : 0;
}

static int on_body(llhttp_t *ll, const char *at, size_t n)
{
    struct parser *p = ll->data;
    if (n)
        emit(p, PARSE_BODY, (struct str){at, n});
    return p->paused ? HPE_PAUSED : 0;
}

static int on_chunk_extension(llhttp_t *ll, const char *at, size_t n)
{
    struct parser *p = ll->data;
    p->extension_bytes += n;
    if (p->extension_bytes <= BOUND_HEADER_BYTES)
        return 0;
    p->objection = (struct objection){400, "chunk extensions without end"};
    return -1;
}

static int on_chunk_header(llhttp_t *ll)
{
    struct parser *p = ll->data;
    if (ll->content_length > INT64_MAX) { /* as a Content-Length */
        p->objection = (struct objection){400, "a chunk without measure"};
        return -1;
    }
    p->last_chunk = ll->content_length == 0;
    return p->last_chunk ? HPE_PAUSED : 0;
}

static int on_message_complete(llhttp_t *ll)
{
    struct parser *p = ll->data;
    p->complete = true;
    return HPE_PAUSED;
}

/* ---- Stages --------------------------------------------------------------------------- */

static void begin_message(struct parser *p)
{
    llhttp_init(&p->ll, p->side == MESSAGE_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE,
                &p->settings);
    p->ll.data = p;
    section_reset(&p->head);
    section_reset(&p->trailer);
    p->message.header_count = 0;
    p->message.status = 0;
    p->last_chunk = p->complete = false;
    p->extension_bytes = 0;
    p->objection = (struct objection){0};
    p->stage = STAGE_HEAD;
}

/* Runs llhttp over the bytes; *took counts what it consumed. */
static enum sl_err execute(struct parser *p, struct str in, size_t *took)
{
    const char *start = in.p ? in.p : "";
    llhttp_errno_t e = llhttp_execute(&p->ll, start, in.n);
    if (e == HPE_OK) {
        *took = in.n;
        return SL_OK;
    }
    *took = (size_t)(llhttp_get_error_pos(&p->ll) - start);
    if (e == HPE_PAUSED) {
        llhttp_resume(&p->ll);
        return SL_OK;
    }
    if (p->objection.why)
        return refuse(p, p->objection.status == 431 ? SL_TOO_LARGE : SL_SYNTAX,
                      p->objection.status, p->objection.why);
    const char *why = llhttp_get_error_reason(&p->ll);
    return refuse(p, SL_SYNTAX, e == HPE_INVALID_METHOD ? 501 : 400,
                  why && *why ? why : "not HTTP/1.1");
}

/* Splits the first line; llhttp checks its parts, but would also take RTSP, ICE and HTTP/2. */
static enum sl_err read_first_line(struct parser *p)
{
    struct str line = str_cut(buf_str(&p->head.bytes), p->head.first_line);
    struct str version = str_cut(line, sizeof "HTTP/1.1" - 1);
    if (p->side == MESSAGE_REQUEST) {
        struct str rest = line;
        p->message.method = str_split(&rest, ' ');
        p->message.target = str_split(&rest, ' ');
        version = rest;
        if (p->message.target.n > BOUND_TARGET_BYTES)
            return refuse(p, SL_TOO_LARGE, 414, "the URI is too long");
    }
    if (str_eq(version, STR("HTTP/1.1")) || str_eq(version, STR("HTTP/1.0"))) {
        p->message.minor = version.p[version.n - 1] - '0';
        return SL_OK;
    }
    bool other = str_starts(version, STR("HTTP/"));
    return refuse(p, SL_SYNTAX, other ? 505 : 400, "this is not HTTP/1.1");
}

static enum sl_err take_head(struct parser *p, struct str in, size_t *took)
{
    const char *why = section_take(&p->head, in, took);
    if (why)
        return refuse(p, SL_SYNTAX, 400, why);
    if (section_overflows(&p->head)) {
        bool uri = p->side == MESSAGE_REQUEST && p->head.line == 0;
        return refuse(p, SL_TOO_LARGE, uri ? 414 : 431,
                      uri ? "the URI is too long" : "the head is too large");
    }
    if (!p->head.complete)
        return SL_OK;
    if (p->head.first_line == 0) {
        /* RFC 9112, 2.2: an empty line before a request is to be ignored. */
        if (p->side == MESSAGE_RESPONSE)
            return refuse(p, SL_SYNTAX, 400, "an empty line for a status line");
        p->stage = STAGE_IDLE;
        return SL_OK;
    }
    enum sl_err err = read_first_line(p);
    if (err)
        return err;
    size_t parsed;
    err = execute(p, buf_str(&p->head.bytes), &parsed);
    if (err)
        return err;
    if (p->side == MESSAGE_RESPONSE && (p->message.status < 100 || p->message.status == 101))
        return refuse(p, SL_SYNTAX, 400, "a status that was not asked for");
    sl_assert(parsed == p->head.bytes.n);
    p->stage = p->complete ? STAGE_END : STAGE_BODY;
    emit(p, PARSE_HEAD, (struct str){0});
    return SL_OK;
}

static enum sl_err take_body(struct parser *p, struct str in, size_t *took)
{
    enum sl_err err = execute(p, in, took);
    if (!err && p->complete)
        p->stage = STAGE_END;
    else if (!err && p->last_chunk)
        p->stage = STAGE_TRAILER;
    return err;
}

static enum sl_err take_trailer(struct parser *p, struct str in, size_t *took)
{
    const char *why = section_take(&p->trailer, in, took);
    if (why)
        return refuse(p, SL_SYNTAX, 400, why);
    if (section_overflows(&p->trailer))
        return refuse(p, SL_TOO_LARGE, 431, "the trailer is too large");
    if (!p->trailer.complete)
        return SL_OK;
    size_t parsed;
    enum sl_err err = execute(p, buf_str(&p->trailer.bytes), &parsed);
    if (err)
        return err;
    sl_assert(p->complete);
    p->stage = STAGE_END;
    return SL_OK;
}

static void end_message(struct parser *p)
{
    if (p->message.status == 0 || p->message.status >= 200)
        p->no_body = false;
    p->stage = p->message.keep_alive || (p->message.status && p->message.status < 200)
                   ? STAGE_IDLE
                   : STAGE_CLOSED;
    emit(p, PARSE_END, (struct str){0});
}

static enum sl_err step(struct parser *p, struct str in, size_t *took)
{
    switch (p->stage) {
    case STAGE_IDLE:
        if (in.n)
            begin_message(p);
        return SL_OK;
    case STAGE_HEAD:
        return take_head(p, in, took);
    case STAGE_BODY:
        return take_body(p, in, took);
    case STAGE_TRAILER:
        return take_trailer(p, in, took);
    case STAGE_END:
        end_message(p);
        return SL_OK;
    case STAGE_CLOSED:
        return in.n ? refuse(p, SL_SYNTAX, 400, "bytes after the last message") : SL_OK;
    case STAGE_FAILED:
        return p->err;
    }
    return SL_OK;
}

/* ---- The outside ---------------------------------------------------------------------- */

struct parser *parser_new(enum message_side side, struct parser_handler h)
{
    struct parser *p = mem_zero(sizeof *p);
    p->side = side;
    p->handler = h;
    llhttp_settings_init(&p->settings);
    p->settings.on_header_field = on_header_field;
    p->settings.on_header_value = on_header_value;
    p->settings.on_headers_complete = on_headers_complete;
    p->settings.on_body = on_body;
    p->settings.on_chunk_extension_name = on_chunk_extension;
    p->settings.on_chunk_extension_value = on_chunk_extension;
    p->settings.on_chunk_header = on_chunk_header;
    p->settings.on_message_complete = on_message_complete;
    return p;
}

void parser_free(struct parser **p)
{
    if (!*p)
        return;
    section_free(&(*p)->head);
    section_free(&(*p)->trailer);
    free(*p);
    *p = NULL;
}

void parser_expect_no_body(struct parser *p)
{
    p->no_body = true;
}

enum sl_err parser_feed(struct parser *p, struct str bytes, size_t *used)
{
    *used = 0;
    p->paused = false;
    for (;;) {
        enum stage before = p->stage;
        size_t took = 0;
        enum sl_err err = step(p, str_from(bytes, *used), &took);
        *used += took;
        if (err)
            return err;
        if (p->paused || (took == 0 && p->stage == before))
            return SL_OK;
    }
}

enum sl_err parser_eof(struct parser *p)
{
    p->paused = false;
    if (p->stage == STAGE_IDLE || p->stage == STAGE_CLOSED)
        return SL_OK;
    if (p->stage == STAGE_FAILED)
        return p->err;
    if (p->stage == STAGE_BODY && llhttp_finish(&p->ll) == HPE_PAUSED && p->complete)
        p->stage = STAGE_END;
    if (p->stage != STAGE_END)
        return refuse(p, SL_CLOSED, 400, "the connection ended within a message");
    end_message(p);
    return SL_OK;
}

int parser_status(const struct parser *p)
{
    return p->objection.status;
}

const char *parser_why(const struct parser *p)
{
    return p->objection.why ? p->objection.why : "";
}
