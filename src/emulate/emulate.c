/* emulate.c: the service on a socket: plans carried out in time.
 *
 * The decision is made at the moment a request's last byte was read; everything after that is
 * one timer per request, which walks through the steps of its plan:
 *
 *   refusals        answered at once
 *   whole answers   body when the latency has passed; output is charged as it grows
 *   streams         one step after another, spread evenly over the latency
 *   contents        of a spool, piece by piece as the client takes them
 *
 * A mishap replaces the rest of the walk where it strikes. */
#include "emulate.h"
#include "intake.h"
#include "server.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

struct emulator {
    uv_loop_t *loop;
    struct server *server;
    struct service *service;
    uv_timer_t tick; /* of what time alone makes happen */
};

/* One request from its head to the end of its answer. */
struct work {
    struct emulator *emulator;
    struct exchange *exchange;
    struct arena arena;
    struct service_request request;
    struct intake intake;
    struct plan plan;
    bool planned, begun;
    uv_timer_t timer;
    int64_t start_us;
    size_t step;  /* of the plan's, done */
    int64_t sent; /* bytes of the plan's content */
};

enum {
    CONTENT_BYTES = 256 << 10, /* read of a spool at once */
    SERVER_BYTES = INTAKE_FILE_BYTES + 2 * INTAKE_FORM_BYTES,
};

static int64_t now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

static int64_t now_unix_us(void)
{
    uv_timeval64_t t;
    sl_assert(uv_gettimeofday(&t) == 0);
    return t.tv_sec * 1000000 + t.tv_usec;
}

static void send_head(struct work *w, bool whole)
{
    struct head head = {.arena = &w->arena};
    struct plan *p = &w->plan;
    service_head(w->emulator->service, p, now_us(), now_unix_us(), &head);
    if (whole)
        server_answer(w->exchange, p->status, head.list, head.n, buf_str(&p->body));
    else
        server_begin(w->exchange, p->status, head.list, head.n);
    w->begun = true;
}

/* ---- the walk ---- */

static void strike_midstream(struct work *w)
{
    struct plan *p = &w->plan;
    if (p->streamed) {
        server_write(w->exchange, buf_str(&p->fault));
        server_finish(w->exchange);
        return;
    }
    send_head(w, false);
    server_write(w->exchange, str_cut(buf_str(&p->body), p->body.n / 2));
    server_reset(w->exchange);
}

/* Carries out one step. False when the walk is over. */
static bool take_step(struct work *w)
{
    struct plan *p = &w->plan;
    bool struck =
        p->mishap == MISHAP_RESET || p->mishap == MISHAP_STALL || p->mishap == MISHAP_MIDSTREAM;
    if (struck && w->step == p->steps / 2) {
        if (p->mishap == MISHAP_RESET)
            server_reset(w->exchange);
        else if (p->mishap == MISHAP_MIDSTREAM)
            strike_midstream(w);
        return false;
    }
    w->step++;
    bool last = w->step == p->steps;
    if (!p->streamed) {
        service_produced(w->emulator->service, p, now_us(),
                         p->output_tokens * (int64_t)w->step / (int64_t)p->steps);
        if (last)
            send_head(w, true);
        return !last;
    }
    if (!w->begun)
        send_head(w, false);
    size_t from = w->step > 1 ? p->script.steps[w->step - 2].end : 0;
    const struct script_step *step = &p->script.steps[w->step - 1];
    service_produced(w->emulator->service, p, now_us(), p->produced + step->tokens);
    server_write(w->exchange, (struct str){p->script.bytes.p + from, step->end - from});
    if (last)
        server_finish(w->exchange);
    return !last;
}

static int64_t due_us(const struct work *w)
{
    return w->start_us + w->plan.latency_us * (int64_t)(w->step + 1) / (int64_t)w->plan.steps;
}

static void walk(uv_timer_t *timer)
{
    struct work *w = timer->data;
    int64_t now = now_us();
    while (due_us(w) <= now) {
        if (!take_step(w))
            return;
    }
    uv_update_time(timer->loop);
    uv_timer_start(timer, walk, (uint64_t)(due_us(w) - now + 999) / 1000, 0);
}

/* ---- contents ---- */

/* Sends more of a spool until the client is behind. */
static void send_content(struct work *w)
{
    struct spool *content = w->plan.content;
    struct buf piece = {0};
    size_t waiting = 0;
    while (w->sent < spool_size(content) && waiting < CONTENT_BYTES) {
        if (spool_read(content, w->sent, CONTENT_BYTES, &piece, NULL) != SL_OK) {
            server_reset(w->exchange);
            buf_free(&piece);
            return;
        }
        w->sent += (int64_t)piece.n;
        waiting = server_write(w->exchange, buf_str(&piece));
    }
    buf_free(&piece);
    if (w->sent == spool_size(content))
        server_finish(w->exchange);
}

