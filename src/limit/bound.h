/* bound.h: the least time a quota allows for what was charged to it: the measure of a run.
 * Pure.
 *
 * Source: design/pacing.md, "The measure". T charged to a budget of L per window W:
 *   bucket         (T - x0) / (L / W)           x0: what it held at the start
 *   sliding        (ceil(T / L) - 1) W
 *   fixed, slices  u + (ceil(T / L) - 2) W      u: from the first send to the first reset
 * 0 where T fits into what is there at the start. */
#ifndef SLUICE_BOUND_H
#define SLUICE_BOUND_H

#include "pace.h"

struct budget_use {
    enum window_kind window;
    int64_t limit;     /* units per window */
    int64_t period_us; /* of the window */
    int64_t charged;
    int64_t start_level;    /* bucket: units there at the first send */
    int64_t first_reset_us; /* fixed, slices: after the first send; below 0: not known */
};

/* -1: the window is not known (or there is none), so there is no figure. A fixed window's
 * unknown first reset is taken for "at once": the bound is then too small by up to one window.
 */
int64_t bound_us(const struct budget_use *use);

#endif
