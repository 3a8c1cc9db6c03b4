/* standing.h: what nobody can read out of a refusal: the account's tier, what was paid for it
 * and since when. As told by the caller. */
#ifndef SLUICE_STANDING_H
#define SLUICE_STANDING_H

#include "catalogue.h"

struct standing {
    const struct catalogue *catalogue;
    struct str tier;    /* empty: not told */
    int64_t paid_cents; /* in all, in US dollars; -1 not told */
    int64_t days;       /* since the first payment; -1 not told */
};

/* "60usd", "$60.50", "1,000 USD", "60" into cents. SL_SYNTAX; SL_RANGE for another currency
 * than the catalogue's, with the advice in *diag. */
enum sl_err standing_paid(struct str text, int64_t *cents, struct diag *diag) SL_CHECK;

#endif
