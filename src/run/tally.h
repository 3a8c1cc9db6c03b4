/* tally.h: what an answer adds to the figures of a run. Pure. */
#ifndef SLUICE_TALLY_H
#define SLUICE_TALLY_H

#include "provider.h"
#include "totals.h"

struct tally {
    const struct model *model; /* NULL: not known */
    enum route route;
    const struct usage *usage;
    int64_t service_us; /* -1: there is none */
    bool batch;         /* through the Batch API, at its price */
};
void tally_answer(struct totals *t, const struct tally *a);

#endif
