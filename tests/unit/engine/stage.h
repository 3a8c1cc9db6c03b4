/* stage.h: an engine on a loop, the provider's end of its connections by hand, and a driver
 * that writes down what it is told: "body a; release a; over a: ok 200; ". */
#ifndef SLUICE_STAGE_H
#define SLUICE_STAGE_H

#include "check.h"
#include "engine.h"

#include <stdio.h>

#include "peer.h"

enum { STAGE_ROWS = 6, STAGE_MINUTE_US = 1000000 };

/* One request of the driver; its name is a letter. */
struct row {
    struct job job;
    char text[16];
    struct buf large; /* the body, if it is not the text */
    int lent, released;
    bool over;
    int attempts;
    struct ending end;   /* without what was lent */
    char request_id[16]; /* ... of which this is a copy */
};

struct stage {
    uv_loop_t loop;
    int listener;
    char url[64];
    struct engine *engine;
    struct engine_config config;
    struct pool *pool;
    struct buf log, pieces;
    bool unreadable;      /* bodies cannot be had any more */
    bool cancel_in_piece; /* the first piece is one too many */
    bool commit_in_piece; /* ... has gone where it cannot be taken back */
    struct row rows[STAGE_ROWS];
};

/* Notes it, and ends the loop's turn for whoever awaits it. */
__attribute__((format(printf, 2, 3))) static inline void stage_note(struct stage *s,
                                                                    const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_puts(&s->log, text);
    uv_stop(&s->loop);
}

static inline struct row *stage_row(struct job *j)
{
    return (struct row *)j; /* its first member */
}

static inline struct str stage_body(void *ctx, struct job *j)
{
    struct stage *s = ctx;
    struct row *r = stage_row(j);
    if (s->unreadable)
        return (struct str){0};
    stage_note(s, "body %c; ", r->text[2]);
    assert_int_equal(r->lent, r->released); /* never lent twice at once */
    r->lent++;
    return r->large.n ? buf_str(&r->large) : str_of(r->text);
}

static inline void stage_release(void *ctx, struct job *j)
{
    struct stage *s = ctx;
    struct row *r = stage_row(j);
    stage_note(s, "release %c; ", r->text[2]);
    r->released++;
    assert_int_equal(r->lent, r->released);
}

static inline void stage_setback(void *ctx, struct job *j, const struct ending *end)
{
    struct stage *s = ctx;
    stage_note(s, "setback %c: ", stage_row(j)->text[2]);
    if (end->answered)
        stage_note(s, "%d; ", end->status);
    else
        stage_note(s, "%s; ", sl_err_text(end->err));
}

static inline void stage_over(void *ctx, struct job *j, const struct ending *end)
{
    static const char *const names[] = {"ok", "failed", "too large", "unsent"};
    struct stage *s = ctx;
    struct row *r = stage_row(j);
    assert_false(r->over);
    assert_non_null(end->why);
    stage_note(s, "over %c: %s", r->text[2], names[end->outcome]);
    if (end->answered)
        stage_note(s, " %d %.*s; ", end->status, STR_ARG(end->body));
    else
        stage_note(s, "%s%s; ", end->err ? ", " : "", end->why);
    r->over = true;
    r->end = *end;
    snprintf(r->request_id, sizeof r->request_id, "%.*s", STR_ARG(end->request_id));
    r->attempts = j->flow.attempts;
}

static inline void stage_halted(void *ctx, struct job *j, const struct ending *end)
{
    struct stage *s = ctx;
    stage_note(s, "halted by %c: %d; ", stage_row(j)->text[2], end->status);
}

static inline bool stage_begun(void *ctx, struct job *j, const struct message *m)
{
    struct stage *s = ctx;
    stage_note(s, "begun %c: %d; ", stage_row(j)->text[2], m->status);
    return true;
}

static inline void stage_piece(void *ctx, struct job *j, struct str bytes)
{
    struct stage *s = ctx;
    buf_add(&s->pieces, bytes);
    if (s->commit_in_piece)
        j->committed = true;
    if (s->cancel_in_piece)
        engine_cancel(s->engine, j);
}

