/* feedback.c: see feedback.h. */
#include "feedback.h"
#include "backoff.h"

/* The way there and back takes no longer, however slow the service is: half a second is twice
 * round the earth. */
enum { WAY_MOST_US = 500000 };

/* Answers that must refute a supposition of phase.h before it is dropped. */
enum { VOTES = 3 };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What came back to a continuous budget in that time, at most. */
static int64_t refill(const struct budget *b, int64_t limit, int64_t us)
{
    return (int64_t)((__int128)us * limit / b->period_us);
}

/* When the provider decided, in sending time, and what that means for what we sent. */
struct decision {
    int64_t first_us, last_us; /* what was sent before first - J is counted in, after last + J
                                  not: for arrivals the request's own instant */
    int64_t age_least_us, age_most_us;
    int64_t lacks_least, lacks_most; /* sent, but not counted in the figures */
};

/* The counter that the provider's figures speak of. */
static struct counter *counted(struct budget *b)
{
    return b->later ? &b->landed : &b->spent;
}

static struct decision decision_of(const struct ledger *l, struct budget *b,
                                   const struct echo *e)
{
    const struct window *log = &counted(b)->log;
    int64_t way_us = min64(WAY_MOST_US, l->way_us), slack_us = log->slack_us;
    bool arrival = l->refuted[SUPPOSED_ANSWER], answer = l->refuted[SUPPOSED_ARRIVAL];
    struct decision d = {.first_us =
                             answer ? max64(e->sent_us, e->head_us - way_us) : e->sent_us,
                         .last_us = arrival ? e->sent_us : e->head_us};
    d.age_most_us = e->head_us - d.first_us;
    d.age_least_us = arrival ? max64(0, e->head_us - e->sent_us - way_us - slack_us) : 0;
    d.lacks_most = window_since_most(log, d.first_us - slack_us);
    d.lacks_least = window_since_least(log, d.last_us + slack_us + 1);
    struct draw own = bill_draw(e->bill, b->dim);
    if (e->sent_us >= d.first_us - slack_us)
        d.lacks_most = max64(0, d.lacks_most - (b->later ? own.units - own.later : own.units));
    if (b->later) /* output that we booked since may have been counted as it was produced */
        d.lacks_least = -b->pending - d.lacks_most;
    return d;
}

/* Which level the reading makes possible now. */
struct range {
    int64_t lo, hi;
};

static struct range bucket_range(const struct budget *b, const struct reading *r,
                                 const struct decision *d)
{
    int64_t most = r->remaining + r->remaining_round + refill(b, r->limit, d->age_most_us) + 1;
    int64_t least =
        r->remaining - r->remaining_round + 1 + refill(b, r->limit, d->age_least_us);
    return (struct range){min64(least, r->limit) - d->lacks_most,
                          min64(most, r->limit) - d->lacks_least};
}

/* Of a log: what we sent may have left it since the decision. */
static struct range log_range(const struct counter *c, const struct reading *r,
                              const struct decision *d, int64_t now_us)
{
    const struct window *w = &c->log;
    int64_t left = window_since_most(w, d->first_us - w->period_us - w->slack_us) -
                   window_since_least(w, now_us - w->period_us + 1);
    struct range range = {r->remaining - r->remaining_round + 1 - d->lacks_most,
                          r->remaining + r->remaining_round - 1 + left - d->lacks_least};
    if (c->kind == WINDOW_FIXED || c->kind == WINDOW_SLICES) {
        bool same = r->reset_us >= 0 && d->age_most_us < r->reset_us - r->reset_round_us;
        range.hi = same ? range.hi - left : r->limit;
    }
    return range;
}

static struct range fixed_range(const struct fixed *f, const struct reading *r,
                                const struct decision *d, int64_t now_us)
{
    struct fixed_span now = fixed_span(f, now_us);
    int64_t index = fixed_span(f, d->first_us).first;
    if (now.first != now.last || index != now.first || fixed_span(f, d->last_us).last != index)
        return (struct range){-r->limit, r->limit};
    return (struct range){r->remaining - r->remaining_round + 1 - d->lacks_most,
                          r->remaining + r->remaining_round - 1 - d->lacks_least};
}

