/* plan.c: see plan.h.
 *
 * A forecast for every tier and variant is one call of makespan_of (two or three where output
 * is charged as it is produced) and one of waves_of. Tiers with the same limits are asked once.
 */
#include "plan.h"

#include <stdlib.h>

static const int64_t usd_pusd = 1000000000000;

void guess_free(struct guess *g)
{
    outputs_free(&g->low);
    outputs_free(&g->likely);
    outputs_free(&g->high);
}

static struct scenario scenario_for(const struct plan_ask *ask, const struct models *models)
{
    struct scenario s = scenario_of(ask->account);
    s.rows = &ask->input->rows;
    s.models = models;
    s.most_output = ask->max_tokens;
    s.service_us = ask->service_us;
    s.outputs = ask->guess->kind == GUESS_BOUNDS ? &ask->guess->high : &ask->guess->likely;
    return s;
}

/* ---- what it costs ----------------------------------------------------------------------- */

struct bill_of_fare { /* sums over the rows of one model */
    int64_t input_tokens;
    struct figure output_tokens;
};

static int64_t priced(int64_t tokens, int64_t pusd)
{
    __int128 sum = (__int128)tokens * pusd;
    return sum < INT64_MAX / 4 ? (int64_t)sum : INT64_MAX / 4;
}

static void add_row(const struct plan_ask *ask, const struct row *row, struct bill_of_fare *sum)
{
    const struct guess *g = ask->guess;
    struct scenario s = {.most_output = ask->max_tokens};
    struct demand d = scenario_demand(&s, row);
    int64_t most = d.max_output_tokens;
    sum->input_tokens += d.input_tokens;
    sum->output_tokens.low += outputs_mean(&g->low, most);
    sum->output_tokens.high += outputs_mean(&g->high, most);
    if (g->kind != GUESS_BOUNDS)
        sum->output_tokens.likely += outputs_mean(&g->likely, most);
}

static void add_cost(struct figure *f, const struct bill_of_fare *sum, int64_t input_pusd,
                     int64_t output_pusd)
{
    if (f->low < 0 || input_pusd < 0 || (output_pusd < 0 && sum->output_tokens.high > 0)) {
        *f = (struct figure){-1, -1, -1};
        return;
    }
    int64_t input = priced(sum->input_tokens, input_pusd);
    f->low += input + priced(sum->output_tokens.low, output_pusd);
    f->likely += input + priced(sum->output_tokens.likely, output_pusd);
    f->high += input + priced(sum->output_tokens.high, output_pusd);
}

static void discount(struct figure *f, const struct figure *live, int64_t percent)
{
    if (f->low < 0 || live->low < 0 || percent < 0) {
        *f = (struct figure){-1, -1, -1};
        return;
    }
    f->low += live->low / 100 * percent;
    f->likely += live->likely / 100 * percent;
    f->high += live->high / 100 * percent;
}

static void note_price_date(struct variant *v, const struct model *m)
{
    struct str a = m ? m->source_date : (struct str){0}, b = v->price_date;
    if (a.n && (!b.n || memcmp(a.p, b.p, a.n < b.n ? a.n : b.n) < 0))
        v->price_date = a;
}

static void find_costs(struct variant *v, const struct bill_of_fare *sums)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct model *m = v->models[i];
        struct figure live = {0, 0, 0};
        add_cost(&live, &sums[i], m ? m->input_pusd : -1, m ? m->output_pusd : -1);
        discount(&v->batch_pusd, &live, m ? m->batch_percent : -1);
        add_cost(&v->live_pusd, &sums[i], m ? m->input_pusd : -1, m ? m->output_pusd : -1);
        note_price_date(v, m);
    }
}

/* ---- a forecast -------------------------------------------------------------------------- */

/* The variant's models in the order of the input's, each with its pool. false: one of them has
 * no known limits. */
