/* spread.c: see spread.h. Floating point is welcome here: nothing of it reaches a budget. */
#include "spread.h"
#include "duration.h"

#include <math.h>

static enum sl_err figure_parse(struct str s, enum spread_unit unit, int64_t *out)
{
    s = str_trim(s);
    enum sl_err err = unit == SPREAD_COUNT ? str_int(s, true, out) : duration_parse(s, out);
    return err ? err : *out < 0 ? SL_RANGE : SL_OK;
}

enum sl_err spread_parse(struct str s, enum spread_unit unit, struct spread *out,
                         struct diag *diag)
{
    const struct str prefix = STR("lognormal:");
    struct spread v = {.lognormal = str_starts(s, prefix)};
    struct str high = v.lognormal ? str_from(s, prefix.n) : s, low = str_split(&high, '-');
    if (figure_parse(low, unit, &v.low) || figure_parse(high.p ? high : low, unit, &v.high) ||
        v.high < v.low || (v.lognormal && v.low == 0))
        return diag_set(diag, SL_SYNTAX, "", "\"%.*s\": write %s or lognormal:%s", STR_ARG(s),
                        unit == SPREAD_COUNT ? "50-300" : "50ms-400ms",
                        unit == SPREAD_COUNT ? "50-300" : "50ms-400ms");
    *out = v;
    return SL_OK;
}

/* A standard normal deviate. Source: Box and Muller, Annals of Mathematical Statistics 29
 * (1958). */
static double normal_draw(struct random *r)
{
    double u = 1.0 - random_unit(r), v = random_unit(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

int64_t spread_draw(const struct spread *s, struct random *r)
{
    if (!s->lognormal)
        return s->low + (int64_t)random_below(r, (uint64_t)(s->high - s->low) + 1);
    /* 5 % of a normal distribution lie more than 1.645 deviations below its middle */
    double low = log((double)s->low), high = log((double)s->high);
    double deviation = (high - low) / (2 * 1.6448536269514722);
    double v = exp((low + high) / 2 + deviation * normal_draw(r));
    double most = 1000.0 * (double)s->high; /* so that no draw can stall a test for ever */
    return (int64_t)(v < most ? v : most);
}
