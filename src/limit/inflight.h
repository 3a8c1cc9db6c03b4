/* inflight.h: how many requests at once.
 *
 * Rate limits decide the number by themselves (rate * service time), so it is bounded only by a
 * ceiling of our own, until the provider says that there are too many: then additive increase,
 * multiplicative decrease. Where no limit is known yet it starts at a few. */
#ifndef SLUICE_INFLIGHT_H
#define SLUICE_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    INFLIGHT_CEILING = 4096, /* no provider serves more to one account; each holds a socket */
    INFLIGHT_FEW = 4,
};

struct inflight {
    int64_t most;    /* never more */
    int64_t allowed; /* now */
    int64_t good;    /* answers since it was last raised */
    int64_t cut_us;  /* when it was last lowered */
};

void inflight_init(struct inflight *i, int64_t most, bool few);
/* Never more than that from now on. */
void inflight_bound(struct inflight *i, int64_t most);
void inflight_answer(struct inflight *i);
/* Refused for too many at once, with `flying` in flight; `sent_us` is when that one was sent:
 * what was sent before the last cut is no news. */
void inflight_refused(struct inflight *i, int64_t now_us, int64_t sent_us, int64_t flying);

#endif
