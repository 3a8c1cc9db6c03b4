/* learning.h: inside flow/: a pool whose limits nobody told, and what its refusals teach. */
#ifndef SLUICE_LEARNING_H
#define SLUICE_LEARNING_H

#include "account.h"

/* For a pool that has no limits; ends when somebody tells them. */
void learning_begin(struct pool *p);
void learning_end(struct pool *p);
/* How long the pool has to wait for what it does not know; 0: not at all. */
int64_t learning_wait_us(struct pool *p, int64_t now_us);
void learning_sent(struct pool *p, int64_t now_us);
void learning_good(struct pool *p, int64_t sent_us);
/* An answer's headers may tell the limits after all: then that is what holds. */
void learning_told(struct pool *p, const struct event *head);
/* True if that was a lesson: a refusal that no known limit explains. */
bool learning_refused(struct pool *p, const struct flow *f, const struct event *in,
                      int64_t asked_us);

#endif
