/* server.c: the listening sockets and the set of connections.
 *
 * The sockets are polled and accepted from here rather than by libuv, which drops connections
 * without a word when descriptors run out: a reserve descriptor is given up to accept one
 * connection at a time and tell it 503. Invariant: reserve is open whenever accept is called
 * first. */
#include "arena.h"
#include "connection.h"
#include "write.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Connections accepted per turn of the loop, so that a flood does not starve those at work. */
enum { ACCEPTS_PER_TURN = 64 };

struct server_config server_defaults(void)
{
    return (struct server_config){
        .listen = "127.0.0.1:0",
        .body_max = BOUND_BODY_BYTES,
        .idle_timeout_us = 120 * INT64_C(1000000),
        .head_timeout_us = 15 * INT64_C(1000000),
        .handshake_timeout_us = 10 * INT64_C(1000000),
        .body_grace_us = 60 * INT64_C(1000000),
        .body_rate_min = 1024,
        .connections_max = 10000,
    };
}

/* ---- Listening ------------------------------------------------------------------------ */

static void close_listeners(struct server *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        listener_close(&s->listeners[i]);
}

static enum sl_err add_listener(struct server *s, const struct server_place *place,
                                struct diag *diag)
{
    struct listener *l = &s->listeners[s->listener_count];
    enum sl_err err = listener_open(l, place, diag);
    if (err)
        return err;
    l->server = s;
    s->listener_count++;
    return SL_OK;
}

/* All places, or none. */
static enum sl_err open_listeners(struct server *s, struct diag *diag)
{
    const struct server_config *c = &s->config;
    struct server_place first = {.address = c->listen};
    enum sl_err err = SL_OK;
    sl_assert(c->place_count <= SERVER_PLACES);
    if (c->listen)
        err = add_listener(s, &first, diag);
    for (size_t i = 0; !err && i < c->place_count; i++)
        err = add_listener(s, &c->places[i], diag);
    if (!err && s->listener_count == 0)
        err = diag_set(diag, SL_MISSING, "", "no address to listen on");
    if (err)
        close_listeners(s);
    return err;
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void watch_listeners(struct server *s)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        struct listener *l = &s->listeners[i];
        int rc = uv_poll_init(s->loop, &l->poll, l->fd);
        sl_assert(rc == 0);
        l->poll.data = l;
        s->handles++;
        rc = uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
        sl_assert(rc == 0);
    }
}

/* ---- Refusing ------------------------------------------------------------------------- */

/* Any expectation but one, in any of the headers of that name. HTTP/1.0 knows none. */
static bool expects_more(const struct message *m)
{
    for (size_t i = 0; m->minor > 0 && i < m->header_count; i++) {
        if (str_eq_nocase(m->headers[i].name, STR("expect")) &&
            !str_eq_nocase(m->headers[i].value, STR("100-continue")))
            return true;
    }
    return false;
}

struct objection server_objection(const struct server *s, const struct message *m, bool streams)
{
    if (!str_starts(m->target, STR("/")) || str_find(m->target, STR("#"), 0) >= 0)
        return (struct objection){400, "the target must be a path"};
    if (str_eq(m->method, STR("TRACE")))
        return (struct objection){501, "TRACE would show the keys on the way"};
    if (!streams && m->content_length > (int64_t)s->config.body_max)
        return (struct objection){413, "the body is too large"};
    if (expects_more(m))
        return (struct objection){417, "the only expectation known here is 100-continue"};
    return (struct objection){0};
}

struct header server_refusal(struct server *s, int status, const char *why, struct buf *body)
{
    const struct server_handler *h = &s->handler;
    const char *type = "text/plain";
    if (h->refused)
        h->refused(h->ctx, status, why, body, &type);
    else
        buf_printf(body, "%s\n", why);
    return (struct header){STR("content-type"), str_of(type)};
}

/* ---- Accepting ------------------------------------------------------------------------ */

static void write_turned_away(struct server *s, struct buf *out)
{
    struct buf body = {0};
    struct header type = server_refusal(s, 503, "too many connections", &body);
    write_status_line(out, 503);
    enum sl_err err = write_headers(out, &type, 1);
    sl_assert(!err);
    buf_printf(out, "content-length: %zu\r\nretry-after: 1\r\nconnection: close\r\n", body.n);
    write_head_end(out);
    buf_add(out, buf_str(&body));
    buf_free(&body);
}

/* Best effort, without waiting: the client may see a reset instead. A handshake would cost what
 * there is too little of, so a TLS client is told by an alert: internal_error, in the clear as
 * any alert before a handshake (RFC 8446, 6). */
static void turn_away(const struct listener *l, int fd)
{
    static const char alert[] = {0x15, 3, 3, 0, 2, 2, 80};
    struct server *s = l->server;
    struct buf answer = {0};
    char ignored[4096];
    s->counts.turned_away++;
    if (l->tls)
        buf_add(&answer, (struct str){alert, sizeof alert});
    else
        write_turned_away(s, &answer);
    (void)recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
    (void)send(fd, answer.p, answer.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
    buf_free(&answer);
}

static int accept_one(const struct listener *l)
{
    return accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left: the reserve makes room to say so. */
static void accept_by_reserve(struct listener *l)
{
    struct server *s = l->server;
    if (s->reserve >= 0)
        close(s->reserve);
    int fd = accept_one(l);
    if (fd >= 0)
        turn_away(l, fd);
    s->reserve = open_reserve();
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    struct server *s = l->server;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept_one(l);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            accept_by_reserve(l);
            return;
        }
        if (fd < 0 && errno != ECONNABORTED && errno != EINTR)
            return;
        if (fd >= 0 && s->connection_count >= s->config.connections_max)
            turn_away(l, fd);
        else if (fd >= 0)
            connection_start(s, fd, l->tls);
    }
}

