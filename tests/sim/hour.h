/* hour.h: a gateway's hour in virtual time, with everything that goes wrong in one.
 *
 * Tenants with shares, ranks and allowances send requests to two models of an account through
 * the real flow; the provider's gauge decides; one attempt in twenty meets a fault of some
 * kind, clients leave at any moment, and the configuration changes every minute. Afterwards all
 * books are compared, to the token: ours of the account with the provider's, the tenants' with
 * what their requests used. */
#ifndef SLUICE_SIM_HOUR_H
#define SLUICE_SIM_HOUR_H

#include <stdint.h>

struct hour {
    int64_t requests; /* that came */
    int64_t answered; /* well, to the end */
    int64_t failed;   /* for good: a fault that may not be tried again, or too often */
    int64_t left;     /* clients */
    int64_t attempts, faults, renewals;
    int64_t refused;      /* by the provider: there should be none */
    int64_t unfinished;   /* requests that never came to an end */
    int64_t twice;        /* ended more than once */
    int64_t requests_off; /* our book of the account less the provider's */
    int64_t tokens_off;
    int64_t tenants_off; /* sum of what each tenant's book is off, tokens */
    int64_t held;        /* left in flight or held, anywhere */
    int64_t over;        /* moments at which a tenant had more in flight than it may */
};

struct hour hour_run(uint64_t seed, int64_t minutes);

#endif