static bool find_models(const struct variant *v, const struct limit_source *source,
                        struct models *out)
{
    struct diag why;
    struct batch_model *list = mem_alloc((v->n + 1) * sizeof *list);
    *out = (struct models){.n = 0};
    for (size_t i = 0; i < v->n; i++) {
        size_t index;
        if (models_index(out, source, v->names[i], &index, &why) != SL_OK) {
            models_free(out);
            free(list);
            return false;
        }
        list[i] = out->list[index];
    }
    free(out->list);
    out->list = list;
    out->n = out->cap = v->n;
    return true;
}

static bool same_limits(const struct models *a, const struct models *b)
{
    if (a->n != b->n || a->pool_count != b->pool_count)
        return false;
    for (size_t p = 0; p < a->pool_count; p++) {
        const struct batch_pool *x = &a->pools[p], *y = &b->pools[p];
        if (x->limit_count != y->limit_count || !str_eq(x->name, y->name))
            return false;
        for (size_t i = 0; i < x->limit_count; i++) {
            if (x->limits[i].dim != y->limits[i].dim ||
                x->limits[i].limit != y->limits[i].limit)
                return false;
        }
    }
    return true;
}

static int64_t makespan_us(struct scenario s, const struct outputs *outputs)
{
    s.outputs = outputs;
    struct makespan m = makespan_of(&s);
    return m.known ? m.makespan_us : -1;
}

static void foresee_live(const struct plan_ask *ask, struct forecast *f)
{
    const struct guess *g = ask->guess;
    struct scenario s = scenario_for(ask, &f->models);
    f->live = makespan_of(&s);
    int64_t us = f->live.known ? f->live.makespan_us : -1;
    f->live_us = (struct figure){us, us, us};
    if (us < 0 || s.account.charge != CHARGE_ACTUAL)
        return;
    f->live_us.low = makespan_us(s, &g->low);
    if (g->kind == GUESS_BOUNDS)
        f->live_us.likely = -1;
    else
        f->live_us.high = makespan_us(s, &g->high);
    if (f->live_us.low > f->live_us.high) /* where other draws weigh more than lengths */
        f->live_us.low = f->live_us.high;
}

/* As an earlier forecast with the same limits found it, or anew. */
static void foresee(const struct plan_ask *ask, const struct variant *v, struct forecast *f)
{
    for (const struct forecast *e = v->list; e < f; e++) {
        if (e->models.n && same_limits(&e->models, &f->models)) {
            f->live = e->live;
            f->live_us = e->live_us;
            return;
        }
    }
    foresee_live(ask, f);
}

static struct str date_of(const struct plan_ask *ask, const struct variant *v,
                          const struct tier *t)
{
    struct str provider = str_of(ask->account->provider->name);
    return catalogue_limits_date(ask->account->catalogue, provider, t->name, v->names[0]);
}

static bool costs_more(const struct variant *v, int64_t cap_usd)
{
    int64_t cost = v->live_pusd.likely >= 0 ? v->live_pusd.likely : v->live_pusd.low;
    return cap_usd >= 0 && cost / usd_pusd >= cap_usd;
}

static bool lacks_limits(const struct models *models)
{
    for (size_t p = 0; p < models->pool_count; p++) {
        if (models->pools[p].limit_count == 0)
            return true;
    }
    return false;
}

static void add_forecast(const struct plan_ask *ask, struct variant *v,
                         const struct limit_source *source, const struct tier *tier)
{
    const struct account_options *a = ask->account;
    struct forecast *f = &v->list[v->count++];
    const struct tier *own = NULL;
    if (a->limits.tier.n && !a->limits.n)
        own = catalogue_tier(a->catalogue, str_of(a->provider->name), a->limits.tier);
    *f = (struct forecast){.tier = tier, .own = !tier || tier == own, .live_us = {-1, -1, -1}};
    if (tier)
        f->date = date_of(ask, v, tier);
    if (!find_models(v, source, &f->models))
        return;
    if (!tier && v->next_down && lacks_limits(&f->models)) {
        models_free(&f->models); /* they were told for the models named */
        v->count--;
        return;
    }
    struct waves_at at = {a->catalogue, str_of(a->provider->name),
                          tier ? tier->name : source->tier};
    foresee(ask, v, f);
    f->waves = waves_of(&at, &ask->input->rows, &f->models);
    f->over_cap = tier && costs_more(v, tier->monthly_cap_usd);
}

