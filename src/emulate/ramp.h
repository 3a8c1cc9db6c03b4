/* ramp.h: the limit on growth: above a floor of input tokens per minute, traffic may grow by
 * half per quarter of an hour (OpenAI's slow_down, facts/providers.md section 1.1). Pure. */
#ifndef SLUICE_RAMP_H
#define SLUICE_RAMP_H

#include "str.h"

struct ramp {
    int64_t floor;     /* tokens a minute that are always allowed; 0: no limit on growth */
    int64_t minute_us; /* 60 s or shortened */
    int64_t allowed;   /* tokens a minute during this quarter */
    int64_t minute, quarter; /* numbers of those under way */
    int64_t used, peak;      /* tokens of this minute; most of a minute in this quarter */
};

struct ramp ramp_new(int64_t floor_tokens, int64_t minute_us);
/* Takes the tokens, or says no and how long until the next minute. */
bool ramp_take(struct ramp *r, int64_t now_us, int64_t tokens, int64_t *retry_us);

#endif
