/* summary.h: what a whole log shows: refusals by model, limit and kind, the busiest minute of
 * each kind of request, the worst offender, and a diagnosis of each kind of refusal. */
#ifndef SLUICE_SUMMARY_H
#define SLUICE_SUMMARY_H

#include "toll.h"
#include "traffic.h"

struct summary {
    const struct toll *toll; /* settled */
    const struct traffic *traffic;
    const struct standing *standing;
    struct str provider; /* whose tiers and kinds of requests */
    size_t lines;
};

/* At most 80 columns, but for the words of diagnoses. */
void summary_write(struct buf *out, const struct summary *s);
/* The same figures as one object. */
void summary_json(struct buf *out, const struct summary *s);

#endif
