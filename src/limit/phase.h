/* phase.h: where the edges of fixed windows lie, learned from reset headers.
 *
 * "reset" counts from the provider's decision, an instant between our sending and the answer's
 * first byte. Headers may be computed when the request arrives or when its answer starts; with
 * answers that take half a minute the two differ by as much. So both are supposed: if at
 * arrival, sent + reset is one instant (to within the way's variation) in every answer; if at
 * the answer, first byte + reset is. The one whose instants scatter is refuted.
 *
 * Only the last period or two are remembered: clocks drift, and some providers start a window
 * with its first request. */
#ifndef SLUICE_PHASE_H
#define SLUICE_PHASE_H

#include <stdbool.h>
#include <stdint.h>

enum supposed { SUPPOSED_ARRIVAL, SUPPOSED_ANSWER, SUPPOSED_COUNT };

/* Instants heard in one period, relative to ref_us. */
struct phase_ear {
    int64_t least_us, most_us; /* the least upper and the most lower bound */
    int64_t n;
};

struct phase {
    int64_t period_us;
    int64_t ref_us;
    int64_t since_us; /* when `now` began */
    struct phase_ear now[SUPPOSED_COUNT], before[SUPPOSED_COUNT];
};

/* Where an edge lies, in sending time, as fixed.h means it. */
struct edge {
    bool known;
    bool contradicted; /* what was heard points to no instant: start over */
    int64_t lo_us, hi_us;
    int64_t slack_us; /* variation of the way as heard, at least what was told */
};

void phase_init(struct phase *p, int64_t period_us);
/* An answer sent at sent_us whose first byte came at head_us. */
void phase_hear(struct phase *p, int64_t sent_us, int64_t head_us, int64_t reset_us,
                int64_t round_us);
/* `slack_us`: J as believed; `way_us`: a bound of the way there and back. `refuted`:
 * suppositions known to be wrong from elsewhere. */
struct edge phase_edge(const struct phase *p, int64_t slack_us, int64_t way_us,
                       const bool refuted[SUPPOSED_COUNT]);

#endif