static inline void stage_judge(void *ctx, struct job *j, struct verdict *v, struct usage *u)
{
    struct stage *s = ctx;
    stage_note(s, "judge %c; ", stage_row(j)->text[2]);
    *v = (struct verdict){.kind = VERDICT_OK, .dim = DIM_UNKNOWN, .retry_us = -1};
    *u = (struct usage){1, 2, 0};
}

/* The configuration may still be changed before stage_open. A shortened minute, so that what
 * waits for a part of one does not wait for long. */
static inline void stage_init(struct stage *s)
{
    static const struct str key = {"secret", 6};
    int port;
    *s = (struct stage){0};
    assert_int_equal(uv_loop_init(&s->loop), 0);
    s->listener = peer_listen(&port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/v1", port);
    s->config =
        (struct engine_config){.provider = provider_get(PROVIDER_OPENAI),
                               .account = account_defaults(provider_get(PROVIDER_OPENAI)),
                               .upstream = upstream_defaults(),
                               .keys = &key,
                               .key_count = 1,
                               .driver = {.body = stage_body,
                                          .release = stage_release,
                                          .setback = stage_setback,
                                          .over = stage_over,
                                          .halted = stage_halted,
                                          .ctx = s}};
    s->config.account.minute_us = STAGE_MINUTE_US;
    s->config.account.idle = true;
    s->config.account.retries_max = 0;
    s->config.upstream.base_url = s->url;
}

static inline void stage_tap(struct stage *s)
{
    s->config.tap = (struct engine_tap){stage_begun, stage_piece, stage_judge};
}

static inline void stage_open(struct stage *s, int64_t requests_per_minute)
{
    struct diag d;
    struct limit_spec limit = {DIM_RPM, requests_per_minute, STAGE_MINUTE_US};
    assert_int_equal(engine_new(&s->loop, &s->config, &s->engine, &d), SL_OK);
    s->pool = account_pool(engine_account(s->engine), STR("m"), &limit, 1);
}

/* Submits row i, whose body is {"a"}, {"b"} and so on. */
static inline struct row *stage_submit(struct stage *s, int i)
{
    struct row *r = &s->rows[i];
    snprintf(r->text, sizeof r->text, "{\"%c\"}", 'a' + i);
    r->job.flow.id = (uint64_t)i;
    r->job.flow.pool = s->pool;
    r->job.path = STR("/chat/completions");
    engine_submit(s->engine, &r->job);
    return r;
}

static inline void stage_await(struct stage *s, const char *text)
{
    while (str_find(buf_str(&s->log), str_of(text), 0) < 0)
        uv_run(&s->loop, UV_RUN_ONCE);
}

/* Nothing is left over: the loop ends, and every body that was lent has been given back. */
static inline void stage_close(struct stage *s)
{
    engine_close(s->engine);
    while (uv_run(&s->loop, UV_RUN_DEFAULT)) /* what is noted stops it */
        ;
    engine_free(&s->engine);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    if (s->listener >= 0)
        close(s->listener);
    for (int i = 0; i < STAGE_ROWS; i++) {
        assert_int_equal(s->rows[i].lent, s->rows[i].released);
        buf_free(&s->rows[i].large);
    }
    buf_free(&s->log);
    buf_free(&s->pieces);
}

static inline void stage_expect(struct stage *s, const char *log)
{
    assert_string_equal(buf_cstr(&s->log), log);
    buf_clear(&s->log);
}

/* A whole answer, or its beginning: `missing` bytes of its body are still to come. */
static inline void stage_answer(struct peer *p, const char *head, const char *body,
                                size_t missing)
{
    struct buf b = {0};
    buf_printf(&b, "HTTP/1.1 %s\r\ncontent-length: %zu\r\n\r\n%s", head, strlen(body) + missing,
               body);
    peer_send(p, buf_str(&b));
    buf_free(&b);
}

#endif
