/* mishap.h: faults on purpose, drawn from the seed: "500=1%,503=1%,reset=0.5%". */
#ifndef SLUICE_MISHAP_H
#define SLUICE_MISHAP_H

#include "rate.h"

/* NONE is no fault. All but WALLET befall requests that the limiter admitted.
 * 500, 503, 529  server error, overload in OpenAI's way, overload in Anthropic's way
 * RESET          the connection dies unanswered
 * STALL          nothing comes any more, the connection stays open
 * MIDSTREAM      a stream ends in an error event; a whole answer is cut short
 * WALLET         the account is empty, for good */
#define MISHAPS(X)                                                                             \
    X(NONE, "none")                                                                            \
    X(500, "500")                                                                              \
    X(503, "503")                                                                              \
    X(529, "529")                                                                              \
    X(RESET, "reset")                                                                          \
    X(STALL, "stall")                                                                          \
    X(MIDSTREAM, "midstream")                                                                  \
    X(WALLET, "wallet")

enum mishap {
#define X(name, text) MISHAP_##name,
    MISHAPS(X)
#undef X
};
enum { MISHAP_COUNT = MISHAP_WALLET + 1 };

struct mishap_rates {
    uint32_t ppm[MISHAP_COUNT]; /* of a million requests; they add up to a million at most */
};

const char *mishap_name(enum mishap m);
/* Adds what the text says to *rates. */
enum sl_err mishap_parse(struct str s, struct mishap_rates *rates, struct diag *diag) SL_CHECK;
enum mishap mishap_draw(const struct mishap_rates *rates, struct random *r);

#endif
