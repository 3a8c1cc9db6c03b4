/* plan_table.c: a plan for people. See plan_report.h; words and shape are those of
 * design/experience.md. */
#include "plan_report.h"

#include "duration.h"
#include "money.h"

enum { TIER = 18, LIVE = 18, BINDS = 23, NAME = 17 /* of a pool */ };

static void pad(struct buf *b, size_t from, size_t width)
{
    buf_char(b, ' ');
    while (b->n < from + width)
        buf_char(b, ' ');
}

/* ---- phrases ----------------------------------------------------------------------------- */

void plan_tier_name(const struct forecast *f, struct buf *out)
{
    if (!f->tier)
        buf_puts(out, "your limits");
    else
        buf_printf(out, "%.*s%s", STR_ARG(f->tier->name), f->own ? " (yours)" : "");
}

void plan_span(const struct figure *us, struct buf *out)
{
    if (us->low < 0) {
        buf_puts(out, "not known");
        return;
    }
    bool middle = us->likely >= 0;
    bool same = us->high - us->low <= us->high / 50; /* a fiftieth is no range */
    duration_human(out, middle ? us->likely : same ? us->high : us->low);
    if (!middle && !same) {
        buf_puts(out, " - ");
        duration_human(out, us->high);
    }
}

void plan_binds(const struct forecast *f, struct buf *out)
{
    const struct makespan *m = &f->live;
    if (!m->known || m->binds == DIM_UNKNOWN) {
        buf_char(out, '-');
        return;
    }
    bool several = f->models.pool_count > 1;
    if (!several) {
        buf_thousands(out, m->limit);
        buf_char(out, ' ');
    }
    if (m->binds == DIM_CONCURRENCY)
        buf_puts(out, "in flight");
    else
        dimension_write(out, m->binds);
    if (several)
        buf_printf(out, " %.*s", STR_ARG(str_cut(f->models.pools[m->pool].name, NAME)));
}

void plan_batch(const struct waves *w, struct buf *out)
{
    if (!w->known || !w->requests) {
        buf_puts(out, w->known ? "none fits" : "not known");
        return;
    }
    if (w->within_s < 0) {
        buf_thousands(out, w->batches);
        buf_puts(out, w->batches == 1 ? " batch" : " batches");
        return;
    }
    long long hours = w->within_s / 3600;
    buf_printf(out, "within %lld %s", hours > 48 ? hours / 24 : hours, hours > 48 ? "d" : "h");
    if (w->turns > 1)
        buf_printf(out, ", %lld turns", (long long)w->turns);
}

static void write_money(const struct figure *pusd, struct buf *out)
{
    if (pusd->low < 0) {
        buf_puts(out, "not known");
        return;
    }
    bool middle = pusd->likely >= 0;
    money_write(out, middle ? pusd->likely : pusd->low);
    if (!middle && pusd->high != pusd->low) {
        buf_puts(out, " - ");
        money_write(out, pusd->high);
    }
    buf_puts(out, " USD");
}

/* ---- what is planned --------------------------------------------------------------------- */

static void write_what(const struct plan *p, struct buf *out)
{
    const struct input *in = p->ask->input;
    buf_printf(out, "%s: ", input_name(&in->config));
    buf_thousands(out, p->requests);
    buf_puts(out, p->requests == 1 ? " request\n" : " requests\n");
    bool most =
        p->ask->account->config.charge == CHARGE_ACTUAL && p->ask->guess->kind == GUESS_BOUNDS;
    buf_puts(out, p->exact ? "tokens   " : "tokens   about ");
    buf_thousands(out, p->input_tokens);
    buf_puts(out, most ? " in, up to " : " in, ");
    buf_thousands(out, p->charged);
    buf_puts(out, " charged\n");
    if (!in->invalid)
        return;
    buf_thousands(out, (int64_t)in->invalid);
    buf_printf(out, " invalid line%s left out\n", in->invalid == 1 ? " is" : "s are");
}

static void write_range(const struct outputs *low, const struct outputs *high, struct buf *out)
{
    int64_t from = outputs_covering(low, 0), to = outputs_covering(high, 100);
    buf_thousands(out, from);
    if (from == to)
        return;
    buf_puts(out, " to ");
    buf_thousands(out, to);
}

