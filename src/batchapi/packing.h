/* packing.h: which requests go to the provider together, as one batch: a parcel. Pure.
 *
 * Every parcel keeps every rule: requests, bytes, embedding inputs, one model and one endpoint,
 * and no more tokens than may wait at the provider at once, for it could never be accepted
 * otherwise. Requests are packed in the order in which they come, so that a parcel's lines lie
 * near one another in the file. */
#ifndef SLUICE_PACKING_H
#define SLUICE_PACKING_H

#include "catalogue.h"

struct load { /* of one request, or of all in a parcel */
    int64_t requests, bytes, tokens, inputs;
};

struct packing_kind { /* what one parcel may not mix */
    size_t model, endpoint;
    int64_t tokens_max; /* that may wait at once, of this model; -1: not known, or no matter */
};

struct packed {
    struct packing_kind kind;
    struct load load; /* bytes without the frame */
};

struct packing {
    struct load most;               /* of one parcel; bytes with the frame */
    int64_t frame_bytes, gap_bytes; /* around all requests; between two */
    struct packed *list;
    size_t n, cap;
    size_t *open; /* the last parcel of each kind */
    size_t open_count, open_cap;
};

/* Figures of the rules that are not known (-1) are no limit. */
void packing_init(struct packing *p, const struct batch_rules *rules, int64_t frame_bytes,
                  int64_t gap_bytes);
void packing_free(struct packing *p);

/* The parcel for a request; false if no parcel could ever hold it. */
bool packing_add(struct packing *p, const struct packing_kind *kind, const struct load *request,
                 size_t *parcel);

#endif
