/* roster.h: the models that an emulated account may use, and the budgets they draw on. Pure.
 *
 * A model is known by its name, by another name of it (emulate_alias), as a dated snapshot of a
 * name ("gpt-4o-2024-11-20" of "gpt-4o"), or without the date of a name that has one
 * ("claude-sonnet-4-5" for "claude-sonnet-4-5-20250929"). */
#ifndef SLUICE_ROSTER_H
#define SLUICE_ROSTER_H

#include "emulate.h"
#include "logbook.h"
#include "ramp.h"

/* What models of one pool share. */
struct roster_pool {
    struct str name;
    struct gauge_config config;
    struct gauge *gauge;
    struct ramp ramp;
    struct logbook book;
    unsigned generation; /* counts resets */
    /* Input tokens that batches may hold in the queue at once, 0: any; the most they held. */
    int64_t batch_limit, batch_most;
};

/* Pools made for models that only "*" names: enough for any test, bounded against a flood. */
enum { ROSTER_POOLS = 1024 };

struct roster {
    const struct emulate_config *config; /* lent for its life */
    struct arena names;
    struct roster_pool *pools[ROSTER_POOLS];
    size_t pool_count;
};

void roster_free(struct roster *r);
/* All budgets as they were at first; requests in flight are told by their generation. */
void roster_reset(struct roster *r);
/* The pool a model draws on, made when first asked for; NULL if there is no such model. */
struct roster_pool *roster_find(struct roster *r, struct str model);

#endif
