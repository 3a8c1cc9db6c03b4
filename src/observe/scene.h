/* scene.h: everything there is to see of a running gateway or batch, at one moment, as plain
 * structs. Whoever runs it draws the scene when asked; metrics, alerts, the dashboard and
 * `sluice status` are four ways to look at the same one. Nothing in it is a key or a prompt. */
#ifndef SLUICE_SCENE_H
#define SLUICE_SCENE_H

#include "arena.h"
#include "bounds.h"
#include "catalogue.h"
#include "tally.h"

struct scene_budget {
    enum dimension dim;
    const char *window; /* "bucket", "fixed", ... as told or identified */
    int64_t limit;      /* ours, per period */
    int64_t level;      /* what is left, may be negative */
    int64_t used;       /* during the last period, or what is not left, whichever is more */
    int64_t period_us;
    int64_t charged;  /* in all */
    int64_t refusals; /* in all */
    bool binds;       /* what the queue waits for now */
    bool learned;     /* from refusals: nobody told it */
    int64_t wait_us;  /* until its first request fits */
};

struct scene_pool {
    struct str account, model;
    size_t queued, in_flight;
    struct scene_budget budgets[BOUND_BUDGETS];
    size_t budget_count;
    const struct tally *tally; /* lent, and alive as long as the process */
};

struct scene_account {
    struct str name, provider, tier;   /* tier: empty if it was not said */
    bool paused;                       /* an outage: nothing is sent but probes */
    bool retired;                      /* a configuration before had it */
    const struct catalogue *catalogue; /* lent; NULL: none is known */
    size_t keys, keys_refused;
    int64_t outages;
    struct str trouble; /* of the latest attempt that broke, in words; empty without */
};

struct scene_limit { /* of a tenant */
    enum dimension dim;
    int64_t limit, left;
};

/* The queue's ranks, the least first: "batch", "normal", "interactive". */
enum { SCENE_PRIORITIES = 3 };
const char *scene_priority(size_t rank);

struct scene_tenant {
    struct str name;
    const char *priority;
    int64_t weight;                   /* percent of the usual share */
    size_t held;                      /* requests here now */
    size_t waiting[SCENE_PRIORITIES]; /* ... of which so many wait, by their own rank */
    bool gone;
    int64_t requests, answered, refused, failed;
    int64_t input_tokens, output_tokens;
    int64_t spent; /* millionths of a dollar; see prices in the catalogue */
    struct scene_limit limits[8];
    size_t limit_count;
};

/* A request worth looking at: refused, or among the slowest. */
struct scene_request {
    int64_t unix_us;
    struct str tenant, model, account, what; /* what: "ok", or a refusal's diagnosis */
    int status;
    int64_t wait_us, latency_us;
    bool refused;
};

/* Something that somebody should look at. */
struct scene_alert {
    const char *kind, *severity; /* "refusals"; "warning", "critical" */
    struct str account, model;   /* empty: not of one */
    enum dimension dim;          /* DIM_UNKNOWN: not of one */
    int64_t since_unix_us;
    struct str text, advice;
};

/* Where alerts are sent, and how that goes. */
struct scene_channel {
    const char *name; /* "slack", "webhook", "command" */
    int64_t delivered, retried, failed, left_out;
    size_t pending;      /* messages that wait */
    const char *trouble; /* of the latest attempt; "" without */
};
enum { SCENE_CHANNELS = 3 };

struct scene_batch {
    struct str input, output; /* as named */
    struct str state;         /* "stopping: ...", or empty */
    int64_t total, done, failed;
    int64_t eta_us; /* until the end, -1 unknown */
};

/* Of all pools, shown or not. */
struct scene_totals {
    int64_t queued, in_flight, requests, refused_there, refused_here;
    int64_t input_tokens, output_tokens;
};

struct scene {
    const char *verb, *version;
    int64_t unix_us, started_unix_us;
    const struct scene_account *accounts;
    size_t account_count;
    struct scene_pool *pools; /* no two of one name */
    size_t pool_count;
    const struct scene_tenant *tenants;
    size_t tenant_count;
    const struct scene_request *requests; /* newest first */
    size_t request_count;
    const struct scene_batch *batch;  /* NULL: a gateway */
    const struct scene_alert *alerts; /* that are on, the oldest first */
    size_t alert_count;
    int64_t alerts_left_out; /* beyond all bounds */
    struct scene_channel channels[SCENE_CHANNELS];
    size_t channel_count;
    size_t connections;    /* of clients */
    size_t held, held_max; /* requests here now, and how many may be */
    struct scene_totals totals;
    size_t pools_left_out, tenants_left_out; /* of a cut one */
};

/* Sums up the pools. */
void scene_sum(struct scene *s);
/* Leaves out all but the busiest pools and tenants, for who looks at it every second. */
enum { SCENE_CUT_POOLS = 60, SCENE_CUT_TENANTS = 60 };
void scene_cut(struct scene *s, struct arena *arena);

/* Draws it; everything lives in the arena, or longer. `used`, alerts, channels and totals are
 * another's to fill in: see lookout.h. */
struct scene_view {
    void (*draw)(void *ctx, struct scene *out, struct arena *arena);
    void *ctx;
};

#endif