/* The limits told by hand first, then every tier. */
static void add_forecasts(const struct plan_ask *ask, struct variant *v)
{
    const struct account_options *a = ask->account;
    const struct tier *tiers[TIERS_MAX];
    size_t n = catalogue_tier_list(a->catalogue, str_of(a->provider->name), tiers, TIERS_MAX);
    struct limit_source source = a->limits;
    v->list = mem_zero((n + 1) * sizeof *v->list);
    if (source.n)
        add_forecast(ask, v, &source, NULL);
    source.n = 0;
    for (size_t i = 0; i < n; i++) {
        source.tier = tiers[i]->name;
        add_forecast(ask, v, &source, tiers[i]);
    }
}

/* ---- variants ---------------------------------------------------------------------------- */

static void open_variant(struct plan *p, struct variant *v)
{
    const struct plan_ask *ask = p->ask;
    v->n = ask->input->models.n;
    v->names = arena_alloc(&p->arena, (v->n + 1) * sizeof *v->names);
    v->models = arena_alloc(&p->arena, (v->n + 1) * sizeof(const struct model *));
    for (size_t i = 0; i < v->n; i++) {
        v->names[i] = ask->input->models.list[i].name;
        v->models[i] = catalogue_model(ask->account->catalogue, v->names[i]);
    }
}

static const struct model *smaller(const struct plan_ask *ask, const struct model *m)
{
    if (ask->instead)
        return catalogue_model(ask->account->catalogue, str_of(ask->instead));
    return m ? catalogue_next_down(ask->account->catalogue, m, ask->today) : NULL;
}

/* Each model's next one down, where it has one; n 0 where none has. */
static void step_down(struct plan *p, struct variant *v)
{
    bool any = false;
    if (p->ask->instead && !*p->ask->instead)
        return;
    open_variant(p, v);
    v->next_down = true;
    for (size_t i = 0; i < v->n; i++) {
        const struct model *was = v->models[i], *m = smaller(p->ask, was);
        if (!m || m == was)
            continue;
        any = true;
        v->recounted |= was && !str_eq(was->encoding, m->encoding);
        v->models[i] = m;
        v->names[i] = m->name;
    }
    if (!any)
        v->n = 0;
}

/* ---- what max_tokens costs --------------------------------------------------------------- */

static int64_t rounded_up(int64_t tokens)
{
    int64_t step = tokens < 20 ? 1 : tokens < 1000 ? 10 : tokens < 20000 ? 100 : 1000;
    return (tokens + step - 1) / step * step;
}

/* Into its place, once. */
static void add_point(struct curve *c, int64_t max_tokens)
{
    size_t i = c->n;
    for (size_t k = 0; k < c->n; k++) {
        if (c->points[k].max_tokens == max_tokens)
            return;
    }
    sl_assert(c->n < CURVE_POINTS);
    for (; i > 0 && c->points[i - 1].max_tokens > max_tokens; i--)
        c->points[i] = c->points[i - 1];
    c->points[i] = (struct curve_point){.max_tokens = max_tokens};
    c->n++;
}

static int64_t enough_of(const struct guess *g)
{
    bool cut = g->kind == GUESS_SEEN && g->cut * 100 > g->answers * (100 - CURVE_COVERS);
    if (g->kind == GUESS_BOUNDS || cut)
        return -1;
    return rounded_up(outputs_covering(&g->likely, CURVE_COVERS));
}

/* On the account's own limits, else on the first tier where tokens bind. */
static const struct forecast *stage_of(const struct variant *v)
{
    const struct forecast *first = NULL, *bound = NULL;
    for (size_t i = v->count; i-- > 0;) {
        const struct forecast *f = &v->list[i];
        if (!f->live.known || !f->live.requests)
            continue;
        if (f->own)
            return f;
        first = f;
        if (f->live.binds == DIM_TPM || f->live.binds == DIM_TPD)
            bound = f;
    }
    return bound ? bound : first;
}

