/* counter.h: what has been spent of one limit, counted the way its window is enforced. */
#ifndef SLUICE_COUNTER_H
#define SLUICE_COUNTER_H

#include "bucket.h"
#include "fixed.h"
#include "pace.h"
#include "phase.h"
#include "window.h"

struct counter {
    enum window_kind kind; /* in force; AUTO counts as sliding, which is safe for all */
    bool phase_known;      /* fixed, slices: `fixed` rules, else `log` */
    struct bucket bucket;
    struct window log;
    struct fixed fixed;
};

void counter_init(struct counter *c, enum window_kind kind, int64_t limit, int64_t period_us,
                  int64_t slack_us);
void counter_free(struct counter *c);
/* Another kind rules from now on. */
void counter_become(struct counter *c, int64_t now_us, enum window_kind kind);
/* 0: `cost` fits now beside `held` promised units; else the time until it will. The cost must
 * not exceed the limit. */
int64_t counter_wait_us(struct counter *c, int64_t now_us, int64_t held, int64_t cost);
void counter_debit(struct counter *c, int64_t now_us, int64_t units);
/* What was debited at sent_us turned out to be `delta` more, or less. */
void counter_amend(struct counter *c, int64_t now_us, int64_t sent_us, int64_t delta);
/* Units charged at an instant that is past, of which we learn now. */
void counter_debit_late(struct counter *c, int64_t now_us, int64_t at_us, int64_t units);
int64_t counter_level(struct counter *c, int64_t now_us);
void counter_clamp(struct counter *c, int64_t now_us, int64_t lo, int64_t hi);
/* The edge of its windows is known; or no more, where what was heard contradicts itself. */
void counter_edge(struct counter *c, int64_t now_us, struct edge e);
void counter_relimit(struct counter *c, int64_t now_us, int64_t limit);
/* The way varies more than was believed: half as much again, up to most_us. Edges are to be
 * learned anew. */
void counter_loosen(struct counter *c, int64_t most_us);
/* The way is seen to vary by that much at least. */
void counter_slacken(struct counter *c, int64_t slack_us);

#endif
