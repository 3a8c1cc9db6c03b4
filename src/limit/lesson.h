/* lesson.h: a limit on requests as it was learned, not told. */
#ifndef SLUICE_LESSON_H
#define SLUICE_LESSON_H

#include "pace.h"

struct lesson {
    enum window_kind window; /* AUTO: nothing was learned */
    int64_t limit;           /* per period, whatever the window */
    int64_t slice_us;        /* SLICES: each has its share of the limit; else 0 */
    /* Fixed windows, or what may be one: where its edge is not known well enough, and the limit
     * would be lower: [edge, edge + zone], every period. A zone of 0: nowhere. */
    int64_t edge_us, zone_us;
};

/* How much of it to use: a little less, because requests overtake one another. */
int64_t lesson_keep(const struct lesson *l, int64_t period_us);
/* A log of a whole period keeps to it: sliding and fixed windows. */
bool lesson_is_log(const struct lesson *l);

#endif
