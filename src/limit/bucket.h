/* bucket.h: a limit that refills continuously, as OpenAI, Groq and Anthropic enforce it.
 *
 * The provider's bucket holds `limit` units and gains limit/period per microsecond. Ours is the
 * same less what the variation of the one-way delay can bunch together:
 *
 *   For any schedule of debits that bucket_wait_us allowed, and any delays within `slack_us` of
 *   each other, the provider's bucket never lacks a unit when a request arrives, i.e. no more
 *   than limit + limit/period * t units arrive in any span t.
 *
 * Integers throughout: the debt is kept in units * microseconds and drains by `limit` a
 * microsecond, so nothing is ever rounded. Source: the generic cell rate algorithm, ITU-T
 * I.371. */
#ifndef SLUICE_BUCKET_H
#define SLUICE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    __int128 debt; /* units * period still to drain at at_us; drains below 0 when idle */
    int64_t at_us; /* when debt was true */
    int64_t limit; /* units per period and capacity */
    int64_t period_us;
    int64_t slack_us; /* J */
};

/* A full bucket. */
void bucket_init(struct bucket *b, int64_t limit, int64_t period_us, int64_t slack_us);
/* 0: `cost` fits now beside `held` units that are promised but not yet debited; else the time
 * until it will. The cost must not exceed the limit. */
int64_t bucket_wait_us(const struct bucket *b, int64_t now_us, int64_t held, int64_t cost);
void bucket_debit(struct bucket *b, int64_t now_us, int64_t units);
/* Gives back what was debited and not charged. */
void bucket_credit(struct bucket *b, int64_t now_us, int64_t units);
/* What it holds, whole units, at most the limit; negative when overdrawn. */
int64_t bucket_level(const struct bucket *b, int64_t now_us);
/* Moves the level into [lo, hi]. */
void bucket_clamp(struct bucket *b, int64_t now_us, int64_t lo, int64_t hi);

#endif