static void write_outputs(const struct plan *p, struct buf *out)
{
    const struct guess *g = p->ask->guess;
    switch (g->kind) {
    case GUESS_BOUNDS:
        buf_puts(out, "answers of 1 token to max_tokens; --output-tokens or --from narrows it");
        break;
    case GUESS_TOLD:
        buf_puts(out, "answers of ");
        write_range(&g->low, &g->high, out);
        buf_puts(out, " tokens, as told");
        break;
    case GUESS_SEEN:
        buf_puts(out, "answers as long as ");
        buf_thousands(out, g->answers);
        buf_printf(out, " seen before (mean %lld, 99 %% up to %lld)",
                   (long long)outputs_mean(&g->likely, INT64_MAX),
                   (long long)outputs_covering(&g->likely, 99));
        break;
    case GUESS_EMULATED:
        buf_puts(out, "answers of ");
        write_range(&g->low, &g->high, out);
        buf_puts(out, " tokens, as the emulator makes them");
        break;
    }
    buf_char(out, '\n');
}

static void write_rules(const struct plan *p, struct buf *out)
{
    static const char *const charges[] = {"the larger of max_tokens and input is charged",
                                          "input and max_tokens are charged",
                                          "what was used is charged"};
    static const char *const windows[] = {
        [WINDOW_AUTO] = "how limits are enforced is not known: as a bucket",
        [WINDOW_BUCKET] = "limits refill continuously",
        [WINDOW_FIXED] = "limits begin anew each minute",
        [WINDOW_SLIDING] = "limits hold for any minute",
        [WINDOW_SLICES] = "requests are limited in slices of a minute"};
    const struct account_config *c = &p->ask->account->config;
    buf_printf(out, "         an unused account; %s\n         %s\n", windows[c->window],
               charges[c->charge]);
}

static void write_taken(const struct plan *p, struct buf *out)
{
    buf_puts(out, "taken    ");
    write_outputs(p, out);
    buf_puts(out, "         each comes after ");
    duration_human(out, p->ask->service_us.low);
    if (p->ask->service_us.high != p->ask->service_us.low) {
        buf_puts(out, " to ");
        duration_human(out, p->ask->service_us.high);
    }
    buf_puts(out, "; --service-time tells otherwise\n");
    write_rules(p, out);
}

/* ---- a variant --------------------------------------------------------------------------- */

static bool came_before(const struct variant *v, size_t i)
{
    for (size_t k = 0; k < i && v->models[i]; k++) {
        if (v->models[k] == v->models[i])
            return true;
    }
    return false;
}

void plan_names(const struct variant *v, struct buf *out)
{
    enum { SHOWN = 3, MOST = 40 };
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        if ((v->next_down && came_before(v, i)) || n++ >= SHOWN)
            continue;
        buf_printf(out, "%s%.*s", n > 1 ? ", " : "", STR_ARG(str_cut(v->names[i], MOST)));
    }
    if (n > SHOWN)
        buf_printf(out, " and %zu more", n - SHOWN);
    if (v->next_down)
        buf_puts(out, " instead");
}

static void write_costs(const struct variant *v, struct buf *out)
{
    buf_puts(out, "  cost live   ");
    write_money(&v->live_pusd, out);
    if (v->price_date.n)
        buf_printf(out, "  (prices of %.*s)", STR_ARG(v->price_date));
    buf_puts(out, "\n       batch  ");
    write_money(&v->batch_pusd, out);
    buf_char(out, '\n');
}

static void write_forecast(const struct forecast *f, struct buf *out)
{
    size_t from = out->n;
    buf_puts(out, "  ");
    plan_tier_name(f, out);
    pad(out, from, TIER);
    from = out->n;
    if (f->live.known && !f->live.requests)
        buf_puts(out, "none fits");
    else
        plan_span(&f->live_us, out);
    pad(out, from, LIVE);
    from = out->n;
    plan_binds(f, out);
    pad(out, from, BINDS);
    plan_batch(&f->waves, out);
    buf_char(out, '\n');
}

static void write_unbound(const struct variant *v, struct buf *out)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct makespan *m = &v->list[i].live;
        if (!m->known || !m->requests || m->binds != DIM_UNKNOWN)
            continue;
        buf_puts(out, "  -: no limit binds, all of it goes as fast as answers come\n");
        return;
    }
}

static void write_unknown(const struct variant *v, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < v->count; i++) {
        if (v->list[i].live.known)
            continue;
        buf_puts(out, any ? ", " : "  not known: ");
        plan_tier_name(&v->list[i], out);
        any = true;
    }
    if (any)
        buf_puts(out, " (no published limits)\n");
}

/* The oldest. */
static void write_date(const struct variant *v, struct buf *out)
{
    struct str oldest = {0};
    for (size_t i = 0; i < v->count; i++) {
        struct str d = v->list[i].date;
        if (d.n && (!oldest.n || memcmp(d.p, oldest.p, d.n < oldest.n ? d.n : oldest.n) < 0))
            oldest = d;
    }
    if (oldest.n)
        buf_printf(out, "  limits as of %.*s; `sluice limits` asks the provider\n",
                   STR_ARG(oldest));
}

