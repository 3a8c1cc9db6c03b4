/* money.c: see money.h. */
#include "money.h"

void money_write(struct buf *b, int64_t pusd)
{
    const int64_t micro = 1000000, cent = 10000 * micro, hundredth = cent / 100;
    int64_t cents = pusd / cent + (pusd % cent >= cent / 2);
    if (cents >= 10 || pusd == 0) {
        buf_thousands(b, cents / 100);
        buf_printf(b, ".%02lld", (long long)(cents % 100));
    } else if (pusd >= cent) {
        buf_printf(b, "0.%04lld", (long long)((pusd + hundredth / 2) / hundredth));
    } else {
        buf_printf(b, "0.%06lld", (long long)((pusd + micro / 2) / micro));
    }
}

enum sl_err money_parse(struct str s, int64_t *micro)
{
    const int64_t dollar = 1000000, dollars_max = 1000000000;
    int64_t dollars = 0, part = 0, unit = dollar;
    if (str_starts(s, STR("$")))
        s = str_from(s, 1);
    if (s.n > 3 && str_find_nocase(s, STR("usd"), 0) == (ptrdiff_t)s.n - 3)
        s = str_trim(str_cut(s, s.n - 3));
    struct str whole = str_split(&s, '.');
    if (str_int(whole, true, &dollars) != SL_OK || dollars < 0 || dollars >= dollars_max)
        return SL_RANGE;
    if (s.p && (s.n < 1 || s.n > 6 || str_int(s, false, &part) != SL_OK || part < 0))
        return SL_RANGE;
    for (size_t i = 0; s.p && i < s.n; i++)
        unit /= 10;
    *micro = dollars * dollar + part * unit;
    return SL_OK;
}
