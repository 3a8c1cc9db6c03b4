/* receipt.h: what an answer adds to the figures of a run. Pure. */
#ifndef SLUICE_RECEIPT_H
#define SLUICE_RECEIPT_H

#include "provider.h"
#include "totals.h"

struct receipt {
    const struct model *model; /* NULL: not known */
    enum route route;
    const struct usage *usage;
    int64_t service_us; /* -1: there is none */
    bool batch;         /* through the Batch API, at its price */
};
/* Returns what it cost; -1: not known. */
int64_t receipt_add(struct totals *t, const struct receipt *a);

#endif
