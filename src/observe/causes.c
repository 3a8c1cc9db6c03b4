/* causes.c: see causes.h. One function a kind of alert. */
#include "causes.h"

#include "duration.h"

#include <stdio.h>

enum { TIERS_MAX = 16, MINUTE_US = 60000000 };

/* What is looked at, and where findings go. */
struct search {
    const struct alert_rules *rules;
    const struct scene *scene;
    const struct history *history;
    struct arena *arena;
    struct causes *out;
    size_t cap;
};

/* The place of the next finding; the list may move. */
static struct cause *found(struct search *s, enum alert_kind kind, struct str account,
                           struct str model, enum dimension dim)
{
    struct causes *c = s->out;
    if (c->n == s->cap) {
        struct cause *before = c->list;
        s->cap = s->cap ? s->cap * 2 : 16;
        c->list = arena_alloc(s->arena, s->cap * sizeof *c->list);
        for (size_t i = 0; i < c->n; i++)
            c->list[i] = before[i];
    }
    c->list[c->n] =
        (struct cause){.kind = kind, .account = account, .model = model, .dim = dim};
    return &c->list[c->n++];
}

static struct str keep(struct search *s, struct buf *b)
{
    struct str kept = arena_copy(s->arena, buf_str(b));
    buf_free(b);
    return kept;
}

static const struct scene_account *account_of(const struct scene *s, struct str name)
{
    for (size_t i = 0; i < s->account_count; i++) {
        if (str_eq(s->accounts[i].name, name))
            return &s->accounts[i];
    }
    return NULL;
}

/* The first of the steps that cover so long until now. */
static int64_t first_step(const struct history *h, int64_t over_us)
{
    int64_t from = history_step_number(h) + 1 - over_us / HISTORY_STEP_US;
    return from > 0 ? from : 0;
}

/* ---- what another tier would bring ------------------------------------------------------- */

static int64_t limit_of_tier(const struct scene_account *a, struct str tier, struct str model,
                             enum dimension dim)
{
    struct tier_limit limits[DIM_COUNT];
    size_t n = catalogue_limits(a->catalogue, a->provider, tier, model, limits, NULL);
    for (size_t i = 0; i < n; i++) {
        if (limits[i].dim == dim)
            return limits[i].limit;
    }
    return -1;
}

/* The first tier under which what is used now would stay below the threshold. */
static void advise_tier(struct buf *b, const struct scene_account *a, struct str model,
                        const struct scene_budget *v, int64_t percent)
{
    struct str tiers[TIERS_MAX];
    bool known = false;
    size_t n =
        a && a->catalogue ? catalogue_tiers(a->catalogue, a->provider, tiers, TIERS_MAX) : 0;
    for (size_t i = 0; i < n; i++) {
        int64_t limit = limit_of_tier(a, tiers[i], model, v->dim);
        known |= limit > 0;
        if (limit <= v->limit || v->used * 100 > limit * percent)
            continue;
        buf_printf(b, "Tier %.*s has ", STR_ARG(tiers[i]));
        buf_thousands(b, limit);
        buf_printf(b, " %s: the same use would be %lld %% of it.", dimension_unit(v->dim),
                   (long long)(v->used * 100 / limit));
        return;
    }
    buf_puts(b, known ? "No tier in the catalogue has enough more."
                      : "What another tier would allow is not known.");
}

/* ---- of models --------------------------------------------------------------------------- */

static void write_share(struct buf *b, int64_t part, int64_t whole)
{
    int64_t tenths = whole > 0 ? part * 1000 / whole : 1000;
    buf_printf(b, "%lld.%lld %%", (long long)(tenths / 10), (long long)(tenths % 10));
}

static void write_place(struct buf *b, const struct scene_pool *p)
{
    buf_printf(b, "%.*s %.*s: ", STR_ARG(p->account), STR_ARG(p->model));
}

/* "5 min" rather than "5m 00s". */
static void write_span(struct buf *b, int64_t us)
{
    if (us > 0 && us % MINUTE_US == 0)
        buf_printf(b, "%lld min", (long long)(us / MINUTE_US));
    else
        duration_human(b, us);
}

struct counted {
    int64_t requests, headroom, wait;
    int64_t by_provider[DIM_COUNT + 1], by_wait[DIM_COUNT + 1];
};

