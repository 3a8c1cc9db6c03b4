/* histogram.h: how often a duration fell where: fixed bounds, so that a scrape costs nothing to
 * prepare and histograms of several processes add up. */
#ifndef SLUICE_HISTOGRAM_H
#define SLUICE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* Upper bounds in microseconds: what a gateway adds lies in the first third, what models take
 * in the rest, an hour-long wait in the last. */
/* clang-format off */
#define HISTOGRAM_BOUNDS(X)                                                                    \
    X(500) X(1000) X(2500) X(5000) X(10000) X(25000) X(50000) X(100000) X(250000) X(500000)    \
    X(1000000) X(2500000) X(5000000) X(10000000) X(30000000) X(60000000) X(120000000)          \
    X(300000000) X(600000000) X(3600000000)
/* clang-format on */

enum {
#define X(us) HISTOGRAM_BELOW_##us,
    HISTOGRAM_BOUNDS(X)
#undef X
        HISTOGRAM_BOUNDED,
    HISTOGRAM_CELLS /* one more: longer */
};
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDED];

struct histogram {
    uint64_t cells[HISTOGRAM_CELLS];
    uint64_t n;
    int64_t sum_us;
};

void histogram_add(struct histogram *h, int64_t us);
void histogram_merge(struct histogram *h, const struct histogram *other);
/* What came between an earlier copy and now. */
struct histogram histogram_since(const struct histogram *now, const struct histogram *then);
/* The duration that `percent` of all are below, by linear interpolation within a cell; -1 of
 * none. */
int64_t histogram_quantile_us(const struct histogram *h, int percent);

#endif
