/* history.c: see history.h.
 *
 * Counters are kept as they were when last seen; what they grew by is added to the step under
 * way. A model that appears later than the first scene is new, so all it has counted is growth,
 * unless it may have been followed before and given way. */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct history {
    struct history_track **tracks;
    size_t count;
    bool crowded;   /* a track has given way to another */
    int64_t *ended; /* requests of the pools by their place in the scene: who is at work? */
    size_t ended_count;
    bool began;
    int64_t began_us, now_us; /* now: of the latest scene */
    int64_t unix_us;          /* the same instant since 1970 */
};

struct history *history_new(void)
{
    struct history *h = mem_zero(sizeof *h);
    h->tracks = mem_zero(HISTORY_TRACKS * sizeof(struct history_track *));
    return h;
}

void history_free(struct history **ph)
{
    struct history *h = *ph;
    *ph = NULL;
    if (!h)
        return;
    for (size_t i = 0; i < h->count; i++)
        free(h->tracks[i]);
    free(h->tracks);
    free(h->ended);
    free(h);
}

int64_t history_step_number(const struct history *h)
{
    return (h->now_us - h->began_us) / HISTORY_STEP_US;
}

const struct history_step *history_at(const struct history_track *t, int64_t number)
{
    return &t->steps[number % HISTORY_STEPS];
}

/* ---- tracks ------------------------------------------------------------------------------ */

static bool names(const struct history_track *t, struct str account, struct str model)
{
    return str_eq(str_of(t->account), str_cut(account, sizeof t->account - 1)) &&
           str_eq(str_of(t->model), str_cut(model, sizeof t->model - 1));
}

/* Scenes list their pools in the same order each time: the hint is right as a rule. */
static struct history_track *find(const struct history *h, size_t hint, struct str account,
                                  struct str model)
{
    if (hint < h->count && names(h->tracks[hint], account, model))
        return h->tracks[hint];
    for (size_t i = 0; i < h->count; i++) {
        if (names(h->tracks[i], account, model))
            return h->tracks[i];
    }
    return NULL;
}

const struct history_track *history_track(const struct history *h, size_t hint,
                                          struct str account, struct str model)
{
    return find(h, hint, account, model);
}

const struct history_track *history_track_at(const struct history *h, size_t i)
{
    return i < h->count ? h->tracks[i] : NULL;
}

static void clear(struct history_step *s)
{
    *s = (struct history_step){.queued = 0};
    memset(s->share, 0xff, sizeof s->share);
}

/* The one that has been idle longest, if it is idle now. */
static struct history_track *idlest(struct history *h)
{
    struct history_track *t = h->tracks[0];
    for (size_t i = 1; i < h->count; i++) {
        if (h->tracks[i]->active_step < t->active_step)
            t = h->tracks[i];
    }
    return t->active_step < history_step_number(h) - 1 ? t : NULL;
}

/* NULL: there is no room for it. */
static struct history_track *begin(struct history *h, const struct scene_pool *p, bool fresh)
{
    struct history_track *t;
    if (h->count < HISTORY_TRACKS) {
        t = h->tracks[h->count++] = mem_alloc(sizeof *t);
    } else {
        t = idlest(h);
        h->crowded = true;
        if (!t)
            return NULL;
    }
    memset(t, 0, sizeof *t);
    snprintf(t->account, sizeof t->account, "%.*s", STR_ARG(p->account));
    snprintf(t->model, sizeof t->model, "%.*s", STR_ARG(p->model));
    for (size_t i = 0; i < BOUND_BUDGETS; i++)
        t->dims[i] = DIM_UNKNOWN;
    for (size_t i = 0; i < HISTORY_STEPS; i++)
        clear(&t->steps[i]);
    t->active_step = history_step_number(h);
    t->from_zero = fresh && !h->crowded;
    if (t->from_zero)
        return t;
    t->then = *p->tally;
    t->wait_then = p->tally->wait;
    return t;
}

/* ---- one scene --------------------------------------------------------------------------- */

