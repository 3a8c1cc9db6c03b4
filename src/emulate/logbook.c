/* logbook.c: see logbook.h. The bound is a second opinion: it looks at totals only, never at
 * the levels the gauge kept. */
#include "logbook.h"

#include <string.h>

struct logbook logbook_new(void)
{
    return (struct logbook){.first_arrival_us = -1, .last_admission_us = -1};
}

void logbook_arrival(struct logbook *b, int64_t now_us, const int64_t charge[DIM_COUNT],
                     const struct gauge_answer *a)
{
    b->arrivals++;
    if (b->first_arrival_us < 0) {
        b->first_arrival_us = now_us;
        for (size_t i = 0; i < a->figure_count; i++)
            b->first_reset_us[a->figures[i].dim] = a->figures[i].reset_us;
    }
    if (a->too_large)
        b->too_large++;
    else if (!a->admitted)
        b->refused[a->why.dim]++;
    if (!a->admitted)
        return;
    b->admitted++;
    b->last_admission_us = now_us;
    if (++b->in_flight > b->most_in_flight)
        b->most_in_flight = b->in_flight;
    for (size_t d = 0; d < DIM_COUNT; d++)
        b->charged[d] += charge[d];
    memcpy(b->charged_then, b->charged, sizeof b->charged);
}

void logbook_produced(struct logbook *b, enum dimension dim, int64_t units)
{
    b->charged[dim] += units;
}

void logbook_done(struct logbook *b)
{
    b->in_flight--;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

void logbook_undo(struct logbook *b, const int64_t charge[DIM_COUNT])
{
    b->admitted--;
    for (size_t d = 0; d < DIM_COUNT; d++) {
        b->charged[d] -= charge[d];
        b->charged_then[d] -= charge[d];
    }
}

int64_t logbook_bound_us(const struct logbook *b, const struct gauge_config *c,
                         const struct gauge_limit *limit)
{
    int64_t period = c->minute_us * (dimension_period_s(limit->dim) / 60);
    int64_t total = b->charged_then[limit->dim], at_once = limit->limit;
    bool bucket = c->window == GAUGE_BUCKET || period != c->minute_us;
    if (period == 0 || limit->limit == 0)
        return -1;
    if (bucket) {
        int64_t x0 = (int64_t)((__int128)at_once * c->fill_percent / 100);
        if (total <= x0)
            return -1;
        return (int64_t)((__int128)(total - x0) * period / at_once);
    }
    if (c->window == GAUGE_SLICES && limit->dim == DIM_RPM) {
        at_once = (int64_t)((__int128)at_once * c->slice_us / period);
        at_once = at_once < 1 ? 1 : at_once;
        period = c->slice_us;
    }
    int64_t windows = ceil_div(total, at_once);
    if (windows <= 1)
        return -1;
    if (c->window == GAUGE_SLIDING)
        return (windows - 1) * period;
    return b->first_reset_us[limit->dim] + (windows - 2) * period;
}

static void write_seconds(struct buf *out, const char *key, int64_t us)
{
    if (us < 0)
        buf_printf(out, ",\"%s\":null", key);
    else
        buf_printf(out, ",\"%s\":%lld.%06lld", key, (long long)(us / 1000000),
                   (long long)(us % 1000000));
}

static void write_figures(struct buf *out, const char *key, const struct gauge_config *c,
                          const int64_t figures[DIM_COUNT])
{
    buf_printf(out, ",\"%s\":{", key);
    for (size_t i = 0; i < c->limit_count; i++)
        buf_printf(out, "%s\"%s\":%lld", i ? "," : "", dimension_name(c->limits[i].dim),
                   (long long)figures[c->limits[i].dim]);
    buf_char(out, '}');
}

void logbook_write_span(const struct logbook *b, int64_t bound_us, struct buf *out)
{
    int64_t took = b->last_admission_us < 0 ? -1 : b->last_admission_us - b->first_arrival_us;
    write_seconds(out, "first_arrival_s", b->first_arrival_us);
    write_seconds(out, "last_admission_s", b->last_admission_us);
    write_seconds(out, "took_s", took);
    write_seconds(out, "bound_s", bound_us);
    if (bound_us > 0 && took > 0)
        buf_printf(out, ",\"efficiency\":%.4f", (double)bound_us / (double)took);
    else
        buf_puts(out, ",\"efficiency\":null");
}

void logbook_write(const struct logbook *b, const struct gauge_config *c, struct str name,
                   struct buf *out)
{
    int64_t limits[DIM_COUNT] = {0}, refused = 0, bound = -1;
    const char *binding = NULL;
    for (size_t i = 0; i < c->limit_count; i++) {
        limits[c->limits[i].dim] = c->limits[i].limit;
        refused += b->refused[c->limits[i].dim];
        int64_t least = logbook_bound_us(b, c, &c->limits[i]);
        if (least > bound) {
            bound = least;
            binding = dimension_name(c->limits[i].dim);
        }
    }
    buf_puts(out, "{\"name\":");
    buf_json(out, name);
    buf_printf(out,
               ",\"arrivals\":%lld,\"admitted\":%lld,\"refused\":%lld,\"too_large\":%lld,"
               "\"slow_down\":%lld,\"in_flight\":%lld,\"most_in_flight\":%lld",
               (long long)b->arrivals, (long long)b->admitted, (long long)refused,
               (long long)b->too_large, (long long)b->ramp, (long long)b->in_flight,
               (long long)b->most_in_flight);
    write_figures(out, "limits", c, limits);
    write_figures(out, "refused_by", c, b->refused);
    write_figures(out, "charged", c, b->charged);
    if (binding)
        buf_printf(out, ",\"binding\":\"%s\"", binding);
    else
        buf_puts(out, ",\"binding\":null");
    logbook_write_span(b, bound, out);
    buf_char(out, '}');
}
