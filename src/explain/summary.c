/* summary.c: see summary.h. */
#include "summary.h"

#include "diagnosis.h"
#include "duration.h"
#include "kind.h"
#include "tier_fit.h"

#include <stdlib.h>

enum {
    CLASSES_SHOWN = 12,
    DIAGNOSES_SHOWN = 20,
    TO_CLOCK = 11, /* characters before the clock in "2026-11-26 09:00:12" */
    TO_DAY = 8,
};

/* ---- cells --------------------------------------------------------------------------- */

static void pad(struct buf *out, size_t from, size_t width)
{
    while (out->n < from + width)
        buf_char(out, ' ');
}

/* Text to the left, cut to its column; a blank follows. */
static void cell(struct buf *out, struct str text, size_t width)
{
    size_t from = out->n;
    diagnosis_visible(out, str_cut(text, width));
    pad(out, from, width + 1);
}

/* A number to the right; a dash for -1. */
static void number(struct buf *out, int64_t n, size_t width)
{
    struct buf text = {0};
    if (n < 0)
        buf_char(&text, '-');
    else
        buf_thousands(&text, n);
    for (size_t i = text.n; i < width; i++)
        buf_char(out, ' ');
    buf_add(out, buf_str(&text));
    buf_free(&text);
}

/* "2026-11-26 09:00:12", without its first `cut` characters. */
static void write_time(struct buf *out, int64_t at_us, size_t cut)
{
    struct buf text = {0};
    instant_write_rfc3339(&text, at_us);
    struct str s = str_cut(buf_str(&text), 19);
    text.p[10] = ' ';
    buf_add(out, str_from(s, cut));
    buf_free(&text);
}

/* The clock where all is of one day, else the day too. */
static size_t date_cut(const struct summary *s)
{
    static const int64_t day_us = 86400 * (int64_t)1000000;
    bool one_day = s->traffic->first_us / day_us == s->traffic->last_us / day_us;
    return one_day ? TO_CLOCK : TO_DAY;
}

static void time_cell(struct buf *out, const struct summary *s, int64_t at_us, size_t line)
{
    size_t from = out->n;
    if (at_us >= 0)
        write_time(out, at_us, date_cut(s));
    else
        buf_printf(out, "line %zu", line);
    pad(out, from, 12);
}

static void trim_end(struct buf *out)
{
    while (out->n && out->p[out->n - 1] == ' ')
        out->n--;
    buf_char(out, '\n');
}

/* ---- refusals ------------------------------------------------------------------------ */

static void write_counts(struct buf *out, const struct summary *s)
{
    buf_thousands(out, (int64_t)s->toll->refusals);
    buf_puts(out, s->toll->refusals == 1 ? " refusal in " : " refusals in ");
    buf_thousands(out, (int64_t)s->lines);
    buf_puts(out, " lines");
    if (s->traffic->total) {
        buf_puts(out, ", ");
        buf_thousands(out, s->traffic->total);
        buf_puts(out, " requests");
    }
    if (s->traffic->first_us >= 0) {
        buf_puts(out, ", ");
        write_time(out, s->traffic->first_us, 0);
        buf_puts(out, " to ");
        write_time(out, s->traffic->last_us, date_cut(s) == TO_CLOCK ? TO_CLOCK : 0);
    }
    buf_char(out, '\n');
}

static void write_groups(struct buf *out, const struct summary *s)
{
    const struct toll *t = s->toll;
    struct buf dim = {0};
    if (!t->n)
        return;
    buf_puts(out,
             "\n  count  model                 limit       kind           first       last\n");
    for (size_t i = 0; i < t->n; i++) {
        const struct group *g = &t->groups[i];
        buf_clear(&dim);
        diagnosis_dimension(&dim, g->dim);
        number(out, (int64_t)g->count, 7);
        buf_puts(out, "  ");
        cell(out, g->model.n ? g->model : STR("not said"), 21);
        cell(out, dim.n ? buf_str(&dim) : STR("not said"), 11);
        cell(out, str_of(verdict_name(g->kind)), 14);
        time_cell(out, s, g->first_us, g->first_line);
        time_cell(out, s, g->last_us, g->last_line);
        trim_end(out);
    }
    if (t->overflowed) {
        number(out, (int64_t)t->overflowed, 7);
        buf_puts(out, "  of other models\n");
    }
    buf_free(&dim);
}

/* ---- traffic ------------------------------------------------------------------------- */

/* Of its kind, else of its model: as a refusal named it, or as the tier's table has it. */
static int64_t limit_of(const struct summary *s, const struct traffic_class *c)
{
    if (!c->model)
        return traffic_limit(c);
    for (size_t i = 0; i < s->toll->n; i++) {
        const struct group *g = &s->toll->groups[i];
        if (g->dim == DIM_RPM && g->limit >= 0 && str_eq(g->model, c->name))
            return g->limit;
    }
    const struct tier *t =
        catalogue_tier(s->standing->catalogue, s->provider, s->standing->tier);
    return t ? tier_limit_of(s->standing->catalogue, s->provider, t, c->name, DIM_RPM) : -1;
}

