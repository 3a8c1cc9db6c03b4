/* A whole connection of the server, on a pair of sockets: whatever comes, each exchange that is
 * started is gone exactly once, the connection ends when its client does, and what is answered
 * is HTTP. The first byte says how the rest is cut. */
#include "connection.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    uv_loop_t loop;
    struct server *server;
    size_t open;
    struct buf body;
} world;

/* The target's second letter says what is done with the request. */
static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    world.open++;
    sl_assert(world.open == 1); /* of one connection one after another */
    sl_assert(m->target.n > 0 && m->target.p[0] == '/');
    buf_clear(&world.body);
    exchange_set(x, (void *)(uintptr_t)(m->target.n > 1 ? m->target.p[1] : 'a'));
    if (m->target.n > 1 && m->target.p[1] == 'e')
        server_answer(x, 401, NULL, 0, STR("early"));
    if (m->target.n > 1 && m->target.p[1] == 'r')
        server_reset(x);
}

static void on_body(void *ctx, struct exchange *x, struct str bytes)
{
    sl_assert(bytes.n > 0);
    buf_add(&world.body, bytes);
}

static void on_end(void *ctx, struct exchange *x)
{
    if ((char)(uintptr_t)exchange_user(x) == 's') {
        server_begin(x, 200, NULL, 0);
        server_write(x, buf_str(&world.body));
        server_finish(x);
    } else if ((char)(uintptr_t)exchange_user(x) != 'h') { /* held until the client leaves */
        server_answer(x, 200, NULL, 0, buf_str(&world.body));
    }
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    sl_assert(world.open == 1);
    world.open--;
}

static void open_server(void)
{
    struct server_config config = server_defaults();
    struct server_handler h = {
        .start = on_start, .body = on_body, .end = on_end, .gone = on_gone};
    config.body_max = 1000;
    uv_loop_init(&world.loop);
    enum sl_err err = server_new(&world.loop, &config, h, &world.server, NULL);
    sl_assert(!err);
}

/* What the server has said so far; it must never wait for us to read. */
static void take(int fd, struct buf *out)
{
    char bytes[65536];
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        buf_add(out, (struct str){bytes, (size_t)n});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf said = {0};
    int fds[2];
    if (size == 0)
        return 0;
    if (!world.server)
        open_server();
    struct str rest = {(const char *)data + 1, size - 1};
    size_t piece = data[0] ? data[0] : size;
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
    sl_assert(rc == 0);
    connection_start(world.server, fds[0], false);
    while (rest.n) {
        ssize_t n = send(fds[1], rest.p, str_cut(rest, piece).n, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break; /* the server has closed */
        rest = str_from(rest, n > 0 ? (size_t)n : 0);
        uv_run(&world.loop, UV_RUN_NOWAIT);
        take(fds[1], &said);
    }
    shutdown(fds[1], SHUT_WR);
    while (server_connections(world.server)) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
        take(fds[1], &said);
    }
    take(fds[1], &said);
    sl_assert(world.open == 0);
    sl_assert(said.n == 0 || str_starts(buf_str(&said), STR("HTTP/1.1 ")));
    close(fds[1]);
    buf_free(&said);
    return 0;
}
