/* tier_fit.h: which tier do the limits of an account look like, and which has it earned? Pure.
 *
 * Compares figures with the catalogue's; what the catalogue does not know says nothing. A
 * provider may have two programmes of tiers side by side, with figures in common. */
#ifndef SLUICE_TIER_FIT_H
#define SLUICE_TIER_FIT_H

#include "catalogue.h"

enum { TIERS_MAX = 32 /* of one provider; the most in the catalogue are nine */ };

struct seen_limit {
    struct str model;
    enum dimension dim;
    int64_t limit;
};

/* Of the limits seen: how many are the tier's, lower, higher. */
struct tier_score {
    const struct tier *tier;
    size_t equal, below, above;
};

enum fit_kind {
    FIT_UNKNOWN, /* nothing seen that the catalogue could be asked for */
    FIT_ONE,     /* all that can be compared is equal: tiers[0] */
    FIT_SEVERAL, /* of several tiers alike: tiers[0 to n-1] */
    FIT_BUT_FOR, /* most of it is tiers[0]'s, some is lower or higher */
    FIT_BETWEEN, /* over tiers[0], under tiers[1] */
    FIT_HIGHER,  /* over tiers[0], the highest of its programme */
    FIT_LOWER,   /* under tiers[0], the lowest of its programme */
    FIT_CUSTOM,  /* none of these; tiers[0] has most in common, if n is not 0 */
};

struct tier_fit {
    enum fit_kind kind;
    const struct tier *tiers[TIERS_MAX];
    size_t n;
    struct tier_score scores[TIERS_MAX]; /* of all tiers, in the catalogue's order */
    size_t score_count;
};

struct tier_fit tier_fit(const struct catalogue *c, struct str provider,
                         const struct seen_limit *seen, size_t n);

/* The catalogue's limit of a model in a tier; -1 unknown. */
int64_t tier_limit_of(const struct catalogue *c, struct str provider, const struct tier *t,
                      struct str model, enum dimension dim);

/* The highest tiers of a programme that are earned by so much paid and so many days since the
 * first payment (each -1 if not known): by what is asked today, and by what was asked earlier
 * too. NULL: none that one could be sure of. */
struct tier_earned {
    const struct tier *today, *earlier;
};
struct tier_earned tier_earned(const struct catalogue *c, struct str provider,
                               struct str programme, int64_t paid_cents, int64_t days);
/* Does `a` stand above `b` in the same programme? NULL stands below all. */
bool tier_above(const struct catalogue *c, struct str provider, const struct tier *a,
                const struct tier *b);

#endif
