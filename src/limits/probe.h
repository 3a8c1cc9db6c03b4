/* probe.h: one minimal request per model, and what its answer says of the model's limits. */
#ifndef SLUICE_PROBE_H
#define SLUICE_PROBE_H

#include "account_options.h"
#include "door.h"

struct probe {
    struct str model; /* lent */

    /* what came of it */
    bool answered; /* else err and why */
    int status;
    enum sl_err err;
    char why[256];          /* the provider's words for a refusal, else what broke */
    struct verdict verdict; /* its strings are gone: see why */
    struct reading readings[BOUND_BUDGETS];
    size_t reading_count;
};

/* Asks for all of them at once and runs the loop until all are answered. The door's upstream
 * and the account are lent. */
void probes_run(uv_loop_t *loop, struct upstream *u, const struct door *d,
                const struct account_options *a, struct probe *list, size_t n);

/* The request's path below the base URL, and its body. `completion`: name the bound of a chat's
 * answer as OpenAI's newer models want it. False for a kind of model that no request of one
 * token suits (images, speech). Pure. */
bool probe_request(const struct provider *p, struct str model, bool completion,
                   const char **path, struct buf *body);

#endif
