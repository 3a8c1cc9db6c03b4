/* caller.c: see caller.h. An idle connection that the other side closes is opened anew when it
 * is needed; one that ends under a request has failed it. */
#include "caller.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10 };

void caller_init(struct caller *c, struct target *t)
{
    *c = (struct caller){.target = t, .fd = -1};
}

void caller_close(struct caller *c)
{
    if (c->fd < 0)
        return;
    SSL_free(c->ssl);
    c->ssl = NULL;
    /* A reset leaves no port waiting: ten thousand of them would be missed by the next run. */
    struct linger at_once = {.l_onoff = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->fd);
    c->fd = -1;
    c->connected = false;
    c->in.n = c->line.n = 0;
}

static void watch(struct caller *c, bool writing)
{
    struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    if (c->wants_write == writing)
        return;
    c->wants_write = writing;
    epoll_ctl(c->target->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static void done(struct caller *c, bool good)
{
    bool close = !good || c->head.close;
    c->stage = STAGE_IDLE;
    if (close)
        caller_close(c);
    c->target->done(c->target, c, good);
}

/* ---- Connecting and sending ----------------------------------------------------------- */

static void dial(struct caller *c)
{
    static int calls;
    const struct target *t = c->target;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    int on = 1;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(calls++ % t->sources));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)t->port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        wire_die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0)
        wire_die("bind");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
        wire_die("connect");
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &e);
    c->wants_write = true;
    if (!t->tls)
        return;
    c->ssl = SSL_new(t->tls);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_connect_state(c->ssl);
}

/* What OpenSSL's or the socket's answer means; -1: wait, -2: broken. */
static ssize_t meaning(const struct caller *c, ssize_t n)
{
    if (n > 0)
        return n;
    if (!c->ssl)
        return n < 0 && errno == EAGAIN ? -1 : -2;
    int e = SSL_get_error(c->ssl, (int)n);
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? -1 : -2;
}

static void send_rest(struct caller *c)
{
    while (c->sent_bytes < c->request_bytes) {
        const char *p = c->request + c->sent_bytes;
        size_t left = c->request_bytes - c->sent_bytes;
        ERR_clear_error();
        ssize_t n = meaning(c, c->ssl ? SSL_write(c->ssl, p, (int)left)
                                      : send(c->fd, p, left, MSG_NOSIGNAL));
        if (n == -1)
            break;
        if (n < 0) {
            done(c, false);
            return;
        }
        c->sent_bytes += (size_t)n;
    }
    bool rest = c->sent_bytes < c->request_bytes;
    watch(c, rest);
    if (!rest)
        c->target->sent(c->target, c);
}

/* False: not yet, or never. */
static bool connected(struct caller *c)
{
    int err = 0;
    socklen_t n = sizeof err;
    if (c->connected)
        return true;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0 || err != 0) {
        done(c, false);
        return false;
    }
    if (c->ssl) {
        ERR_clear_error();
        ssize_t shaken = meaning(c, SSL_do_handshake(c->ssl));
        if (shaken == -2)
            done(c, false);
        if (shaken < 0) {
            if (c->fd >= 0)
                watch(c, SSL_want_write(c->ssl));
            return false;
        }
    }
    c->connected = true;
    return true;
}

void caller_ask(struct caller *c, const char *request, size_t bytes)
{
    c->request = request;
    c->request_bytes = bytes;
    c->sent_bytes = 0;
    c->stage = STAGE_HEAD;
    c->head = (struct wire_head){0};
    c->body_bytes = c->events = 0;
    c->ended = c->torn = false;
    if (c->fd < 0)
        dial(c);
    else
        send_rest(c);
}

/* ---- Answers -------------------------------------------------------------------------- */

static void take_line(struct caller *c, const char *p, size_t n)
{
    if (n < 7 || memcmp(p, "data: ", 6) != 0)
        return;
    if (memcmp(p + 6, "[", 1) == 0) {
        c->ended = true;
        return;
    }
    c->torn |= wire_number(p, n, "\"obfuscation\":\"", -1) != c->events;
    c->events++;
    c->target->event(c->target, c);
}