/* Of a wait that no limit makes (the provider is out, every slot is taken) find_queue tells. */
static struct counted count(const struct history *h, const struct history_track *t,
                            int64_t over_us)
{
    struct counted c = {.requests = 0};
    for (int64_t i = first_step(h, over_us); i <= history_step_number(h); i++) {
        const struct history_step *step = history_at(t, i);
        c.requests += step->requests;
        c.headroom += step->headroom;
        for (int d = 0; d <= DIM_COUNT; d++) {
            c.by_provider[d] += step->by_provider[d];
            c.by_wait[d] += d == DIM_UNKNOWN ? 0 : step->by_wait[d];
            c.wait += step->by_wait[d];
        }
    }
    return c;
}

static void tell_refusals(struct search *s, const struct scene_pool *p, enum dimension dim,
                          const struct counted *c)
{
    struct buf text = {0};
    int64_t there = c->by_provider[dim], here = c->by_wait[dim], all = there + here;
    struct cause *cause = found(s, ALERT_REFUSALS, p->account, p->model, dim);
    write_place(&text, p);
    write_share(&text, all, c->requests > all ? c->requests : all);
    if (dim == DIM_UNKNOWN)
        buf_puts(&text, " of requests refused, by which limit was not said, in ");
    else
        buf_printf(&text, " of requests refused by %s (%s) in ", dimension_unit(dim),
                   dimension_name(dim));
    write_span(&text, s->rules->refusals_over_us);
    buf_printf(&text, ": %lld of %lld, %lld by the provider, %lld here", (long long)all,
               (long long)(c->requests > all ? c->requests : all), (long long)there,
               (long long)here);
    cause->text = keep(s, &text);
    cause->advice =
        there > here
            ? STR("Sluice sends what the limits it knows allow. Either another program draws "
                  "on the account (lower `use`), or a limit is lower than was said.")
            : STR("More is asked for than the limit gives: fewer requests, smaller ones, a "
                  "longer max_wait, or a higher tier.");
}

static void find_refusals(struct search *s, const struct scene_pool *p,
                          const struct history_track *t)
{
    struct counted c = count(s->history, t, s->rules->refusals_over_us);
    for (int d = 0; d <= DIM_COUNT; d++) {
        int64_t all = c.by_provider[d] + c.by_wait[d];
        int64_t of = c.requests > all ? c.requests : all;
        if (all >= s->rules->refusals_least && all * 100 > s->rules->refusals_percent * of)
            tell_refusals(s, p, (enum dimension)d, &c);
    }
}

static void find_headroom(struct search *s, const struct scene_pool *p,
                          const struct history_track *t)
{
    struct counted c = count(s->history, t, s->rules->headroom_over_us);
    struct buf text = {0};
    if (c.headroom == 0)
        return;
    struct cause *cause = found(s, ALERT_HEADROOM, p->account, p->model, DIM_UNKNOWN);
    write_place(&text, p);
    buf_printf(&text, "%lld refused in ", (long long)c.headroom);
    write_span(&text, s->rules->headroom_over_us);
    buf_puts(&text, " although the provider's own headers showed room");
    cause->text = keep(s, &text);
    cause->advice = STR("A limit that headers do not tell: a shorter window, one shared with "
                        "other models, or a fault of the provider's. If it lasts it is worth "
                        "writing to their support, with request ids from the log.");
}

static void find_queue(struct search *s, const struct scene_pool *p,
                       const struct history_track *t)
{
    struct counted c = count(s->history, t, s->rules->queue_over_us);
    const struct scene_account *a = account_of(s->scene, p->account);
    struct buf text = {0};
    if (c.wait == 0 || (a && a->paused)) /* an outage speaks for itself */
        return;
    struct cause *cause = found(s, ALERT_QUEUE, p->account, p->model, DIM_UNKNOWN);
    write_place(&text, p);
    buf_printf(&text, "%lld turned away in ", (long long)c.wait);
    write_span(&text, s->rules->queue_over_us);
    buf_printf(&text, ": they would have waited longer than they may (%zu wait now)",
               p->queued);
    cause->text = keep(s, &text);
    cause->advice = STR("More is asked for than the account gives: a longer max_wait, fewer or "
                        "smaller requests, a fallback in the route, or a higher tier.");
}

/* The largest share of the limit during the last period, per mille. */
static int64_t peak_share(const struct history *h, const struct history_track *t,
                          const struct scene_budget *v)
{
    int64_t most = -1;
    for (int place = 0; place < BOUND_BUDGETS; place++) {
        if (t->dims[place] != v->dim)
            continue;
        int64_t over_us = v->period_us < MINUTE_US ? v->period_us : MINUTE_US;
        for (int64_t i = first_step(h, over_us + HISTORY_STEP_US); i <= history_step_number(h);
             i++) {
            uint16_t share = history_at(t, i)->share[place];
            if (share != HISTORY_NO_SHARE && share > most)
                most = share;
        }
    }
    return most;
}

