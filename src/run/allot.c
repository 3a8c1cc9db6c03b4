/* allot.c: see allot.h. Invariant: the choice is begun in the journal, then its parcels, then
 * it is made; what a process that died in between had planned is void, for nothing of it was
 * sent.
 */
#include "allot.h"

#include "batch.h"
#include "duration.h"
#include "makespan.h"
#include "money.h"
#include "shipping.h"
#include "wall.h"

#include <stdlib.h>

/* Where a provider does not say how long a cancellation takes: half as long again as the one
 * that does. */
static const int64_t CANCEL_UNKNOWN_US = 15 * INT64_C(60000000);

enum {
    MARGIN_PERCENT = 5,
    /* Rows of a group that is split are taken in stretches, from all of the file: its parts may
     * differ in size. Not one by one, for a journal names rows in ranges. */
    STRETCHES = 64,
    STRETCH_ROWS = 50,
};

/* ---- figures ------------------------------------------------------------------------------
 */

static const struct model *model_of(const struct batch *b, const struct row *row)
{
    return b->input.models.list[row->model].known;
}

static struct fare fare_of(const struct batch *b, const struct row *row)
{
    return savings_fare(row, model_of(b, row), &b->settings->outputs);
}

/* As far as can be told without its line. */
static bool may_ship(const struct batch *b, const struct row *row)
{
    const struct shipping *s = b->shipping;
    int64_t most = s->queue_tokens[b->input.models.list[row->model].pool];
    if (most >= 0 && row->input_tokens > most)
        return false;
    return b->allot.routes & (1U << row->route);
}

static unsigned routes_of(const struct batch_rules *rules)
{
    unsigned routes = 0;
    for (size_t i = 0; i < rules->endpoint_count; i++)
        routes |= 1U << route_of(rules->endpoints[i]);
    return routes & ~(1U << ROUTE_OTHER);
}

static bool costs_less(const struct model *m)
{
    return m && m->batch_percent > 0 && m->batch_percent < 100;
}

/* Once not known, always not known. */
static void add(int64_t *sum, int64_t more)
{
    *sum = *sum < 0 || more < 0 ? -1 : *sum + more;
}

static void add_row(const struct batch *b, const struct row *row, struct choice_group *g)
{
    struct fare f = fare_of(b, row);
    bool ships = may_ship(b, row);
    g->requests++;
    g->batches |= ships;
    add(&g->live_pusd, f.live_pusd);
    add(&g->batch_pusd, ships && costs_less(model_of(b, row)) ? f.batch_pusd : f.live_pusd);
}

/* How long its batches may take, one after another where no more may wait at once. */
static int64_t window_of(const struct batch *b, size_t pool, int64_t tokens, int64_t requests)
{
    const struct shipping *s = b->shipping;
    int64_t most = s->queue_tokens[pool], turns = 1;
    if (s->rules->window_s < 0 || (s->dialect == BATCH_OPENAI && most < 0))
        return -1;
    if (most > 0)
        turns = (tokens + most - 1) / most;
    if (s->queue_requests > 0)
        turns = (requests + s->queue_requests - 1) / s->queue_requests;
    return turns * s->rules->window_s * 1000000;
}

/* -1 in all where a model in use has no known limits. */
static void find_times(struct batch *b, struct choice *c)
{
    struct scenario s = scenario_of(&b->settings->account);
    int64_t *pool_us = mem_zero((c->n + 1) * sizeof *pool_us);
    s.rows = &b->input.rows;
    s.models = &b->input.models;
    s.outputs = &b->settings->outputs;
    s.service_us = b->settings->service_us;
    struct makespan m = makespan_by_pool(&s, pool_us);
    for (size_t p = 0; p < c->n; p++) {
        bool known = m.known || !c->groups[p].requests;
        c->groups[p].live_us = known ? pool_us[p] / 100 * (100 + MARGIN_PERCENT) : -1;
    }
    free(pool_us);
}

int64_t allot_cancel_us(const struct batch *b)
{
    int64_t s = b->shipping->rules->cancel_s;
    return s >= 0 ? s * 1000000 : CANCEL_UNKNOWN_US;
}

static void find_figures(struct batch *b, struct choice *c)
{
    const struct models *m = &b->input.models;
    int64_t *tokens = mem_zero((m->pool_count + 1) * sizeof *tokens);
    c->n = m->pool_count;
    c->groups = mem_zero((c->n + 1) * sizeof *c->groups);
    c->cancel_us = allot_cancel_us(b);
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        size_t pool = m->list[row->model].pool;
        if (row->state != ROW_PENDING)
            continue;
        add_row(b, row, &c->groups[pool]);
        tokens[pool] += row->input_tokens;
    }
    for (size_t p = 0; p < c->n; p++) {
        struct choice_group *g = &c->groups[p];
        g->batches &= g->batch_pusd >= 0 && g->batch_pusd < g->live_pusd;
        g->window_us = window_of(b, p, tokens[p], g->requests);
        add(&b->allot.live_pusd, g->live_pusd);
        add(&b->allot.batch_pusd, g->batch_pusd);
    }
    if (c->deadline_us >= 0)
        find_times(b, c);
    free(tokens);
}

