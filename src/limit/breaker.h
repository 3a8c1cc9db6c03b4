/* breaker.h: an outage pauses, instead of burning requests one by one.
 *
 *             BREAKER_FAULTS in a row
 *   CLOSED -----------------------------> OPEN --- pause is over: one probe ---> PROBING
 *      ^                                    ^                                      |
 *      |                                    +---- it failed: twice the pause ------+
 *      +----------------------------------- any answer ----------------------------+
 *
 * A closed breaker also keeps a retry budget: a retry takes a credit, answers earn RETRY_SHARE
 * of one, and without credit one retry a second goes. Source: Google's SRE book, "Handling
 * Overload". */
#ifndef SLUICE_BREAKER_H
#define SLUICE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_FAULTS = 8 };

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING };

struct breaker {
    enum breaker_state state;
    int faults;         /* in a row */
    int64_t pause_us;   /* of the last opening */
    int64_t open_us;    /* OPEN: until then */
    int64_t earned;     /* retry credit, in parts: see breaker.c */
    int64_t retried_us; /* the last retry without credit */
};

void breaker_init(struct breaker *b);
/* A whole answer came, whatever it says. */
void breaker_answer(struct breaker *b);
/* The provider could not be reached, broke off, or said it cannot serve. True if that
 * opened a closed breaker: a failed probe is of the same outage. */
bool breaker_fault(struct breaker *b, int64_t now_us);
/* 0: a request may go now. Else the time until one may be tried; INT64_MAX while the probe is
 * under way. */
int64_t breaker_wait_us(const struct breaker *b, int64_t now_us);
/* A request goes. */
void breaker_send(struct breaker *b);
/* A request was given up before its answer: if it was the probe, another may go. */
void breaker_forget(struct breaker *b);
/* 0: a retry may go now, and has been paid for. Else the time until it may. */
int64_t breaker_retry_us(struct breaker *b, int64_t now_us);

#endif
