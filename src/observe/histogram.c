/* histogram.c: see histogram.h. */
#include "histogram.h"

const int64_t histogram_bounds_us[HISTOGRAM_BOUNDED] = {
#define X(us) INT64_C(us),
    HISTOGRAM_BOUNDS(X)
#undef X
};

void histogram_add(struct histogram *h, int64_t us)
{
    size_t low = 0, high = HISTOGRAM_BOUNDED;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (us <= histogram_bounds_us[middle])
            high = middle;
        else
            low = middle + 1;
    }
    h->cells[low]++;
    h->n++;
    h->sum_us += us;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
    for (size_t i = 0; i < HISTOGRAM_CELLS; i++)
        h->cells[i] += other->cells[i];
    h->n += other->n;
    h->sum_us += other->sum_us;
}

struct histogram histogram_since(const struct histogram *now, const struct histogram *then)
{
    struct histogram d = *now;
    for (size_t i = 0; i < HISTOGRAM_CELLS; i++)
        d.cells[i] -= then->cells[i];
    d.n -= then->n;
    d.sum_us -= then->sum_us;
    return d;
}

int64_t histogram_quantile_us(const struct histogram *h, int percent)
{
    uint64_t rank = (h->n * (uint64_t)percent + 99) / 100, before = 0;
    if (h->n == 0)
        return -1;
    for (size_t i = 0; i < HISTOGRAM_CELLS; i++) {
        if (before + h->cells[i] < rank || h->cells[i] == 0) {
            before += h->cells[i];
            continue;
        }
        int64_t from = i > 0 ? histogram_bounds_us[i - 1] : 0;
        int64_t to = i < HISTOGRAM_BOUNDED ? histogram_bounds_us[i] : from;
        return from + (int64_t)((to - from) * (int64_t)(rank - before) / (int64_t)h->cells[i]);
    }
    return histogram_bounds_us[HISTOGRAM_BOUNDED - 1];
}
