/* service_state.h: what the emulated provider remembers, shared by the service_*.c files only.
 */
#ifndef SLUICE_SERVICE_STATE_H
#define SLUICE_SERVICE_STATE_H

#include "route_limit.h"
#include "seen.h"
#include "service.h"

struct service {
    struct emulate_config config;
    struct arena arena; /* the configuration's texts */
    struct roster roster;
    struct route_limits routes;
    struct random luck; /* mishaps and latencies */
    uint64_t requests;
    struct {
        int64_t arrivals, answered, wallet, unauthorised, bad;
        int64_t mishaps[MISHAP_COUNT];
    } totals;
    struct seen seen;
};

#endif