static void take_body(struct caller *c, const char *p, size_t n)
{
    c->body_bytes += (int64_t)n;
    for (const char *lf; c->target->chunks && n && (lf = memchr(p, '\n', n));) {
        size_t piece = (size_t)(lf - p);
        if (c->line.n) {
            wire_add(&c->line, p, piece);
            take_line(c, c->line.p, c->line.n);
            c->line.n = 0;
        } else {
            take_line(c, p, piece);
        }
        p += piece + 1;
        n -= piece + 1;
    }
    if (c->target->chunks)
        wire_add(&c->line, p, n);
}

static void finish(struct caller *c)
{
    int64_t chunks = c->target->chunks;
    bool whole = chunks ? c->ended && !c->torn && c->events == chunks : c->body_bytes > 0;
    done(c, whole && c->head.status == 200);
}

/* Takes bytes up to and including a line feed; true once it is there. */
static bool gather(struct caller *c, const char *p, size_t n, size_t *took)
{
    const char *lf = memchr(p, '\n', n);
    *took = lf ? (size_t)(lf - p) + 1 : n;
    wire_add(&c->in, p, *took);
    return lf != NULL;
}

static size_t take_head(struct caller *c, const char *p, size_t n)
{
    size_t before = c->in.n;
    wire_add(&c->in, p, n);
    c->head = wire_head(c->in.p, c->in.n);
    if (!c->head.bytes)
        return n;
    c->in.n = 0;
    c->left = c->head.length;
    c->stage = c->head.chunked ? STAGE_SIZE : STAGE_LENGTH;
    return c->head.bytes - before;
}

static size_t take_length(struct caller *c, const char *p, size_t n)
{
    size_t part = c->left < 0 || (int64_t)n < c->left ? n : (size_t)c->left;
    take_body(c, p, part);
    c->left -= (int64_t)part;
    return part;
}

static size_t take_size(struct caller *c, const char *p, size_t n)
{
    size_t took;
    if (!gather(c, p, n, &took))
        return took;
    c->left = strtol(c->in.p, NULL, 16);
    c->stage = c->left ? STAGE_CHUNK : STAGE_TRAILER;
    c->left += 2; /* the line end after it */
    c->in.n = 0;
    return took;
}

static size_t take_chunk(struct caller *c, const char *p, size_t n)
{
    size_t part = (int64_t)n < c->left ? n : (size_t)c->left;
    int64_t text = c->left - 2 < (int64_t)part ? c->left - 2 : (int64_t)part;
    if (text > 0)
        take_body(c, p, (size_t)text);
    c->left -= (int64_t)part;
    if (c->left == 0)
        c->stage = STAGE_SIZE;
    return part;
}

static size_t take_trailer(struct caller *c, const char *p, size_t n)
{
    size_t took;
    if (!gather(c, p, n, &took))
        return took;
    if (c->in.n <= 2)
        finish(c);
    c->in.n = 0;
    return took;
}

static void take_bytes(struct caller *c, const char *p, size_t n)
{
    while (n && c->stage != STAGE_IDLE) {
        size_t took = c->stage == STAGE_HEAD     ? take_head(c, p, n)
                      : c->stage == STAGE_LENGTH ? take_length(c, p, n)
                      : c->stage == STAGE_SIZE   ? take_size(c, p, n)
                      : c->stage == STAGE_CHUNK  ? take_chunk(c, p, n)
                                                 : take_trailer(c, p, n);
        p += took;
        n -= took;
        if (c->stage == STAGE_LENGTH && c->left == 0)
            finish(c);
    }
}

static void on_end(struct caller *c)
{
    if (c->stage == STAGE_IDLE)
        caller_close(c);
    else if (c->stage == STAGE_LENGTH && c->head.length < 0)
        finish(c); /* the connection's end is the body's */
    else
        done(c, false);
}

void caller_on(struct caller *c, uint32_t events)
{
    static char bytes[READ_BYTES];
    if (!connected(c))
        return;
    if (c->sent_bytes < c->request_bytes)
        send_rest(c);
    /* OpenSSL may hold more than one record: what it has read shows to no epoll. */
    while (c->connected && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        ERR_clear_error();
        ssize_t n = meaning(c, c->ssl ? SSL_read(c->ssl, bytes, sizeof bytes)
                                      : recv(c->fd, bytes, sizeof bytes, 0));
        if (n == -2)
            on_end(c);
        else if (n > 0)
            take_bytes(c, bytes, (size_t)n);
        if (n < 0 || !c->ssl)
            return;
    }
}
