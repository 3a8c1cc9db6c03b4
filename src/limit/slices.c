/* slices.c: see slices.h. */
#include "slices.h"

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* An edge lies in [lo, hi], and so one does period after period. Where two of these images meet
 * what is known, it may be in either, and nothing is learned. */
static void narrow(struct edge *e, int64_t period_us, int64_t lo_us, int64_t hi_us)
{
    int64_t ahead_us = hi_us - e->lo_us;
    int64_t shift_us = (ahead_us - (ahead_us % period_us + period_us) % period_us);
    int64_t lo_then = lo_us - shift_us, hi_then = hi_us - shift_us; /* hi is not before e->lo */
    if (!e->known || lo_then > e->hi_us)
        *e = (struct edge){.known = true, .lo_us = lo_us, .hi_us = hi_us};
    else if (lo_then + period_us > e->hi_us)
        *e = (struct edge){.known = true,
                           .lo_us = max64(lo_then, e->lo_us),
                           .hi_us = min64(hi_then, e->hi_us)};
}

void slices_hear(struct slices *s, const struct window *log, int64_t sent_us, int64_t used)
{
    int64_t slack_us = log->slack_us, lo_us, hi_us;
    s->unfit = s->unfit || used <= 0;
    if (s->unfit)
        return;
    /* Had the slice begun by lo, `used` others would surely have been counted before us; had it
     * begun after hi, no more than `used` - 2 others could have been. */
    if (!window_back(log, sent_us - slack_us - 1, used, &lo_us) ||
        !window_back(log, sent_us + slack_us, used, &hi_us))
        return;
    if (lo_us <= log->first_us) /* a log that was begun late sums up there what was before */
        return;
    hi_us = min64(hi_us, sent_us) + slack_us;
    if (hi_us - lo_us < log->period_us)
        narrow(&s->edge, log->period_us, lo_us, hi_us);
}