/* ---- what cannot be -----------------------------------------------------------------------
 */

static enum sl_err too_late(const struct batch *b, struct diag *diag)
{
    const struct choice *c = &b->allot.figures;
    const struct choice_group *g = &c->groups[c->fault];
    struct str name = b->input.models.pools[c->fault].name;
    struct buf what = {0};
    buf_printf(&what, "cannot be kept, nothing was sent: even live, %.*s takes ",
               STR_ARG(str_cut(name, 60)));
    duration_human(&what, g->live_us);
    buf_puts(&what, " for ");
    buf_thousands(&what, g->requests);
    buf_puts(&what,
             g->requests == 1 ? " request, and there are " : " requests, and there are ");
    duration_human(&what, c->deadline_us);
    buf_puts(&what,
             ". Allow more time, or see with `sluice plan` what a higher tier, a smaller "
             "model or a lower max_tokens would take; --mode batch costs less and has no "
             "deadline of yours");
    diag_set(diag, SL_RANGE, "--deadline", "%s", buf_cstr(&what));
    buf_free(&what);
    return SL_RANGE;
}

static enum sl_err too_dear(const struct batch *b, int64_t cost_pusd, struct diag *diag)
{
    const struct choice *c = &b->allot.figures;
    bool told = b->settings->outputs.n > 0;
    bool about = told || b->input.estimated > 0;
    struct buf what = {0};
    buf_puts(&what, "is too small, nothing was sent: ");
    buf_puts(&what, c->deadline_us >= 0 ? "the cheapest way that keeps the deadline costs "
                                        : "even as batches it costs ");
    buf_puts(&what, about ? "about " : "up to ");
    money_write(&what, cost_pusd);
    buf_puts(&what, " USD");
    if (c->deadline_us >= 0 && b->allot.batch_pusd >= 0) {
        buf_puts(&what, " (all as batches ");
        money_write(&what, b->allot.batch_pusd);
        buf_puts(&what, " USD)");
    }
    buf_puts(&what, ", and there are ");
    money_write(&what, c->budget_pusd);
    buf_puts(&what, told ? " USD. "
                         : " USD, if answers are as long as requests allow; "
                           "--output-tokens tells how long they are likely to be. ");
    buf_puts(&what, "`sluice plan` shows what a smaller model or a lower max_tokens costs");
    diag_set(diag, SL_RANGE, "--budget", "%s", buf_cstr(&what));
    buf_free(&what);
    return SL_RANGE;
}

static enum sl_err say_end(const struct batch *b, enum choice_end end, struct diag *diag)
{
    const struct choice *c = &b->allot.figures;
    struct str name = end == CHOICE_MADE ? STR("") : b->input.models.pools[c->fault].name;
    switch (end) {
    case CHOICE_MADE:
        break;
    case CHOICE_TOO_LATE:
        return too_late(b, diag);
    case CHOICE_TOO_DEAR:
        return too_dear(b, c->cost_pusd, diag);
    case CHOICE_TIME_UNKNOWN:
        return diag_set(diag, SL_MISSING, "--deadline",
                        "how long it takes live is not known, since not all limits are: --tier "
                        "or --limits '%.*s:rpm=...,tpm=...' tells them (`sluice limits` asks)",
                        STR_ARG(str_cut(name, 60)));
    case CHOICE_PRICE_UNKNOWN:
        return diag_set(diag, SL_MISSING, "--budget",
                        "the price of %.*s is not known: a file laid over the catalogue tells "
                        "it (--catalogue)",
                        STR_ARG(str_cut(name, 60)));
    }
    return SL_OK;
}

/* ---- rows ---------------------------------------------------------------------------------
 */

struct marking {
    const struct batch *b;
    bool *ships; /* by row */
    int64_t cost_pusd;
};

/* How many rows of each pool may ship. */
static int64_t *count_shippable(const struct batch *b)
{
    const struct models *m = &b->input.models;
    int64_t *n = mem_zero((m->pool_count + 1) * sizeof *n);
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        n[m->list[row->model].pool] += row->state == ROW_PENDING && may_ship(b, row);
    }
    return n;
}

/* Is the n-th of `all` rows one of `part`? */
static bool is_in_part(int64_t n, int64_t all, int64_t part)
{
    int64_t stretches = all / STRETCH_ROWS < STRETCHES ? all / STRETCH_ROWS : STRETCHES;
    return n * (stretches > 1 ? stretches : 1) % all < part;
}

static void mark_groups(struct marking *k)
{
    const struct batch *b = k->b;
    const struct models *m = &b->input.models;
    int64_t *all = count_shippable(b);
    int64_t *seen = mem_zero((m->pool_count + 1) * sizeof *seen);
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        size_t pool = m->list[row->model].pool;
        struct fare f = fare_of(b, row);
        if (row->state != ROW_PENDING)
            continue;
        if (may_ship(b, row))
            k->ships[i] =
                is_in_part(seen[pool]++, all[pool], b->allot.figures.groups[pool].batch);
        add(&k->cost_pusd, k->ships[i] ? f.batch_pusd : f.live_pusd);
    }
    free(seen);
    free(all);
}

