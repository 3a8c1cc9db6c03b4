/* snag.h: faults of the APIs that are no model's: "fail=1%,drop=5%". Each is drawn for itself.
 */
#ifndef SLUICE_SNAG_H
#define SLUICE_SNAG_H

#include "rate.h"

/* BUSY    of calls that change something: answered 503, and nothing was done
 * DROP    of these: carried out, but the connection dies unanswered
 * ABSENT  of reads of one file, batch or run: answered 404 although it is there, as after a
 *         creation whose news has not spread (anthropics/anthropic-sdk-python#1432)
 * FAIL    of a batch's requests and of runs: an error of the server
 * ZERO    of a batch's requests: counted as completed, but in the error file with status 0, as
 *         seen at OpenAI (tidyverse/ellmer#830); errored at Anthropic's
 * EXPIRE  of batches: does not come to its end in time */
#define SNAGS(X)                                                                               \
    X(BUSY, "busy")                                                                            \
    X(DROP, "drop")                                                                            \
    X(ABSENT, "absent")                                                                        \
    X(FAIL, "fail")                                                                            \
    X(ZERO, "zero")                                                                            \
    X(EXPIRE, "expire")

enum snag {
#define X(name, text) SNAG_##name,
    SNAGS(X)
#undef X
};
enum { SNAG_COUNT = SNAG_EXPIRE + 1 };

struct snag_rates {
    uint32_t ppm[SNAG_COUNT];
};

const char *snag_name(enum snag s);
/* Adds what the text says to *rates. */
enum sl_err snag_parse(struct str s, struct snag_rates *rates, struct diag *diag) SL_CHECK;

#endif
