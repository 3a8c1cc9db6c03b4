/* random.h: a seeded generator, so that every run can be replayed from its seed.
 * Not for secrets. Source: splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, OOPSLA 2014). */
#ifndef SLUICE_RANDOM_H
#define SLUICE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *r);
/* Uniform in [0, below); below > 0. */
uint64_t random_below(struct random *r, uint64_t below);
/* Uniform in [0, 1). Never used in budget arithmetic. */
double random_unit(struct random *r);

#endif
