/* deadline.h: keeps the deadline of --mode auto: rows that wait in batches are asked live while
 * there is time for it.
 *
 * Guarantee: from the moment when all that is left would take, live, as long as there is time
 * (less what a cancellation may take, and a margin), there is always enough to be asked live.
 * Batches are given up one at a time, what was not begun first, then the youngest: older ones
 * may still end in time, and cost less. */
#ifndef SLUICE_DEADLINE_H
#define SLUICE_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct batch;

struct deadline {
    int64_t look_us; /* the next look; nothing before */
    int64_t due_us;  /* until batches are given up, if they do not end before; -1: none are */
    bool *told;      /* by pool: that they are late */
};

/* Now and then. */
void deadline_look(struct batch *b, int64_t now_us);
void deadline_free(struct deadline *d);

#endif