/* Requests are not all alike: what is over a budget that alone counts goes as batches too. */
static void keep_budget(struct marking *k)
{
    const struct batch *b = k->b;
    const struct choice *c = &b->allot.figures;
    if (c->budget_pusd < 0 || c->deadline_us >= 0)
        return;
    for (size_t i = b->input.rows.n; i-- > 0 && k->cost_pusd > c->budget_pusd;) {
        const struct row *row = &b->input.rows.list[i];
        if (row->state != ROW_PENDING || k->ships[i] || !may_ship(b, row) ||
            !c->groups[b->input.models.list[row->model].pool].batches)
            continue;
        struct fare f = fare_of(b, row);
        k->ships[i] = true;
        k->cost_pusd -= f.live_pusd - f.batch_pusd;
    }
}

static bool is_marked(void *ctx, size_t row)
{
    const struct marking *k = ctx;
    return k->ships[row];
}

/* As it came out: batches may take less than could be told without the lines. */
static void count_choice(struct batch *b)
{
    struct choice *c = &b->allot.figures;
    c->cost_pusd = 0;
    for (size_t p = 0; p < c->n; p++)
        c->groups[p].batch = 0;
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        bool ships = row->state == ROW_SHIPPED && row->parcel > b->allot.parcels_before;
        struct fare f = fare_of(b, row);
        c->groups[b->input.models.list[row->model].pool].batch += ships;
        if (ships || row->state == ROW_PENDING)
            add(&c->cost_pusd, ships ? f.batch_pusd : f.live_pusd);
    }
    b->allot.savings = (struct savings){c->budget_pusd >= 0, c->budget_pusd - c->cost_pusd};
}

static bool note(struct batch *b, bool made)
{
    struct buf line = {0};
    b->allot.choice.begun = true;
    b->allot.choice.made = made;
    parcels_write_choice(&b->allot.choice, &line);
    bool noted = shipping_note(b->shipping, buf_str(&line));
    buf_free(&line);
    return noted;
}

static enum sl_err carry_out(struct batch *b, struct diag *diag)
{
    struct marking k = {b, mem_zero((b->input.rows.n + 1) * sizeof(bool)), 0};
    const struct manifest_filter f = {.wanted = is_marked, .ctx = &k};
    const struct choice *c = &b->allot.figures;
    enum sl_err err = SL_OK;
    mark_groups(&k);
    keep_budget(&k);
    if (c->budget_pusd >= 0 && k.cost_pusd > c->budget_pusd)
        err = too_dear(b, k.cost_pusd, diag);
    b->allot.parcels_before = (uint16_t)b->shipping->parcels.n;
    if (err == SL_OK && !note(b, false))
        err = diag_set(diag, SL_IO, b->why.where, "%s", b->why.what);
    if (err == SL_OK)
        err = manifest_pack(b->shipping, &f, diag);
    if (err == SL_OK && !note(b, true))
        err = diag_set(diag, SL_IO, b->why.where, "%s", b->why.what);
    if (err == SL_OK)
        count_choice(b);
    free(k.ships);
    return err;
}

enum sl_err allot_rows(struct batch *b, struct diag *diag)
{
    const struct settings *set = b->settings;
    struct allot *a = &b->allot;
    a->stands = b->shipping->stands;
    if (a->stands) {
        a->choice = b->shipping->choice;
        a->savings.open = a->choice.budget_pusd >= 0;
        return SL_OK;
    }
    a->figures =
        (struct choice){.deadline_us = set->deadline_us, .budget_pusd = set->budget_pusd};
    a->choice = (struct parcels_choice){
        .deadline_us = set->deadline_us, .until_us = -1, .budget_pusd = set->budget_pusd};
    if (set->deadline_us >= 0)
        a->choice.until_us = wall_unix_us() + set->deadline_us;
    a->routes = routes_of(b->shipping->rules);
    find_figures(b, &a->figures);
    enum sl_err err = say_end(b, mode_choose(&a->figures), diag);
    return err == SL_OK ? carry_out(b, diag) : err;
}

void allot_free(struct allot *a)
{
    free(a->figures.groups);
    a->figures.groups = NULL;
}

/* ---- money on the way ---------------------------------------------------------------------
 */

bool allot_raise(struct batch *b, const struct row *row)
{
    return savings_raise(&b->allot.savings, fare_of(b, row));
}

void allot_settle(struct batch *b, const struct row *row, bool batch, int64_t paid_pusd)
{
    if (!b->allot.savings.open)
        return;
    struct fare f = fare_of(b, row);
    savings_settle(&b->allot.savings, batch ? f.batch_pusd : f.live_pusd, paid_pusd);
}
