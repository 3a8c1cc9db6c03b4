/* budget.c: see budget.h.
 *
 * The log is kept whatever rules, because feedback asks it what was sent when, and because it is
 * what remains safe when a phase or a kind turns out wrong. The bucket is kept beside it while the
 * kind may yet turn out to be one. */
#include "budget.h"
#include "err.h"

enum {
    /* Until the first answer tells what is left, evenly; after a fortieth of the period without an
     * answer, all that a full budget has (a bucket, which loses nothing by waiting: evenly until
     * the answer comes). */
    CAREFUL_PARTS = 40,
    /* An unknown kind: the last tenth evenly, so that answers keep coming that can tell. */
    TRICKLE_PARTS = 10,
    /* The shortest span over which a provider is known to check requests: 1 s of a minute. */
    GUARD_PARTS = 60,
};

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What of a limit falls to a span of its period, at least one unit. */
static int64_t share(int64_t limit, int64_t span_us, int64_t period_us)
{
    return max64(1, (int64_t)((__int128)limit * span_us / period_us));
}

static int64_t ours(const struct budget *b, int64_t limit)
{
    return (int64_t)((__int128)limit * b->use_percent / 100);
}

/* Limit, period and slack are as they shall be: makes the counters. */
static void make_counters(struct budget *b, int64_t slack_us)
{
    slack_us = min64(slack_us, b->period_us / 2);
    bucket_init(&b->bucket, b->limit, b->period_us, slack_us);
    window_init(&b->log, b->limit, b->period_us, slack_us);
    fixed_init(&b->fixed, b->limit, b->period_us, slack_us);
    phase_init(&b->phase, b->period_us);
}

/* Azure checks requests per slice of the minute: 600 RPM refuses beyond 10 in one second. */
static bool sliced(const struct budget *b, int64_t slice_us)
{
    return b->kind == WINDOW_SLICES && b->dim == DIM_RPM && slice_us < b->spec.period_us;
}

void budget_init(struct budget *b, const struct limit_spec *spec, const struct budget_rules *r)
{
    *b = (struct budget){.dim = spec->dim,
                         .kind = r->window,
                         .told = r->window != WINDOW_AUTO,
                         .heard = r->idle,
                         .spec = *spec,
                         .use_percent = r->use_percent,
                         .minute_us = r->minute_us};
    b->limit = ours(b, spec->limit);
    b->period_us = spec->period_us;
    if (b->limit <= 0)
        return;
    if (sliced(b, r->slice_us)) {
        b->period_us = r->slice_us;
        b->limit = share(b->limit, r->slice_us, spec->period_us);
    }
    make_counters(b, r->slack_us);
    if (!r->idle && b->kind == WINDOW_BUCKET)
        bucket_clamp(&b->bucket, 0, 0, max64(1, b->limit / CAREFUL_PARTS));
    if (b->kind == WINDOW_AUTO && b->dim == DIM_RPM)
        window_init(&b->guard, share(b->limit, r->minute_us / GUARD_PARTS, b->period_us),
                    r->minute_us / GUARD_PARTS,
                    min64(r->slack_us, r->minute_us / GUARD_PARTS / 2));
}

void budget_free(struct budget *b)
{
    window_free(&b->log);
    window_free(&b->guard);
}

/* The time until the next may follow the last one if `units` a period went evenly. */
static int64_t evenly_us(const struct budget *b, int64_t now_us, int64_t units)
{
    int64_t gap_us = (int64_t)((__int128)b->last_cost * b->period_us / max64(1, units));
    return b->last_cost ? max64(0, b->last_us + gap_us - now_us) : 0;
}

/* What carefulness adds to the wait while the kind or the level is not known. */
static int64_t careful_us(struct budget *b, int64_t now_us, int64_t cost)
{
    int64_t wait_us = 0;
    int64_t until_us = b->log.first_us + b->period_us / CAREFUL_PARTS;
    if (!b->heard && b->log.first_us < 0)
        wait_us = evenly_us(b, now_us, b->limit);
    else if (!b->heard && now_us < until_us)
        wait_us = min64(until_us - now_us, evenly_us(b, now_us, b->limit));
    if (b->kind != WINDOW_AUTO)
        return wait_us;
    int64_t kept = b->limit / TRICKLE_PARTS;
    if (window_level(&b->log, now_us) - b->held - cost < kept)
        wait_us = max64(wait_us, evenly_us(b, now_us, kept));
    if (b->guard.ring)
        wait_us = max64(wait_us, window_wait_us(&b->guard, now_us, b->held, cost));
    return wait_us;
}

int64_t budget_wait_us(struct budget *b, int64_t now_us, int64_t cost)
{
    if (cost == 0)
        return 0;
    if (cost > b->limit)
        return INT64_MAX;
    int64_t held = b->held + b->margin;
    int64_t wait_us = max64(0, b->frozen_us - now_us);
    if (b->kind == WINDOW_BUCKET)
        return max64(wait_us, bucket_wait_us(&b->bucket, now_us, held, cost));
    if (b->phase_known)
        wait_us = max64(wait_us, fixed_wait_us(&b->fixed, now_us, held, cost));
    else
        wait_us = max64(wait_us, window_wait_us(&b->log, now_us, held, cost));
    if (b->kind == WINDOW_AUTO || !b->heard)
        wait_us = max64(wait_us, careful_us(b, now_us, cost));
    return wait_us;
}

