/* display.h: a batch as observe/ sees it, and with --ui the listener that shows it.
 *
 * What the rows come to is counted whether somebody looks or not; it costs next to nothing. */
#ifndef SLUICE_DISPLAY_H
#define SLUICE_DISPLAY_H

#include "notables.h"
#include "reckon.h"

struct batch;
struct display; /* the listener */

/* An attempt failed; `s` is of its row. */
void display_setback(struct batch *b, size_t pool, struct setbacks *s, const struct job *j,
                     const struct ending *end);
/* A row has ended, or its request came back unsent. */
void display_over(struct batch *b, size_t pool, const struct setbacks *s, const struct job *j,
                  const struct ending *end);

/* Listens, if it was asked for, and says where on standard error, once. SL_... with *diag. */
enum sl_err display_open(struct batch *b, struct diag *diag) SL_CHECK;
/* Shows the end, then closes; memory is freed as the loop runs on. */
void display_close(struct batch *b);

#endif
