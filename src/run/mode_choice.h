/* mode_choice.h: which requests go live and which as batches, for a deadline, a budget or both.
 * Pure.
 *
 * A batch costs less and promises only that it ends within its window, usually a day. So a
 * deadline is kept by going back on it: what a batch has not done when the rest of the time is
 * just enough to ask it live is cancelled and asked live. Hence, of a group that takes L live,
 * with a deadline D and up to C for a cancellation:
 *
 *   window + L <= D    all of it as batches: even what expires can still be asked
 *   L <= D/2 - C       all of it as batches, given up in time; they have half of D at least
 *   L <= D - C         so much as batches that they have half of D; the rest live meanwhile
 *   L <= D             live
 *   else               it cannot be kept
 *
 * A budget buys as much live, which is sooner, as it has money for, where that costs least
 * first. With both, the cheapest way that keeps the deadline must fit the budget. */
#ifndef SLUICE_MODE_CHOICE_H
#define SLUICE_MODE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum choice_why {
    CHOICE_CHEAPER,   /* batch: there is time for it, whatever becomes of it */
    CHOICE_TAKE_BACK, /* batch: there is time to ask it live after all */
    CHOICE_PART,      /* both: so much can still be asked live in time */
    CHOICE_NO_TIME,   /* live: there is no time to go back on a batch */
    CHOICE_AFFORDED,  /* live: the budget pays for it */
    CHOICE_BOUGHT,    /* both: the budget pays for so much live */
    CHOICE_SAVED,     /* batch: the budget pays for nothing else */
    CHOICE_NO_GAIN,   /* live: batches are not known to cost less, or do not exist */
};

struct choice_group { /* rows that draw on the same limits */
    int64_t requests;
    int64_t live_us;   /* all of it, live; -1 not known */
    int64_t window_us; /* until its batches have ended, at the latest; -1 not known */
    int64_t live_pusd, batch_pusd; /* all of it; -1 not known */
    bool batches;                  /* may go as batches, for less */
    /* out */
    int64_t batch; /* of the requests */
    enum choice_why why;
};

struct choice {
    int64_t deadline_us, budget_pusd; /* -1: none; not both */
    int64_t cancel_us;
    struct choice_group *groups;
    size_t n;
    /* out */
    int64_t cost_pusd; /* -1 not known */
    size_t fault;      /* the group that an error is of */
};

enum choice_end {
    CHOICE_MADE,
    CHOICE_TOO_LATE,      /* `fault` takes longer than there is time, even live */
    CHOICE_TIME_UNKNOWN,  /* how long `fault` takes live */
    CHOICE_PRICE_UNKNOWN, /* of `fault`, and there is a budget */
    CHOICE_TOO_DEAR,      /* it costs cost_pusd at least */
};
enum choice_end mode_choose(struct choice *c);

#endif