static uint32_t grow(uint32_t n, int64_t by)
{
    int64_t sum = n + (by > 0 ? by : 0);
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static uint32_t larger(uint32_t n, size_t other)
{
    return other > n ? other < UINT32_MAX ? (uint32_t)other : UINT32_MAX : n;
}

static int32_t summed(int32_t n, int64_t by)
{
    int64_t sum = n + by;
    return (int32_t)(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
}

static void add_refusals(struct history_step *s, const struct tally *now,
                         const struct tally *then)
{
    static const enum tally_cause there[] = {TALLY_CAUSE_PROVIDER, TALLY_CAUSE_HEADROOM};
    static const enum tally_cause here[] = {TALLY_CAUSE_WAIT, TALLY_CAUSE_TENANT,
                                            TALLY_CAUSE_SIZE};
    for (size_t i = 0; i < 2; i++)
        s->refused_there = grow(s->refused_there,
                                tally_refused(now, there[i]) - tally_refused(then, there[i]));
    for (size_t i = 0; i < 3; i++)
        s->refused_here =
            grow(s->refused_here, tally_refused(now, here[i]) - tally_refused(then, here[i]));
    for (int d = 0; d <= DIM_COUNT; d++) {
        const int64_t provider =
            now->refusals[TALLY_CAUSE_PROVIDER][d] - then->refusals[TALLY_CAUSE_PROVIDER][d];
        const int64_t headroom =
            now->refusals[TALLY_CAUSE_HEADROOM][d] - then->refusals[TALLY_CAUSE_HEADROOM][d];
        s->by_provider[d] = grow(s->by_provider[d], provider + headroom);
        s->headroom = grow(s->headroom, headroom);
        s->by_wait[d] = grow(s->by_wait[d], now->refusals[TALLY_CAUSE_WAIT][d] -
                                                then->refusals[TALLY_CAUSE_WAIT][d]);
    }
}

static void add_counts(struct history_track *t, struct history_step *s,
                       const struct scene_pool *p)
{
    struct histogram waits = histogram_since(&p->tally->wait, &t->wait_then);
    int64_t wait_us = histogram_quantile_us(&waits, 95);
    s->queued = larger(s->queued, p->queued);
    s->in_flight = larger(s->in_flight, p->in_flight);
    s->requests = grow(s->requests, tally_ended(p->tally) - tally_ended(&t->then));
    s->input_tokens = grow(s->input_tokens, p->tally->input_tokens - t->then.input_tokens);
    s->output_tokens = grow(s->output_tokens, p->tally->output_tokens - t->then.output_tokens);
    s->wait_ms = wait_us > 0 ? grow(0, (wait_us + 999) / 1000) : 0;
    add_refusals(s, p->tally, &t->then);
    t->then = *p->tally;
}

/* The place of that dimension; a budget may be learned later, and takes the next. */
static int place_of(struct history_track *t, const struct scene_budget *v)
{
    for (int i = 0; i < BOUND_BUDGETS; i++) {
        if (t->dims[i] == v->dim)
            return i;
        if (t->dims[i] != DIM_UNKNOWN)
            continue;
        t->dims[i] = v->dim;
        t->charged_then[i] = t->from_zero ? 0 : v->charged;
        return i;
    }
    return -1;
}

/* What was charged during the last period: whole steps and the part of one, taken down to the
 * period where they are longer. */
static int64_t charged_lately(const struct history *h, const struct history_track *t, int place,
                              int64_t period_us)
{
    int64_t now = history_step_number(h), sum = 0;
    int64_t steps = (period_us + HISTORY_STEP_US - 1) / HISTORY_STEP_US;
    int64_t from = now - steps > 0 ? now - steps : 0;
    int64_t span_us = h->now_us - h->began_us - from * HISTORY_STEP_US;
    for (int64_t i = from; i <= now; i++)
        sum += history_at(t, i)->charged[place];
    if (span_us > period_us)
        sum = (int64_t)((__int128)sum * period_us / span_us);
    return sum > 0 ? sum : 0;
}

static void fill_used(const struct history *h, const struct history_track *t,
                      struct scene_budget *v)
{
    v->used = v->limit > v->level ? v->limit - v->level : 0;
    if (!t || v->period_us <= 0 || v->period_us > (HISTORY_STEPS - 2) * HISTORY_STEP_US)
        return;
    for (int i = 0; i < BOUND_BUDGETS && t->dims[i] != DIM_UNKNOWN; i++) {
        if (t->dims[i] != v->dim)
            continue;
        int64_t charged = charged_lately(h, t, i, v->period_us);
        v->used = charged > v->used ? charged : v->used;
    }
}

static void add_budgets(const struct history *h, struct history_track *t,
                        struct history_step *s, struct scene_pool *p)
{
    enum { SHARE_MAX = 9999 };
    for (size_t i = 0; i < p->budget_count; i++) {
        struct scene_budget *v = &p->budgets[i];
        int at = place_of(t, v);
        if (at < 0)
            continue;
        s->charged[at] = summed(s->charged[at], v->charged - t->charged_then[at]);
        t->charged_then[at] = v->charged;
        fill_used(h, t, v);
        if (v->limit <= 0)
            continue;
        int64_t share = (int64_t)((__int128)v->used * 1000 / v->limit);
        uint16_t kept = (uint16_t)(share < SHARE_MAX ? share : SHARE_MAX);
        if (s->share[at] == HISTORY_NO_SHARE || kept > s->share[at])
            s->share[at] = kept;
    }
}

static void see_pool(struct history *h, size_t hint, struct scene_pool *p, bool fresh)
{
    struct history_track *t = find(h, hint, p->account, p->model);
    int64_t ended = tally_ended(p->tally);
    bool works = ended != h->ended[hint] || p->queued || p->in_flight;
    h->ended[hint] = ended;
    if (!t && (works || h->count < HISTORY_TRACKS))
        t = begin(h, p, fresh);
    if (!t)
        return;
    struct history_step *s = &t->steps[history_step_number(h) % HISTORY_STEPS];
    add_counts(t, s, p);
    add_budgets(h, t, s, p);
    if (works)
        t->active_step = history_step_number(h);
}

/* Begins the steps that have come since. */
static void advance(struct history *h, int64_t before)
{
    int64_t now = history_step_number(h);
    int64_t from = now - before > HISTORY_STEPS ? now - HISTORY_STEPS : before;
    for (size_t i = 0; i < h->count && now > before; i++) {
        for (int64_t k = from + 1; k <= now; k++)
            clear(&h->tracks[i]->steps[k % HISTORY_STEPS]);
        h->tracks[i]->wait_then = h->tracks[i]->then.wait;
    }
}

static void make_room(struct history *h, size_t pools)
{
    if (pools <= h->ended_count)
        return;
    h->ended = mem_grow(h->ended, pools * sizeof *h->ended);
    memset(h->ended + h->ended_count, 0, (pools - h->ended_count) * sizeof *h->ended);
    h->ended_count = pools;
}

void history_see(struct history *h, struct scene *s, int64_t now_us)
{
    bool goes_on = h->began;
    if (!goes_on)
        h->began_us = h->now_us = now_us;
    int64_t before = history_step_number(h);
    sl_assert(now_us >= h->now_us);
    h->began = true;
    h->now_us = now_us;
    h->unix_us = s->unix_us;
    advance(h, before);
    make_room(h, s->pool_count);
    for (size_t i = 0; i < s->pool_count; i++)
        see_pool(h, i, &s->pools[i], goes_on);
}

void history_fill(const struct history *h, struct scene *s)
{
    for (size_t i = 0; i < s->pool_count; i++) {
        struct scene_pool *p = &s->pools[i];
        const struct history_track *t = find(h, i, p->account, p->model);
        for (size_t k = 0; k < p->budget_count; k++)
            fill_used(h, t, &p->budgets[k]);
    }
}

/* ---- for the page ------------------------------------------------------------------------ */

struct series {
    const char *name;
    size_t offset;
};

/* All zero is an empty list. */
static void write_series(struct buf *out, const struct history_track *t, size_t offset,
                         const int64_t span[2])
{
    bool any = false;
    for (int64_t i = span[0]; i < span[1] && !any; i++)
        any = *(const uint32_t *)((const char *)history_at(t, i) + offset) != 0;
    buf_char(out, '[');
    for (int64_t i = span[0]; i < span[1] && any; i++) {
        if (i > span[0])
            buf_char(out, ',');
        buf_int(out, *(const uint32_t *)((const char *)history_at(t, i) + offset));
    }
    buf_char(out, ']');
}

static void write_shares(struct buf *out, const struct history_track *t, int place,
                         const int64_t span[2])
{
    buf_char(out, '[');
    for (int64_t i = span[0]; i < span[1]; i++) {
        uint16_t share = history_at(t, i)->share[place];
        if (i > span[0])
            buf_char(out, ',');
        if (share == HISTORY_NO_SHARE)
            buf_puts(out, "null");
        else
            buf_int(out, share);
    }
    buf_char(out, ']');
}

static void write_track(struct buf *out, const struct history_track *t, const int64_t span[2])
{
    static const struct series list[] = {
        {"queued", offsetof(struct history_step, queued)},
        {"in_flight", offsetof(struct history_step, in_flight)},
        {"requests", offsetof(struct history_step, requests)},
        {"refused_there", offsetof(struct history_step, refused_there)},
        {"refused_here", offsetof(struct history_step, refused_here)},
        {"input_tokens", offsetof(struct history_step, input_tokens)},
        {"output_tokens", offsetof(struct history_step, output_tokens)},
        {"wait_ms", offsetof(struct history_step, wait_ms)},
    };
    buf_puts(out, "{\"account\":");
    buf_json(out, str_of(t->account));
    buf_puts(out, ",\"model\":");
    buf_json(out, str_of(t->model));
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        buf_printf(out, ",\"%s\":", list[i].name);
        write_series(out, t, list[i].offset, span);
    }
    buf_puts(out, ",\"share\":{");
    for (int i = 0; i < BOUND_BUDGETS && t->dims[i] != DIM_UNKNOWN; i++) {
        buf_printf(out, "%s\"%s\":", i ? "," : "", dimension_name(t->dims[i]));
        write_shares(out, t, i, span);
    }
    buf_puts(out, "}}");
}

void history_json(const struct history *h, int64_t from, struct buf *out)
{
    int64_t to = history_step_number(h), oldest = to - (HISTORY_STEPS - 1);
    int64_t span[2] = {from > oldest ? from : oldest > 0 ? oldest : 0, to};
    int64_t end_us = h->unix_us - (h->now_us - h->began_us - to * HISTORY_STEP_US);
    buf_printf(out, "{\"step\":%d,\"from\":%lld,\"to\":%lld,\"end\":%.3f,\"tracks\":[",
               HISTORY_STEP_US / 1000000, (long long)span[0], (long long)span[1],
               (double)end_us * 1e-6);
    for (size_t i = 0; i < h->count; i++) {
        if (i)
            buf_char(out, ',');
        write_track(out, h->tracks[i], span);
    }
    buf_puts(out, "]}");
}
