/* channel.c: see channel.h.
 *
 *   LOOKUP -> CONNECT -> [PROXY] -> [TLS] -> READY -> ENDED
 *                ^  |
 *                +--+ the next address, on failure or when its share of the time is over
 *
 * libuv's socket cannot be used again after a failed attempt, so it is a piece of its own with
 * its requests and the bytes in flight, freed when libuv lets go of it; the channel is freed
 * when its timer is closed. */
#include "channel.h"
#include "arena.h"
#include "message.h"
#include "write.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    /* Plain text encrypted at once: a big body is not held twice. */
    PIECE_BYTES = 256 << 10,
    /* An idle network path must not be forgotten by what lies on it (NAT) while an answer is
     * being thought about. */
    KEEPALIVE_S = 30,
};

#define CHANNEL_STATES(X) X(LOOKUP) X(CONNECT) X(PROXY) X(TLS) X(READY) X(ENDED)
enum channel_state {
#define X(name) CHANNEL_##name,
    CHANNEL_STATES(X)
#undef X
};

struct sock {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    struct channel *channel; /* NULL once abandoned */
    struct buf flying;       /* of our own making: ciphertext, CONNECT */
};

struct channel {
    struct origin *origin;
    struct channel_handler handler;
    enum channel_state state;
    struct lookup lookup;
    struct addresses addresses;
    size_t next_address;
    uint64_t deadline_ms; /* for becoming ready */
    uv_timer_t timer;
    int64_t expect_us;
    uint64_t expect_ms; /* until then, once READY; the timer may fire before */
    const char *expect_why;
    size_t expect_unsent; /* when the expectation began */
    struct sock *sock;
    struct tls *tls;
    struct parser *proxy_answer;
    int proxy_status;
    struct str head, body; /* not yet given to the socket */
    bool owed;             /* `written` is to be reported */
    bool writing;
    bool paused;
    bool closed;
    bool delivered;
    enum sl_err broken; /* met inside a caller's call, to be reported from the loop */
    const char *broken_why;
    char why[512];
};

static void connect_next(struct channel *c, const char *why);
static void on_timer(uv_timer_t *timer);

/* ---- Ends ----------------------------------------------------------------------------- */

static void on_sock_closed(uv_handle_t *handle)
{
    struct sock *s = handle->data;
    if (s->flying.p)
        explicit_bzero(s->flying.p, s->flying.cap); /* it may hold the proxy's password */
    buf_free(&s->flying);
    free(s);
}

static void abandon_sock(struct channel *c)
{
    if (!c->sock)
        return;
    c->sock->channel = NULL;
    uv_close((uv_handle_t *)&c->sock->tcp, on_sock_closed);
    c->sock = NULL;
}

static size_t unsent(const struct channel *c)
{
    return c->head.n + c->body.n + (c->sock ? c->sock->tcp.write_queue_size : 0);
}

/* Bytes that the peer's system has not acknowledged were never read by the peer: it had closed
 * before they came. The system still knows their number after a reset. */
static bool has_arrived(const struct channel *c)
{
    uv_os_fd_t fd;
    int unacknowledged = 0;
    if (unsent(c) > 0)
        return false;
    if (!c->sock || uv_fileno((const uv_handle_t *)&c->sock->tcp, &fd) != 0 ||
        ioctl(fd, SIOCOUTQ, &unacknowledged) != 0)
        return true; /* it may have */
    return unacknowledged == 0;
}

static void end(struct channel *c, enum sl_err err, const char *why)
{
    if (c->state == CHANNEL_ENDED || c->closed)
        return;
    if (c->state < CHANNEL_READY && c->origin->proxy.used)
        snprintf(c->why, sizeof c->why, "by proxy %s:%d: %s", c->origin->proxy.url.host,
                 c->origin->proxy.url.port, why);
    else
        snprintf(c->why, sizeof c->why, "%s", why);
    c->delivered = has_arrived(c);
    c->state = CHANNEL_ENDED;
    abandon_sock(c);
    resolver_cancel(c->origin->resolver, &c->lookup);
    uv_timer_stop(&c->timer);
    c->handler.ended(c->handler.ctx, err, c->why);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct channel *c = handle->data;
    tls_free(&c->tls);
    parser_free(&c->proxy_answer);
    free(c);
}

