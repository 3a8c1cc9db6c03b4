/* patience.c: see patience.h. Almost every wait ends before its time: a timer is only ever set
 * to less, and one that fires too early is set anew. */
#include "patience.h"
#include "secure.h"

static void on_timer(uv_timer_t *timer);

void patience_wait(struct connection *c, enum wait wait, int64_t us)
{
    uint64_t ms = (uint64_t)((us + 999) / 1000);
    c->wait = wait;
    c->wait_ms = uv_now(c->server->loop) + ms;
    if (!uv_is_active((uv_handle_t *)&c->timer) || uv_timer_get_due_in(&c->timer) > ms)
        uv_timer_start(&c->timer, on_timer, ms, 0);
}

/* How long a body's next byte may take: as an idle client, but no longer than all of it may. */
static int64_t body_patience_us(const struct connection *c)
{
    const struct server_config *config = &c->server->config;
    const struct exchange *x = &c->exchange;
    if (config->body_rate_min == 0)
        return config->idle_timeout_us;
    uint64_t earned_us = x->body_bytes * UINT64_C(1000000) / config->body_rate_min;
    uint64_t spent_us = (uv_now(c->server->loop) - x->start_ms) * 1000;
    int64_t left_us = config->body_grace_us + (int64_t)(earned_us - spent_us);
    if (left_us > config->idle_timeout_us)
        return config->idle_timeout_us;
    return left_us > 0 ? left_us : 0;
}

void patience_watch(struct connection *c)
{
    const struct server_config *config = &c->server->config;
    const struct exchange *x = &c->exchange;
    if (c->closing || c->wait == WAIT_LINGER)
        return;
    if (c->secure && !secure_is_open(c->secure)) {
        if (c->wait != WAIT_HANDSHAKE)
            patience_wait(c, WAIT_HANDSHAKE, config->handshake_timeout_us);
    } else if (c->writing) {
        c->flying_left = c->tcp.write_queue_size;
        patience_wait(c, WAIT_CLIENT, config->idle_timeout_us);
    } else if (x->open && (x->received || x->held)) {
        c->wait = WAIT_NOTHING;
    } else if (x->open) {
        patience_wait(c, WAIT_BODY, body_patience_us(c));
    } else if (!c->head_begun) {
        patience_wait(c, WAIT_REQUEST, config->idle_timeout_us);
    } else if (c->wait != WAIT_HEAD) {
        patience_wait(c, WAIT_HEAD, config->head_timeout_us);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct connection *c = timer->data;
    uint64_t now_ms = uv_now(c->server->loop);
    if (c->wait != WAIT_NOTHING && now_ms < c->wait_ms) {
        uv_timer_start(timer, on_timer, c->wait_ms - now_ms, 0);
        return;
    }
    switch (c->wait) {
    case WAIT_HEAD:
    case WAIT_BODY:
        connection_refuse(c, 408, "the request took too long");
        break;
    case WAIT_CLIENT:
        if (c->tcp.write_queue_size < c->flying_left)
            patience_watch(c);
        else
            connection_close(c);
        break;
    case WAIT_HANDSHAKE:
        c->server->counts.tls_failed++;
        connection_close(c);
        break;
    case WAIT_REQUEST:
    case WAIT_LINGER:
        connection_close(c);
        break;
    case WAIT_NOTHING:
        break;
    }
}
