/* rate.h: how often something befalls a request: "1%", "0.05%". Kept in millionths, so that
 * drawing needs no floating point and the same seed gives the same faults on every machine. */
#ifndef SLUICE_RATE_H
#define SLUICE_RATE_H

#include "random.h"
#include "str.h"

enum { RATE_ALWAYS = 1000000 };

/* SL_SYNTAX, SL_RANGE. */
enum sl_err rate_parse(struct str s, uint32_t *ppm) SL_CHECK;
/* "NAME=RATE,..." over a list of names: adds to ppm[]. Complaints name the option. */
struct rate_names {
    const char *const *names;
    size_t n;
    const char *option;
};
enum sl_err rate_parse_list(struct str s, const struct rate_names *known, uint32_t *ppm,
                            struct diag *diag) SL_CHECK;
bool rate_happens(uint32_t ppm, struct random *r);

#endif
