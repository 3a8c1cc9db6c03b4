/* ramp.c: see ramp.h. */
#include "ramp.h"

enum { QUARTER_MINUTES = 15 };

struct ramp ramp_new(int64_t floor_tokens, int64_t minute_us)
{
    return (struct ramp){
        .floor = floor_tokens, .minute_us = minute_us, .allowed = floor_tokens};
}

bool ramp_take(struct ramp *r, int64_t now_us, int64_t tokens, int64_t *retry_us)
{
    if (r->floor == 0)
        return true;
    int64_t minute = now_us / r->minute_us, quarter = minute / QUARTER_MINUTES;
    if (quarter != r->quarter) {
        int64_t grown = quarter == r->quarter + 1 ? r->peak + r->peak / 2 : 0;
        r->allowed = grown > r->floor ? grown : r->floor;
        r->quarter = quarter;
        r->peak = 0;
    }
    if (minute != r->minute) {
        r->minute = minute;
        r->used = 0;
    }
    if (r->used + tokens > r->allowed) {
        *retry_us = (minute + 1) * r->minute_us - now_us;
        return false;
    }
    r->used += tokens;
    if (r->used > r->peak)
        r->peak = r->used;
    return true;
}
