/* identify.c: see identify.h. */
#include "identify.h"

enum {
    PROOF = 3,      /* contradictions that rule a kind out */
    DOUBTS = 4,     /* in a row, that overturn a proof */
    SLACK_US = 2000 /* providers compute with clocks of a millisecond */
};

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static bool bucket_agrees(const struct clue *c)
{
    const struct reading *r = c->reading;
    int64_t unit_us = c->period_us / r->limit + 1;
    int64_t expected_us =
        (int64_t)((__int128)(r->limit - r->remaining) * c->period_us / r->limit);
    /* A bucket is fractional: the header may be a unit off either way. */
    int64_t tolerance_us = r->reset_round_us + (r->remaining_round + 1) * unit_us + SLACK_US;
    return distance(expected_us, r->reset_us) <= tolerance_us;
}

static bool sliding_agrees(const struct clue *c)
{
    const struct reading *r = c->reading;
    int64_t tolerance_us = r->reset_round_us + SLACK_US;
    return r->reset_us <= c->period_us + tolerance_us &&
           r->reset_us >= c->period_us - c->latency_us - tolerance_us;
}

/* Azure checks requests per 1 s or 10 s of its minute. */
static bool slices_agree(const struct clue *c)
{
    const struct reading *r = c->reading;
    int64_t longest_us = c->minute_us / 6;
    int64_t share = (int64_t)((__int128)r->limit * longest_us / c->minute_us);
    return c->dim == DIM_RPM && r->reset_us <= longest_us + r->reset_round_us + SLACK_US &&
           r->remaining <= (share > 0 ? share : 1);
}

static bool agrees(const struct clue *c, enum window_kind kind)
{
    switch (kind) {
    case WINDOW_BUCKET:
        return bucket_agrees(c);
    case WINDOW_FIXED:
        return !c->fixed_contradicted;
    case WINDOW_SLIDING:
        return sliding_agrees(c);
    case WINDOW_SLICES:
        return slices_agree(c);
    case WINDOW_AUTO:
        break;
    }
    return true;
}

enum window_kind identify_hear(struct identify *i, const struct clue *c)
{
    enum window_kind left = WINDOW_AUTO;
    int open = 0;
    i->heard++;
    if (c->reading->reset_us > i->longest_reset_us)
        i->longest_reset_us = c->reading->reset_us;
    for (enum window_kind k = WINDOW_BUCKET; k <= WINDOW_SLICES; k++) {
        if (!agrees(c, k))
            i->against[k]++;
        if (i->against[k] < PROOF) {
            open++;
            left = k;
        }
    }
    if (open == 0) /* it follows no rule we know, or changed it: listen afresh */
        *i = (struct identify){0};
    return open == 1 && i->against[left] == 0 && i->heard > PROOF ? left : WINDOW_AUTO;
}

bool identify_doubts(struct identify *i, const struct clue *c, enum window_kind in_force)
{
    i->streak = agrees(c, in_force) ? 0 : i->streak + 1;
    return i->streak >= DOUBTS;
}
