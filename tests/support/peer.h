/* peer.h: the other end of a connection, by hand: a plain socket driven by the loop under test.
 */
#ifndef SLUICE_PEER_H
#define SLUICE_PEER_H

#include "str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct peer {
    int fd;
    uv_loop_t *loop;
    uv_poll_t *poll; /* of its own: it outlives peer_close until the loop lets go */
    struct buf got;
    bool eof;   /* the other side closed */
    bool reset; /* ... by a reset */
};

static inline void peer_on_readable(uv_poll_t *poll, int status, int events)
{
    struct peer *p = poll->data;
    char bytes[65536];
    ssize_t n = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
        buf_add(&p->got, (struct str){bytes, (size_t)n});
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    p->eof = true;
    p->reset = n < 0;
    uv_poll_stop(poll);
}

static inline void peer_take(struct peer *p, uv_loop_t *loop, int fd)
{
    *p = (struct peer){.fd = fd, .loop = loop, .poll = calloc(1, sizeof *p->poll)};
    assert_true(fd >= 0);
    assert_int_equal(uv_poll_init(loop, p->poll, fd), 0);
    p->poll->data = p;
    assert_int_equal(uv_poll_start(p->poll, UV_READABLE, peer_on_readable), 0);
}

static inline void peer_connect_file(struct peer *p, uv_loop_t *loop, const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    peer_take(p, loop, fd);
}

static inline void peer_connect(struct peer *p, uv_loop_t *loop, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    peer_take(p, loop, fd);
}

static inline void peer_send(struct peer *p, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(p->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = str_from(bytes, (size_t)n);
    }
}

static inline bool peer_has(const struct peer *p, const char *text)
{
    return str_find(buf_str(&p->got), str_of(text), 0) >= 0;
}

/* Runs the loop until the text has come `times` times, or the other side closed. */
static inline void peer_await(struct peer *p, const char *text, int times)
{
    for (;;) {
        int seen = 0;
        for (ptrdiff_t at = -1;
             (at = str_find(buf_str(&p->got), str_of(text), (size_t)(at + 1))) >= 0;)
            seen++;
        if (seen >= times || p->eof)
            return;
        uv_run(p->loop, UV_RUN_ONCE);
    }
}

static inline void peer_await_eof(struct peer *p)
{
    while (!p->eof)
        uv_run(p->loop, UV_RUN_ONCE);
}

static inline void peer_on_closed(uv_handle_t *handle)
{
    free(handle);
}

static inline void peer_close(struct peer *p)
{
    uv_close((uv_handle_t *)p->poll, peer_on_closed);
    close(p->fd);
    buf_free(&p->got);
}

/* A listening socket on loopback; *port says where. */
static inline int peer_listen(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

/* Runs the loop until somebody connects to the listening socket. */
static inline void peer_accept(struct peer *p, uv_loop_t *loop, int listener)
{
    fcntl(listener, F_SETFL, O_NONBLOCK);
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0)
        uv_run(loop, UV_RUN_NOWAIT);
    peer_take(p, loop, fd);
}

#endif
