/* backoff.c: see backoff.h. */
#include "backoff.h"

enum { FIRST_US = 500000, LONGEST_US = 8000000, ASKED_LONGEST_US = 60000000 };

int64_t backoff_us(int n, int64_t asked_us, struct random *r)
{
    int64_t own_us = n < 4 ? (int64_t)FIRST_US << n : LONGEST_US;
    own_us -= (int64_t)random_below(r, (uint64_t)own_us / 4 + 1);
    if (asked_us > ASKED_LONGEST_US)
        asked_us = ASKED_LONGEST_US;
    if (asked_us <= own_us)
        return own_us;
    return asked_us + (int64_t)random_below(r, (uint64_t)asked_us / 4 + 1);
}
