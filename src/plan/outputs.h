/* outputs.h: how many tokens answers are taken to have, which nobody knows beforehand: in full
 * what each request asks for, or lengths drawn from a sample. Pure.
 *
 * Whatever is taken, no answer is longer than its request allows. */
#ifndef SLUICE_OUTPUTS_H
#define SLUICE_OUTPUTS_H

#include "spread.h"

/* A zeroed one: every answer is as long as its request allows. */
struct outputs {
    uint32_t *lengths; /* the sample, sorted once outputs_settle was called */
    int64_t *sums;     /* of the first i lengths */
    size_t n, cap;
};

void outputs_free(struct outputs *o);
/* One more length of the sample; longer ones than 2^32 are cut. */
void outputs_add(struct outputs *o, int64_t tokens);
/* A sample as large as that spread needs; one length for a plain number. */
void outputs_add_spread(struct outputs *o, const struct spread *s);
/* To be called when all are added; the sample must not be empty. */
void outputs_settle(struct outputs *o);

/* For a request that allows `most` tokens: */
int64_t outputs_draw(const struct outputs *o, int64_t most, struct random *r);
int64_t outputs_mean(const struct outputs *o, int64_t most); /* rounded up */
/* The least length that covers `percent` of the sample; -1 where there is none. */
int64_t outputs_covering(const struct outputs *o, int percent);

#endif
