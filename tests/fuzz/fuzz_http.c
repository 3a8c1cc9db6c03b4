/* Both sides of HTTP: what a parser reports depends neither on how the bytes are cut nor on
 * pauses, and no head passes that could be read in two ways or be written out as two. */
#include "message.h"
#include "write.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf text; /* everything reported, the bodies joined */
    bool in_body;
    bool pausing;
};

static void check_head(const struct message *m)
{
    struct buf written = {0};
    sl_assert(m->header_count <= BOUND_HEADERS);
    sl_assert(!(m->chunked && m->content_length >= 0));
    enum sl_err err = write_headers(&written, m->headers, m->header_count);
    sl_assert(!err);
    if (m->status == 0) {
        err = write_request_line(&written, m->method, m->target);
        sl_assert(!err);
        sl_assert(m->minor == 0 || message_header(m, "host").p);
    }
    buf_free(&written);
}

static int on_event(void *ctx, enum parse_event ev, const struct message *m, struct str body)
{
    struct seen *s = ctx;
    if (ev == PARSE_BODY) {
        sl_assert(body.n > 0);
        buf_puts(&s->text, s->in_body ? "" : "{");
        buf_add(&s->text, body);
        s->in_body = true;
        return s->pausing;
    }
    buf_puts(&s->text, s->in_body ? "}" : "");
    s->in_body = false;
    buf_printf(&s->text, "%s %d %.*s %.*s %d %d", ev == PARSE_END ? "end" : "head", m->status,
               STR_ARG(m->method), STR_ARG(m->target), m->keep_alive, m->upgrade);
    for (size_t i = 0; i < m->header_count; i++)
        buf_printf(&s->text, "[%.*s=%.*s]", STR_ARG(m->headers[i].name),
                   STR_ARG(m->headers[i].value));
    check_head(m);
    return s->pausing;
}

static void run(struct seen *s, enum message_side side, struct str in, size_t piece)
{
    struct parser *p = parser_new(side, (struct parser_handler){on_event, s});
    enum sl_err err = SL_OK;
    size_t at = 0, before;
    do {
        size_t used;
        before = s->text.n + at;
        err = parser_feed(p, str_cut(str_from(in, at), piece), &used);
        at += used;
    } while (!err && (at < in.n || before != s->text.n + at));
    if (!err)
        err = parser_eof(p);
    buf_printf(&s->text, " -> %d at %zu", (int)err, err && err != SL_CLOSED ? 0 : at);
    sl_assert(!err || (parser_why(p)[0] && parser_status(p) >= 400));
    parser_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    for (enum message_side side = MESSAGE_REQUEST; side <= MESSAGE_RESPONSE; side++) {
        struct seen whole = {0}, bytes = {0}, paused = {.pausing = true};
        run(&whole, side, in, size ? size : 1);
        run(&bytes, side, in, 1);
        run(&paused, side, in, 7);
        sl_assert(str_eq(buf_str(&whole.text), buf_str(&bytes.text)));
        sl_assert(str_eq(buf_str(&whole.text), buf_str(&paused.text)));
        buf_free(&whole.text);
        buf_free(&bytes.text);
        buf_free(&paused.text);
    }
    return 0;
}
