/* world.h: a cell of the grid as a world: the provider and its network (simulate's remote.h),
 * the jobs as they become known, a stranger on the same account, and the log of all arrivals.
 *
 * The one-way delay is uniform in [20 ms, 20 ms + J].
 *
 * The stranger sends nothing through this network: its requests appear at the provider as a
 * Poisson process and spend a fifth of what the account allows (on slices one every 1/rate +-
 * 25 %: a Poisson process alone overfills a slice now and then). Their size is within 50 % of
 * our mean or, where tokens are short, of a quarter of it; all is charged on arrival. */
#ifndef SLUICE_SIM_WORLD_H
#define SLUICE_SIM_WORLD_H

#include "cell.h"
#include "oracle.h"
#include "remote.h"
#include "work.h"

enum { WORLD_BUDGETS = ORACLE_BUDGETS }; /* RPM, TPM */

struct world;

/* Who sends. All three are called with the world's time. */
struct client {
    void *self;
    /* A job has become known (all of a batch at time 0). */
    void (*offer)(void *self, int64_t now_us, uint32_t job);
    /* The answer to world_send arrived, whole. */
    void (*answer)(void *self, int64_t now_us, uint32_t job, const struct remote_answer *a);
    /* After all that happened at one instant: send what may be sent. Returns when to be called
     * again if nothing happens before; INT64_MAX never. */
    int64_t (*due)(void *self, int64_t now_us);
};

struct world_result {
    int64_t first_send_us; /* -1: nothing was sent */
    int64_t first_admit_us, last_admit_us, last_answer_us;
    int64_t waited_us; /* from offer to admission, over all jobs */
    int64_t answered;  /* jobs with an admitted answer */
    int64_t sends;
    int64_t events;
    bool stuck; /* gave up: far over any sensible time, or nothing left to happen */
};

struct world *world_new(const struct cell *c, const struct work *work);
void world_free(struct world **w);
/* Puts a job's request on the wire now. One at a time per job. */
void world_send(struct world *w, uint32_t job);
/* Until every job is answered, or `limit_us` of virtual time. */
struct world_result world_run(struct world *w, struct client *client, int64_t limit_us);
const struct oracle_log *world_log(const struct world *w);
int64_t world_now_us(const struct world *w);

/* The provider's budgets in the oracle's words: RPM, TPM. */
void world_budgets(const struct cell *c, const struct work *work,
                   struct oracle_budget out[WORLD_BUDGETS]);
/* The same for a client that keeps to `percent` of the account. */
void world_share(const struct cell *c, const struct work *work, int64_t percent,
                 struct oracle_budget out[WORLD_BUDGETS]);
/* Prints every event as a line. */
void world_narrate(struct world *w, bool on);

#endif
