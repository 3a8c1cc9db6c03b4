/* connection.c: one client's connection: requests in, answers out, one exchange at a time.
 *
 *   bytes -> parser -> start, body, end -> driver -> server_answer ... -> out -> flying -> gone
 *
 * Bytes to send collect in `out`; one write at a time carries `flying` to the system. An
 * exchange is over when its answer has left, which is only ever told in a callback of the loop
 * (landing.h): so nothing here calls the driver from within the driver's own calls. Reading
 * never stops while an exchange is open (but for a flood of pipelined requests), since only
 * reading shows that the client has left.
 *
 * A connection that ends in order says so (shutdown) and reads on for a while: closing with
 * unread bytes would reset it and could cost the client the answer. */
#include "connection.h"
#include "arena.h"
#include "patience.h"
#include "secure.h"
#include "write.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINGER_MS = 1000 /* how long a client may take to close after we have */ };

/* ---- Closing -------------------------------------------------------------------------- */

static void report_gone(struct connection *c, bool complete)
{
    struct exchange *x = &c->exchange;
    if (!x->open)
        return;
    x->open = false;
    c->server->handler.gone(c->server->handler.ctx, x, complete);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;
    struct server *s = c->server;
    if (--c->handles > 0)
        return;
    report_gone(c, false); /* of a reset */
    landing_forget(c);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->connections = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->connection_count--;
    parser_free(&c->parser);
    secure_free(&c->secure);
    if (c->pending.p)
        explicit_bzero(c->pending.p, c->pending.cap); /* its heads may hold keys */
    buf_free(&c->pending);
    buf_free(&c->out);
    buf_free(&c->flying);
    free(c);
    server_release(s);
}