static void draw_point(const struct plan_ask *ask, const struct forecast *on,
                       struct curve_point *p)
{
    struct scenario s = scenario_for(ask, &on->models);
    s.most_output = p->max_tokens;
    p->live = makespan_of(&s);
    if (p->live.known && p->live.makespan_us > 0)
        p->pace_milli = (int64_t)((__int128)p->live.requests * ask->account->minute_us * 1000 /
                                  p->live.makespan_us);
}

static void draw_curve(struct plan *p)
{
    enum { PARTS = 8 };
    struct curve *c = &p->curve;
    const struct rows *rows = &p->ask->input->rows;
    struct scenario s = {.most_output = p->ask->max_tokens};
    c->enough = enough_of(p->ask->guess);
    c->on = stage_of(&p->named);
    for (size_t i = 0; i < rows->n; i++) {
        struct demand d = scenario_demand(&s, &rows->list[i]);
        if (rows->list[i].state == ROW_PENDING && d.max_output_given &&
            d.max_output_tokens > c->present)
            c->present = d.max_output_tokens;
    }
    c->kind = p->ask->account->config.charge == CHARGE_ACTUAL ? CURVE_PRODUCED
              : c->present == 0                               ? CURVE_UNASKED
              : !c->on                                        ? CURVE_NO_LIMITS
                                                              : CURVE_DRAWN;
    if (c->kind != CURVE_DRAWN)
        return;
    for (int64_t k = 1; k < PARTS; k++) {
        int64_t part = rounded_up(c->present * k / PARTS);
        if (part > 0 && part < c->present)
            add_point(c, part);
    }
    add_point(c, c->present);
    if (c->enough > 0 && c->enough < c->present)
        add_point(c, c->enough);
    for (size_t i = 0; i < c->n; i++)
        draw_point(p->ask, c->on, &c->points[i]);
}

/* ---- the whole --------------------------------------------------------------------------- */

/* What its requests are charged, by the account's rule. */
static int64_t sum_charges(const struct plan_ask *ask)
{
    struct scenario s = scenario_for(ask, &ask->input->models);
    int64_t sums[DIM_RATES] = {0};
    for (size_t i = 0; i < s.rows->n; i++) {
        if (s.rows->list[i].state == ROW_PENDING)
            scenario_weigh(&s, &s.rows->list[i], sums);
    }
    return sums[DIM_TPM];
}

static struct bill_of_fare *sum_rows(struct plan *p)
{
    const struct input *in = p->ask->input;
    struct bill_of_fare *sums = mem_zero((in->models.n + 1) * sizeof *sums);
    for (size_t i = 0; i < in->rows.n; i++) {
        const struct row *row = &in->rows.list[i];
        if (row->state != ROW_PENDING)
            continue;
        p->requests++;
        p->input_tokens += row->input_tokens;
        add_row(p->ask, row, &sums[row->model]);
    }
    return sums;
}

/* What is known only at its ends has no middle. */
static void forget_middle(const struct plan_ask *ask, struct figure *f)
{
    if (ask->guess->kind == GUESS_BOUNDS && f->low != f->high)
        f->likely = -1;
}

static void make_variant(struct plan *p, struct variant *v, const struct bill_of_fare *sums)
{
    if (!v->n)
        return;
    find_costs(v, sums);
    forget_middle(p->ask, &v->live_pusd);
    forget_middle(p->ask, &v->batch_pusd);
    add_forecasts(p->ask, v);
}

void plan_make(struct plan *p, const struct plan_ask *ask)
{
    *p = (struct plan){.ask = ask, .provider = str_of(ask->account->provider->name)};
    struct bill_of_fare *sums = sum_rows(p);
    p->exact = ask->input->estimated == 0;
    p->charged = sum_charges(ask);
    open_variant(p, &p->named);
    step_down(p, &p->next);
    make_variant(p, &p->named, sums);
    make_variant(p, &p->next, sums);
    draw_curve(p);
    free(sums);
}

static void close_variant(struct variant *v)
{
    for (size_t i = 0; i < v->count; i++)
        models_free(&v->list[i].models);
    free(v->list);
}

void plan_free(struct plan *p)
{
    close_variant(&p->named);
    close_variant(&p->next);
    arena_free(&p->arena);
}
