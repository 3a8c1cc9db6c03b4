/* tenants.h: those who share the gateway's accounts, each with an allowance, a share and a
 * rank.
 *
 * A tenant lives as long as the process, since requests point to it; one that is no longer in
 * the configuration is `gone` and takes no more requests, and comes back under its name. */
#ifndef SLUICE_TENANTS_H
#define SLUICE_TENANTS_H

#include "allowance.h"
#include "option.h"

enum { TENANTS_MAX = 10000 };

/* As configured. Requests keep to the one that was in force when they came. */
struct tenant_setting {
    const char *name;
    int64_t weight;   /* QUEUE_WEIGHT is the usual share */
    uint8_t priority; /* of the queue */
    struct allowance_limits limits;
    int64_t max_wait_us;       /* -1: the gateway's */
    int64_t held_requests;     /* most at once; 0: the gateway's */
    int64_t held_bytes;        /* of their bodies together */
    struct option_list models; /* may be asked for; none: all */
};

/* What has become of its requests. */
struct tenant_totals {
    int64_t requests, answered, refused, failed;
    int64_t input_tokens, output_tokens;
    int64_t spend; /* millionths of a dollar, as far as prices are known */
    int64_t waited_us;
};

struct tenant {
    char *name;
    uint32_t index;                       /* of its turns in queues */
    const struct tenant_setting *setting; /* in force; of one that is gone the empty one */
    struct allowance allowance;
    size_t held, held_bytes; /* requests it has here now, and their bodies */
    struct tenant_totals totals;
    bool gone;
};

struct tenants {
    struct tenant **list;
    uint32_t n;
};

/* Those of the configuration from now on; settings are lent as long as they are in force. */
void tenants_apply(struct tenants *t, const struct tenant_setting *settings, size_t n,
                   int64_t now_us, int64_t minute_us);
void tenants_free(struct tenants *t);
/* By name, gone ones too; NULL if there never was one. */
struct tenant *tenants_find(const struct tenants *t, struct str name);
/* Whether one with that setting may ask for that model. */
bool tenant_may_use(const struct tenant_setting *s, struct str model);
/* Days and months that have ended begin anew, by the calendar of UTC; when to ask again. */
int64_t tenants_turn(struct tenants *t, int64_t now_us, int64_t unix_us);

#endif
