/* inflight.c: see inflight.h. */
#include "inflight.h"

void inflight_init(struct inflight *i, int64_t most, bool few)
{
    *i = (struct inflight){.most = most, .allowed = most, .cut_us = INT64_MIN};
    if (few && most > INFLIGHT_FEW)
        i->allowed = INFLIGHT_FEW;
}

void inflight_bound(struct inflight *i, int64_t most)
{
    bool free = i->allowed == i->most;
    i->most = most < INFLIGHT_CEILING ? most : INFLIGHT_CEILING;
    if (free || i->allowed > i->most)
        i->allowed = i->most;
}

void inflight_answer(struct inflight *i)
{
    if (i->allowed >= i->most || ++i->good < i->allowed)
        return;
    i->good = 0;
    i->allowed++;
}

void inflight_refused(struct inflight *i, int64_t now_us, int64_t sent_us, int64_t flying)
{
    if (sent_us <= i->cut_us)
        return;
    int64_t cut = flying * 3 / 4;
    i->allowed = cut > 1 ? cut : 1;
    i->good = 0;
    i->cut_us = now_us;
}
