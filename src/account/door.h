/* door.h: an account at work: its engine, and the emulator it talks to where it is to be one.
 */
#ifndef SLUICE_DOOR_H
#define SLUICE_DOOR_H

#include "account_options.h"

struct door {
    struct engine *engine;
    struct emulator *emulator; /* NULL: a provider elsewhere */
    char base_path[512];       /* of the base URL: "/v1", "" for none */
};

/* Driver and tap come from `wiring`, the rest from the options. */
enum sl_err door_open(struct door *d, const struct account_options *a, uv_loop_t *loop,
                      const struct engine_config *wiring, struct diag *diag) SL_CHECK;
/* The way to the provider alone, for what asks without an account's pacing: starts the emulator
 * where there is to be one and none runs yet, so a door may have both. The upstream is the
 * caller's, and sends nothing twice; door_close and door_free as below. */
enum sl_err door_upstream(struct door *d, const struct account_options *a, uv_loop_t *loop,
                          struct upstream **out, struct diag *diag) SL_CHECK;
/* Drops what is in flight; the loop must then run until it is empty before door_free. A door
 * that was never opened, or not wholly, may be closed and freed too. */
void door_close(struct door *d);
void door_free(struct door *d);

#endif
