/* phase.c: see phase.h. */
#include "phase.h"
#include "err.h"

/* Readings of a period before they count for more than the whole period before. */
enum { ENOUGH = 4 };

void phase_init(struct phase *p, int64_t period_us)
{
    sl_assert(period_us > 0);
    *p = (struct phase){.period_us = period_us};
}

/* The distance from ref to x modulo the period, nearest to zero. */
static int64_t offset(const struct phase *p, int64_t x)
{
    int64_t d = (x - p->ref_us) % p->period_us;
    if (d > p->period_us / 2)
        return d - p->period_us;
    return d < -p->period_us / 2 ? d + p->period_us : d;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct phase_ear ear_merge(const struct phase_ear *a, const struct phase_ear *b)
{
    if (a->n == 0 || b->n == 0)
        return a->n ? *a : *b;
    return (struct phase_ear){.least_us = min64(a->least_us, b->least_us),
                              .most_us = max64(a->most_us, b->most_us),
                              .n = a->n + b->n};
}

/* Heard at at_us: an edge comes after `least`, and no later than `most`. */
static void ear_add(const struct phase *p, struct phase_ear *e, int64_t at_us, int64_t least_us,
                    int64_t most_us)
{
    int64_t from_us = offset(p, at_us + least_us);
    struct phase_ear one = {
        .least_us = from_us + (most_us - least_us), .most_us = from_us, .n = 1};
    *e = ear_merge(e, &one);
}

void phase_hear(struct phase *p, int64_t sent_us, int64_t head_us, int64_t reset_us,
                int64_t round_us)
{
    bool first = p->now[0].n == 0 && p->before[0].n == 0;
    if (first) {
        p->ref_us = sent_us + reset_us;
        p->since_us = head_us;
    } else if (head_us - p->since_us >= p->period_us) {
        bool silent = head_us - p->since_us >= 2 * p->period_us;
        for (int i = 0; i < SUPPOSED_COUNT; i++) {
            p->before[i] = silent ? (struct phase_ear){0} : p->now[i];
            p->now[i] = (struct phase_ear){0};
        }
        p->since_us = head_us;
    }
    /* However coarse the header, an edge is ahead, and less than a period away. */
    int64_t least_us = max64(0, reset_us - round_us);
    int64_t most_us = max64(least_us, min64(p->period_us, reset_us + round_us));
    ear_add(p, &p->now[SUPPOSED_ARRIVAL], sent_us, least_us, most_us);
    ear_add(p, &p->now[SUPPOSED_ANSWER], head_us, least_us, most_us);
}

/* By how much the instants scatter beyond their rounding. */
static int64_t scatter(const struct phase_ear *e)
{
    return e->most_us > e->least_us ? e->most_us - e->least_us : 0;
}

/* What was heard, and which supposition it leaves standing. */
struct heard {
    struct phase_ear in, out;
    bool arrival, answer;
};

static struct heard compare(const struct phase *p, struct phase_ear in, struct phase_ear out,
                            int64_t slack_us)
{
    int64_t in_us = scatter(&in), out_us = scatter(&out), most_us = p->period_us / 8;
    return (struct heard){
        .in = in,
        .out = out,
        .arrival = in.n > 0 && in_us <= most_us && in_us <= 2 * out_us + slack_us,
        .answer = out.n > 0 && out_us <= most_us && out_us <= 2 * in_us + slack_us};
}

/* By both periods, unless they contradict each other: then by the newer, as soon as it has
 * enough to say. */
static struct heard weigh(const struct phase *p, int64_t slack_us,
                          const bool refuted[SUPPOSED_COUNT])
{
    const struct phase_ear *now = p->now, *before = p->before;
    struct heard h =
        compare(p, ear_merge(&now[0], &before[0]), ear_merge(&now[1], &before[1]), slack_us);
    bool agree =
        (h.arrival && scatter(&h.in) <= slack_us) || (h.answer && scatter(&h.out) <= slack_us);
    if (!agree) {
        const struct phase_ear *one = now[0].n >= ENOUGH || before[0].n == 0 ? now : before;
        h = compare(p, one[0], one[1], slack_us);
    }
    h.arrival = h.arrival && !refuted[SUPPOSED_ARRIVAL];
    h.answer = h.answer && !refuted[SUPPOSED_ANSWER];
    return h;
}

static void widen(struct edge *e, int64_t lo_us, int64_t hi_us)
{
    e->lo_us = e->known ? min64(e->lo_us, lo_us) : lo_us;
    e->hi_us = e->known ? max64(e->hi_us, hi_us) : hi_us;
    e->known = true;
}

/* Two clocks may drift apart by 100 ppm. */
static struct edge finish(const struct phase *p, struct edge e)
{
    int64_t drift_us = p->period_us / 10000;
    if (e.lo_us > e.hi_us)
        e.lo_us = e.hi_us = e.hi_us + (e.lo_us - e.hi_us) / 2;
    e.lo_us += p->ref_us - drift_us;
    e.hi_us += p->ref_us + drift_us;
    return e;
}

struct edge phase_edge(const struct phase *p, int64_t slack_us, int64_t way_us,
                       const bool refuted[SUPPOSED_COUNT])
{
    struct heard h = weigh(p, slack_us, refuted);
    struct edge e = {.slack_us = slack_us,
                     .contradicted = h.in.n > 0 && !h.arrival && !h.answer};
    if (h.arrival) {
        e.slack_us = max64(slack_us, scatter(&h.in));
        widen(&e, h.in.most_us, h.in.least_us + e.slack_us);
    }
    if (h.answer)
        widen(&e, h.out.most_us - slack_us - way_us, h.out.least_us);
    return finish(p, e);
}
