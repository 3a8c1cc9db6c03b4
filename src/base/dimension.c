/* dimension.c: see dimension.h. */
#include "dimension.h"

static const struct {
    const char *name;
    const char *unit;
    int64_t seconds;
} table[] = {
#define X(id, text, unit, seconds) {text, unit, seconds},
    DIMENSIONS(X)
#undef X
};

const char *dimension_name(enum dimension d)
{
    return table[d].name;
}

void dimension_write(struct buf *out, enum dimension d)
{
    for (const char *p = dimension_name(d); *p; p++)
        buf_char(out, (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
}

const char *dimension_unit(enum dimension d)
{
    return table[d].unit;
}

int64_t dimension_period_s(enum dimension d)
{
    return table[d].seconds;
}

enum dimension dimension_of(struct str name)
{
    for (enum dimension d = 0; d < DIM_UNKNOWN; d++) {
        if (str_eq_nocase(name, str_of(table[d].name)))
            return d;
    }
    return DIM_UNKNOWN;
}
