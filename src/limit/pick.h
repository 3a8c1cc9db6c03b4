/* pick.h: which of several requests goes next, where order is free.
 *
 * Order matters more than the limiter: with the heavy half of a batch first, one budget idles
 * while another binds, and the other way round later. The next one is whichever leaves the
 * budgets that matter equally far spent. */
#ifndef SLUICE_PICK_H
#define SLUICE_PICK_H

#include "ledger.h"

/* How uneven sending it would leave the budgets, in microseconds of their quota; the less the
 * better. A budget that is spent less than half as far as the furthest does not matter. */
int64_t pick_unevenness_us(const struct ledger *l, const struct bill *bill);

#endif
