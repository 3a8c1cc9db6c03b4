/* service_state.h: what the emulated provider remembers, shared by the service_*.c files only.
 */
#ifndef SLUICE_SERVICE_STATE_H
#define SLUICE_SERVICE_STATE_H

#include "jobs.h"
#include "route_limit.h"
#include "seen.h"
#include "service.h"
#include "store.h"
#include "threads.h"

struct service {
    struct emulate_config config;
    struct arena arena; /* the configuration's texts */
    struct roster roster;
    struct route_limits routes;
    struct random luck; /* mishaps and latencies */
    uint64_t requests;
    struct {
        int64_t arrivals, answered, wallet, unauthorised, bad;
        int64_t mishaps[MISHAP_COUNT], snags[SNAG_COUNT];
    } totals;
    struct registry registry;
    struct store store;
    struct jobs jobs;
    struct threads threads;
    struct seen seen;
};

/* The plan of a refusal. */
void service_refuse(struct plan *p, const struct denial *no);
/* Files, batches and threads. */
void service_errand(struct service *s, int64_t now_us, const struct service_request *r,
                    const struct target *to, struct plan *p);

#endif
