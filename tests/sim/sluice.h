/* sluice.h: the client under test: a driver of the real flow_step. */
#ifndef SLUICE_SIM_SLUICE_H
#define SLUICE_SIM_SLUICE_H

#include "world.h"

struct sluice_client;

struct sluice_client *sluice_client_new(const struct cell *c, const struct work *work,
                                        struct world *world);
void sluice_client_free(struct sluice_client **s);
struct client sluice_client_face(struct sluice_client *s);

/* What the machine says of itself, to be compared with the oracle's sums. */
struct sluice_account {
    int64_t finished;               /* jobs that came back as OK, once each */
    int64_t failed;                 /* any other outcome, or a second finish */
    int64_t charged[WORLD_BUDGETS]; /* settled, by its own books */
    int64_t in_flight;
};
struct sluice_account sluice_client_account(const struct sluice_client *s, int64_t now_us);

#endif
