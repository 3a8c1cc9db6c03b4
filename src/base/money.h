/* money.h: dollars as people read them. */
#ifndef SLUICE_MONEY_H
#define SLUICE_MONEY_H

#include "str.h"

/* Picodollars as "2.26", "1,204.00"; "0.0177" or "0.003100" where two digits would say nothing.
 */
void money_write(struct buf *b, int64_t pusd);
/* "20", "20.50", "20usd", "20 USD", "$20", in millionths of a dollar; below a billion. */
enum sl_err money_parse(struct str s, int64_t *micro) SL_CHECK;

#endif
