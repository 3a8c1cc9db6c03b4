/* backoff.h: how long to wait before trying again what a passing fault broke.
 * Source: facts/providers.md section 8, the official SDKs' rule. */
#ifndef SLUICE_BACKOFF_H
#define SLUICE_BACKOFF_H

#include "random.h"

/* min(0.5 s * 2^n, 8 s) less up to a quarter, n = 0 for the first retry; at least what the
 * provider asked for (-1: nothing), plus up to a quarter of that, but never more than a minute
 * of it: an edge network that asks for 15 hours is probed instead. */
int64_t backoff_us(int n, int64_t asked_us, struct random *r);

#endif
