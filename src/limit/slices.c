/* slices.c: see slices.h. */
#include "slices.h"

/* Sends within this part of a slice are one burst. */
enum { BURST_PARTS = 20 };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct slices_burst *burst_of(struct slices *s, int64_t sent_us, int64_t most_us)
{
    struct slices_burst *oldest = &s->bursts[0];
    for (int i = 0; i < SLICES_BURSTS; i++) {
        struct slices_burst *b = &s->bursts[i];
        if (b->last_us > 0 && max64(b->last_us, sent_us) - min64(b->first_us, sent_us) <= most_us)
            return b;
        if (b->last_us < oldest->last_us)
            oldest = b;
    }
    *oldest = (struct slices_burst){.first_us = sent_us, .last_us = sent_us};
    return oldest;
}

/* An edge lies in [lo, hi], as it does period after period. */
static void cut(struct slices *s, int64_t period_us, int64_t lo_us, int64_t hi_us)
{
    struct edge *e = &s->edge;
    int64_t shift_us = (hi_us - e->lo_us) / period_us * period_us;
    int64_t lo_then = max64(lo_us - shift_us, e->lo_us), hi_then = min64(hi_us - shift_us, e->hi_us);
    if (e->known && lo_then <= hi_then)
        *e = (struct edge){.known = true, .lo_us = lo_then, .hi_us = hi_then};
    else
        *e = (struct edge){.known = true, .lo_us = lo_us, .hi_us = hi_us};
}

void slices_hear(struct slices *s, int64_t period_us, int64_t slack_us, int64_t sent_us,
                 int64_t used, int64_t limit)
{
    if (used <= 0)
        s->late = true;
    if (s->late)
        s->edge.known = false;
    /* A refused one sees a full slice as its predecessor did. */
    if (s->late || used >= limit || used >= SLICES_COUNTS)
        return;
    struct slices_burst *b = burst_of(s, sent_us, period_us / BURST_PARTS);
    b->first_us = min64(b->first_us, sent_us);
    b->last_us = max64(b->last_us, sent_us);
    uint64_t bit = UINT64_C(1) << (used % 64);
    if (b->seen[used / 64] & bit)
        cut(s, period_us, b->first_us, b->last_us + slack_us);
    b->seen[used / 64] |= bit;
}
