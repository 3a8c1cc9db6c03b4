/* recent.h: how much a growing total has grown during the last period. Pure. */
#ifndef SLUICE_RECENT_H
#define SLUICE_RECENT_H

#include <stddef.h>
#include <stdint.h>

enum { RECENT_SAMPLES = 64 /* so a period is seen in steps of a sixtieth */ };

struct recent {
    struct {
        int64_t at_us, total;
    } list[RECENT_SAMPLES];
    size_t next, n;
};

/* `total` never falls. Returns its growth during the last period_us, or since the first call.
 */
int64_t recent_growth(struct recent *r, int64_t now_us, int64_t period_us, int64_t total);

#endif
