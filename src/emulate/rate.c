/* rate.c: see rate.h. */
#include "rate.h"

enum sl_err rate_parse(struct str s, uint32_t *ppm)
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
    *ppm = (uint32_t)(percent * (RATE_ALWAYS / 100) + v);
    return *ppm <= RATE_ALWAYS ? SL_OK : SL_RANGE;
}

static enum sl_err unknown_name(const struct rate_names *known, struct str name,
                                struct diag *diag)
{
    struct buf list = {0};
    for (size_t i = 0; i < known->n; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", known->names[i]);
    diag_set(diag, SL_UNKNOWN, known->option, "\"%.*s\" is no fault; known: %s", STR_ARG(name),
             buf_cstr(&list));
    buf_free(&list);
    return SL_UNKNOWN;
}

enum sl_err rate_parse_list(struct str s, const struct rate_names *known, uint32_t *ppm,
                            struct diag *diag)
{
    while (s.p) {
        struct str rate = str_split(&s, ','), name = str_trim(str_split(&rate, '='));
        size_t i = 0;
        while (i < known->n && !str_eq(name, str_of(known->names[i])))
            i++;
        if (i == known->n)
            return unknown_name(known, name, diag);
        if (rate_parse(str_trim(rate), &ppm[i]) != SL_OK)
            return diag_set(diag, SL_RANGE, known->option,
                            "write a rate as %.*s=1%% or %.*s=0.05%%", STR_ARG(name),
                            STR_ARG(name));
    }
    return SL_OK;
}

bool rate_happens(uint32_t ppm, struct random *r)
{
    return ppm && random_below(r, RATE_ALWAYS) < ppm;
}
