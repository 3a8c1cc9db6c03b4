/* record.h: what is written down of requests: tallies by model, a line in the log each, and the
 * few that somebody will want to look at. Never a key nor a word of a prompt or an answer. */
#ifndef SLUICE_RECORD_H
#define SLUICE_RECORD_H

#include "engine.h"
#include "log_sink.h"
#include "notables.h"
#include "turn_away.h"

struct relay;

struct record {
    struct tally strays; /* requests that were refused before it was known whose they are */
    struct notables notables;
    struct log_sink log;
    struct buf stamp; /* of stamp_second, as lines begin with it */
    int64_t stamp_second;
};

/* Each request ends by exactly one of record_declined, record_over and record_left. */

/* Our own words: what was said to the client. */
void record_declined(struct relay *r, enum turn_away_kind kind, int status, struct str what);
/* An attempt failed that another will follow, perhaps. */
void record_setback(struct relay *r, const struct ending *end);
/* It got another's answer. */
void record_shared(struct relay *r, int status);
/* The job is over: what was spent on it, however its client is answered. */
void record_spent(struct relay *r, const struct ending *end);
/* ... by the provider's words, or because the client left. */
void record_over(struct relay *r, const struct ending *end);
/* The client left before it was known where its request goes. */
void record_left(struct relay *r);

#endif