static void clamp(const struct ledger *l, struct budget *b, const struct reading *r,
                  const struct echo *e)
{
    struct counter *c = counted(b);
    struct decision d = decision_of(l, b, e);
    struct range range = c->kind == WINDOW_BUCKET ? bucket_range(b, r, &d)
                         : c->phase_known         ? fixed_range(&c->fixed, r, &d, e->head_us)
                                                  : log_range(c, r, &d, e->head_us);
    /* A slice's share is over before its answer is back, and some report the minute's. */
    bool slice =
        c->kind == WINDOW_SLICES || (c->kind == WINDOW_AUTO && r->remaining <= r->limit / 6);
    if (slice && b->dim == DIM_RPM)
        return;
    /* Of a shared account only our part may be raised to what is left of all of it. */
    if (b->use_percent < 100)
        range.lo = -r->limit;
    if (range.lo > range.hi)
        range.lo = range.hi;
    counter_clamp(c, e->head_us, range.lo, range.hi);
    if (b->later && b->use_percent == 100)
        counter_clamp(&b->spent, e->head_us, range.lo - b->pending, r->limit);
}

/* Does the count of what is used fit headers computed at arrival, or at the answer? Told apart
 * only where the answer took so long that the two differ by much of the limit. */
static void vote(struct ledger *l, const struct budget *b, const struct reading *r,
                 const struct echo *e)
{
    const struct window *w = &b->spent.log;
    int64_t after_us = e->head_us - min64(WAY_MOST_US, l->way_us) - w->slack_us;
    if (l->refuted[SUPPOSED_ARRIVAL] || l->refuted[SUPPOSED_ANSWER] || after_us <= e->sent_us)
        return;
    int64_t used = r->limit - r->remaining;
    int64_t meanwhile =
        window_since_least(w, e->sent_us + w->slack_us + 1) - window_since_most(w, after_us);
    if (meanwhile < r->limit / 10)
        return;
    /* At the answer all of `meanwhile` had been counted, if no edge lay between. */
    bool one_window = e->head_us - e->sent_us + r->reset_us + r->reset_round_us < b->period_us;
    /* At arrival nothing beyond what had been sent in that window. */
    int64_t opened_us = e->sent_us + r->reset_us - r->reset_round_us - b->period_us;
    int64_t most = window_since_most(w, opened_us - w->slack_us) -
                   window_since_least(w, e->sent_us + w->slack_us + 1);
    if (one_window && used < meanwhile - meanwhile / 4)
        l->votes[SUPPOSED_ANSWER]++;
    else if (used > most + meanwhile / 2)
        l->votes[SUPPOSED_ARRIVAL]++;
    for (int i = 0; i < SUPPOSED_COUNT; i++)
        l->refuted[i] = l->votes[i] >= VOTES && l->votes[!i] == 0;
}

/* A window that seems to end one period after our very first request may be a sliding one whose
 * "reset" is the oldest charge's leaving: for a little longer than a period both look alike. */
static bool may_be_oldest(const struct budget *b, const struct edge *edge, int64_t now_us)
{
    int64_t first_us = b->spent.log.first_us;
    int64_t off_us = (edge->hi_us - first_us) % b->period_us;
    off_us = min64(off_us < 0 ? -off_us : off_us, b->period_us - off_us);
    return now_us - first_us < b->period_us + b->period_us / 10 &&
           off_us < b->spent.log.slack_us + b->period_us / 50;
}

