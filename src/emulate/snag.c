/* snag.c: see snag.h. */
#include "snag.h"

static const char *const names[SNAG_COUNT] = {
#define X(name, text) text,
    SNAGS(X)
#undef X
};

const char *snag_name(enum snag s)
{
    return names[s];
}

enum sl_err snag_parse(struct str s, struct snag_rates *rates, struct diag *diag)
{
    const struct rate_names known = {names, SNAG_COUNT, "--batch-faults"};
    return rate_parse_list(s, &known, rates->ppm, diag);
}
