/* edges.c: see edges.h. */
#include "edges.h"

enum {
    PLACES = 256, /* tried, evenly over a span */
    SECONDS = 60, /* slices of a sixtieth of the period, */
    TENS = 6,     /* and of a sixth */
};

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Edges at phase + k * span, in sending time, and how far arrivals may be off that. */
struct edges {
    int64_t span_us, phase_us, slack_us;
};

static int64_t edge_before(const struct edges *e, int64_t at_us)
{
    int64_t past_us = (at_us - e->phase_us) % e->span_us;
    return at_us - (past_us < 0 ? past_us + e->span_us : past_us);
}

/* The most that surely went between two edges. */
static int64_t most_between(const struct trail *t, const struct edges *e)
{
    int64_t most = 0, n = 0, from_us = 0, until_us = INT64_MIN;
    for (uint64_t i = t->tail; i < t->head; i++) {
        const struct trail_cell *c = trail_at(t, i);
        if (c->at_us >= until_us) {
            from_us = edge_before(e, c->at_us);
            until_us = from_us + e->span_us;
            n = 0;
        }
        if (c->at_us >= from_us + e->slack_us && c->at_us < until_us - e->slack_us)
            n += c->n;
        most = max64(most, n);
    }
    return most;
}

/* What a limit may be if edges lie there; none if most < least. */
struct range {
    int64_t least, most;
};

static struct range range_by(const struct trail *t, const struct contact *list, size_t n,
                             const struct edges *e)
{
    enum { OFF_PARTS = 128 };
    struct range r = {0, INT64_MAX};
    for (size_t i = 0; i < n; i++) {
        int64_t edge_us = edge_before(e, list[i].at_us), upto_us = list[i].end_us + 1;
        r.least = max64(r.least, trail_count(t, edge_us + e->slack_us, upto_us));
        r.most = min64(r.most, trail_count(t, edge_us - e->slack_us, upto_us));
    }
    r.least = max64(r.least, most_between(t, e));
    if (e->span_us == t->period_us) /* of many, some overtake others */
        r.least -= r.most / OFF_PARTS + (r.most >= 8);
    return r;
}

struct places {
    int n; /* at how many of them edges may lie */
    struct range ranges[PLACES];
    bool fit[PLACES];
};

static void find_places(const struct trail *t, const struct contact *list, size_t n,
                        const struct edges *like, struct places *p)
{
    struct edges e = *like;
    p->n = 0;
    for (int64_t i = 0; i < PLACES; i++) {
        e.phase_us = e.span_us * i / PLACES;
        p->ranges[i] = range_by(t, list, n, &e);
        p->fit[i] = p->ranges[i].most > 0 && p->ranges[i].least <= p->ranges[i].most;
        p->n += p->fit[i];
    }
}

static struct edges edges_of(int64_t span_us, int64_t slack_us)
{
    return (struct edges){.span_us = span_us, .slack_us = min64(slack_us, span_us / 8)};
}

/* How many places allow that limit. */
static int allow(const struct places *p, int64_t limit)
{
    int n = 0;
    for (int i = 0; i < PLACES; i++)
        n += p->fit[i] && p->ranges[i].least <= limit && limit <= p->ranges[i].most;
    return n;
}

/* Of a slice: the largest limit that about as many places allow as any other. */
static int64_t limit_of_slice(const struct places *p)
{
    int64_t largest = 0;
    int most = 0;
    for (int i = 0; i < PLACES; i++) {
        if (p->fit[i] && allow(p, p->ranges[i].most) > most)
            most = allow(p, p->ranges[i].most);
    }
    for (int i = 0; i < PLACES; i++) {
        if (p->fit[i] && 2 * allow(p, p->ranges[i].most) > most)
            largest = max64(largest, p->ranges[i].most);
    }
    return largest;
}

/* Of a whole period. Where several limits are possible, it is not known yet: the largest, for
 * if that is too large the next refusal tells; unless they are nearly the same. */
static int64_t limit_of_period(const struct places *p)
{
    enum { NEARLY = 16 };
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < PLACES; i++) {
        int64_t middle = (max64(0, p->ranges[i].least) + p->ranges[i].most + 1) / 2;
        if (!p->fit[i])
            continue;
        least = min64(least, middle);
        most = max64(most, middle);
    }
    return most - least <= most / NEARLY ? least + (most - least) / 4 : most;
}

/* The least arc that holds all places where the limit would be lower. */
static void mark_zone(const struct places *p, int64_t span_us, struct lesson *l)
{
    enum { LOWER_PARTS = 64 };
    int from = 0, longest = 0, run = 0;
    bool any = false;
    for (int i = 0; i < 2 * PLACES; i++) {
        const int at = i % PLACES;
        bool lower = p->fit[at] && p->ranges[at].most < l->limit - l->limit / LOWER_PARTS;
        any |= lower;
        run = lower ? 0 : run + 1;
        if (run > longest && run <= PLACES) {
            longest = run;
            from = i + 1;
        }
    }
    l->edge_us = span_us * (from % PLACES) / PLACES;
    l->zone_us = any ? span_us * (PLACES - longest) / PLACES : 0;
}

void edges_zone(const struct trail *t, const struct contact *list, size_t n, int64_t slack_us,
                struct lesson *l)
{
    struct places p;
    const struct edges e = edges_of(t->period_us, slack_us);
    find_places(t, list, n, &e, &p);
    mark_zone(&p, t->period_us, l);
}

/* The span at which most places of its edges explain everything. */
struct lesson edges_explain(const struct trail *t, const struct contact *list, size_t n,
                            int64_t slack_us)
{
    const int64_t spans[] = {SECONDS, TENS, 1};
    struct lesson l = {.window = WINDOW_AUTO};
    struct places p;
    int most = 0;
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        const struct edges e = edges_of((t->period_us + spans[i] - 1) / spans[i], slack_us);
        find_places(t, list, n, &e, &p);
        if (spans[i] == TENS && n == 2 && most > 0 && p.n > 0)
            return (struct lesson){.window = WINDOW_AUTO};
        if (p.n <= most)
            continue;
        most = p.n;
        l = (struct lesson){.window = WINDOW_SLICES, .slice_us = e.span_us};
        if (spans[i] > 1) {
            l.limit = limit_of_slice(&p) * spans[i];
            continue;
        }
        l = (struct lesson){.window = WINDOW_FIXED, .limit = limit_of_period(&p)};
        mark_zone(&p, e.span_us, &l);
    }
    return l;
}
