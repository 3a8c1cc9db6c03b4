/* lesson.c: see lesson.h. */
#include "lesson.h"

enum { KEEP_PARTS = 64, ONE_LESS_FROM = 40 };

int64_t lesson_keep(const struct lesson *l, int64_t period_us)
{
    int64_t spans = l->slice_us > 0 ? period_us / l->slice_us : 1;
    int64_t share = l->limit / spans; /* of a slice, in whole requests */
    if (lesson_is_log(l) && share >= ONE_LESS_FROM && share < KEEP_PARTS)
        return share - 1; /* which was counted as one may be of the period before */
    return (share - share / KEEP_PARTS) * spans;
}

bool lesson_is_log(const struct lesson *l)
{
    return l->window == WINDOW_SLIDING || l->window == WINDOW_FIXED;
}