/* ---- Certificates --------------------------------------------------------------------- */

/* If a place needs them. */
static enum sl_err load_tls(struct server *s, struct diag *diag)
{
    const struct server_config *c = &s->config;
    bool needed = false;
    for (size_t i = 0; i < c->place_count; i++)
        needed = needed || c->places[i].tls;
    if (!needed)
        return SL_OK;
    if (!c->tls.certificate || !c->tls.key)
        return diag_set(diag, SL_MISSING, "", "TLS needs a certificate and its key");
    return tls_context_new_server(&c->tls, &s->tls, diag);
}

enum sl_err server_tls_reload(struct server *s, const struct tls_files *files,
                              struct diag *diag)
{
    struct tls_context *fresh;
    if (!s->tls)
        return diag_set(diag, SL_MISSING, "", "no place speaks TLS");
    enum sl_err err = tls_context_new_server(files, &fresh, diag);
    if (err)
        return err;
    tls_context_free(&s->tls); /* connections hold what they need of it */
    s->tls = fresh;
    return SL_OK;
}

const char *server_tls_warning(const struct server *s)
{
    return s->tls ? tls_context_warning(s->tls) : "";
}

/* ---- Life ----------------------------------------------------------------------------- */

enum sl_err server_new(uv_loop_t *loop, const struct server_config *c, struct server_handler h,
                       struct server **out, struct diag *diag)
{
    signal(SIGPIPE, SIG_IGN); /* a client that left shows as an error of the write */
    struct server *s = mem_zero(sizeof *s);
    s->loop = loop;
    s->config = *c;
    s->handler = h;
    s->date_s = -1;
    if (s->config.body_max == 0)
        s->config.body_max = BOUND_BODY_BYTES;
    enum sl_err err = load_tls(s, diag);
    if (!err)
        err = open_listeners(s, diag);
    if (err) {
        tls_context_free(&s->tls);
        free(s);
        return err;
    }
    s->config.listen = NULL; /* lent no longer */
    s->config.place_count = 0;
    s->config.tls = (struct tls_files){0};
    s->accepting = true;
    s->reserve = open_reserve();
    watch_listeners(s);
    landing_open(&s->landing, loop);
    s->handles += LANDING_HANDLES;
    *out = s;
    return SL_OK;
}

struct buf server_take_spare(struct server *s)
{
    struct buf b = s->spare;
    s->spare = (struct buf){0};
    return b;
}

void server_give_spare(struct server *s, struct buf *b)
{
    enum { KEPT_BYTES = 256 << 10 };
    buf_clear(b);
    if (s->spare.p || b->cap > KEPT_BYTES)
        buf_free(b);
    else
        s->spare = *b;
    *b = (struct buf){0};
}

void server_release(struct server *s)
{
    sl_assert(s->handles > 0);
    s->handles--;
    if (s->handles > 0 || !s->freed)
        return;
    buf_free(&s->date);
    buf_free(&s->cipher);
    buf_free(&s->spare);
    tls_context_free(&s->tls);
    free(s);
}

static void on_landing_closed(uv_handle_t *handle)
{
    server_release(handle->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    server_release(l->server);
}

static void stop_accepting(struct server *s)
{
    if (!s->accepting)
        return;
    s->accepting = false;
    for (size_t i = 0; i < s->listener_count; i++) {
        uv_poll_stop(&s->listeners[i].poll);
        uv_close((uv_handle_t *)&s->listeners[i].poll, on_poll_closed);
    }
    close_listeners(s);
    if (s->reserve >= 0)
        close(s->reserve);
    s->reserve = -1;
}

void server_drain(struct server *s)
{
    s->draining = true;
    stop_accepting(s);
    for (struct connection *c = s->connections; c; c = connection_next(c))
        connection_drain(c);
}

void server_free(struct server **server)
{
    struct server *s = *server;
    if (!s)
        return;
    *server = NULL;
    stop_accepting(s);
    landing_tell(
        &s->landing); /* what waits behind it, a stream's last words, may still leave */
    for (struct connection *c = s->connections; c; c = connection_next(c))
        connection_close(c);
    landing_close(&s->landing, on_landing_closed, s);
    s->handles++;
    s->freed = true;
    server_release(s);
}

int server_port(const struct server *s)
{
    return server_port_of(s, 0);
}

int server_port_of(const struct server *s, size_t place)
{
    sl_assert(place < s->listener_count);
    return s->listeners[place].port;
}

size_t server_connections(const struct server *s)
{
    return s->connection_count;
}

const struct server_counts *server_counts(const struct server *s)
{
    return &s->counts;
}

struct str server_date(struct server *s)
{
    int64_t now_s = (int64_t)time(NULL);
    if (now_s != s->date_s) {
        static const char days[] = "SunMonTueWedThuFriSat";
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        struct tm t;
        time_t seconds = (time_t)now_s;
        gmtime_r(&seconds, &t);
        buf_clear(&s->date);
        buf_printf(&s->date, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * t.tm_wday,
                   t.tm_mday, months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min,
                   t.tm_sec);
        s->date_s = now_s;
    }
    return buf_str(&s->date);
}
