/* pick.c: see pick.h. */
#include "pick.h"

/* The time in which the quota of a budget amounts to `units`. */
static int64_t quota_us(const struct budget *b, int64_t units)
{
    return b->limit > 0 ? (int64_t)((__int128)units * b->period_us / b->limit) : 0;
}

int64_t pick_unevenness_us(const struct ledger *l, const struct bill *bill)
{
    int64_t furthest_us = 0, after_most_us = 0, sum_us = 0, n = 0;
    for (size_t i = 0; i < l->n; i++) {
        int64_t spent_us = quota_us(&l->budgets[i], l->budgets[i].charged);
        if (spent_us > furthest_us)
            furthest_us = spent_us;
    }
    for (size_t i = 0; i < l->n; i++) {
        const struct budget *b = &l->budgets[i];
        int64_t units = b->charged + b->held;
        if (quota_us(b, b->charged) < furthest_us / 2)
            continue;
        int64_t after_us = quota_us(b, units + bill->units[b->dim]);
        if (after_us > after_most_us)
            after_most_us = after_us;
        sum_us += after_us;
        n++;
    }
    return n > 0 ? after_most_us - sum_us / n : 0;
}
