/* remember.h: what a run learns of limits that nobody tells is there for the next one. */
#ifndef SLUICE_REMEMBER_H
#define SLUICE_REMEMBER_H

#include "batch.h"

/* Reads what is remembered and tells it to the pools, which are new. What cannot be read is
 * learned anew. */
void remember_open(struct batch *b);
/* Takes down what was learned, and writes it if that is news, or at the `last` time. */
void remember_note(struct batch *b, bool last);
/* For people, at the end: which limits were learned. */
void remember_say(const struct batch *b, struct buf *out);
void remember_close(struct batch *b);

#endif
