/* check.h: cmocka with its required headers, once. */
#ifndef SLUICE_CHECK_H
#define SLUICE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* An assertion of a random trial: where it fails, the seed is told. Every test walks through
 * the same seeds each time, so to run it again is to reproduce it. */
#define assert_seeded(seed, claim)                                                             \
    do {                                                                                       \
        if (!(claim))                                                                          \
            fail_msg("seed %llu: %s", (unsigned long long)(seed), #claim);                     \
    } while (0)

#endif