void channel_close(struct channel **channel)
{
    struct channel *c = *channel;
    if (!c)
        return;
    *channel = NULL;
    c->closed = true;
    abandon_sock(c);
    resolver_cancel(c->origin->resolver, &c->lookup);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* ---- Time ----------------------------------------------------------------------------- */

/* Almost everything expected comes in time: a timer is only ever set to less; one that fires
 * too early is set anew. */
void channel_expect(struct channel *c, int64_t us, const char *why)
{
    uint64_t ms = (uint64_t)((us + 999) / 1000);
    if (c->broken)
        return;
    c->expect_us = us;
    c->expect_ms = us > 0 ? uv_now(c->origin->loop) + ms : UINT64_MAX;
    c->expect_why = why;
    c->expect_unsent = unsent(c);
    if (us > 0 &&
        (!uv_is_active((uv_handle_t *)&c->timer) || uv_timer_get_due_in(&c->timer) > ms))
        uv_timer_start(&c->timer, on_timer, ms, 0);
}

static void break_soon(struct channel *c, enum sl_err err, const char *why)
{
    c->broken = err;
    c->broken_why = why;
    uv_timer_start(&c->timer, on_timer, 0, 0);
}

static void on_time_over(struct channel *c, uint64_t now_ms)
{
    if (c->expect_ms == UINT64_MAX)
        return;
    if (now_ms < c->expect_ms)
        uv_timer_start(&c->timer, on_timer, c->expect_ms - now_ms, 0);
    else if (unsent(c) < c->expect_unsent)
        channel_expect(c, c->expect_us, c->expect_why);
    else
        end(c, SL_TIMEOUT, c->expect_why);
}

static void on_timer(uv_timer_t *timer)
{
    struct channel *c = timer->data;
    uint64_t now_ms = uv_now(c->origin->loop);
    if (c->broken)
        end(c, c->broken, c->broken_why);
    else if (c->state == CHANNEL_READY)
        on_time_over(c, now_ms);
    else if (c->state == CHANNEL_CONNECT && now_ms < c->deadline_ms)
        connect_next(c, "connecting timed out");
    else if (c->state == CHANNEL_LOOKUP)
        end(c, SL_RESOLVE, "looking up the host name timed out");
    else
        end(c, SL_CONNECT, "connecting timed out");
}

/* ---- Writing -------------------------------------------------------------------------- */

static bool push(struct channel *c);

static void on_written(uv_write_t *write, int status)
{
    struct sock *s = write->data;
    struct channel *c = s->channel;
    if (!c)
        return;
    c->writing = false;
    buf_clear(&s->flying);
    /* A failed write is left to the reading side: an answer may still stand in its way. */
    if (status != 0 || !push(c) || !c->owed)
        return;
    c->owed = false;
    c->handler.written(c->handler.ctx);
}

/* What the system does not take at once is left to libuv, and so are errors. */
static void start_write(struct channel *c, uv_buf_t *bufs, unsigned n)
{
    uv_stream_t *stream = (uv_stream_t *)&c->sock->tcp;
    int taken = uv_try_write(stream, bufs, n);
    size_t sent = taken > 0 ? (size_t)taken : 0;
    for (; n && sent >= bufs->len; bufs++, n--)
        sent -= bufs->len;
    if (n == 0) {
        buf_clear(&c->sock->flying);
        return;
    }
    bufs->base += sent;
    bufs->len -= sent;
    c->writing = true;
    int rc = uv_write(&c->sock->write, stream, bufs, n, on_written);
    if (rc != 0)
        break_soon(c, SL_CLOSED, uv_strerror(rc));
}

/* Sends what was made here: handshakes, ciphertext, CONNECT. */
static void fly(struct channel *c)
{
    struct sock *s = c->sock;
    if (c->writing || s->flying.n == 0)
        return;
    uv_buf_t b = uv_buf_init(s->flying.p, (unsigned)s->flying.n);
    start_write(c, &b, 1);
}

static uv_buf_t lend(struct str s)
{
    /* uv_buf_t has no const; libuv only reads. */
    return uv_buf_init((char *)(uintptr_t)s.p, (unsigned)s.n);
}

static void write_plain(struct channel *c)
{
    uv_buf_t b[2];
    unsigned n = 0;
    if (c->head.n)
        b[n++] = lend(c->head);
    if (c->body.n)
        b[n++] = lend(c->body);
    c->head = c->body = (struct str){0};
    start_write(c, b, n);
}

static void write_tls(struct channel *c)
{
    struct str piece = str_cut(c->body, PIECE_BYTES);
    enum sl_err err = c->head.n ? tls_write(c->tls, c->head) : SL_OK;
    if (!err && piece.n)
        err = tls_write(c->tls, piece);
    c->head = (struct str){0};
    c->body = str_from(c->body, piece.n);
    tls_take(c->tls, &c->sock->flying);
    if (err)
        break_soon(c, err, tls_why(c->tls));
    else
        fly(c);
}

/* Piece after piece, as far as the system takes them; true: nothing is left. */
static bool push(struct channel *c)
{
    while (!c->writing && !c->broken) {
        if (c->tls)
            tls_take(c->tls, &c->sock->flying);
        if (c->sock->flying.n)
            fly(c);
        else if (c->head.n + c->body.n == 0)
            return true;
        else if (c->tls)
            write_tls(c);
        else
            write_plain(c);
    }
    return false;
}

bool channel_write(struct channel *c, struct str head, struct str body)
{
    sl_assert(c->state == CHANNEL_READY && head.n + body.n > 0 && !c->owed);
    c->head = head;
    c->body = body;
    c->owed = !push(c);
    return !c->owed;
}

/* ---- Becoming ready ------------------------------------------------------------------- */

static void become_ready(struct channel *c)
{
    c->state = CHANNEL_READY;
    channel_expect(c, 0, "");
    c->handler.ready(c->handler.ctx);
}

static void take_plain(struct channel *c)
{
    char plain[16 << 10];
    while (!c->closed && c->state == CHANNEL_READY) {
        size_t n;
        bool eof;
        enum sl_err err = tls_read(c->tls, plain, sizeof plain, &n, &eof);
        if (err)
            end(c, err, tls_why(c->tls));
        else if (eof)
            end(c, SL_OK, "closed by the peer");
        else if (n == 0)
            return;
        else
            c->handler.bytes(c->handler.ctx, (struct str){plain, n});
    }
}

static void take_tls(struct channel *c, struct str bytes)
{
    tls_feed(c->tls, bytes);
    if (c->state == CHANNEL_TLS) {
        bool done;
        enum sl_err err = tls_handshake(c->tls, &done);
        tls_take(c->tls, &c->sock->flying);
        fly(c); /* of a failure too: the alert tells the peer why */
        if (err)
            end(c, err, tls_why(c->tls));
        else if (done)
            become_ready(c);
    }
    take_plain(c);
    if (!c->closed && c->state != CHANNEL_ENDED && !c->writing && c->head.n + c->body.n == 0) {
        tls_take(c->tls, &c->sock->flying);
        fly(c);
    }
}

static void start_tls(struct channel *c)
{
    if (!c->origin->url.tls) {
        become_ready(c);
        return;
    }
    c->state = CHANNEL_TLS;
    c->tls = tls_new(c->origin->tls, &c->origin->url);
    take_tls(c, (struct str){0});
}

static int on_proxy_answer(void *ctx, enum parse_event ev, const struct message *m,
                           struct str body)
{
    struct channel *c = ctx;
    if (ev == PARSE_END && m->status >= 200)
        c->proxy_status = m->status;
    return c->proxy_status != 0;
}

static void take_proxy(struct channel *c, struct str bytes)
{
    size_t used;
    if (parser_feed(c->proxy_answer, bytes, &used) != SL_OK) {
        end(c, SL_CONNECT, parser_why(c->proxy_answer));
        return;
    }
    if (c->proxy_status == 0)
        return;
    char why[64];
    snprintf(why, sizeof why, "it answered %d to CONNECT", c->proxy_status);
    if (c->proxy_status > 299)
        end(c, SL_CONNECT, why);
    else if (used < bytes.n)
        end(c, SL_CONNECT, "it sent bytes of its own into the tunnel");
    else
        start_tls(c);
}

static void ask_proxy(struct channel *c)
{
    const struct url *u = &c->origin->url;
    struct buf *out = &c->sock->flying;
    char target[sizeof u->host + 16];
    snprintf(target, sizeof target, u->ipv6 ? "[%s]:%d" : "%s:%d", u->host, u->port);
    c->state = CHANNEL_PROXY;
    c->proxy_answer = parser_new(MESSAGE_RESPONSE, (struct parser_handler){on_proxy_answer, c});
    parser_expect_no_body(c->proxy_answer);
    struct header headers[] = {
        {STR("host"), str_of(target)},
        {STR("proxy-authorization"), str_of(c->origin->proxy.authorization)},
    };
    enum sl_err err = write_request_line(out, STR("CONNECT"), str_of(target));
    if (!err)
        err = write_headers(out, headers, headers[1].value.n ? 2 : 1);
    sl_assert(!err); /* url_parse took the host, base64 is harmless */
    write_head_end(out);
    fly(c);
}

/* ---- Reading -------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct sock *s = handle->data;
    *out = s->channel ? uv_buf_init(s->channel->origin->read, CHANNEL_READ_BYTES)
                      : uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct sock *s = stream->data;
    struct channel *c = s->channel;
    struct str bytes = {b->base, n > 0 ? (size_t)n : 0};
    if (!c || n == 0)
        return;
    bool ready = c->state == CHANNEL_READY;
    if (n < 0 && ready && n == UV_EOF && !c->tls)
        end(c, SL_OK, "closed by the peer");
    else if (n < 0)
        end(c, ready ? SL_CLOSED : SL_CONNECT,
            n == UV_EOF ? "closed by the peer" : uv_strerror((int)n));
    else if (c->tls)
        take_tls(c, bytes);
    else if (c->state == CHANNEL_PROXY)
        take_proxy(c, bytes);
    else
        c->handler.bytes(c->handler.ctx, bytes);
}

static void read_on(struct channel *c)
{
    int rc = uv_read_start((uv_stream_t *)&c->sock->tcp, on_alloc, on_read);
    if (rc != 0)
        break_soon(c, SL_CLOSED, uv_strerror(rc));
}

void channel_pause(struct channel *c)
{
    c->paused = true;
    if (c->sock)
        uv_read_stop((uv_stream_t *)&c->sock->tcp);
}

void channel_resume(struct channel *c)
{
    if (c->paused && c->sock)
        read_on(c);
    c->paused = false;
}

/* ---- Connecting ----------------------------------------------------------------------- */

static void on_connected(uv_connect_t *request, int status)
{
    struct sock *s = request->data;
    struct channel *c = s->channel;
    if (!c)
        return;
    if (status != 0) {
        connect_next(c, uv_strerror(status));
        return;
    }
    uint64_t now_ms = uv_now(c->origin->loop);
    uint64_t left_ms = c->deadline_ms > now_ms ? c->deadline_ms - now_ms : 1;
    uv_timer_start(&c->timer, on_timer, left_ms, 0);
    uv_tcp_nodelay(&s->tcp, 1);
    uv_tcp_keepalive(&s->tcp, 1, KEEPALIVE_S);
    read_on(c);
    if (c->origin->proxy.used && c->origin->url.tls)
        ask_proxy(c);
    else
        start_tls(c);
}

/* Tries the next address, giving it its share of the time left. */
static void connect_next(struct channel *c, const char *why)
{
    uv_loop_t *loop = c->origin->loop;
    abandon_sock(c);
    int rc = -1;
    while (rc != 0 && c->next_address < c->addresses.n) {
        size_t tries = c->addresses.n - c->next_address;
        const struct sockaddr *a =
            (const struct sockaddr *)&c->addresses.list[c->next_address++];
        struct sock *s = mem_zero(sizeof *s);
        c->sock = s;
        s->channel = c;
        s->tcp.data = s->connect.data = s->write.data = s;
        rc = uv_tcp_init(loop, &s->tcp);
        sl_assert(rc == 0);
        uint64_t now_ms = uv_now(loop);
        uint64_t left_ms = c->deadline_ms > now_ms ? c->deadline_ms - now_ms : 0;
        uv_timer_start(&c->timer, on_timer, left_ms / tries + 1, 0);
        rc = uv_tcp_connect(&s->connect, &s->tcp, a, on_connected);
        if (rc != 0) {
            why = uv_strerror(rc);
            abandon_sock(c);
        }
    }
    if (rc == 0)
        return;
    resolver_forget(c->origin->resolver);
    end(c, SL_CONNECT, why);
}

static void on_found(void *ctx, const struct addresses *found, const char *why)
{
    struct channel *c = ctx;
    if (!found) {
        end(c, SL_RESOLVE, why);
        return;
    }
    c->addresses = *found;
    c->state = CHANNEL_CONNECT;
    connect_next(c, "no address");
}

/* The first step is taken by the loop, so that no report can come from within channel_open. */
static void on_begin(uv_timer_t *timer)
{
    struct channel *c = timer->data;
    int64_t ms = (c->origin->connect_timeout_us + 999) / 1000;
    c->deadline_ms = uv_now(c->origin->loop) + (uint64_t)ms;
    uv_timer_start(&c->timer, on_timer, (uint64_t)ms, 0);
    resolver_ask(c->origin->resolver, &c->lookup);
}

struct channel *channel_open(struct origin *o, struct channel_handler h)
{
    struct channel *c = mem_zero(sizeof *c);
    c->origin = o;
    c->handler = h;
    c->lookup.done = on_found;
    c->lookup.ctx = c;
    c->timer.data = c;
    uv_timer_init(o->loop, &c->timer);
    uv_timer_start(&c->timer, on_begin, 0, 0);
    return c;
}

bool channel_rtt(const struct channel *c, int64_t *rtt_us, int64_t *rttvar_us)
{
    uv_os_fd_t fd;
    struct tcp_info info = {0};
    socklen_t n = sizeof info;
    if (c->state != CHANNEL_READY || uv_fileno((const uv_handle_t *)&c->sock->tcp, &fd) != 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return false;
    *rtt_us = info.tcpi_rtt;
    *rttvar_us = info.tcpi_rttvar;
    return true;
}

bool channel_delivered(const struct channel *c)
{
    return c->delivered;
}
