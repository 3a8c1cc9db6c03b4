/* learner.h: a limit on requests that nobody tells, neither beforehand nor in headers, found by
 * what is refused.
 *
 *   GROW   nothing was refused yet: one at a time at first, then more the longer it goes well
 *   FEEL   refused: silence until it is known what else was, and for longer than short windows
 *          last; then one at a time, until it is refused again
 *   HOLD   one kind of window and one limit explain all refusals: that is kept to
 *
 * A refusal is heard of after the way there and back, and everything sent meanwhile may be
 * refused too. So what bounds the refusals is how much is under way unheard of, not how fast it
 * goes. Each contact with the limit refutes kinds (contact.h); two or three of them leave one.
 *
 * What is held is not tried again for an hour in which all of it was used; then in steps that
 * double, from a thirtieth, as long as they go well. A refusal takes it back to what went well,
 * and puts the next try off twice as long, up to a day. One that comes by itself takes a
 * thirtieth. Limits of a minute are learned; longer ones are waited out, in pauses that double.
 *
 * Measured by `sim --hidden`, see docs/decisions/012-hidden-limits.md. */
#ifndef SLUICE_LEARNER_H
#define SLUICE_LEARNER_H

#include "contact.h"

enum { LEARNER_CONTACTS = 4 };

/* What is being heard: refusals of which nothing was made yet. */
struct burst {
    bool open;
    int64_t first_us, last_us; /* when the first and the last of them was sent */
    int64_t heard_us;          /* when the first was heard of: nothing was sent since */
    int64_t judge_us;          /* by then all will have been heard */
};

struct learner {
    int64_t period_us, slack_us; /* a minute; J */
    struct trail trail;
    struct burst burst;
    struct contact contacts[LEARNER_CONTACTS]; /* of the same story */
    size_t contact_count;
    int64_t met_us;       /* the last contact, -1: none */
    int dry;              /* contacts in a row with nothing let through between them */
    bool in_haste;        /* the last silence was the short one */
    struct lesson lesson; /* HOLD: kept to; AUTO: none yet */
    uint32_t lessons;     /* how often it has changed */
    int64_t began_us;     /* GROW: since then it went without a pause; -1: nothing yet */
    int64_t resume_us;    /* silence until then */
    int64_t held_us;      /* HOLD: not refused since */
    int64_t gap_us;       /* HOLD, at first: so far apart */
    int64_t ear_us;       /* a refusal is heard of within that time */
    int64_t way_us;       /* the quickest one was */
    int64_t good;         /* answers to what was sent since the silence */
    int64_t try_us, try_every_us;
    int64_t proven; /* what went well before the last try; 0: none is on */
    int tries;      /* in a row that went well */
};

void learner_init(struct learner *l, int64_t period_us, int64_t slack_us);
void learner_free(struct learner *l);

/* What was sent lately and not heard of yet. */
struct unheard {
    int64_t n;
    int64_t oldest_us; /* when the oldest of them was sent */
};
/* 0: another may go; else the time until it may, if nothing is heard before. Unheard are those
 * younger than ear_us. */
int64_t learner_wait_us(struct learner *l, int64_t now_us, struct unheard u);
void learner_sent(struct learner *l, int64_t now_us);
/* The one sent then was refused, or it was not. asked_us: how long it is to wait, -1 if that
 * was not said. */
void learner_refused(struct learner *l, int64_t now_us, int64_t sent_us, int64_t asked_us);
void learner_good(struct learner *l, int64_t sent_us);

/* What another process learned, which had let `lately` through within a period at at_us. */
void learner_recall(struct learner *l, int64_t now_us, const struct lesson *lesson,
                    int64_t at_us, int64_t lately);

#endif
