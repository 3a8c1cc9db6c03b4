/* histogram.h: latencies as counts of buckets, each one part in 128 wide: quantiles to within
 * one percent, at no cost per value. Zero-initialise. */
#ifndef SLUICE_BENCH_HISTOGRAM_H
#define SLUICE_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_PARTS = 128, HISTOGRAM_OCTAVES = 34 };

struct histogram {
    uint64_t counts[HISTOGRAM_OCTAVES * HISTOGRAM_PARTS], n;
};

void histogram_add(struct histogram *h, int64_t us);
/* The value that this share (0 to 1) of all stays below; 0 of none. */
double histogram_at(const struct histogram *h, double share);

#endif