/* "  tier 1: " */
static void begin_note(const struct forecast *f, struct buf *out)
{
    buf_puts(out, f->tier ? "  tier " : "  ");
    plan_tier_name(f, out);
    buf_puts(out, ": ");
}

static void note_too_large(const struct forecast *f, struct buf *out)
{
    if (f->live.known && f->live.too_large && f->live.requests) {
        begin_note(f, out);
        buf_thousands(out, f->live.too_large);
        buf_puts(out, " requests are larger than a limit, and left out\n");
    }
    if (f->waves.known && f->waves.too_large) {
        begin_note(f, out);
        buf_thousands(out, f->waves.too_large);
        buf_puts(out, " requests are larger than what batches may hold\n");
    }
}

static void write_notes(const struct variant *v, struct buf *out)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct forecast *f = &v->list[i];
        note_too_large(f, out);
        if (!f->over_cap)
            continue;
        begin_note(f, out);
        buf_puts(out, "costs more than the ");
        buf_thousands(out, f->tier->monthly_cap_usd);
        buf_puts(out, " USD that it may spend in a month\n");
    }
    if (v->recounted)
        buf_puts(out,
                 "  tokens are those of the model named; this one counts them otherwise\n");
}

static void write_variant(const struct plan *p, const struct variant *v, struct buf *out)
{
    bool any = false;
    buf_char(out, '\n');
    plan_names(v, out);
    buf_char(out, '\n');
    write_costs(v, out);
    for (size_t i = 0; i < v->count; i++) {
        const struct forecast *f = &v->list[i];
        if (!f->live.known)
            continue;
        if (!any)
            buf_printf(out, "  %-*s%-*s%-*s%s\n", TIER - 2, "tier", LIVE, "live", BINDS,
                       "binds", "Batch API");
        any = true;
        write_forecast(f, out);
    }
    write_unbound(v, out);
    write_unknown(v, out);
    write_date(v, out);
    write_notes(v, out);
}

/* ---- max_tokens -------------------------------------------------------------------------- */

static void write_point(const struct curve *c, const struct curve_point *p, struct buf *out)
{
    struct buf cell = {0};
    buf_thousands(&cell, p->max_tokens);
    buf_printf(out, "  %10s  ", buf_cstr(&cell));
    size_t from = out->n;
    duration_human(out, p->live.makespan_us);
    pad(out, from, 12);
    buf_clear(&cell);
    buf_thousands(&cell, p->pace_milli / 1000);
    buf_printf(&cell, ".%lld", (long long)(p->pace_milli / 100 % 10));
    buf_printf(out, "%10s per minute", buf_cstr(&cell));
    buf_free(&cell);
    if (p->max_tokens == c->present)
        buf_puts(out, "   as asked");
    else if (p->max_tokens == c->enough)
        buf_printf(out, "   enough for %d %%", CURVE_COVERS);
    buf_char(out, '\n');
}

static void write_enough(const struct plan *p, struct buf *out)
{
    const struct curve *c = &p->curve;
    const struct guess *g = p->ask->guess;
    if (g->kind == GUESS_BOUNDS) {
        buf_puts(out, "  which is enough is not known: run a part, then plan --from RESULTS\n");
    } else if (c->enough < 0) {
        buf_puts(out, "  which is enough is not known: ");
        buf_thousands(out, g->cut);
        buf_puts(out, " of the answers seen were cut off at max_tokens\n");
    } else if (c->enough >= c->present) {
        buf_printf(out, "  to cover %d %% of the answers takes ", CURVE_COVERS);
        buf_thousands(out, c->enough);
        buf_puts(out, "\n");
    }
}

static void write_curve(const struct plan *p, struct buf *out)
{
    const struct curve *c = &p->curve;
    buf_puts(out, "\nmax_tokens");
    if (c->kind == CURVE_PRODUCED) {
        buf_puts(out, "\n  plays no part in how fast this goes: output counts as it is made\n");
        return;
    }
    if (c->kind != CURVE_DRAWN) {
        buf_puts(out, c->kind == CURVE_UNASKED
                          ? "\n  is named by no request: none is reserved for output\n"
                          : "\n  no limits are known to tell what it costs\n");
        return;
    }
    buf_puts(out, c->on->tier ? ", tier " : ", ");
    plan_tier_name(c->on, out);
    buf_char(out, '\n');
    for (size_t i = 0; i < c->n; i++)
        write_point(c, &c->points[i], out);
    write_enough(p, out);
}

void plan_table(const struct plan *p, struct buf *out)
{
    write_what(p, out);
    write_taken(p, out);
    if (!p->requests)
        return;
    write_variant(p, &p->named, out);
    if (p->next.n)
        write_variant(p, &p->next, out);
    write_curve(p, out);
}
