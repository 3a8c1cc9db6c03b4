/* tally.h: what has become of the requests to one model of one account, in counts that only
 * grow. Bounded whatever is asked for: models beyond all bounds share one tally. */
#ifndef SLUICE_TALLY_H
#define SLUICE_TALLY_H

#include "dimension.h"
#include "histogram.h"

/* How a request ended. */
#define TALLY_OUTCOMES(X)                                                                      \
    X(OK, "ok")                                                                                \
    X(PROVIDER_ERROR, "provider_error") /* the provider's own answer, not a good one */        \
    X(UNREACHED, "unreached")           /* no answer came */                                   \
    X(CUT, "cut")                       /* an answer broke off in the middle */                \
    X(TURNED_AWAY, "turned_away")       /* refused here, unsent */                             \
    X(INVALID, "invalid")               /* not a request that can be sent */                   \
    X(LEFT, "left")                     /* the client did not wait for the end */

/* Who refused, and why. */
#define TALLY_CAUSES(X)                                                                        \
    X(PROVIDER, "provider") /* the provider answered 429, or said so in a stream */            \
    X(HEADROOM, "headroom") /* ... although its own headers showed room */                     \
    X(WAIT, "wait")         /* the account's limit would have it wait too long */              \
    X(TENANT, "tenant")     /* a limit of its tenant's */                                      \
    X(SIZE, "size")         /* larger than a whole limit */

/* Why an attempt was followed by another. */
#define TALLY_RETRIES(X)                                                                       \
    X(RATE_LIMIT, "rate_limit")                                                                \
    X(OVERLOADED, "overloaded")                                                                \
    X(ERROR, "error")                                                                          \
    X(CONNECTION, "connection")                                                                \
    X(TIMEOUT, "timeout")

#define X(id, text) TALLY_##id,
enum tally_outcome { TALLY_OUTCOMES(X) TALLY_OUTCOME_COUNT };
#undef X
#define X(id, text) TALLY_CAUSE_##id,
enum tally_cause { TALLY_CAUSES(X) TALLY_CAUSE_COUNT };
#undef X
#define X(id, text) TALLY_RETRY_##id,
enum tally_retry { TALLY_RETRIES(X) TALLY_RETRY_COUNT };
#undef X
const char *tally_outcome_name(enum tally_outcome o);
const char *tally_cause_name(enum tally_cause c);
const char *tally_retry_name(enum tally_retry r);

struct tally {
    int64_t outcomes[TALLY_OUTCOME_COUNT];
    int64_t refusals[TALLY_CAUSE_COUNT][DIM_COUNT + 1]; /* the last: not said */
    int64_t retries[TALLY_RETRY_COUNT];
    int64_t input_tokens, output_tokens, cached_tokens;
    int64_t reserved_tokens, used_tokens; /* of the same requests: how far off was it? */
    int64_t wallet_empty, key_refused;    /* answers that said so */
    int64_t shared; /* polls that another's answer served: nothing was sent for them */
    struct histogram wait, first_byte, latency;
};

/* Adds what the other counted. */
void tally_add(struct tally *t, const struct tally *other);
int64_t tally_ended(const struct tally *t); /* of all outcomes */
/* Of all dimensions. */
int64_t tally_refused(const struct tally *t, enum tally_cause cause);

#endif
