/* mishap.c: see mishap.h. */
#include "mishap.h"

static const char *const names[] = {
#define X(name, text) text,
    MISHAPS(X)
#undef X
};

const char *mishap_name(enum mishap m)
{
    return names[m];
}

enum sl_err mishap_parse(struct str s, struct mishap_rates *rates, struct diag *diag)
{
    /* what can be asked for stands between NONE and WALLET */
    const struct rate_names known = {names + MISHAP_500, MISHAP_WALLET - MISHAP_500, "--fault"};
    enum sl_err err = rate_parse_list(s, &known, rates->ppm + MISHAP_500, diag);
    uint64_t sum = 0;
    for (size_t m = 0; m < MISHAP_COUNT; m++)
        sum += rates->ppm[m];
    if (!err && sum > RATE_ALWAYS)
        err = diag_set(diag, SL_RANGE, "--fault", "the rates add up to more than 100%%");
    return err;
}

enum mishap mishap_draw(const struct mishap_rates *rates, struct random *r)
{
    uint64_t at = random_below(r, RATE_ALWAYS);
    for (enum mishap m = MISHAP_NONE; m <= MISHAP_WALLET; m++) {
        if (at < rates->ppm[m])
            return m;
        at -= rates->ppm[m];
    }
    return MISHAP_NONE;
}
