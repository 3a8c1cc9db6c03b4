/* reckon.h: what an attempt, and the end of a request, add to its model's tally. What `run` and
 * `serve` share of counting. */
#ifndef SLUICE_RECKON_H
#define SLUICE_RECKON_H

#include "engine.h"
#include "tally.h"

/* Attempts of one request that failed, by why. */
struct setbacks {
    uint16_t n[TALLY_RETRY_COUNT];
};

/* An attempt failed, and another may follow. */
void reckon_setback(struct setbacks *s, const struct ending *end);
/* Who refused it, and was there room by the provider's own headers? */
void reckon_refusal(struct tally *t, const struct provider *p, const struct flow *f,
                    const struct ending *end, int64_t unix_us);
/* The request is over: setbacks were retries, but for the last one of a request that failed by
 * it. */
void reckon_retries(struct tally *t, const struct setbacks *s, const struct ending *end);
/* What it used, and how long that took, of a request that was sent. */
void reckon_used(struct tally *t, const struct flow *f, const struct ending *end);

/* What the provider answered, in our words: its own may repeat a key or a piece of a prompt. Of
 * its words only a code passes, if it looks like one. */
void reckon_diagnosis(const struct ending *end, struct buf *out);

/* Units of tokens that were reserved for it, whichever limits there are. */
int64_t reckon_reserved(const struct flow *f);

#endif
