/* mishap.c: see mishap.h. Rates are kept in millionths: drawing needs no floating point, so the
 * same seed gives the same faults on every machine. */
#include "mishap.h"

enum { MILLION = 1000000 };

const char *mishap_name(enum mishap m)
{
    static const char *const names[] = {
#define X(name, text) text,
        MISHAPS(X)
#undef X
    };
    return names[m];
}

/* "1%", "0.05%", "100%" in millionths. */
static enum sl_err percent_parse(struct str s, uint32_t *ppm)
{
    if (!str_ends(s, STR("%")))
        return SL_SYNTAX;
    struct str fraction = str_cut(s, s.n - 1), whole = str_split(&fraction, '.');
    int64_t percent, v = 0;
    if (str_int(whole, false, &percent) != SL_OK || percent < 0 || percent > 100)
        return SL_RANGE;
    if (fraction.p && (fraction.n == 0 || fraction.n > 4 || fraction.p[0] == '-' ||
                       str_int(fraction, false, &v) != SL_OK))
        return SL_SYNTAX;
    for (size_t digits = fraction.n; digits < 4; digits++)
        v *= 10;
    *ppm = (uint32_t)(percent * (MILLION / 100) + v);
    return *ppm <= MILLION ? SL_OK : SL_RANGE;
}

static enum mishap mishap_of(struct str name)
{
    for (enum mishap m = MISHAP_500; m < MISHAP_WALLET; m++) {
        if (str_eq(name, str_of(mishap_name(m))))
            return m;
    }
    return MISHAP_NONE;
}

enum sl_err mishap_parse(struct str s, struct mishap_rates *rates, struct diag *diag)
{
    while (s.p) {
        struct str rate = str_split(&s, ','), name = str_split(&rate, '=');
        enum mishap m = mishap_of(str_trim(name));
        if (m == MISHAP_NONE)
            return diag_set(
                diag, SL_UNKNOWN, "--fault",
                "\"%.*s\" is no fault; known: 500, 503, 529, reset, stall, midstream",
                STR_ARG(name));
        if (percent_parse(str_trim(rate), &rates->ppm[m]) != SL_OK)
            return diag_set(diag, SL_RANGE, "--fault",
                            "write a rate as %.*s=1%% or %.*s=0.05%%", STR_ARG(name),
                            STR_ARG(name));
    }
    uint64_t sum = 0;
    for (size_t m = 0; m < MISHAP_COUNT; m++)
        sum += rates->ppm[m];
    if (sum > MILLION)
        return diag_set(diag, SL_RANGE, "--fault", "the rates add up to more than 100%%");
    return SL_OK;
}

enum mishap mishap_draw(const struct mishap_rates *rates, struct random *r)
{
    uint64_t at = random_below(r, MILLION);
    for (enum mishap m = MISHAP_NONE; m <= MISHAP_WALLET; m++) {
        if (at < rates->ppm[m])
            return m;
        at -= rates->ppm[m];
    }
    return MISHAP_NONE;
}
