/* feedback.h: what the headers of an answer teach the budgets.
 *
 * Survives reordering, requests in flight and clock skew: only our own clock is used, and a
 * level is moved into what the figures make possible, never set to them. For an answer sent at
 * s with its first byte at v that says R remain:
 *
 *   decided               somewhere in [s, v]; near s or near v once it is known when headers
 *                         are computed
 *   surely not counted    what was sent after the decision
 *   perhaps not counted   what was sent since J before it, itself excepted
 *
 *   hi = R + what has come back since at most  - surely not counted
 *   lo = R + what has come back since at least - perhaps not counted
 *
 * Source: design/pacing.md, "Header feedback". */
#ifndef SLUICE_FEEDBACK_H
#define SLUICE_FEEDBACK_H

#include "ledger.h"
#include "random.h"

struct echo {
    int64_t sent_us, head_us;       /* head_us is now */
    const struct bill *bill;        /* what the request was charged */
    const struct reading *readings; /* lent */
    size_t n;
};

/* Feeds one answer's readings to the budgets they speak of. A dimension that has no budget yet
 * gets one if it states its limit. */
void feedback_hear(struct ledger *l, const struct budget_rules *rules, const struct echo *e);

/* A request that was refused. Figures that were not said are -1; dim may be DIM_UNKNOWN. */
struct refusal {
    enum dimension dim;
    int64_t sent_us, now_us;
    int64_t limit, used;
    int64_t asked_us; /* how long to wait */
};

/* Freezes the budget that refused (where that was not said, the one with least left), takes its
 * level for what the refusal says, and keeps more free from now on. False if there is none. */
bool feedback_refused(struct ledger *l, const struct budget_rules *rules,
                      const struct refusal *r, struct random *random);

#endif