void budget_hold(struct budget *b, int64_t now_us, int64_t cost)
{
    if (cost == 0)
        return;
    b->held += cost;
    b->last_us = now_us;
    b->last_cost = cost;
}

void budget_release(struct budget *b, int64_t cost)
{
    sl_assert(b->held >= cost);
    b->held -= cost;
}

static void debit(struct budget *b, int64_t now_us, int64_t units)
{
    bucket_debit(&b->bucket, now_us, units);
    window_debit(&b->log, now_us, units);
    if (b->guard.ring)
        window_debit(&b->guard, now_us, units);
    if (b->phase_known)
        fixed_debit(&b->fixed, now_us, units);
}

void budget_charge(struct budget *b, int64_t now_us, int64_t cost)
{
    if (cost == 0)
        return;
    budget_release(b, cost);
    b->charged += cost;
    debit(b, now_us, cost);
}

void budget_correct(struct budget *b, int64_t now_us, int64_t sent_us, int64_t delta)
{
    if (delta == 0)
        return;
    b->charged += delta;
    if (delta > 0) {
        debit(b, now_us, delta);
        return;
    }
    bucket_credit(&b->bucket, now_us, -delta);
    window_credit(&b->log, sent_us, -delta);
    if (b->phase_known)
        fixed_credit(&b->fixed, sent_us, -delta);
}

int64_t budget_level(struct budget *b, int64_t now_us)
{
    int64_t level;
    if (b->limit <= 0)
        return 0;
    if (b->kind == WINDOW_BUCKET)
        level = bucket_level(&b->bucket, now_us);
    else if (b->phase_known)
        level = fixed_level(&b->fixed, now_us);
    else
        level = window_level(&b->log, now_us);
    return level - b->held;
}

void budget_become(struct budget *b, enum window_kind kind, int64_t slice_us)
{
    b->kind = kind;
    b->phase_known = false;
    if (!sliced(b, slice_us))
        return;
    int64_t slack_us = b->log.slack_us;
    window_free(&b->log);
    b->limit = share(ours(b, b->spec.limit), slice_us, b->spec.period_us);
    b->period_us = slice_us;
    make_counters(b, slack_us);
}

void budget_edge(struct budget *b, int64_t now_us, struct edge e)
{
    struct fixed *f = &b->fixed;
    bool usable = e.known && e.hi_us - e.lo_us + e.slack_us < b->period_us / 2;
    if (!usable) {
        b->phase_known = b->phase_known && !e.contradicted;
        return;
    }
    /* Of all edges, the one nearest to the one we count from: indexes stay. */
    int64_t shift = (e.lo_us - f->lo_us) / b->period_us;
    int64_t rest = (e.lo_us - f->lo_us) % b->period_us;
    shift += rest > b->period_us / 2 ? 1 : rest < -b->period_us / 2 ? -1 : 0;
    e.lo_us -= shift * b->period_us;
    e.hi_us -= shift * b->period_us;
    bool same = b->phase_known && e.lo_us >= f->lo_us && e.hi_us <= f->hi_us;
    f->slack_us = max64(f->slack_us, e.slack_us);
    fixed_edge(f, e.lo_us, e.hi_us);
    struct fixed_span span = fixed_span(f, now_us);
    for (int64_t i = span.first; i <= span.last && !same; i++)
        fixed_set(f, i, min64(b->limit, window_since_most(&b->log, fixed_opens_us(f, i))));
    b->phase_known = true;
}

void budget_relimit(struct budget *b, int64_t now_us, int64_t limit)
{
    int64_t own = ours(b, limit);
    if (own <= 0)
        return;
    b->spec.limit = limit;
    b->limit = share(own, b->period_us, b->spec.period_us);
    bucket_debit(&b->bucket, now_us, 0); /* what drained so far drained at the old rate */
    b->bucket.limit = b->log.limit = b->fixed.limit = b->limit;
    if (b->guard.ring)
        b->guard.limit = share(own, b->guard.period_us, b->spec.period_us);
}

static void fixed_clamp(struct fixed *f, int64_t now_us, int64_t lo, int64_t hi)
{
    struct fixed_span span = fixed_span(f, now_us);
    if (span.first != span.last)
        return;
    int64_t level = fixed_level(f, now_us);
    int64_t moved = min64(hi, max64(lo, level));
    if (moved != level)
        fixed_set(f, span.first, max64(0, f->limit - moved));
}

void budget_clamp(struct budget *b, int64_t now_us, int64_t lo, int64_t hi)
{
    if (b->kind == WINDOW_BUCKET)
        bucket_clamp(&b->bucket, now_us, lo, hi);
    else if (b->phase_known)
        fixed_clamp(&b->fixed, now_us, lo, hi);
    else
        window_clamp(&b->log, now_us, lo, hi);
}
