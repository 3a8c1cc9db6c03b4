/* hidden.h: a limit that nobody tells: what it costs to find, and what is made of it.
 *
 * 4 windows x 3 jitters (10, 60, 200 ms) x 3 service times (0.05, 0.2, 3 s) x n seeds; 300
 * requests a minute, twenty minutes' worth of requests all there at the start.
 *
 * On trial are the cells whose way varies by up to 60 ms: none may be refused more than
 * TRIAL_HIDDEN_REFUSALS times, and each must use 95 % of the limit in its last ten minutes. Of
 * slices, whose edges nobody can learn from a handful of refusals, the median must use 95 % of
 * what evenly sent requests can: a slice's share in a slice and J. The rest is shown. */
#ifndef SLUICE_SIM_HIDDEN_H
#define SLUICE_SIM_HIDDEN_H

#include "grid.h"

void hidden_grid(struct grid *g, uint64_t seed, int seeds, int64_t rpm);
/* How many cells, and medians, miss what they must reach. */
size_t hidden_missed(const struct trial *trials, size_t n);
/* At most 80 columns; then the cells on trial that fail. Returns how many there are. */
size_t hidden_report(const struct trial *trials, size_t n, const char *program);

#endif
