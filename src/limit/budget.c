/* budget.c: see budget.h. */
#include "budget.h"
#include "err.h"

enum {
    /* Until the first answer tells what is left, evenly; after a fortieth of the period without
     * an answer, all that a full budget has. A bucket loses nothing by waiting: a fortieth at
     * once and the rest evenly for a whole period, after which our own book is right. */
    CAREFUL_PARTS = 40,
    /* An unknown kind: the last tenth evenly, so that answers keep coming that can tell. */
    TRICKLE_PARTS = 10,
    /* The shortest span over which a provider is known to check requests: 1 s of a minute. */
    GUARD_PARTS = 60,
    /* Output charged as it is produced: what may be charged between our look and our arrival.
     */
    BLIND_PARTS = 100,
    /* In so many parts we take the output of an answer to have been charged. */
    LANDINGS = 4,
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

static void make_counters(struct budget *b, enum window_kind kind, int64_t slack_us)
{
    counter_free(&b->spent);
    counter_free(&b->landed);
    counter_init(&b->spent, kind, b->limit, b->period_us, slack_us);
    if (b->later) {
        counter_init(&b->landed, kind, b->limit, b->period_us, slack_us);
        b->spent.fixed.slack_us = 0;
    }
    phase_init(&b->phase, b->period_us);
}

/* Azure checks requests per slice of the minute: 600 RPM refuses beyond 10 in one second. */
static bool sliced(const struct budget *b, enum window_kind kind, int64_t slice_us)
{
    return kind == WINDOW_SLICES && b->dim == DIM_RPM && slice_us < b->spec.period_us;
}

void budget_init(struct budget *b, const struct limit_spec *spec, const struct budget_rules *r)
{
    bool output = spec->dim == DIM_TPM || spec->dim == DIM_TPD || spec->dim == DIM_OTPM;
    *b = (struct budget){.dim = spec->dim,
                         .told = r->window != WINDOW_AUTO,
                         .heard = r->idle,
                         .brief = spec->period_us <= r->minute_us,
                         .later = r->later && output,
                         .spec = *spec,
                         .use_percent = r->use_percent,
                         .refused_us = -1};
    b->limit = ours(b, spec->limit);
    b->period_us = spec->period_us;
    if (b->limit <= 0)
        return;
    if (sliced(b, r->window, r->slice_us)) {
        b->period_us = r->slice_us;
        b->limit = share(b->limit, r->slice_us, spec->period_us);
    }
    make_counters(b, r->window, r->slack_us);
    int64_t guard_us = r->minute_us / GUARD_PARTS;
    if (r->window == WINDOW_AUTO && b->dim == DIM_RPM)
        window_init(&b->guard, share(b->limit, guard_us, b->period_us), guard_us,
                    min64(r->slack_us, guard_us / 2));
}

void budget_free(struct budget *b)
{
    counter_free(&b->spent);
    counter_free(&b->landed);
    window_free(&b->guard);
}

/* The time until the next may follow the last one if `units` a period went evenly. */
static int64_t evenly_us(const struct budget *b, int64_t now_us, int64_t units)
{
    int64_t gap_us = (int64_t)((__int128)b->last_cost * b->period_us / max64(1, units));
    return b->last_cost ? max64(0, b->last_us + gap_us - now_us) : 0;
}

/* Slices of unknown edges are filled evenly: a burst would place their edges no better than to
 * a whole slice. */
static int64_t spread_us(const struct budget *b, int64_t now_us)
{
    int64_t gap_us = (b->period_us + b->spent.log.slack_us) / b->limit;
    return b->last_cost ? max64(0, b->last_us + gap_us - now_us) : 0;
}

/* What is kept free beside a cost, at most `most`: never so much that an empty budget would not
 * take the cost, which would then wait for ever. */
static int64_t kept_beside(const struct counter *c, int64_t most, int64_t cost)
{
    const struct bucket *b = &c->bucket;
    int64_t room = b->limit;
    if (c->kind == WINDOW_BUCKET)
        room = share(b->limit, b->period_us - b->slack_us, b->period_us);
    return max64(0, min64(most, room - cost));
}

/* What is left is not known before the first answer tells it. */
static int64_t unheard_us(struct budget *b, int64_t now_us, int64_t cost)
{
    bool bucket = b->spent.kind == WINDOW_BUCKET;
    int64_t first_us = b->spent.log.first_us, wait_us = evenly_us(b, now_us, b->limit);
    int64_t until_us = first_us + (bucket ? b->period_us : b->period_us / CAREFUL_PARTS);
    if (bucket) {
        int64_t most = b->limit - max64(1, b->limit / CAREFUL_PARTS);
        int64_t kept = kept_beside(&b->spent, most, cost);
        wait_us = counter_wait_us(&b->spent, now_us, b->held + kept, cost);
    }
    return first_us < 0 ? wait_us : max64(0, min64(wait_us, until_us - now_us));
}

/* What carefulness adds to the wait while the kind or the level is not known. */
static int64_t careful_us(struct budget *b, int64_t now_us, int64_t cost)
{
    struct window *log = &b->spent.log;
    int64_t wait_us = b->heard ? 0 : unheard_us(b, now_us, cost);
    if (b->spent.kind != WINDOW_AUTO)
        return wait_us;
    int64_t kept = b->limit / TRICKLE_PARTS;
    int64_t roomy_us = window_wait_us(log, now_us, b->held + kept, cost);
    if (roomy_us > 0)
        wait_us = max64(wait_us, min64(roomy_us, evenly_us(b, now_us, kept)));
    /* One answer that has more left than a slice holds: it is not counted in slices. */
    if (b->guard.ring && b->identify.against[WINDOW_SLICES] == 0)
        wait_us = max64(wait_us, window_wait_us(&b->guard, now_us, b->held, cost));
    return wait_us;
}

int64_t budget_unseen(const struct budget *b, int64_t now_us)
{
    if (b->service_us <= 0)
        return b->pending;
    int64_t ahead_us = b->way_us + b->landed.log.slack_us;
    __int128 by_age =
        ((__int128)b->pending * (now_us + ahead_us) - b->pending_at) / b->service_us;
    /* Short answers come back first: what is out for longer than the mean writes more than it.
     */
    return by_age < 2 * b->pending ? (int64_t)by_age : 2 * b->pending;
}

static int64_t landed_wait_us(struct budget *b, int64_t now_us, struct draw d)
{
    int64_t cost = d.units - d.later, unseen = budget_unseen(b, now_us);
    int64_t wrong = b->pending > 0 ? (int64_t)((__int128)b->spread * unseen / b->pending) : 0;
    int64_t kept =
        kept_beside(&b->landed, b->limit / BLIND_PARTS + b->caution + wrong / 2, cost);
    return counter_wait_us(&b->landed, now_us, b->held + unseen + kept, cost);
}

int64_t budget_wait_us(struct budget *b, int64_t now_us, struct draw d)
{
    if (d.units == 0)
        return 0;
    if (d.units > b->limit && !b->ramp)
        return INT64_MAX;
    d.units = min64(d.units, b->limit);
    int64_t wait_us = max64(0, b->frozen_us - now_us);
    int64_t kept = kept_beside(&b->spent, b->margin + b->caution, d.units);
    wait_us = max64(wait_us, counter_wait_us(&b->spent, now_us, b->held + kept, d.units));
    if (b->later)
        wait_us = max64(wait_us, landed_wait_us(b, now_us, d));
    enum window_kind kind = b->spent.kind;
    if (kind == WINDOW_SLICES && b->dim == DIM_RPM && !b->spent.phase_known)
        wait_us = max64(wait_us, spread_us(b, now_us));
    if (b->brief && (kind == WINDOW_AUTO || !b->heard))
        wait_us = max64(wait_us, careful_us(b, now_us, d.units));
    return wait_us;
}

void budget_hold(struct budget *b, int64_t now_us, struct draw d)
{
    if (d.units == 0)
        return;
    b->held += d.units;
    b->last_us = now_us;
    b->last_cost = d.units;
}

void budget_release(struct budget *b, struct draw d)
{
    b->held -= d.units;
    sl_assert(b->held >= 0);
}

static void expect(struct budget *b, int64_t sent_us, int64_t units)
{
    b->pending += units;
    b->pending_at += (__int128)units * sent_us;
    sl_assert(b->pending >= 0);
}

void budget_charge(struct budget *b, int64_t now_us, struct draw d)
{
    if (d.units == 0)
        return;
    budget_release(b, d);
    b->charged += d.units;
    counter_debit(&b->spent, now_us, d.units);
    if (b->guard.ring)
        window_debit(&b->guard, now_us, d.units);
    if (!b->later)
        return;
    counter_debit(&b->landed, now_us, d.units - d.later);
    expect(b, now_us, d.later);
}

static void respend(struct budget *b, int64_t now_us, int64_t sent_us, int64_t delta)
{
    b->charged += delta;
    if (delta != 0)
        counter_amend(&b->spent, now_us, sent_us, delta);
}

void budget_expect(struct budget *b, int64_t now_us, int64_t sent_us, struct draw was,
                   struct draw is)
{
    if (!b->later || was.units == is.units)
        return;
    respend(b, now_us, sent_us, is.units - was.units);
    expect(b, sent_us, is.later - was.later);
}

void budget_foresee(struct budget *b, int64_t now_us)
{
    if (b->held > 0)
        counter_debit(&b->spent, now_us, b->held);
    if (b->held > 0 && b->guard.ring)
        window_debit(&b->guard, now_us, b->held);
    if (b->later && b->held + b->pending > 0)
        counter_debit_late(&b->landed, now_us, now_us, b->held + b->pending);
    b->held = b->pending = 0;
    b->pending_at = 0;
}

/* Output was charged as it was produced: in even parts from the sending until now. */
static void land(struct budget *b, int64_t now_us, int64_t sent_us, int64_t output)
{
    for (int64_t i = 1; i <= LANDINGS; i++) {
        int64_t at_us = sent_us + (now_us - sent_us) * i / LANDINGS;
        int64_t part = output * i / LANDINGS - output * (i - 1) / LANDINGS;
        counter_debit_late(&b->landed, now_us, at_us, part);
    }
}

void budget_settle(struct budget *b, int64_t now_us, int64_t sent_us, struct draw d,
                   int64_t charged)
{
    if (b->limit <= 0)
        return;
    respend(b, now_us, sent_us, charged - d.units);
    if (!b->later)
        return;
    expect(b, sent_us, -d.later);
    int64_t output = charged - (d.units - d.later);
    if (output > 0)
        land(b, now_us, sent_us, output);
    else if (output < 0)
        counter_amend(&b->landed, now_us, sent_us, output);
}

int64_t budget_level(struct budget *b, int64_t now_us)
{
    return b->limit > 0 ? counter_level(&b->spent, now_us) - b->held : 0;
}

void budget_slacken(struct budget *b, int64_t slack_us)
{
    if (b->limit > 0)
        counter_slacken(b->later ? &b->landed : &b->spent, slack_us);
}

void budget_become(struct budget *b, int64_t now_us, enum window_kind kind, int64_t slice_us)
{
    int64_t period_us = sliced(b, kind, slice_us) ? slice_us : b->spec.period_us;
    counter_become(&b->spent, now_us, kind);
    if (b->later)
        counter_become(&b->landed, now_us, kind);
    if (period_us == b->period_us)
        return;
    /* Another span is counted: what was sent within it, as far as is remembered. */
    int64_t slack_us = b->spent.log.slack_us;
    int64_t recent = window_since_most(&b->spent.log, now_us - period_us - slack_us);
    b->limit = share(ours(b, b->spec.limit), period_us, b->spec.period_us);
    b->period_us = period_us;
    make_counters(b, kind, slack_us);
    counter_debit(&b->spent, now_us, min64(recent, b->limit));
}

void budget_relimit(struct budget *b, int64_t now_us, int64_t limit)
{
    int64_t own = ours(b, limit);
    if (own <= 0)
        return;
    b->spec.limit = limit;
    b->limit = share(own, b->period_us, b->spec.period_us);
    counter_relimit(&b->spent, now_us, b->limit);
    if (b->later)
        counter_relimit(&b->landed, now_us, b->limit);
    if (b->guard.ring)
        b->guard.limit = share(own, b->guard.period_us, b->spec.period_us);
}

int64_t budget_edge_us(const struct budget *b)
{
    const struct counter *c = &b->spent;
    if ((c->kind != WINDOW_FIXED && c->kind != WINDOW_SLICES) || !c->phase_known)
        return -1;
    int64_t edge_us = c->fixed.lo_us % b->period_us; /* all edges lie whole periods apart */
    return edge_us < 0 ? edge_us + b->period_us : edge_us;
}
