/* rehearsal.h: a live run of a batch file in virtual time: the rows that `run` would draw, in
 * its order, through the real machine, against the emulated provider's limiter. Pure. */
#ifndef SLUICE_REHEARSAL_H
#define SLUICE_REHEARSAL_H

#include "scenario.h"

/* How much was sent in so many whole minutes. */
struct mark {
    int64_t at_us;
    int64_t weight[DIM_RATES];
};

/* One pool's part. Times are from the first send of all. */
struct part {
    int64_t wanted; /* in: so many of its rows are run */
    int64_t drawn;  /* 0 before, like all below */
    int64_t sent;
    int64_t last_sent_us, last_answer_us;
    int64_t weight[DIM_RATES];
    struct mark middle, late; /* the first whole minute with half of the rows, and the last */
    int64_t refused;          /* by the provider; there should be none */
};

/* parts: one for each pool of the models. false: it came to no end, since a limit of nothing
 * lets nothing through. Rows that do not fit are passed over. */
bool rehearse(const struct scenario *s, struct part *parts);

#endif
