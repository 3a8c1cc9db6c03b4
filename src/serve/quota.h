/* quota.h: what is left of limits, as the provider's own headers tell it. Pure.
 * Source of the forms: facts/providers.md section 4. */
#ifndef SLUICE_QUOTA_H
#define SLUICE_QUOTA_H

#include "flow.h"

enum {
    QUOTAS = 8,
    QUOTA_HEADERS = 12, /* three of each kind that the forms know */
};

struct quota {
    enum dimension dim;
    int64_t limit, left; /* left may be negative: then 0 is told */
    int64_t reset_us;    /* until it is whole again */
};

/* Of an account's budgets, as it sees them; of a tenant's allowance, of which it has none where
 * nothing is limited. Both return how many; out has room for QUOTAS. */
size_t quota_of_pool(const struct pool_view *view, struct quota *out);
size_t quota_of_tenant(const struct allowance *a, int64_t now_us, struct quota *out);

/* x-ratelimit-limit-requests and so on with Go durations; for Anthropic
 * anthropic-ratelimit-requests-limit and so on with instants. A minute's quota is told where
 * there is one, else the day's. Returns how many; strings live in the arena. */
size_t quota_headers(const struct quota *q, size_t n, bool anthropic, int64_t unix_us,
                     struct header *out, struct arena *arena);
/* Whether a provider's header is one of these. */
bool quota_is_header(struct str name);

#endif
