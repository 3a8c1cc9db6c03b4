/* identify.h: how a provider counts, told from what its reset headers say.
 *
 * The time until the whole budget is free again is, in a
 *   bucket   used / limit of the period
 *   fixed    what is left until one absolute instant, whatever is used
 *   sliding  the whole period since the youngest charge
 *   slices   (requests) at most the slice, with at most a slice's share remaining
 * Each answer contradicts some of these. The one that is never contradicted, once each of the
 * others has been several times, is it. Nothing is ever probed. */
#ifndef SLUICE_IDENTIFY_H
#define SLUICE_IDENTIFY_H

#include "pace.h"

enum { IDENTIFY_KINDS = WINDOW_SLICES + 1 };

struct identify {
    int64_t heard;
    int64_t against[IDENTIFY_KINDS]; /* answers that contradict each kind */
    int64_t streak;                  /* in a row against the kind in force */
    int64_t longest_reset_us;
};

/* One answer, as identify sees it. */
struct clue {
    const struct reading *reading;
    enum dimension dim;
    int64_t period_us; /* of the budget */
    int64_t minute_us;
    int64_t latency_us;      /* first byte - sent */
    bool fixed_contradicted; /* by the phases heard so far: phase.h */
};

/* The kind that is proven, or AUTO while that is open. */
enum window_kind identify_hear(struct identify *i, const struct clue *c);
/* True when a kind that was proven is contradicted so often that it must be dropped. */
bool identify_doubts(struct identify *i, const struct clue *c, enum window_kind in_force);

#endif