static void find_saturation(struct search *s, const struct scene_pool *p,
                            const struct history_track *t, const struct scene_budget *v)
{
    int64_t percent = s->rules->saturation_percent;
    struct buf text = {0}, advice = {0};
    if (v->limit <= 0 || peak_share(s->history, t, v) <= percent * 10)
        return;
    struct cause *cause = found(s, ALERT_SATURATION, p->account, p->model, v->dim);
    cause->hold_us = s->rules->saturation_for_us;
    write_place(&text, p);
    buf_thousands(&text, v->used);
    buf_puts(&text, " used of ");
    buf_thousands(&text, v->limit);
    buf_printf(&text, " %s (%s): above %lld %% for ", dimension_unit(v->dim),
               dimension_name(v->dim), (long long)percent);
    write_span(&text, s->rules->saturation_for_us);
    cause->text = keep(s, &text);
    advise_tier(&advice, account_of(s->scene, p->account), p->model, v, percent);
    cause->advice = keep(s, &advice);
}

static void search_pool(struct search *s, size_t i)
{
    const struct scene_pool *p = &s->scene->pools[i];
    const struct history_track *t = history_track(s->history, i, p->account, p->model);
    if (!t || !p->account.n)
        return;
    find_refusals(s, p, t);
    find_headroom(s, p, t);
    find_queue(s, p, t);
    for (size_t k = 0; k < p->budget_count; k++)
        find_saturation(s, p, t, &p->budgets[k]);
}

/* ---- of accounts ------------------------------------------------------------------------- */

static bool is_empty(struct wallets *w, const struct scene *s, struct str account)
{
    int64_t empty = 0, good = 0;
    size_t i = 0;
    for (size_t k = 0; k < s->pool_count; k++) {
        if (!str_eq(s->pools[k].account, account))
            continue;
        empty += s->pools[k].tally->wallet_empty;
        good += s->pools[k].tally->outcomes[TALLY_OK];
    }
    while (i < w->n && !str_eq(str_of(w->list[i].account), account))
        i++;
    if (i == ALERT_ACCOUNTS)
        return false;
    if (i == w->n)
        snprintf(w->list[w->n++].account, sizeof w->list[i].account, "%.*s", STR_ARG(account));
    if (empty > w->list[i].empty_answers)
        w->list[i].empty = true;
    else if (good > w->list[i].good_answers)
        w->list[i].empty = false;
    w->list[i].empty_answers = empty;
    w->list[i].good_answers = good;
    return w->list[i].empty;
}

static void find_wallet(struct search *s, const struct scene_account *a)
{
    struct cause *cause = found(s, ALERT_WALLET, a->name, STR(""), DIM_UNKNOWN);
    cause->text = arena_printf(s->arena, "%.*s: the provider says that no credit is left",
                               STR_ARG(a->name));
    cause->advice = STR("This is billing, not a rate limit: waiting or retrying does not help. "
                        "Add credit.");
}

static void find_key(struct search *s, const struct scene_account *a)
{
    struct cause *cause;
    if (a->keys_refused == 0 || a->retired)
        return;
    cause = found(s, ALERT_KEY, a->name, STR(""), DIM_UNKNOWN);
    cause->text = arena_printf(s->arena, "%.*s: the provider refuses %zu of %zu keys",
                               STR_ARG(a->name), a->keys_refused, a->keys);
    cause->advice = STR("Replace the key where the configuration has it from, then send "
                        "SIGHUP.");
}

static void find_outage(struct search *s, const struct scene_account *a)
{
    struct cause *cause;
    if (!a->paused || a->retired)
        return;
    cause = found(s, ALERT_OUTAGE, a->name, STR(""), DIM_UNKNOWN);
    cause->hold_us = s->rules->outage_for_us;
    cause->text = arena_printf(s->arena, "%.*s: the provider is out%s%.*s", STR_ARG(a->name),
                               a->trouble.n ? ": " : "", STR_ARG(a->trouble));
    cause->advice = STR("Requests wait and one at a time is tried; nothing need be done here. "
                        "See the provider's status page.");
}

void causes_find(const struct alert_rules *r, const struct scene *s, const struct history *h,
                 struct wallets *w, struct arena *arena, struct causes *out)
{
    struct search search = {r, s, h, arena, out, 0};
    *out = (struct causes){.n = 0};
    for (size_t i = 0; i < s->account_count; i++) {
        const struct scene_account *a = &s->accounts[i];
        if (is_empty(w, s, a->name))
            find_wallet(&search, a);
        find_key(&search, a);
        find_outage(&search, a);
    }
    for (size_t i = 0; i < s->pool_count; i++)
        search_pool(&search, i);
}
