/* probe.h: a call whose reports are written down: "sent; 200; {body}; done: no error". */
#ifndef SLUICE_PROBE_H
#define SLUICE_PROBE_H

#include "upstream.h"

struct probe {
    struct buf log;
    struct buf body;
    struct buf why;
    struct call *call; /* NULL once done */
    enum sl_err err;
    bool done;
    struct upstream **free_in_head; /* fault: the report frees the upstream */
    bool cancel_in_head, pause_in_head;
};

static inline void probe_sent(void *ctx)
{
    struct probe *p = ctx;
    buf_puts(&p->log, "sent; ");
}

static inline void probe_head(void *ctx, const struct message *m)
{
    struct probe *p = ctx;
    buf_printf(&p->log, "%d; ", m->status);
    if (p->pause_in_head)
        call_pause(p->call);
    if (p->cancel_in_head)
        call_cancel(&p->call);
    if (p->free_in_head)
        upstream_free(p->free_in_head);
}

static inline void probe_body(void *ctx, struct str bytes)
{
    struct probe *p = ctx;
    buf_add(&p->body, bytes);
}

static inline void probe_done(void *ctx, enum sl_err err, const char *why)
{
    struct probe *p = ctx;
    if (p->body.n && p->body.n < 100)
        buf_printf(&p->log, "{%.*s}; ", STR_ARG(buf_str(&p->body)));
    buf_printf(&p->log, "done: %s", sl_err_text(err));
    buf_clear(&p->why);
    buf_puts(&p->why, why);
    p->err = err;
    p->done = true;
    p->call = NULL;
}

static inline void probe_start(struct probe *p, struct upstream *u, const char *method,
                               const char *path, struct str body)
{
    struct header h = {STR("authorization"), STR("Bearer secret")};
    struct call_request r = {
        .method = method, .path = str_of(path), .headers = &h, .header_count = 1, .body = body};
    p->call = upstream_call(
        u, &r, (struct call_handler){probe_sent, probe_head, probe_body, probe_done, p, NULL});
    assert_false(p->done);
}

static inline void probe_await(struct probe *p, uv_loop_t *loop)
{
    while (!p->done)
        uv_run(loop, UV_RUN_ONCE);
}

static inline void probe_free(struct probe *p)
{
    buf_free(&p->log);
    buf_free(&p->body);
    buf_free(&p->why);
}

#endif
