/* stamp.h: the instant that a line of a log carries, in the forms logs have. Pure. */
#ifndef SLUICE_STAMP_H
#define SLUICE_STAMP_H

#include "json.h"

/* Looks among the first bytes of a line for "2026-11-26T09:00:01.123Z", "2026-11-26
 * 09:00:01,123", "2026/11/26 09:00:01" (also without seconds), "[26/Nov/2026:09:00:01 +0000]",
 * "Nov 26 09:00:01" (the latest such that is not after now_us), and at its very start for
 * seconds since 1970, or "09:00:01" (of now_us's day). Without a zone UTC is taken. */
bool stamp_find(struct str line, int64_t now_us, int64_t *at_us);
/* The value of a field: a text as above, or a number since 1970 in seconds, ms, us or ns. */
bool stamp_value(const struct json *v, int64_t now_us, int64_t *at_us);

#endif
