/* outputs.c: see outputs.h. */
#include "outputs.h"

#include "arena.h"

#include <stdlib.h>

void outputs_free(struct outputs *o)
{
    free(o->lengths);
    free(o->sums);
    *o = (struct outputs){0};
}

void outputs_add(struct outputs *o, int64_t tokens)
{
    if (o->n == o->cap) {
        o->cap = o->cap ? 2 * o->cap : 256;
        o->lengths = mem_grow(o->lengths, o->cap * sizeof *o->lengths);
    }
    o->lengths[o->n++] = tokens < 0 ? 0 : tokens > UINT32_MAX ? UINT32_MAX : (uint32_t)tokens;
}

/* Evenly spaced where lengths are equally likely; else drawn, with a seed of its own. */
void outputs_add_spread(struct outputs *o, const struct spread *s)
{
    enum { SAMPLE = 4096 };
    struct random r = {1};
    int64_t steps = s->low == s->high ? 1 : SAMPLE;
    for (int64_t i = 0; i < steps; i++) {
        if (s->lognormal)
            outputs_add(o, spread_draw(s, &r));
        else
            outputs_add(o, s->low + (s->high - s->low) * i / (steps > 1 ? steps - 1 : 1));
    }
}

static int by_length(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void outputs_settle(struct outputs *o)
{
    sl_assert(o->n > 0);
    qsort(o->lengths, o->n, sizeof *o->lengths, by_length);
    o->sums = mem_grow(o->sums, (o->n + 1) * sizeof *o->sums);
    o->sums[0] = 0;
    for (size_t i = 0; i < o->n; i++)
        o->sums[i + 1] = o->sums[i] + o->lengths[i];
}

int64_t outputs_draw(const struct outputs *o, int64_t most, struct random *r)
{
    if (!o->n)
        return most;
    int64_t length = o->lengths[random_below(r, o->n)];
    return length < most ? length : most;
}

/* How many lengths of the sample are at most that. */
static size_t count_upto(const struct outputs *o, int64_t most)
{
    size_t low = 0, high = o->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->lengths[middle] <= most)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t outputs_mean(const struct outputs *o, int64_t most)
{
    if (!o->n || most <= 0)
        return most > 0 ? most : 0;
    int64_t n = (int64_t)o->n, whole = (int64_t)count_upto(o, most);
    __int128 sum = o->sums[whole] + (__int128)(n - whole) * most;
    return (int64_t)((sum + n - 1) / n);
}

int64_t outputs_covering(const struct outputs *o, int percent)
{
    if (!o->n)
        return -1;
    size_t covered = (o->n * (size_t)percent + 99) / 100;
    return o->lengths[covered ? covered - 1 : 0];
}
