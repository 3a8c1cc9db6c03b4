/* allowance.h: what one of those who share an account may take of it: limits of our own.
 *
 * Here we are the provider. The decision is taken where the request stands, and what it used is
 * known when it ends, so nothing is estimated, and every limit is exact:
 *
 *   Whatever is in flight together, what it may come to use fits into what there was, except by
 *   the excess of single answers over what they were taken to be at most.
 *
 * Requests and tokens, a minute and a day, are buckets as OpenAI's: a whole period's worth at
 * once, refilled continuously. Spending belongs to a calendar's day or month. A request's
 * tokens are its counted input and the output it asked for; one that did not say is taken to be
 * twice the longest of late, before any the model's largest, and never more than the whole
 * limit, or a small allowance could not be used at all. What was not used comes back. */
#ifndef SLUICE_ALLOWANCE_H
#define SLUICE_ALLOWANCE_H

#include "bucket.h"
#include "ledger.h"

/* What there may be; 0: not limited. */
struct allowance_limits {
    int64_t rpm, tpm, rpd, tpd;
    int64_t concurrency;
    int64_t spend_day, spend_month; /* millionths of a dollar */
};

/* What a million tokens cost, in millionths of a dollar; -1: not known. */
struct price {
    int64_t input, output;
};

/* Spent of what a calendar's day or month may cost. */
struct purse {
    int64_t limit, used; /* what is held included */
    int64_t held;
    int64_t ends_us; /* when it is full again; what was held before belongs to the past */
    uint32_t turn;   /* how often that was */
};

enum { PURSE_DAY, PURSE_MONTH, PURSES };

/* Outputs of requests that did not say how long they may be. */
struct longest {
    int64_t now, before; /* of this lot, and of the one before */
    int n;
};

struct allowance {
    struct allowance_limits limits;
    struct bucket buckets[DIM_RATES]; /* RPM, TPM, RPD, TPD where limited */
    int64_t in_flight, held_tokens;
    struct purse purses[PURSES];
    struct longest longest;
    int64_t requests, tokens, spent; /* of those that have ended, in all */
};

/* One request's share of it while it is in flight. The driver's memory; zero but for the
 * allowance and the price. */
struct stake {
    struct allowance *allowance;
    struct price price;
    bool held;
    int64_t tokens, spend; /* held */
    uint32_t turns[PURSES];
};

void allowance_init(struct allowance *a, const struct allowance_limits *limits,
                    int64_t minute_us);
/* Other limits from now on; what was used stays used. */
void allowance_relimit(struct allowance *a, int64_t now_us,
                       const struct allowance_limits *limits);
/* The purse is full again until ends_us. To be called when its end has come, and at first. */
void purse_refill(struct purse *p, int64_t ends_us);

/* What binds, and for how long. */
struct allowed {
    enum take take;
    int64_t wait_us; /* LATER: at most; INT64_MAX: until another request ends */
    enum dimension dim;
    bool until_ends; /* it may be sooner: when one of those in flight ends */
};
/* Would it fit? Changes nothing. NEVER: no wait can help. */
struct allowed stake_ask(const struct stake *s, int64_t now_us, const struct demand *d);
/* It was admitted: takes its share of all limits. */
void stake_hold(struct stake *s, int64_t now_us, const struct demand *d);
/* It was not sent after all, or the provider refused it: as if it had never been. */
void stake_release(struct stake *s, int64_t now_us);
/* It has ended, and used that much. */
void stake_settle(struct stake *s, int64_t now_us, const struct demand *d, int64_t input_tokens,
                  int64_t output_tokens);

/* The tokens it will take, as far as is known now. */
int64_t stake_tokens(const struct stake *s, const struct demand *d);

/* For headers and people. false: not limited. */
bool allowance_look(const struct allowance *a, int64_t now_us, enum dimension dim,
                    int64_t *limit, int64_t *left, int64_t *reset_us);
/* After a restart: what was left of a day's budget then. */
void allowance_restore(struct allowance *a, int64_t now_us, enum dimension dim, int64_t left);

#endif