static void identify(struct budget *b, const struct budget_rules *rules,
                     const struct reading *r, const struct echo *e, const struct edge *edge)
{
    struct clue clue = {.reading = r,
                        .dim = b->dim,
                        .period_us = b->period_us,
                        .minute_us = rules->minute_us,
                        .latency_us = e->head_us - e->sent_us,
                        .fixed_contradicted = edge->contradicted};
    if (b->spent.kind != WINDOW_AUTO) {
        if (identify_doubts(&b->identify, &clue, b->spent.kind)) {
            b->identify = (struct identify){0};
            budget_become(b, e->head_us, WINDOW_AUTO, 0);
        }
        return;
    }
    enum window_kind kind = identify_hear(&b->identify, &clue);
    if (kind == WINDOW_AUTO || (kind == WINDOW_FIXED && may_be_oldest(b, edge, e->head_us)))
        return;
    bool second = b->identify.longest_reset_us <= rules->minute_us / 60 + r->reset_round_us;
    budget_become(b, e->head_us, kind, second ? rules->minute_us / 60 : rules->minute_us / 6);
}

/* Where the windows' edges lie, from this budget's own resets. */
static struct edge listen(struct ledger *l, struct budget *b, const struct reading *r,
                          const struct echo *e)
{
    int64_t way_us = min64(WAY_MOST_US, l->way_us);
    phase_hear(&b->phase, e->sent_us, e->head_us, r->reset_us, r->reset_round_us);
    struct edge edge = phase_edge(&b->phase, b->spent.log.slack_us, way_us, l->refuted);
    if (edge.contradicted && b->spent.kind != WINDOW_AUTO) {
        phase_init(&b->phase, b->period_us);
        for (int i = 0; i < SUPPOSED_COUNT; i++) {
            l->votes[i] = 0;
            l->refuted[i] = false;
        }
    }
    return edge;
}

/* Requests counted in slices too short for their resets to tell. */
static void hear_slice(struct budget *b, const struct reading *r, const struct echo *e)
{
    int64_t whole = (int64_t)((__int128)b->spec.limit * b->period_us / b->spec.period_us);
    if (b->use_percent < 100 || r->remaining > max64(1, whole))
        return;
    slices_hear(&b->slices, &b->spent.log, e->sent_us, max64(1, whole) - r->remaining);
    struct edge edge = b->slices.edge;
    edge.slack_us = b->spent.log.slack_us;
    edge.contradicted = b->slices.unfit;
    edge.known = edge.known && !edge.contradicted;
    counter_edge(&b->spent, e->head_us, edge);
}

static void hear_reset(struct ledger *l, struct budget *b, const struct budget_rules *rules,
                       const struct reading *r, const struct echo *e)
{
    struct edge edge = {0};
    bool fine = r->reset_round_us < b->period_us / 4;
    if (fine)
        edge = listen(l, b, r, e);
    if (!b->told && fine)
        identify(b, rules, r, e, &edge);
    if (b->spent.kind != WINDOW_FIXED && b->spent.kind != WINDOW_SLICES)
        return;
    if (fine) {
        vote(l, b, r, e);
        if (b->later) {
            counter_edge(&b->landed, e->head_us, edge);
            edge.lo_us = edge.hi_us; /* `spent` holds the rate: no need to charge both sides */
            edge.slack_us = 0;
        }
        counter_edge(&b->spent, e->head_us, edge);
    } else if (b->dim == DIM_RPM && b->spent.kind == WINDOW_SLICES)
        hear_slice(b, r, e);
}

/* The dimension that a reading is of. "requests" may be the day's: no minute has a reset longer
 * than itself. */
static enum dimension dimension_meant(const struct budget_rules *rules, const struct reading *r)
{
    bool longer = r->reset_us > rules->minute_us + rules->minute_us / 4 + r->reset_round_us;
    if (longer && r->dim == DIM_RPM)
        return DIM_RPD;
    return longer && r->dim == DIM_TPM ? DIM_TPD : r->dim;
}

/* The budget it speaks of; made now if nobody told of that limit. */
static struct budget *budget_meant(struct ledger *l, const struct budget_rules *rules,
                                   const struct reading *r)
{
    enum dimension dim = dimension_meant(rules, r);
    struct budget *b = ledger_find(l, dim);
    int64_t period_s = dimension_period_s(dim);
    if (b || r->limit <= 0 || !r->has_remaining || period_s == 0)
        return b;
    struct limit_spec spec = {
        .dim = dim, .limit = r->limit, .period_us = rules->minute_us / 60 * period_s};
    return ledger_add(l, &spec, rules);
}

