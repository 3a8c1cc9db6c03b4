/* gateway.c: see gateway.h. Health, the choice of the account, the way in and the way out. */
#include "gateway.h"

#include "pass.h"

static void answer_text(struct exchange *x, int status, const char *text)
{
    struct header plain = {STR("content-type"), STR("text/plain")};
    server_answer(x, status, &plain, 1, str_of(text));
}

static bool answers_itself(struct gateway *g, struct exchange *x, const struct message *m)
{
    if (str_eq(m->target, STR("/healthz")))
        answer_text(x, 200, "ok\n");
    else if (str_eq(m->target, STR("/readyz")))
        answer_text(x, g->ending ? 503 : 200, g->ending ? "ending\n" : "ready\n");
    else
        return false;
    return true;
}

static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    struct gateway *g = ctx;
    if (!answers_itself(g, x, m))
        relay_start(g, x, m);
}

static void on_body(void *ctx, struct exchange *x, struct str bytes)
{
    relay_body(exchange_user(x), bytes);
}

static void on_end(void *ctx, struct exchange *x)
{
    relay_end(exchange_user(x));
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    if (exchange_user(x))
        relay_gone(exchange_user(x));
}

static void on_drained(void *ctx, struct exchange *x)
{
    if (exchange_user(x))
        relay_drained(exchange_user(x));
}

static void on_timer(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    int64_t now_us = engine_now(g->outlets[0].door.engine);
    g->timer_due_us = relay_overdue(g, now_us);
    if (g->timer_due_us != INT64_MAX)
        uv_timer_start(timer, on_timer, (uint64_t)(g->timer_due_us - now_us + 999) / 1000, 0);
}

void gateway_deadline(struct gateway *g, int64_t now_us, int64_t due_us)
{
    if (due_us >= g->timer_due_us)
        return;
    g->timer_due_us = due_us;
    uv_timer_start(&g->timer, on_timer, (uint64_t)(due_us - now_us + 999) / 1000, 0);
}

enum sl_err gateway_open(struct gateway *g, uv_loop_t *loop, struct diag *diag)
{
    sl_assert(g->outlet_count > 0);
    g->loop = loop;
    g->timer_due_us = INT64_MAX;
    uv_timer_init(loop, &g->timer);
    g->timer.data = g;
    for (size_t i = 0; i < g->outlet_count; i++) {
        struct outlet *o = &g->outlets[i];
        struct engine_config wiring = relay_wiring(o);
        o->gateway = g;
        o->anthropic = o->options.provider->id == PROVIDER_ANTHROPIC;
        o->options.config.resends = g->config.resend;
        o->options.config.halts = false;
        /* A first burst that is too large is refused, waits, and its client never knows; a slow
         * start all clients would feel. */
        o->options.config.idle = true;
        enum sl_err err = door_open(&o->door, &o->options, loop, &wiring, diag);
        if (err != SL_OK)
            return err;
    }
    struct server_config c = server_defaults();
    c.listen = g->config.listen;
    struct server_handler h = {.start = on_start,
                               .body = on_body,
                               .end = on_end,
                               .gone = on_gone,
                               .drained = on_drained,
                               .ctx = g};
    return server_new(loop, &c, h, &g->server, diag);
}

void gateway_drain(struct gateway *g)
{
    g->ending = true;
    server_drain(g->server);
    if (!g->relays)
        g->idle(g->ctx);
}

void gateway_close(struct gateway *g)
{
    g->ending = true;
    if (g->server)
        server_free(&g->server);
    for (size_t i = 0; i < g->outlet_count; i++)
        door_close(&g->outlets[i].door);
    uv_close((uv_handle_t *)&g->timer, NULL);
}

void gateway_free(struct gateway *g)
{
    sl_assert(!g->relays);
    for (size_t i = 0; i < g->outlet_count; i++) {
        door_free(&g->outlets[i].door);
        models_free(&g->outlets[i].models);
        account_options_free(&g->outlets[i].options);
    }
}
