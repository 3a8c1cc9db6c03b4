/* random.c: see random.h. */
#include "random.h"
#include "err.h"

uint64_t random_next(struct random *r)
{
    uint64_t z = (r->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t random_below(struct random *r, uint64_t below)
{
    sl_assert(below > 0);
    return (uint64_t)(((unsigned __int128)random_next(r) * below) >> 64);
}

double random_unit(struct random *r)
{
    return (double)(random_next(r) >> 11) * 0x1p-53;
}
