/* fixed.h: a counter that is reset at known instants (Azure's minute, a slice of it).
 *
 * One edge lies in [lo, hi] of our clock, in sending time: what is sent at or after hi arrives
 * after the edge; what is sent before lo - slack arrives before it; the others may land on
 * either side and are charged to both. Further edges lie whole periods away.
 *
 *   Never more than limit in any window of the provider, for any delays within slack_us of each
 *   other, as long as the interval holds the edge.
 *
 * Works for hi - lo + slack < period. */
#ifndef SLUICE_FIXED_H
#define SLUICE_FIXED_H

#include <stdbool.h>
#include <stdint.h>

enum { FIXED_KEPT = 4 };

struct fixed {
    int64_t limit, period_us, slack_us;
    int64_t lo_us, hi_us;      /* where one edge lies */
    int64_t index[FIXED_KEPT]; /* which window each count belongs to */
    int64_t used[FIXED_KEPT];
};

/* The windows, counted from the edge, in which something sent at now_us may land. */
struct fixed_span {
    int64_t first, last;
};

void fixed_init(struct fixed *f, int64_t limit, int64_t period_us, int64_t slack_us);
/* The edge is known anew, or better. Counts stay; fixed_set them when the old edge was wrong.
 */
void fixed_edge(struct fixed *f, int64_t lo_us, int64_t hi_us);
struct fixed_span fixed_span(const struct fixed *f, int64_t now_us);
int64_t fixed_used(const struct fixed *f, int64_t index);
void fixed_set(struct fixed *f, int64_t index, int64_t used);

int64_t fixed_wait_us(const struct fixed *f, int64_t now_us, int64_t held, int64_t cost);
void fixed_debit(struct fixed *f, int64_t now_us, int64_t units);
/* What was debited at sent_us turned out to be `delta` more, or less. */
void fixed_amend(struct fixed *f, int64_t sent_us, int64_t delta);
int64_t fixed_level(const struct fixed *f, int64_t now_us);

#endif
