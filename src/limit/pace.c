/* pace.c: names of windows and charge rules. */
#include "pace.h"
#include "duration.h"

static const char *const windows[] = {"auto", "bucket", "fixed", "sliding", "slices"};
static const char *const charges[] = {"max", "sum", "actual"};

/* The span that a bare "slices" means: Azure checks 1 s or 10 s; the shorter is safe for both.
 */
enum { SLICE_DEFAULT_US = 1000000 };

const char *window_name(enum window_kind w)
{
    return windows[w];
}

const char *charge_name(enum charge_rule c)
{
    return charges[c];
}

enum sl_err window_parse(struct str s, enum window_kind *w, int64_t *slice_us)
{
    struct str rest = s;
    struct str name = str_split(&rest, ':');
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        if (!str_eq_nocase(name, str_of(windows[i])))
            continue;
        int64_t span = SLICE_DEFAULT_US;
        if (rest.p) {
            if (i != WINDOW_SLICES)
                return SL_SYNTAX;
            enum sl_err err = duration_parse(rest, &span);
            if (err || span <= 0)
                return err ? err : SL_RANGE;
        }
        *w = (enum window_kind)i;
        if (i == WINDOW_SLICES)
            *slice_us = span;
        return SL_OK;
    }
    return SL_UNKNOWN;
}

enum sl_err charge_parse(struct str s, enum charge_rule *c)
{
    for (size_t i = 0; i < sizeof charges / sizeof *charges; i++) {
        if (str_eq_nocase(s, str_of(charges[i]))) {
            *c = (enum charge_rule)i;
            return SL_OK;
        }
    }
    return SL_UNKNOWN;
}
