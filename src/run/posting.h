/* posting.h: what an answer adds to the figures of a run. Pure. */
#ifndef SLUICE_POSTING_H
#define SLUICE_POSTING_H

#include "provider.h"
#include "totals.h"

struct posting {
    const struct model *model; /* NULL: not known */
    enum route route;
    const struct usage *usage;
    int64_t service_us; /* -1: there is none */
    bool batch;         /* through the Batch API, at its price */
};
void posting_add(struct totals *t, const struct posting *a);

#endif