static void close_handles(struct connection *c, bool reset)
{
    if (c->closing)
        return;
    c->closing = true;
    uv_close((uv_handle_t *)&c->timer, on_closed);
    if (!reset || uv_tcp_close_reset(&c->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void connection_drop(struct connection *c)
{
    close_handles(c, false);
}

/* The system had the answer's last byte before its client could know of it, and leave. */
static bool has_left(const struct connection *c)
{
    return c->landed && !c->closing && c->exchange.finished && c->out.n == 0 &&
           (!c->secure || secure_unsent(c->secure) == 0);
}

void connection_close(struct connection *c)
{
    bool complete = has_left(c);
    if (c->secure && !c->closing && !c->exchange.open)
        secure_leave(c);
    close_handles(c, false);
    report_gone(c, complete);
}

void connection_drain(struct connection *c)
{
    /* What is written without an exchange is a refusal, or TLS's own. */
    if (!c->exchange.open && !(c->writing && c->ending))
        connection_close(c);
}

struct connection *connection_next(struct connection *c)
{
    return c->next;
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct connection *c = request->data;
    if (status < 0 && !c->closing)
        connection_close(c);
}

/* ---- Writing -------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int status);

void connection_fly(struct connection *c, struct str bytes)
{
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)bytes.p, (unsigned)bytes.n); /* only read */
    int taken = bytes.n ? uv_try_write(stream, &b, 1) : 0;
    c->writing = true;
    if (taken == (int)bytes.n) {
        c->landed = true;
        landing_add(&c->server->landing, c);
        return;
    }
    if (taken > 0)
        b = uv_buf_init(b.base + taken, (unsigned)bytes.n - (unsigned)taken);
    if (uv_write(&c->write, stream, &b, 1, on_written) != 0)
        close_handles(c, false);
}

static struct buf *out_of(struct connection *c)
{
    if (!c->out.p)
        c->out = server_take_spare(c->server);
    return &c->out;
}

static void flush(struct connection *c)
{
    if (c->writing || c->closing || c->out.n == 0)
        return;
    sl_assert(!c->flying.p);
    c->flying = c->out;
    c->out = (struct buf){0};
    if (c->secure)
        secure_write(c, buf_str(&c->flying));
    else
        connection_fly(c, buf_str(&c->flying));
    if (c->secure ? !secure_unsent(c->secure) : !c->tcp.write_queue_size)
        server_give_spare(c->server, &c->flying);
    patience_watch(c);
}

static void read_on(struct connection *c);

/* Nothing more is to be sent. */
static void linger(struct connection *c)
{
    if (c->secure && secure_end(c))
        return; /* and again once its notice has left */
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0) {
        connection_close(c);
        return;
    }
    read_on(c);
    patience_wait(c, WAIT_LINGER, LINGER_MS * INT64_C(1000));
}

static void end_exchange(struct connection *c)
{
    const struct exchange *x = &c->exchange;
    bool keep = x->keep_alive && x->received && !c->server->draining;
    report_gone(c, true);
    if (c->closing)
        return;
    if (!keep) {
        c->ending = true;
        linger(c);
        return;
    }
    c->head_begun = false;
    struct buf held = c->pending;
    c->pending = (struct buf){0};
    read_on(c);
    if (held.n)
        connection_take(c, buf_str(&held));
    buf_free(&held);
}

/* All of it has left. */
static void go_on(struct connection *c)
{
    struct exchange *x = &c->exchange;
    const struct server_handler *h = &c->server->handler;
    server_give_spare(c->server, &c->flying);
    if (c->out.n)
        flush(c);
    else if (x->open && x->finished)
        end_exchange(c);
    else if (c->ending)
        linger(c);
    else if (x->open && x->begun && h->drained)
        h->drained(h->ctx, x);
}

void connection_landed(struct connection *c)
{
    c->writing = c->landed = false;
    if (c->closing)
        return;
    if (c->secure && secure_write_on(c))
        c->writing = true;
    else
        go_on(c);
    patience_watch(c);
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *c = write->data;
    c->writing = false;
    if (status == 0)
        connection_landed(c);
    else if (!c->closing)
        connection_close(c);
}

/* ---- Answers -------------------------------------------------------------------------- */

void exchange_set(struct exchange *x, void *user)
{
    x->user = user;
}

void *exchange_user(struct exchange *x)
{
    return x->user;
}

/* length < 0: streamed. */
static enum sl_err write_head(struct exchange *x, int status, const struct header *headers,
                              size_t n, int64_t length)
{
    const struct connection *c = x->connection;
    struct buf *out = out_of(x->connection);
    size_t before = out->n;
    write_status_line(out, status);
    enum sl_err err = write_headers(out, headers, n);
    if (err) {
        out->n = before;
        return err;
    }
    x->bodiless = x->bodiless || status == 204 || status == 304;
    x->chunked = length < 0 && !x->minor_zero;
    if (!x->received || c->server->draining || (length < 0 && x->minor_zero))
        x->keep_alive = false;
    buf_puts(out, "date: ");
    buf_add(out, server_date(c->server));
    if (x->keep_alive)
        buf_puts(out, x->minor_zero ? "\r\nconnection: keep-alive" : "");
    else
        buf_puts(out, "\r\nconnection: close");
    if (x->chunked && status != 204)
        buf_puts(out, "\r\ntransfer-encoding: chunked");
    else if (length >= 0 && status != 204 && (length > 0 || status != 304)) {
        buf_puts(out, "\r\ncontent-length: ");
        buf_int(out, length);
    }
    buf_puts(out, "\r\n");
    write_head_end(out);
    return SL_OK;
}

static const char unfit_header[] = "a header of the answer cannot be sent";

/* An answer of the server's own. */
static void write_refusal(struct exchange *x, int status, const char *why)
{
    struct connection *c = x->connection;
    struct buf body = {0};
    struct header type = server_refusal(c->server, status, why, &body);
    enum sl_err err = write_head(x, status, &type, 1, (int64_t)body.n);
    sl_assert(!err);
    if (!x->bodiless)
        buf_add(out_of(c), buf_str(&body));
    buf_free(&body);
    c->server->counts.refused++;
}

/* Whether an answer may be begun: not after a reset. */
static bool begin(struct exchange *x)
{
    sl_assert(x->open && !x->begun);
    x->begun = true;
    return !x->connection->closing;
}

void server_answer(struct exchange *x, int status, const struct header *headers, size_t n,
                   struct str body)
{
    struct connection *c = x->connection;
    if (!begin(x))
        return;
    if (write_head(x, status, headers, n, (int64_t)body.n) != SL_OK)
        write_refusal(x, 500, unfit_header);
    else if (!x->bodiless)
        buf_add(out_of(c), body);
    x->finished = true;
    flush(c);
}

void server_begin(struct exchange *x, int status, const struct header *headers, size_t n)
{
    server_begin_sized(x, status, headers, n, -1);
}

void server_begin_sized(struct exchange *x, int status, const struct header *headers, size_t n,
                        int64_t length)
{
    struct connection *c = x->connection;
    if (!begin(x))
        return;
    if (write_head(x, status, headers, n, length) != SL_OK) {
        write_refusal(x, 500, unfit_header);
        x->bodiless = true; /* what was meant to follow is not sent */
    }
    flush(c);
}

size_t server_write(struct exchange *x, struct str bytes)
{
    struct connection *c = x->connection;
    sl_assert(x->open && x->begun && !x->finished);
    if (c->closing || x->bodiless)
        return 0;
    if (x->chunked)
        write_chunk(out_of(c), bytes);
    else
        buf_add(out_of(c), bytes);
    flush(c);
    return c->out.n + c->tcp.write_queue_size + (c->secure ? secure_unsent(c->secure) : 0);
}

void server_finish(struct exchange *x)
{
    struct connection *c = x->connection;
    sl_assert(x->open && x->begun && !x->finished);
    x->finished = true;
    if (c->closing)
        return;
    if (x->chunked && !x->bodiless)
        write_last_chunk(out_of(c));
    if (c->out.n) {
        flush(c);
    } else if (!c->writing) {
        /* All has left already: an empty write brings the callback that ends the exchange. */
        connection_fly(c, STR(""));
    }
}

void server_reset(struct exchange *x)
{
    sl_assert(x->open);
    close_handles(x->connection, true);
}

/* The server's own answer to what it does not take; the connection ends with it. */
void connection_refuse(struct connection *c, int status, const char *why)
{
    struct exchange *x = &c->exchange;
    if (x->open && x->begun) {
        connection_close(c);
        return;
    }
    report_gone(c, false);
    if (c->closing)
        return;
    c->ending = true;
    *x = (struct exchange){.connection = c};
    write_refusal(x, status, why);
    flush(c);
}

/* ---- Requests ------------------------------------------------------------------------- */

static void start_exchange(struct connection *c, const struct message *m)
{
    struct exchange *x = &c->exchange;
    const struct server_handler *h = &c->server->handler;
    bool streams = h->streams && h->streams(h->ctx, m);
    struct objection no = server_objection(c->server, m, streams);
    if (no.status) {
        connection_refuse(c, no.status, no.why);
        return;
    }
    *x = (struct exchange){
        .connection = c,
        .open = true,
        .received = !m->chunked && m->content_length <= 0,
        .bodiless = str_eq(m->method, STR("HEAD")),
        .keep_alive = m->keep_alive,
        .minor_zero = m->minor == 0,
        .streams = streams,
        .start_ms = uv_now(c->server->loop),
    };
    h->start(h->ctx, x, m);
    bool asks = str_eq_nocase(message_header(m, "expect"), STR("100-continue"));
    if (asks && !x->received && !x->begun && !x->minor_zero && !c->closing) {
        buf_puts(out_of(c), "HTTP/1.1 100 Continue\r\n\r\n");
        flush(c);
    }
}

static void take_body(struct connection *c, struct str body)
{
    struct exchange *x = &c->exchange;
    const struct server_handler *h = &c->server->handler;
    x->body_bytes += body.n;
    if (!x->streams && x->body_bytes > c->server->config.body_max)
        connection_refuse(c, 413, "the body is too large");
    else if (!x->begun)
        h->body(h->ctx, x, body);
}

/* Pauses the parser after every whole request: the next one waits for its turn. */
static int on_event(void *ctx, enum parse_event ev, const struct message *m, struct str body)
{
    struct connection *c = ctx;
    struct exchange *x = &c->exchange;
    const struct server_handler *h = &c->server->handler;
    switch (ev) {
    case PARSE_HEAD:
        start_exchange(c, m);
        break;
    case PARSE_BODY:
        take_body(c, body);
        break;
    case PARSE_END:
        x->received = true;
        if (!x->begun)
            h->end(h->ctx, x);
        return 1;
    }
    return c->closing || c->ending;
}

static void read_off(struct connection *c)
{
    if (c->reading)
        uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

void exchange_hold(struct exchange *x, bool hold)
{
    struct connection *c = x->connection;
    if (x->held == hold || c->closing)
        return;
    x->held = hold;
    if (hold) {
        x->held_ms = uv_now(c->server->loop);
        read_off(c);
    } else {
        x->start_ms += uv_now(c->server->loop) - x->held_ms; /* its patience did not run */
        read_on(c);
    }
    patience_watch(c);
}

void connection_take(struct connection *c, struct str bytes)
{
    struct exchange *x = &c->exchange;
    size_t used = 0;
    if (c->closing || c->ending)
        return;
    if (!x->open || !x->received) {
        c->head_begun = true;
        enum sl_err err = parser_feed(c->parser, bytes, &used);
        if (err && !c->closing && !c->ending)
            connection_refuse(c, parser_status(c->parser), parser_why(c->parser));
        if (c->closing || c->ending)
            return;
    }
    buf_add(&c->pending, str_from(bytes, used));
    if (c->pending.n > PIPELINE_BYTES)
        read_off(c);
    patience_watch(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct connection *c = handle->data;
    *out = uv_buf_init(c->server->read, sizeof c->server->read);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct connection *c = stream->data;
    if (n < 0)
        connection_close(c);
    else if (n > 0 && c->secure)
        secure_read(c, (struct str){b->base, (size_t)n});
    else if (n > 0)
        connection_take(c, (struct str){b->base, (size_t)n});
}

static void read_on(struct connection *c)
{
    if (c->reading)
        return;
    c->reading = true;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0)
        connection_close(c);
}

void connection_start(struct server *s, int fd, bool tls)
{
    struct connection *c = mem_zero(sizeof *c);
    c->server = s;
    c->secure = tls ? secure_new(s->tls) : NULL;
    c->parser = parser_new(MESSAGE_REQUEST, (struct parser_handler){on_event, c});
    c->tcp.data = c->timer.data = c->write.data = c;
    c->next = s->connections;
    if (c->next)
        c->next->prev = c;
    s->connections = c;
    s->connection_count++;
    s->counts.connections++;
    s->handles++;
    c->handles = 2;
    int rc = uv_tcp_init(s->loop, &c->tcp) || uv_timer_init(s->loop, &c->timer);
    sl_assert(rc == 0);
    if (uv_tcp_open(&c->tcp, fd) != 0) {
        close(fd);
        connection_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    read_on(c);
    patience_watch(c);
}
