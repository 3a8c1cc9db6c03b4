/* slices.h: where the edges of short slices lie, learned from what remains.
 *
 * Reset headers in whole seconds cannot place slices of a second; counts can. A request that
 * was the third of its slice says that the slice began after the third request before it, and
 * not after the second, each to within J. Requests sent evenly place the edge closely; what
 * each answer allows is intersected.
 *
 * Needs counts taken at the decision (a count of zero used betrays that they are taken later)
 * and nobody else on the account. */
#ifndef SLUICE_SLICES_H
#define SLUICE_SLICES_H

#include "phase.h"
#include "window.h"

struct slices {
    struct edge edge;
    bool unfit; /* counts are not what we need: the edges stay unknown */
};

/* An answer: its request, sent at sent_us, saw `used` in its slice, itself included. `log` is
 * what was sent when. */
void slices_hear(struct slices *s, const struct window *log, int64_t sent_us, int64_t used);

#endif
