/* world.h: a server that gives bodies back, and whose targets are commands: "/hold" is answered
 * by the test, "/early" before its body, "/reset" is cut off. What it is told is written down:
 * "start /x; end 3; complete; ". */
#ifndef SLUICE_WORLD_H
#define SLUICE_WORLD_H

#include "server.h"

#include "peer.h"

struct world {
    uv_loop_t loop;
    struct server *server;
    struct buf log;        /* "start /x; body 3; end; gone complete; " */
    struct exchange *held; /* of "/hold" */
    struct buf body;
    size_t waiting; /* what the last server_write returned */
    size_t drained;
};

static inline void world_start(void *ctx, struct exchange *x, const struct message *m)
{
    struct world *w = ctx;
    buf_printf(&w->log, "start %.*s; ", STR_ARG(m->target));
    exchange_set(x, w);
    buf_clear(&w->body);
    w->held = str_eq(m->target, STR("/hold")) ? x : NULL;
    struct header bad = {STR("x"), STR("a\r\nb: c")};
    if (str_eq(m->target, STR("/early")))
        server_answer(x, 401, NULL, 0, STR("no"));
    if (str_eq(m->target, STR("/inject")))
        server_answer(x, 200, &bad, 1, STR("never seen"));
    if (str_eq(m->target, STR("/inject-204")))
        server_answer(x, 204, &bad, 1, STR(""));
    if (str_eq(m->target, STR("/inject-stream"))) {
        server_begin(x, 200, &bad, 1);
        server_write(x, STR("never seen"));
        server_finish(x);
    }
    if (str_eq(m->target, STR("/reset")))
        server_reset(x);
    if (str_eq(m->target, STR("/204")))
        server_answer(x, 204, NULL, 0, STR(""));
}

static inline void world_body(void *ctx, struct exchange *x, struct str bytes)
{
    struct world *w = ctx;
    buf_add(&w->body, bytes);
}

static inline void world_end(void *ctx, struct exchange *x)
{
    struct world *w = ctx;
    struct header type = {STR("x-kind"), STR("echo")};
    buf_printf(&w->log, "end %zu; ", w->body.n);
    assert_ptr_equal(exchange_user(x), w);
    if (w->held == x)
        return;
    server_answer(x, 200, &type, 1, buf_str(&w->body));
}

static inline void world_gone(void *ctx, struct exchange *x, bool complete)
{
    struct world *w = ctx;
    buf_puts(&w->log, complete ? "complete; " : "gone; ");
    if (w->held == x)
        w->held = NULL;
}

static inline void world_drained(void *ctx, struct exchange *x)
{
    struct world *w = ctx;
    w->drained++;
}

/* Refusals in the shape of an API. */
static inline void world_refused(void *ctx, int status, const char *why, struct buf *body,
                                 const char **content_type)
{
    buf_printf(body, "{\"error\":{\"status\":%d,\"message\":", status);
    buf_json(body, str_of(why));
    buf_puts(body, "}}");
    *content_type = "application/json";
}

static inline void world_open_with(struct world *w, struct server_config config, bool shaped)
{
    *w = (struct world){0};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    struct server_handler h = {.start = world_start,
                               .body = world_body,
                               .end = world_end,
                               .gone = world_gone,
                               .drained = world_drained,
                               .refused = shaped ? world_refused : NULL,
                               .ctx = w};
    struct diag d = {0};
    if (server_new(&w->loop, &config, h, &w->server, &d) != SL_OK)
        fail_msg("%s: %s", d.where, d.what);
}

static inline void world_open(struct world *w, struct server_config config)
{
    world_open_with(w, config, false);
}

static inline void world_close(struct world *w)
{
    server_free(&w->server);
    assert_null(w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    buf_free(&w->log);
    buf_free(&w->body);
}

static inline void world_await(struct world *w, const char *text)
{
    while (str_find(buf_str(&w->log), str_of(text), 0) < 0)
        uv_run(&w->loop, UV_RUN_ONCE);
}

#define HOST "HTTP/1.1\r\nhost: x\r\n"

#endif
