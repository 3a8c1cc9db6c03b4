/* slices.h: where the edges of short slices lie, learned from what remains.
 *
 * Reset headers in whole seconds cannot place slices of a second. The counts can: requests of one
 * burst that fell into one slice all see different counts, since each counted itself. Two that see
 * the same count lie on either side of an edge, which places it to within the burst and J. Bursts
 * sent period + J apart drift over all phases, so sooner or later one is cut.
 *
 * Needs counts taken at the decision; a count of zero used betrays that they are taken later. */
#ifndef SLUICE_SLICES_H
#define SLUICE_SLICES_H

#include "phase.h"

enum { SLICES_BURSTS = 32, SLICES_COUNTS = 128 };

struct slices_burst {
    int64_t first_us, last_us; /* sending times heard of */
    uint64_t seen[SLICES_COUNTS / 64];
};

struct slices {
    struct slices_burst bursts[SLICES_BURSTS];
    struct edge edge; /* the last cut, narrowed by those that agree with it */
    bool late;        /* counts are not taken at the decision */
};

/* An answer: its request was sent at sent_us and saw `used` of `limit` used in its slice, itself
 * included. */
void slices_hear(struct slices *s, int64_t period_us, int64_t slack_us, int64_t sent_us,
                 int64_t used, int64_t limit);

#endif
