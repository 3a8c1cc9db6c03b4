/* recent.c: see recent.h. Samples are kept a sixtieth of a period apart. */
#include "recent.h"

int64_t recent_growth(struct recent *r, int64_t now_us, int64_t period_us, int64_t total)
{
    size_t newest = (r->next + RECENT_SAMPLES - 1) % RECENT_SAMPLES;
    if (!r->n || now_us - r->list[newest].at_us >= period_us / (RECENT_SAMPLES - 4)) {
        r->list[r->next].at_us = now_us;
        r->list[r->next].total = total;
        r->next = (r->next + 1) % RECENT_SAMPLES;
        r->n += r->n < RECENT_SAMPLES;
    }
    size_t oldest = (r->next + RECENT_SAMPLES - r->n) % RECENT_SAMPLES;
    int64_t base = r->list[oldest].total;
    for (size_t i = 0; i < r->n; i++) {
        size_t at = (oldest + i) % RECENT_SAMPLES;
        if (r->list[at].at_us > now_us - period_us)
            break;
        base = r->list[at].total;
    }
    return total - base;
}
