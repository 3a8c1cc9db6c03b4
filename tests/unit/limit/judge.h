/* judge.h: providers that count what arrives, written from the words of bucket.h, window.h and
 * fixed.h alone: exact integers, nothing shared with what they judge. */
#ifndef SLUICE_JUDGE_H
#define SLUICE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct arrival {
    int64_t at_us, units;
};

static inline int judge_by_time(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

static inline void judge_sort(struct arrival *list, size_t n)
{
    qsort(list, n, sizeof *list, judge_by_time);
}

/* It holds `limit` units, gains limit/period a microsecond, and never lacks one. */
static inline bool judge_bucket(const struct arrival *list, size_t n, int64_t limit,
                                int64_t period_us)
{
    __int128 brim = (__int128)limit * period_us, level = brim; /* units * period */
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            level += (__int128)limit * (list[i].at_us - list[i - 1].at_us);
        level = (level < brim ? level : brim) - (__int128)list[i].units * period_us;
        if (level < 0)
            return false;
    }
    return true;
}

/* No more than limit in any period, both its ends included. */
static inline bool judge_sliding(const struct arrival *list, size_t n, int64_t limit,
                                 int64_t period_us)
{
    int64_t sum = 0;
    for (size_t i = 0, tail = 0; i < n; i++) {
        sum += list[i].units;
        while (list[tail].at_us < list[i].at_us - period_us)
            sum -= list[tail++].units;
        if (sum > limit)
            return false;
    }
    return true;
}

/* No more than limit in any of the windows that begin whole periods from edge_us. */
static inline bool judge_fixed(const struct arrival *list, size_t n, int64_t limit,
                               int64_t period_us, int64_t edge_us)
{
    int64_t sum = 0, window = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        int64_t from_us = list[i].at_us - edge_us;
        int64_t index = from_us / period_us - (from_us % period_us < 0);
        sum = index == window ? sum + list[i].units : list[i].units;
        window = index;
        if (sum > limit)
            return false;
    }
    return true;
}

#endif
