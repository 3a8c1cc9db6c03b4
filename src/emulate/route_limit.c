/* route_limit.c: see route_limit.h. */
#include "route_limit.h"
#include "pattern.h"

static struct gauge_config gauge_config_of(const struct emulate_config *c,
                                           const struct emulate_route *route)
{
    enum { MINUTE_S = 60 };
    struct gauge_config g = {.window = c->window,
                             .minute_us = c->minute_us * (route->period_s / MINUTE_S),
                             .phase_us = c->phase_us,
                             .refusals_drain = c->refusals_drain,
                             .soft = c->soft,
                             .fill_percent = c->fill_percent,
                             .limit_count = 1};
    /* Which window these limits have is not known but for OpenAI's and Anthropic's buckets;
     * those of an hour are taken for buckets as those of a day are. */
    if (route->period_s != MINUTE_S)
        g.window = GAUGE_BUCKET;
    g.slice_us = (int64_t)((__int128)c->slice_us * c->minute_us / 60000000);
    g.slice_us = g.slice_us < 1 ? 1 : g.slice_us > g.minute_us ? g.minute_us : g.slice_us;
    g.limits[0] = (struct gauge_limit){DIM_RPM, route->limit};
    return g;
}

void route_limits_open(struct route_limits *r, const struct emulate_config *c)
{
    r->count = c->route_count;
    for (size_t i = 0; i < r->count; i++) {
        struct route_limit *l = &r->items[i];
        l->route = &c->routes[i];
        l->config = gauge_config_of(c, l->route);
        l->gauge = gauge_new(&l->config);
        l->book = logbook_new();
    }
}

void route_limits_free(struct route_limits *r)
{
    for (size_t i = 0; i < r->count; i++)
        gauge_free(&r->items[i].gauge);
}

void route_limits_reset(struct route_limits *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct route_limit *l = &r->items[i];
        gauge_free(&l->gauge);
        l->gauge = gauge_new(&l->config);
        l->book = logbook_new();
    }
}

/* The weight of the pattern by which a class means a request; -1: it does not. */
static int weight_of(const struct emulate_route *route, struct str method, struct str path)
{
    int best = -1;
    for (size_t i = 0; i < route->pattern_count; i++) {
        struct str pattern = route->patterns[i];
        if (pattern_matches(pattern, method, path) && pattern_weight(pattern) > best)
            best = pattern_weight(pattern);
    }
    return best;
}

/* Of classes that weigh the same the later one holds: it was said by hand. */
static struct route_limit *find(struct route_limits *r, bool hidden, struct str method,
                                struct str path)
{
    struct route_limit *found = NULL;
    int best = 0;
    for (size_t i = 0; i < r->count; i++) {
        int weight = weight_of(r->items[i].route, method, path);
        if (r->items[i].route->hidden == hidden && weight >= best) {
            found = &r->items[i];
            best = weight;
        }
    }
    return found;
}

bool route_limits_know(const struct route_limits *r, struct str method, struct str path)
{
    for (size_t i = 0; i < r->count; i++) {
        if (weight_of(r->items[i].route, method, path) >= 0)
            return true;
    }
    return false;
}

static const int64_t one_request[DIM_COUNT] = {[DIM_RPM] = 1};

/* Fills the refusal, if it is one. */
static bool admits(struct route_limit *l, int64_t now_us, struct route_answer *a)
{
    struct gauge_answer g = gauge_arrive(l->gauge, now_us, one_request);
    logbook_arrival(&l->book, now_us, one_request, &g);
    if (g.admitted) {
        logbook_done(&l->book); /* what is in flight is no matter of a class */
        return true;
    }
    a->refused_by = l->route;
    a->why = g.why;
    a->retry_us = l->route->hidden || g.too_large ? -1 : g.retry_us;
    return false;
}

struct route_answer route_limits_arrive(struct route_limits *r, struct str method,
                                        struct str path, int64_t now_us)
{
    struct route_answer a = {.retry_us = -1};
    struct route_limit *told = find(r, false, method, path);
    struct route_limit *hidden = find(r, true, method, path);
    if (told && !admits(told, now_us, &a))
        return a;
    if (hidden && !admits(hidden, now_us, &a) && told) {
        gauge_produce(told->gauge, now_us, DIM_RPM, -1);
        logbook_undo(&told->book, one_request);
    }
    return a;
}

void route_limits_report(const struct route_limits *r, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < r->count; i++) {
        const struct route_limit *l = &r->items[i];
        buf_puts(out, i ? ",{\"class\":" : "{\"class\":");
        buf_json(out, l->route->name);
        buf_printf(out,
                   ",\"hidden\":%s,\"limit\":%lld,\"period_s\":%lld,\"arrivals\":%lld,"
                   "\"admitted\":%lld,\"refused\":%lld",
                   l->route->hidden ? "true" : "false", (long long)l->route->limit,
                   (long long)l->route->period_s, (long long)l->book.arrivals,
                   (long long)l->book.admitted,
                   (long long)(l->book.arrivals - l->book.admitted));
        logbook_write_span(&l->book, logbook_bound_us(&l->book, &l->config, l->config.limits),
                           out);
        buf_char(out, '}');
    }
    buf_char(out, ']');
}
