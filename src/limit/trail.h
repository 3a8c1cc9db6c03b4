/* trail.h: when each request was let through, for as long as three periods: what is known of a
 * limit that nobody tells.
 *
 * Of what was refused nothing remains. At rates at which three periods would not fit, what goes
 * within a thousandth of a period lies together. */
#ifndef SLUICE_TRAIL_H
#define SLUICE_TRAIL_H

#include <stddef.h>
#include <stdint.h>

struct trail_cell {
    int64_t at_us; /* the first of them */
    int64_t n;
};

struct trail {
    struct trail_cell *ring; /* owned; NULL before the first */
    uint64_t size;           /* a power of two */
    uint64_t tail, head;     /* what is remembered */
    uint64_t lately_from;    /* what is younger than a period */
    int64_t lately;          /* ... how many those are */
    int64_t period_us, cell_us;
    int64_t last_us; /* the youngest ever, -1 before it */
};

void trail_init(struct trail *t, int64_t period_us);
void trail_free(struct trail *t);
void trail_add(struct trail *t, int64_t now_us);
/* So many went by then, another says; before anything of our own. */
void trail_recall(struct trail *t, int64_t at_us, int64_t n);
/* The one sent then was refused: as if it had not been. */
void trail_drop(struct trail *t, int64_t sent_us);
/* How many went within the last period. */
int64_t trail_lately(struct trail *t, int64_t now_us);
/* How many of those that are remembered went in [from, upto). */
int64_t trail_count(const struct trail *t, int64_t from_us, int64_t upto_us);
/* The i-th remembered, from tail to before head. */
const struct trail_cell *trail_at(const struct trail *t, uint64_t i);

#endif
