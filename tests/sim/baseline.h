/* baseline.h: what others do, on the same work, in the same world.
 *
 * SDK       512 workers, each with the official clients' rule: after a 429 wait what the
 * provider says (0 < x <= 60 s), else min(0.5 s * 2^n, 8 s) * (1 - 0.25 * rand); twice; then
 *           the call fails and the worker, which wants its answer, calls again.
 * WINDOW90  a moving window of what was sent, kept below 90 % of every limit: the usual recipe.
 * EVEN      the limit divided by the minute: each request pays for the time until the next.
 * The latter two wait out a refusal and queue again. Under `actual` they reserve max_tokens. */
#ifndef SLUICE_SIM_BASELINE_H
#define SLUICE_SIM_BASELINE_H

#include "world.h"

struct baseline;

struct baseline *baseline_new(const struct cell *c, const struct work *work,
                              struct world *world);
void baseline_free(struct baseline **b);
struct client baseline_face(struct baseline *b);

#endif
