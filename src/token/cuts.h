/* cuts.h: the ends of many pieces of ASCII text at once. */
#ifndef SLUICE_CUTS_H
#define SLUICE_CUTS_H

#include "scan.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CUTS_BYTES = 64 /* how many bytes are looked at */
};

/* Bit i (i > 0): a piece ends, and the next begins, at p + i. p is the start of a piece and
 * CUTS_BYTES can be read there. All bits are certain; the last stretch, whose end depends on
 * what was not seen, has none. 0 where nothing is certain: then scan_piece knows. */
typedef uint64_t cuts_fn(const unsigned char *p);

/* For the pattern on this machine; one that never cuts if there is no better. `wide` allows
 * what not every machine of the kind can run (AVX2), where this one can. */
cuts_fn *cuts_for(enum pattern pattern, bool wide);

#endif
