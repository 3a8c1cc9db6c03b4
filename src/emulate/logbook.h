/* logbook.h: what happened at the emulated provider, for its report. Pure.
 *
 * The quota's lower bound and the efficiency are those of shared design/pacing.md: the least
 * time in which the window could have admitted what it did admit, over the time it took. */
#ifndef SLUICE_LOGBOOK_H
#define SLUICE_LOGBOOK_H

#include "gauge.h"

/* One gauge's story. Times are the server's own microseconds, -1 before the first. */
struct logbook {
    int64_t arrivals, admitted, too_large, ramp;
    int64_t refused[DIM_COUNT]; /* by the limit that refused; without too_large and ramp */
    int64_t charged[DIM_COUNT];
    int64_t charged_then[DIM_COUNT]; /* by the last admission */
    int64_t in_flight, most_in_flight;
    int64_t first_arrival_us, last_admission_us;
    int64_t first_reset_us[DIM_COUNT]; /* from the first arrival to the end of its window */
};
struct logbook logbook_new(void);

void logbook_arrival(struct logbook *b, int64_t now_us, const int64_t charge[DIM_COUNT],
                     const struct gauge_answer *a);
/* Output produced by a request admitted earlier. */
void logbook_produced(struct logbook *b, enum dimension dim, int64_t units);
void logbook_done(struct logbook *b);
/* The last arrival was admitted, but another budget refused it. Its moment stays noted. */
void logbook_undo(struct logbook *b, const int64_t charge[DIM_COUNT]);

/* The least time from the first arrival to the last admission that this limit allows for what
 * was charged by then; -1 where all of it fits into what was there at the start. */
int64_t logbook_bound_us(const struct logbook *b, const struct gauge_config *c,
                         const struct gauge_limit *limit);
/* first_arrival_s, last_admission_s, took_s, bound_s and efficiency, as members of an object
 * that has some already. */
void logbook_write_span(const struct logbook *b, int64_t bound_us, struct buf *out);
/* One JSON object: see docs/emulate.md. */
void logbook_write(const struct logbook *b, const struct gauge_config *c, struct str name,
                   struct buf *out);

#endif
