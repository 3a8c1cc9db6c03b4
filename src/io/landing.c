/* landing.c: see landing.h. What is added while some are told waits for the next turn, so that
 * a driver that answers each word with more bytes cannot hold the loop. */
#include "landing.h"
#include "arena.h"
#include "connection.h"

void landing_tell(struct landing *l)
{
    struct connection *c = l->first;
    l->first = NULL;
    for (struct connection *next; c; c = next) {
        next = c->next_landed;
        c->landed_at = NULL;
        connection_landed(c);
    }
    if (!l->first)
        uv_idle_stop(&l->idle);
}

static void on_check(uv_check_t *check)
{
    landing_tell(check->data);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* that the loop turns was the point */
}

void landing_open(struct landing *l, uv_loop_t *loop)
{
    int rc = uv_check_init(loop, &l->check) || uv_idle_init(loop, &l->idle) ||
             uv_check_start(&l->check, on_check);
    sl_assert(rc == 0);
    uv_unref((uv_handle_t *)&l->check); /* it waits for nothing of its own */
    l->check.data = l;
}

void landing_add(struct landing *l, struct connection *c)
{
    c->next_landed = l->first;
    c->landed_at = &l->first;
    if (c->next_landed)
        c->next_landed->landed_at = &c->next_landed;
    l->first = c;
    uv_idle_start(&l->idle, on_idle);
}

void landing_forget(struct connection *c)
{
    if (!c->landed_at)
        return;
    *c->landed_at = c->next_landed;
    if (c->next_landed)
        c->next_landed->landed_at = c->landed_at;
    c->landed_at = NULL;
}

void landing_close(struct landing *l, uv_close_cb closed, void *data)
{
    l->check.data = l->idle.data = data;
    uv_close((uv_handle_t *)&l->check, closed);
    uv_close((uv_handle_t *)&l->idle, closed);
}
