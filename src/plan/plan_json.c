/* plan_json.c: a plan for programs. See plan_report.h; docs/plan.md tells the fields. What is
 * not known is null. */
#include "plan_report.h"

/* Microseconds as seconds. */
static void seconds(struct buf *b, const char *key, int64_t us)
{
    buf_printf(b, "\"%s\": ", key);
    if (us < 0)
        buf_puts(b, "null");
    else
        buf_printf(b, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static void count(struct buf *b, const char *key, int64_t n)
{
    buf_printf(b, "\"%s\": ", key);
    if (n < 0)
        buf_puts(b, "null");
    else
        buf_int(b, n);
}

static void text(struct buf *b, const char *key, struct str s)
{
    buf_printf(b, "\"%s\": ", key);
    if (s.n)
        buf_json(b, s);
    else
        buf_puts(b, "null");
}

static void separate(struct buf *b)
{
    buf_puts(b, ", ");
}

struct named {
    const char *key;
    int64_t n;
};

/* Several in a row, each with a comma behind it but for the last. */
static void counts(struct buf *b, const struct named *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            separate(b);
        count(b, list[i].key, list[i].n);
    }
}

/* {"low": ..., "likely": ..., "high": ...} by `write`. */
static void figure(struct buf *b, const char *key, const struct figure *f,
                   void (*write)(struct buf *, const char *, int64_t))
{
    buf_printf(b, "\"%s\": {", key);
    write(b, "low", f->low);
    separate(b);
    write(b, "likely", f->likely);
    separate(b);
    write(b, "high", f->high);
    buf_char(b, '}');
}

/* Picodollars as dollars: millionths are what `seconds` writes. */
static void dollars(struct buf *b, const char *key, int64_t pusd)
{
    seconds(b, key, pusd < 0 ? -1 : pusd / 1000000);
}

/* ---- what was taken ---------------------------------------------------------------------- */

static void taken(const struct plan *p, struct buf *b)
{
    static const char *const kinds[] = {"bounds", "told", "seen", "emulated"};
    const struct plan_ask *ask = p->ask;
    const struct guess *g = ask->guess;
    const struct account_config *c = &ask->account->config;
    bool bounds = g->kind == GUESS_BOUNDS;
    buf_printf(b, "  \"taken\": {\"output\": {\"by\": \"%s\", ", kinds[g->kind]);
    bool seen = g->kind == GUESS_SEEN;
    const struct named output[] = {
        {"low_tokens", outputs_covering(&g->low, 50)},
        {"mean_tokens", bounds ? -1 : outputs_mean(&g->likely, INT64_MAX)},
        {"high_tokens", outputs_covering(&g->high, 50)},
        {"answers", seen ? g->answers : -1},
        {"cut", seen ? g->cut : -1}};
    counts(b, output, sizeof output / sizeof *output);
    buf_puts(b, "}, \"service\": {");
    seconds(b, "low_s", ask->service_us.low);
    separate(b);
    seconds(b, "high_s", ask->service_us.high);
    buf_printf(b, "}, \"window\": \"%s\", \"charge\": \"%s\", \"use_percent\": %d, ",
               window_name(c->window), charge_name(c->charge), c->use_percent);
    seconds(b, "minute_s", c->minute_us);
    buf_puts(b, ", \"used_before\": false},\n");
}

/* ---- forecasts --------------------------------------------------------------------------- */

static void binding(const struct forecast *f, struct buf *b)
{
    const struct makespan *m = &f->live;
    buf_puts(b, "\"binding_budget\": ");
    if (m->binds == DIM_UNKNOWN) {
        buf_puts(b, "null");
        return;
    }
    buf_puts(b, "{\"model\": ");
    buf_json(b, f->models.pools[m->pool].name);
    buf_printf(b, ", \"dimension\": \"%s\", \"limit\": %lld}", dimension_name(m->binds),
               (long long)m->limit);
}

static void live(const struct forecast *f, struct buf *b)
{
    const struct makespan *m = &f->live;
    buf_puts(b, "\"live\": ");
    if (!m->known) {
        buf_puts(b, "null");
        return;
    }
    buf_char(b, '{');
    figure(b, "makespan_s", &f->live_us, seconds);
    separate(b);
    seconds(b, "bound_s", m->bound_us);
    separate(b);
    binding(f, b);
    separate(b);
    const struct named rest[] = {{"requests", m->requests},
                                 {"too_large", m->too_large},
                                 {"charged_tokens", m->charged},
                                 {"rehearsed", m->rehearsed},
                                 {"refused", m->refused}};
    counts(b, rest, sizeof rest / sizeof *rest);
    buf_char(b, '}');
}

static void batches(const struct waves *w, struct buf *b)
{
    buf_puts(b, "\"batch\": ");
    if (!w->known) {
        buf_puts(b, "null");
        return;
    }
    buf_char(b, '{');
    const struct named all[] = {{"batches", w->batches},
                                {"turns", w->turns},
                                {"within_s", w->within_s},
                                {"requests", w->requests},
                                {"too_large", w->too_large}};
    counts(b, all, sizeof all / sizeof *all);
    separate(b);
    text(b, "rules_date", w->date);
    buf_char(b, '}');
}

static void forecast(const struct forecast *f, struct buf *b)
{
    buf_puts(b, "      {");
    text(b, "tier", f->tier ? f->tier->name : (struct str){0});
    separate(b);
    text(b, "programme", f->tier ? f->tier->programme : (struct str){0});
    buf_printf(b, ", \"own\": %s, ", f->own ? "true" : "false");
    text(b, "limits_date", f->date);
    separate(b);
    count(b, "monthly_cap_usd", f->tier ? f->tier->monthly_cap_usd : -1);
    buf_printf(b, ", \"over_cap\": %s,\n       ", f->over_cap ? "true" : "false");
    live(f, b);
    buf_puts(b, ",\n       ");
    batches(&f->waves, b);
    buf_char(b, '}');
}

static void variant(const struct variant *v, struct buf *b)
{
    buf_printf(b, "    {\"next_down\": %s, \"models\": [", v->next_down ? "true" : "false");
    for (size_t i = 0; i < v->n; i++) {
        buf_puts(b, i ? ", " : "");
        buf_json(b, v->names[i]);
    }
    buf_puts(b, "],\n     ");
    figure(b, "live_usd", &v->live_pusd, dollars);
    separate(b);
    figure(b, "batch_usd", &v->batch_pusd, dollars);
    separate(b);
    text(b, "prices_date", v->price_date);
    buf_printf(b, ", \"other_encoding\": %s,\n     \"tiers\": [\n",
               v->recounted ? "true" : "false");
    for (size_t i = 0; i < v->count; i++) {
        forecast(&v->list[i], b);
        buf_puts(b, i + 1 < v->count ? ",\n" : "\n");
    }
    buf_puts(b, "     ]}");
}

/* ---- max_tokens -------------------------------------------------------------------------- */

static void curve(const struct curve *c, struct buf *b)
{
    static const char *const kinds[] = {"drawn", "no_limits", "unasked", "produced"};
    buf_printf(b, "  \"max_tokens\": {\"kind\": \"%s\", ", kinds[c->kind]);
    text(b, "tier", c->on && c->on->tier ? c->on->tier->name : (struct str){0});
    separate(b);
    count(b, "asked", c->present ? c->present : -1);
    separate(b);
    count(b, "enough", c->enough);
    buf_printf(b, ", \"enough_covers\": %.2f, \"points\": [", CURVE_COVERS / 100.0);
    for (size_t i = 0; i < c->n; i++) {
        const struct curve_point *p = &c->points[i];
        buf_printf(b, "%s\n    {\"max_tokens\": %lld, ", i ? "," : "",
                   (long long)p->max_tokens);
        seconds(b, "makespan_s", p->live.makespan_us);
        buf_printf(b, ", \"requests_per_minute\": %lld.%03lld}",
                   (long long)(p->pace_milli / 1000), (long long)(p->pace_milli % 1000));
    }
    buf_puts(b, "]}\n");
}

void plan_json(const struct plan *p, struct buf *out)
{
    const struct input *in = p->ask->input;
    buf_puts(out, "{\n  ");
    text(out, "file", str_of(input_name(&in->config)));
    separate(out);
    text(out, "provider", p->provider);
    separate(out);
    count(out, "requests", p->requests);
    separate(out);
    count(out, "invalid", (int64_t)in->invalid);
    separate(out);
    count(out, "input_tokens", p->input_tokens);
    buf_printf(out, ", \"exact\": %s, ", p->exact ? "true" : "false");
    count(out, "charged_tokens", p->charged);
    buf_puts(out, ",\n");
    taken(p, out);
    buf_puts(out, "  \"variants\": [\n");
    variant(&p->named, out);
    if (p->next.n) {
        buf_puts(out, ",\n");
        variant(&p->next, out);
    }
    buf_puts(out, "\n  ],\n");
    curve(&p->curve, out);
    buf_puts(out, "}\n");
}