static bool is_over(const struct summary *s, const struct traffic_class *c)
{
    int64_t limit = limit_of(s, c);
    return limit >= 0 && c->peak > limit;
}

struct ranked {
    const struct traffic_class *c;
    int64_t limit;
};

/* How near to its limit, in thousandths; classes without one come last, by their peak. */
static int64_t rank(const struct ranked *r)
{
    enum { LIMITED = 1 << 30 };
    if (r->limit <= 0)
        return r->c->peak < LIMITED ? r->c->peak : LIMITED - 1;
    return LIMITED + r->c->peak * 1000 / r->limit;
}

static int by_rank(const void *a, const void *b)
{
    int64_t x = rank(a), y = rank(b);
    return x < y ? 1 : x > y ? -1 : 0;
}

static size_t rank_classes(const struct summary *s, struct ranked out[TRAFFIC_CLASSES])
{
    size_t n = s->traffic->n;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct ranked){&s->traffic->classes[i], limit_of(s, &s->traffic->classes[i])};
    if (n)
        qsort(out, n, sizeof *out, by_rank);
    return n;
}

static void write_class(struct buf *out, const struct summary *s, const struct ranked *r)
{
    number(out, r->c->total, 10);
    number(out, r->c->peak_us < 0 ? -1 : r->c->peak, 10);
    number(out, r->limit, 9);
    buf_puts(out, "  ");
    cell(out, r->c->name, 28);
    if (r->c->peak_us >= 0)
        write_time(out, r->c->peak_us, date_cut(s));
    if (r->limit >= 0 && r->c->peak > r->limit)
        buf_puts(out, " OVER");
    trim_end(out);
}

static void write_traffic(struct buf *out, const struct summary *s)
{
    struct ranked ranked[TRAFFIC_CLASSES];
    size_t n = rank_classes(s, ranked);
    if (!n)
        return;
    buf_puts(out,
             "\n  requests  a minute    limit  of                           busiest from\n");
    for (size_t i = 0; i < n && i < CLASSES_SHOWN; i++)
        write_class(out, s, &ranked[i]);
    if (n > CLASSES_SHOWN)
        buf_printf(out, "  and %zu more\n", n - CLASSES_SHOWN);
}

/* "What is it mostly?", for refusals, requests and tenants. */
static void write_worst(struct buf *out, const struct summary *s)
{
    const struct toll *t = s->toll;
    const struct traffic_route *r = traffic_busiest(s->traffic);
    size_t worst = 0;
    buf_char(out, '\n');
    if (r) {
        buf_puts(out, "most requests   ");
        diagnosis_visible(out, r->name);
        buf_puts(out, ": ");
        buf_thousands(out, r->total);
        buf_puts(out, " of ");
        buf_thousands(out, s->traffic->total);
        buf_char(out, '\n');
    }
    if (t->n) {
        const struct group *g = &t->groups[0];
        buf_puts(out, "worst offender  ");
        diagnosis_visible(out, g->model.n ? g->model : STR("model not said"));
        if (g->dim != DIM_UNKNOWN)
            buf_printf(out, ", %s", dimension_unit(g->dim));
        buf_puts(out, ": ");
        buf_thousands(out, (int64_t)g->count);
        buf_puts(out, " of ");
        buf_thousands(out, (int64_t)t->refusals);
        buf_puts(out, " refusals\n");
    }
    for (size_t i = 1; i < t->tenant_count; i++) {
        if (t->tenants[i].refusals > t->tenants[worst].refusals)
            worst = i;
    }
    if (t->tenant_count) {
        buf_puts(out, "tenant          ");
        diagnosis_visible(out, t->tenants[worst].name);
        buf_puts(out, ": ");
        buf_thousands(out, (int64_t)t->tenants[worst].refusals);
        buf_puts(out, " refusals\n");
    }
}

/* ---- diagnoses ----------------------------------------------------------------------- */

/* Which kind of request was over its limit? Asked where a refusal does not say. */
static void write_types(struct buf *out, const struct summary *s)
{
    bool typed = false, over = false;
    for (size_t i = 0; i < s->traffic->n; i++) {
        const struct traffic_class *c = &s->traffic->classes[i];
        typed |= c->type && c->peak_us >= 0;
        if (!c->type || !is_over(s, c))
            continue;
        over = true;
        buf_printf(out, "  log   %.*s: ", STR_ARG(c->name));
        buf_thousands(out, c->peak);
        buf_puts(out, " requests in the minute from ");
        write_time(out, c->peak_us, date_cut(s));
        buf_puts(out, ", over the limit of ");
        buf_thousands(out, kind_rpm(c->type));
        buf_char(out, '\n');
    }
    if (typed && !over)
        buf_puts(out, "  log   no kind of request was over its limit in any minute\n");
}

