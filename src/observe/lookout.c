/* lookout.c: see lookout.h. */
#include "lookout.h"

#include <stdlib.h>

enum { LOOK_MS = 1000 };

struct lookout {
    uv_timer_t timer;
    struct scene_view view;
    struct history *history;
    struct alerts *alerts;
    struct courier *courier;
    lookout_seen *seen;
    void *ctx;
};

static void fill(struct lookout *l, struct scene *s)
{
    alerts_draw(l->alerts, s);
    if (l->courier)
        courier_draw(l->courier, s);
    scene_sum(s);
}

static void on_timer(uv_timer_t *timer)
{
    struct lookout *l = timer->data;
    struct arena arena = {0};
    struct scene scene = {0};
    int64_t now_us = (int64_t)(uv_hrtime() / 1000);
    l->view.draw(l->view.ctx, &scene, &arena);
    history_see(l->history, &scene, now_us);
    alerts_see(l->alerts, &scene, l->history, now_us);
    for (size_t i = 0; l->courier && alerts_change(l->alerts, i); i++)
        courier_take(l->courier, alerts_change(l->alerts, i), scene.unix_us);
    fill(l, &scene);
    if (l->seen)
        l->seen(l->ctx, &scene, &arena);
    arena_free(&arena);
}

void lookout_open(uv_loop_t *loop, const struct lookout_config *c, struct lookout **out)
{
    struct lookout *l = mem_zero(sizeof *l);
    l->view = c->view;
    l->history = history_new();
    l->alerts = alerts_new(&c->rules);
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    uv_timer_start(&l->timer, on_timer, 0, LOOK_MS);
    uv_unref((uv_handle_t *)&l->timer);
    *out = l;
}

static void on_closed(uv_handle_t *timer)
{
    struct lookout *l = timer->data;
    history_free(&l->history);
    alerts_free(&l->alerts);
    free(l);
}

void lookout_close(struct lookout **pl)
{
    struct lookout *l = *pl;
    *pl = NULL;
    if (l)
        uv_close((uv_handle_t *)&l->timer, on_closed);
}

void lookout_now(struct lookout *l)
{
    on_timer(&l->timer);
}

void lookout_rule(struct lookout *l, const struct alert_rules *rules)
{
    alerts_rule(l->alerts, rules);
}

void lookout_courier(struct lookout *l, struct courier *courier)
{
    l->courier = courier;
}

void lookout_tell(struct lookout *l, lookout_seen *seen, void *ctx)
{
    l->seen = seen;
    l->ctx = ctx;
}

void lookout_draw(struct lookout *l, struct scene *out, struct arena *arena)
{
    l->view.draw(l->view.ctx, out, arena);
    history_fill(l->history, out);
    fill(l, out);
}

const struct history *lookout_history(const struct lookout *l)
{
    return l->history;
}
