/* histogram.c: see histogram.h. Bucket i < PARTS holds the value i itself; from there each
 * octave [2^k, 2^(k+1)) is cut into PARTS. */
#include "histogram.h"

enum { PARTS_LOG2 = 7 };

static int bucket_of(uint64_t v)
{
    if (v < HISTOGRAM_PARTS)
        return (int)v;
    int octave = 63 - __builtin_clzll(v) - PARTS_LOG2; /* 0: [128, 256) */
    int i = (octave + 1) * HISTOGRAM_PARTS + (int)(v >> octave) - HISTOGRAM_PARTS;
    int last = HISTOGRAM_OCTAVES * HISTOGRAM_PARTS - 1;
    return i < last ? i : last;
}

static double start_of(int i)
{
    if (i < HISTOGRAM_PARTS)
        return i;
    int octave = i / HISTOGRAM_PARTS - 1;
    return (double)((uint64_t)(i % HISTOGRAM_PARTS + HISTOGRAM_PARTS) << octave);
}

void histogram_add(struct histogram *h, int64_t us)
{
    h->counts[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
    h->n++;
}

double histogram_at(const struct histogram *h, double share)
{
    double wanted = share * (double)h->n, below = 0;
    for (int i = 0; i < HISTOGRAM_OCTAVES * HISTOGRAM_PARTS && h->n; i++) {
        double count = (double)h->counts[i];
        if (count > 0 && below + count >= wanted)
            return start_of(i) + (start_of(i + 1) - start_of(i)) * (wanted - below) / count;
        below += count;
    }
    return 0;
}