static void write_diagnosis(struct buf *out, const struct summary *s, const struct group *g,
                            size_t number_of)
{
    buf_printf(out, "\n%zu. ", number_of);
    buf_thousands(out, (int64_t)g->count);
    buf_printf(out, " like the one on line %zu\n", g->first_line);
    buf_add(out, buf_str(&g->words));
    if (g->kind == VERDICT_RATE_LIMIT && (g->dim == DIM_UNKNOWN || g->dim == DIM_RPM))
        write_types(out, s);
    if (g->with_room) {
        buf_puts(out, "  ask   the provider's support: ");
        buf_thousands(out, (int64_t)g->with_room);
        buf_puts(out, " of these came while figures showed room\n");
    }
    if (support_is_odd(&g->longest))
        support_write_stretch(out, &g->longest);
}

void summary_write(struct buf *out, const struct summary *s)
{
    const struct toll *t = s->toll;
    write_counts(out, s);
    write_groups(out, s);
    write_traffic(out, s);
    write_worst(out, s);
    for (size_t i = 0; i < t->n && i < DIAGNOSES_SHOWN; i++)
        write_diagnosis(out, s, &t->groups[i], i + 1);
    if (t->n > DIAGNOSES_SHOWN)
        buf_printf(out, "\nand %zu kinds more\n", t->n - DIAGNOSES_SHOWN);
}

/* ---- for programs -------------------------------------------------------------------- */

static void text_field(struct buf *out, const char *name, struct str text)
{
    buf_printf(out, "\"%s\": ", name);
    if (text.n)
        buf_json(out, text);
    else
        buf_puts(out, "null");
}

static void number_field(struct buf *out, const char *name, int64_t n)
{
    if (n < 0)
        buf_printf(out, ", \"%s\": null", name);
    else
        buf_printf(out, ", \"%s\": %lld", name, (long long)n);
}

static void time_field(struct buf *out, const char *name, int64_t at_us)
{
    buf_printf(out, ", \"%s\": ", name);
    if (at_us < 0) {
        buf_puts(out, "null");
        return;
    }
    buf_char(out, '"');
    instant_write_rfc3339(out, at_us);
    buf_char(out, '"');
}

static void json_group(struct buf *out, const struct group *g)
{
    buf_char(out, '{');
    text_field(out, "provider", g->provider);
    buf_puts(out, ", ");
    text_field(out, "model", g->model);
    buf_printf(out, ", \"kind\": \"%s\", \"dimension\": \"%s\"", verdict_name(g->kind),
               dimension_name(g->dim));
    number_field(out, "count", (int64_t)g->count);
    number_field(out, "limit", g->limit);
    number_field(out, "first_line", (int64_t)g->first_line);
    number_field(out, "last_line", (int64_t)g->last_line);
    time_field(out, "first", g->first_us);
    time_field(out, "last", g->last_us);
    number_field(out, "while_room", (int64_t)g->with_room);
    buf_printf(out, ", \"for_hours_without_traffic\": %s}",
               support_is_odd(&g->longest) ? "true" : "false");
}

static void json_traffic(struct buf *out, const struct summary *s)
{
    struct ranked ranked[TRAFFIC_CLASSES];
    size_t n = rank_classes(s, ranked);
    for (size_t i = 0; i < n; i++) {
        const struct traffic_class *c = ranked[i].c;
        buf_puts(out, i ? ", {" : "{");
        text_field(out, "of", c->name);
        number_field(out, "requests", c->total);
        number_field(out, "busiest_minute", c->peak_us < 0 ? -1 : c->peak);
        number_field(out, "limit", ranked[i].limit);
        time_field(out, "from", c->peak_us);
        buf_printf(out, ", \"over\": %s}", is_over(s, c) ? "true" : "false");
    }
}

void summary_json(struct buf *out, const struct summary *s)
{
    const struct toll *t = s->toll;
    const struct traffic_route *r = traffic_busiest(s->traffic);
    buf_printf(out, "{\"lines\": %zu, \"requests\": %lld, \"refusals\": %zu", s->lines,
               (long long)s->traffic->total, t->refusals);
    time_field(out, "first", s->traffic->first_us);
    time_field(out, "last", s->traffic->last_us);
    buf_puts(out, ", \"groups\": [");
    for (size_t i = 0; i < t->n; i++) {
        buf_puts(out, i ? ", " : "");
        json_group(out, &t->groups[i]);
    }
    buf_puts(out, "], \"traffic\": [");
    json_traffic(out, s);
    buf_puts(out, "], ");
    text_field(out, "busiest_route", r ? r->name : (struct str){0});
    buf_puts(out, ", \"tenants\": {");
    for (size_t i = 0; i < t->tenant_count; i++) {
        buf_puts(out, i ? ", " : "");
        buf_json(out, t->tenants[i].name);
        buf_printf(out, ": %zu", t->tenants[i].refusals);
    }
    buf_puts(out, "}}\n");
}