/* A slice's own figures say nothing of the minute's limit. */
static bool of_a_slice(const struct budget *b, const struct reading *r)
{
    return b->dim == DIM_RPM && b->spent.kind != WINDOW_BUCKET && r->limit <= b->spec.limit / 5;
}

void feedback_hear(struct ledger *l, const struct budget_rules *rules, const struct echo *e)
{
    int64_t took_us = e->head_us - e->sent_us;
    if (l->way_us == 0 || took_us < l->way_us)
        l->way_us = max64(1, took_us);
    for (size_t i = 0; i < l->n; i++)
        l->budgets[i].way_us = min64(WAY_MOST_US, l->way_us);
    for (size_t i = 0; i < e->n; i++) {
        const struct reading *r = &e->readings[i];
        struct budget *b = budget_meant(l, rules, r);
        if (!b || b->limit <= 0 || r->limit <= 0 || of_a_slice(b, r))
            continue;
        if (r->limit != b->spec.limit)
            budget_relimit(b, e->head_us, r->limit);
        if (!r->has_remaining)
            continue;
        if (r->reset_us >= 0)
            hear_reset(l, b, rules, r, e);
        clamp(l, b, r, e);
        b->heard = true;
        if (e->sent_us > b->refused_us)
            b->refused_in_row = 0;
    }
}

static struct budget *least_left(struct ledger *l, int64_t now_us)
{
    struct budget *least = NULL;
    __int128 least_share = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct budget *b = &l->budgets[i];
        __int128 share =
            b->limit > 0 ? ((__int128)budget_level(b, now_us) << 32) / b->limit : 0;
        if (!least || share < least_share) {
            least = b;
            least_share = share;
        }
    }
    return least;
}

/* Something we believed was wrong: more room for jitter and for strangers, and what was learned
 * is learned anew. */
static void distrust(struct budget *b, int64_t now_us)
{
    enum { PARTS = 100, MOST_PARTS = 10, SLACK_PARTS = 8 };
    if (b->caution < b->limit / MOST_PARTS)
        b->caution += b->limit / PARTS + 1;
    counter_loosen(&b->spent, b->period_us / SLACK_PARTS);
    if (b->later)
        counter_loosen(&b->landed, b->period_us / SLACK_PARTS);
    phase_init(&b->phase, b->period_us);
    b->slices.edge.known = false;
    b->identify = (struct identify){0};
    if (!b->told)
        budget_become(b, now_us, WINDOW_AUTO, 0);
}

bool feedback_refused(struct ledger *l, const struct budget_rules *rules,
                      const struct refusal *r, struct random *random)
{
    struct budget *b = ledger_find(l, r->dim);
    if (!b)
        b = least_left(l, r->now_us);
    if (!b || b->limit <= 0)
        return b != NULL;
    b->refusals++;
    bool news = r->sent_us > b->refused_us; /* not one more of the same burst */
    b->refused_in_row = news ? b->refused_in_row + 1 : b->refused_in_row;
    bool vague = r->asked_us <= 0 || r->asked_us > rules->minute_us;
    int64_t wait_us = r->asked_us;
    if (vague) /* 0 in a row: a straggler, after answers have come */
        wait_us = backoff_us((int)max64(0, b->refused_in_row - 1), r->asked_us, random);
    else
        wait_us += (int64_t)random_below(random, (uint64_t)b->period_us / 100 + 1);
    b->frozen_us = max64(b->frozen_us, r->now_us + wait_us);
    if (news) {
        b->refused_us = r->now_us;
        distrust(b, r->now_us);
    }
    if (b->spent.kind == WINDOW_BUCKET || vague) {
        int64_t left = r->used >= 0 && r->limit >= 0 ? r->limit - r->used : 0;
        counter_clamp(counted(b), r->now_us, -b->spec.limit, min64(left, b->spec.limit));
    }
    return true;
}
