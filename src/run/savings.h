/* savings.h: what rows cost, and what a budget has to spare beyond what was chosen. Pure.
 *
 * Spare money comes from answers that cost less than they might have, and goes where a row that
 * was to be cheap is asked live after all. So a budget is never passed, as long as answers cost
 * no more than was taken. */
#ifndef SLUICE_SAVINGS_H
#define SLUICE_SAVINGS_H

#include "outputs.h"
#include "rows.h"

#include "catalogue.h"

struct fare { /* of one row; -1: not known */
    int64_t live_pusd, batch_pusd;
};

/* With answers as long as the row allows, or as told. The model: NULL where it is not known. */
struct fare savings_fare(const struct row *row, const struct model *m, const struct outputs *o);

struct savings {
    bool open; /* there is a budget; else all is affordable */
    int64_t spare_pusd;
};

/* The row goes live instead of as a batch; false if that is not affordable, and nothing has
 * changed. */
bool savings_raise(struct savings *p, struct fare f);
/* What was to cost `most` has cost `paid`; -1: not known, and nothing is won. */
void savings_settle(struct savings *p, int64_t most_pusd, int64_t paid_pusd);

#endif
