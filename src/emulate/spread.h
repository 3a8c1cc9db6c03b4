/* spread.h: a distribution of latencies or lengths: "50ms-400ms", "50-300", "80ms",
 * "lognormal:50ms-400ms" (5 % lie below the first figure, 5 % above the second). */
#ifndef SLUICE_SPREAD_H
#define SLUICE_SPREAD_H

#include "random.h"
#include "str.h"

enum spread_unit { SPREAD_COUNT, SPREAD_DURATION /* microseconds */ };

struct spread {
    bool lognormal;
    int64_t low, high;
};

enum sl_err spread_parse(struct str s, enum spread_unit unit, struct spread *out,
                         struct diag *diag) SL_CHECK;
int64_t spread_draw(const struct spread *s, struct random *r);

#endif
