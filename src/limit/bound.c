/* bound.c: see bound.h. */
#include "bound.h"

static int64_t windows_needed(const struct budget_use *use)
{
    return (use->charged + use->limit - 1) / use->limit;
}

int64_t bound_us(const struct budget_use *use)
{
    if (use->limit <= 0 || use->period_us <= 0 || use->window == WINDOW_AUTO)
        return -1;
    int64_t windows = windows_needed(use);
    int64_t first = use->first_reset_us > 0 ? use->first_reset_us : 0;
    switch (use->window) {
    case WINDOW_BUCKET:
        if (use->charged <= use->start_level)
            return 0;
        return (int64_t)((__int128)(use->charged - use->start_level) * use->period_us /
                         use->limit);
    case WINDOW_SLIDING:
        return windows < 2 ? 0 : (windows - 1) * use->period_us;
    case WINDOW_FIXED:
    case WINDOW_SLICES:
        return windows < 2 ? 0 : first + (windows - 2) * use->period_us;
    case WINDOW_AUTO:
        break;
    }
    return -1;
}