static void on_drained(void *ctx, struct exchange *x)
{
    struct work *w = exchange_user(x);
    if (w->plan.content && w->sent < spool_size(w->plan.content))
        send_content(w);
}

/* ---- the server's events ---- */

static struct str bearer(struct str value)
{
    const struct str prefix = STR("Bearer ");
    return str_trim(str_starts(value, prefix) ? str_from(value, prefix.n) : value);
}

static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    static const char *const keys[] = {"authorization", "x-api-key", "api-key",
                                       "x-goog-api-key"};
    struct work *w = mem_zero(sizeof *w);
    w->emulator = ctx;
    w->exchange = x;
    struct str key = {0};
    for (size_t i = 0; !key.n && i < sizeof keys / sizeof *keys; i++)
        key = bearer(message_header(m, keys[i]));
    w->request.method = arena_copy(&w->arena, m->method);
    w->request.target = arena_copy(&w->arena, m->target);
    w->request.key = arena_copy(&w->arena, key);
    w->request.id = arena_copy(&w->arena, message_header(m, "x-sluice-id"));
    w->request.host = arena_copy(&w->arena, message_header(m, "host"));
    struct target to = target_read(w->request.method, w->request.target);
    intake_open(&w->intake, &to, message_header(m, "content-type"));
    uv_timer_init(w->emulator->loop, &w->timer);
    w->timer.data = w;
    exchange_set(x, w);
}

static void on_body(void *ctx, struct exchange *x, struct str bytes)
{
    struct work *w = exchange_user(x);
    intake_add(&w->intake, bytes);
}

/* A slice of what is due; the loop serves clients between two slices. */
static void on_tick(uv_timer_t *timer)
{
    struct emulator *e = timer->data;
    int64_t now = now_us(), next = service_tick(e->service, now);
    if (next == INT64_MAX)
        return;
    uv_update_time(e->loop);
    /* a timer of no time at all would be run again before the loop looks at its sockets */
    uint64_t wait_us = next > now ? (uint64_t)(next - now) : 1;
    uv_timer_start(&e->tick, on_tick, (wait_us + 999) / 1000, 0);
}

static void on_end(void *ctx, struct exchange *x)
{
    struct work *w = exchange_user(x);
    intake_end(&w->intake);
    w->request.body = buf_str(&w->intake.body);
    w->request.form = w->intake.is_form ? &w->intake.form : NULL;
    w->request.too_large = w->intake.too_large;
    w->start_us = now_us();
    service_arrive(w->emulator->service, w->start_us, &w->request, &w->arena, &w->plan);
    w->planned = true;
    uv_timer_start(&w->emulator->tick, on_tick, 0, 0); /* it may have begun something */
    if (w->plan.admitted) {
        walk(&w->timer);
    } else if (w->plan.dropped) {
        server_reset(x);
    } else if (w->plan.content) {
        send_head(w, false);
        send_content(w);
    } else {
        send_head(w, true);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct work *w = handle->data;
    intake_free(&w->intake);
    arena_free(&w->arena);
    free(w);
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    struct work *w = exchange_user(x);
    if (w->planned)
        service_done(w->emulator->service, &w->plan,
                     complete && w->plan.mishap != MISHAP_MIDSTREAM);
    uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

struct emulator *emulator_start(uv_loop_t *loop, const struct emulate_config *c,
                                struct diag *diag)
{
    struct emulator *e = mem_zero(sizeof *e);
    e->loop = loop;
    struct emulate_config own = *c;
    own.epoch_us = now_unix_us() - now_us();
    e->service = service_new(&own);
    struct server_config server = server_defaults();
    server.listen = c->listen;
    server.body_max = SERVER_BYTES;
    struct server_handler handler = {.start = on_start,
                                     .body = on_body,
                                     .end = on_end,
                                     .gone = on_gone,
                                     .drained = on_drained,
                                     .ctx = e};
    if (server_new(loop, &server, handler, &e->server, diag) != SL_OK) {
        service_free(&e->service);
        free(e);
        return NULL;
    }
    uv_timer_init(loop, &e->tick);
    e->tick.data = e;
    return e;
}

int emulator_port(const struct emulator *e)
{
    return server_port(e->server);
}

void emulator_report(const struct emulator *e, struct buf *out)
{
    service_report(e->service, out);
}

static void on_tick_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void emulator_stop(struct emulator **e)
{
    server_free(&(*e)->server); /* reports every open exchange gone first */
    service_free(&(*e)->service);
    uv_close((uv_handle_t *)&(*e)->tick, on_tick_closed);
    *e = NULL;
}
