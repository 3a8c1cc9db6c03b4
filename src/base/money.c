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
