/* traffic.c: see traffic.h. Each class keeps the counts of its last seconds in a ring; `sum` is
 * always that of the 60 seconds that end with the newest one seen. */
#include "traffic.h"
#include "kind.h"

#include <stdlib.h>

enum { MINUTE_S = 60 };

static void advance(struct traffic_class *c, int64_t second)
{
    if (c->newest_s < 0 || second - c->newest_s >= TRAFFIC_SECONDS) {
        for (size_t i = 0; i < TRAFFIC_SECONDS; i++)
            c->seconds[i] = 0;
        c->sum = 0;
        c->newest_s = second;
        return;
    }
    while (c->newest_s < second) {
        c->newest_s++;
        c->seconds[c->newest_s % TRAFFIC_SECONDS] = 0;
        if (c->newest_s >= MINUTE_S)
            c->sum -= c->seconds[(c->newest_s - MINUTE_S) % TRAFFIC_SECONDS];
    }
}

static void count(struct traffic_class *c, int64_t at_us)
{
    static const int64_t second_us = 1000000;
    int64_t second = at_us / second_us;
    c->total++;
    if (at_us < 0)
        return;
    if (c->newest_s < 0 || second < c->first_s)
        c->first_s = second;
    if (second > c->newest_s)
        advance(c, second);
    if (second <= c->newest_s - MINUTE_S)
        return; /* written too late to matter to the minute at hand */
    c->seconds[second % TRAFFIC_SECONDS]++;
    c->sum++;
    if (c->sum > c->peak) {
        c->peak = c->sum;
        int64_t from_s = c->newest_s - MINUTE_S + 1;
        c->peak_us = (from_s > c->first_s ? from_s : c->first_s) * second_us;
    }
}

static struct traffic_class *class_named(struct traffic *t, struct str name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eq(t->classes[i].name, name))
            return &t->classes[i];
    }
    if (t->n == TRAFFIC_CLASSES)
        return NULL;
    t->classes = mem_grow(t->classes, (t->n + 1) * sizeof *t->classes);
    struct traffic_class *c = &t->classes[t->n++];
    *c = (struct traffic_class){
        .name = arena_copy(&t->names, name), .peak_us = -1, .newest_s = -1};
    return c;
}

static void count_route(struct traffic *t, struct str name)
{
    size_t i = 0;
    while (i < t->route_count && !str_eq(t->routes[i].name, name))
        i++;
    if (i == TRAFFIC_ROUTES)
        return;
    if (i == t->route_count)
        t->routes[t->route_count++].name = arena_copy(&t->names, name);
    t->routes[i].total++;
}

void traffic_add(struct traffic *t, const struct catalogue *c, struct str provider,
                 const struct logged *l)
{
    struct buf route = {0};
    const struct route_class *type = kind_of(c, provider, l->method, l->path);
    if (l->path.n) {
        buf_printf(&route, "%.*s ", STR_ARG(str_cut(l->method, 16)));
        logged_route(l->path, &route);
        count_route(t, buf_str(&route));
    }
    struct str name = type ? type->name : l->model.n ? l->model : buf_str(&route);
    if (!name.n)
        name = STR("no model");
    struct traffic_class *class = class_named(t, name);
    t->total++;
    t->others += !class;
    if (class) {
        class->type = type;
        class->model = !type && l->model.n;
        count(class, l->at_us);
    }
    buf_free(&route);
}

void traffic_date(struct traffic *t, int64_t at_us)
{
    if (at_us >= 0 && (t->first_us < 0 || at_us < t->first_us))
        t->first_us = at_us;
    if (at_us > t->last_us)
        t->last_us = at_us;
}

void traffic_init(struct traffic *t)
{
    *t = (struct traffic){.first_us = -1, .last_us = -1};
}

void traffic_free(struct traffic *t)
{
    free(t->classes);
    arena_free(&t->names);
}

int64_t traffic_limit(const struct traffic_class *c)
{
    return c->type ? kind_rpm(c->type) : -1;
}

const struct traffic_route *traffic_busiest(const struct traffic *t)
{
    const struct traffic_route *most = NULL;
    for (size_t i = 0; i < t->route_count; i++) {
        if (!most || t->routes[i].total > most->total)
            most = &t->routes[i];
    }
    return most;
}
