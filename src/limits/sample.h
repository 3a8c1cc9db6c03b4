/* sample.h: which models to ask where nobody names any: a few that tell all the limits the
 * catalogue knows of a provider. Pure. */
#ifndef SLUICE_SAMPLE_H
#define SLUICE_SAMPLE_H

#include "catalogue.h"

enum { SAMPLE_MAX = 16 };

/* One model of each set of limits over all tiers, one that is not shut down on `today`
 * ("2026-11-26") nor soon; in the catalogue's order. Returns how many. */
size_t sample_models(const struct catalogue *c, struct str provider, struct str today,
                     const struct model *out[SAMPLE_MAX]);

#endif
