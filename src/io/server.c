/* server.c: the listening socket and the set of connections.
 *
 * The socket is polled and accepted from here rather than by libuv, which drops connections
 * without a word when descriptors run out: a reserve descriptor is given up to accept one
 * connection at a time and tell it 503. Invariant: reserve is open whenever accept is called
 * first. */
#include "arena.h"
#include "connection.h"

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
enum { ACCEPTS_PER_TURN = 64, BACKLOG = 1024 };

struct server_config server_defaults(void)
{
    return (struct server_config){
        .listen = "127.0.0.1:0",
        .body_max = BOUND_BODY_BYTES,
        .idle_timeout_us = 120 * INT64_C(1000000),
        .head_timeout_us = 15 * INT64_C(1000000),
        .connections_max = 10000,
    };
}

/* ---- The listening socket ------------------------------------------------------------- */

static enum sl_err parse_listen(struct str text, struct sockaddr_storage *out,
                                struct diag *diag)
{
    char host[64];
    int64_t port;
    size_t colon = text.n;
    while (colon && text.p[colon - 1] != ':')
        colon--;
    struct str name = str_cut(text, colon ? colon - 1 : 0);
    if (str_starts(name, STR("[")) && str_ends(name, STR("]")))
        name = str_cut(str_from(name, 1), name.n - 2);
    snprintf(host, sizeof host, "%.*s", STR_ARG(name));
    if (name.n < sizeof host && str_int(str_from(text, colon), false, &port) == SL_OK &&
        port >= 0 && port <= 65535 &&
        (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out) == 0 ||
         uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out) == 0))
        return SL_OK;
    return diag_set(diag, SL_SYNTAX, "", "%.*s: listen on ADDRESS:PORT, for example %s",
                    STR_ARG(text), "127.0.0.1:4291 or [::1]:0");
}

static int port_of(int fd)
{
    struct sockaddr_in6 a = {0}; /* the port stands at the same place in an IPv4 address */
    socklen_t n = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &n) == 0 ? ntohs(a.sin6_port) : 0;
}

static enum sl_err open_listener(struct server *s, struct diag *diag)
{
    struct sockaddr_storage address = {0};
    struct str text = str_of(s->config.listen);
    enum sl_err err = parse_listen(text, &address, diag);
    if (err)
        return err;
    socklen_t n = address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                : sizeof(struct sockaddr_in);
    int on = 1;
    s->listener = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listener >= 0 &&
        setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(s->listener, (struct sockaddr *)&address, n) == 0 &&
        listen(s->listener, BACKLOG) == 0) {
        s->port = port_of(s->listener);
        return SL_OK;
    }
    err =
        diag_set(diag, SL_IO, "", "cannot listen on %.*s: %s", STR_ARG(text), strerror(errno));
    if (s->listener >= 0)
        close(s->listener);
    return err;
}

/* ---- Accepting ------------------------------------------------------------------------ */

/* Best effort, without waiting: the client may see a reset instead. */
static void turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
                                 "retry-after: 1\r\nconnection: close\r\n\r\n";
    char ignored[4096];
    (void)recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
    (void)send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
}

static int accept_one(struct server *s)
{
    return accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left: the reserve makes room to say so. */
static void accept_by_reserve(struct server *s)
{
    if (s->reserve >= 0)
        close(s->reserve);
    int fd = accept_one(s);
    if (fd >= 0)
        turn_away(fd);
    s->reserve = open_reserve();
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct server *s = poll->data;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept_one(s);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            accept_by_reserve(s);
            return;
        }
        if (fd < 0 && errno != ECONNABORTED && errno != EINTR)
            return;
        if (fd >= 0 && s->connection_count >= s->config.connections_max)
            turn_away(fd);
        else if (fd >= 0)
            connection_start(s, fd);
    }
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
    enum sl_err err = open_listener(s, diag);
    if (err) {
        free(s);
        return err;
    }
    s->reserve = open_reserve();
    int rc = uv_poll_init(loop, &s->poll, s->listener);
    sl_assert(rc == 0);
    s->poll.data = s;
    s->handles = 1;
    rc = uv_poll_start(&s->poll, UV_READABLE, on_acceptable);
    sl_assert(rc == 0);
    *out = s;
    return SL_OK;
}

void server_release(struct server *s)
{
    sl_assert(s->handles > 0);
    s->handles--;
    if (s->handles > 0 || !s->freed)
        return;
    buf_free(&s->date);
    free(s);
}

static void on_poll_closed(uv_handle_t *handle)
{
    server_release(handle->data);
}

static void stop_accepting(struct server *s)
{
    if (s->listener < 0)
        return;
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    close(s->listener);
    if (s->reserve >= 0)
        close(s->reserve);
    s->listener = s->reserve = -1;
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
    for (struct connection *c = s->connections; c; c = connection_next(c))
        connection_close(c);
    s->handles++;
    s->freed = true;
    server_release(s);
}

int server_port(const struct server *s)
{
    return s->port;
}

size_t server_connections(const struct server *s)
{
    return s->connection_count;
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
