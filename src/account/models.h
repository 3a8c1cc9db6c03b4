/* models.h: the models of a batch, the limits each draws on, and their pools. Pure.
 *
 * Limits come, first found, from --limits MODEL:..., --limits *:..., the catalogue's tier.
 * Without any of these they are unknown and learned from headers, or from refusals. Requests
 * that are no use of a model may be of a class with limits of its own (catalogue.h). */
#ifndef SLUICE_MODELS_H
#define SLUICE_MODELS_H

#include "flow.h"
#include "option.h"

enum { MODELS_MAX = 1000 /* in one file; the largest catalogue has a few hundred */ };

struct limit_entry {  /* one --limits */
    struct str model; /* "*": any */
    struct limit_spec limits[BOUND_BUDGETS];
    size_t n;
};

struct limit_source {
    struct limit_entry entries[64];
    size_t n;
    const struct provider *provider;
    struct str tier; /* empty: not said */
    const struct catalogue *catalogue;
    int64_t minute_us;
};

/* Reads all --limits: "gpt-4o:rpm=500,tpm=30k,concurrency=8"; without a model, or with "*", for
 * any. *diag has the option and what is wrong with it. */
enum sl_err limit_source_add(struct limit_source *s, const struct option_list *args,
                             struct diag *diag) SL_CHECK;
/* Is that name among them? `any`: or "*", which stands for every name. */
bool limit_source_names(const struct limit_source *s, struct str name, bool any);

struct batch_model {
    struct str name;
    const struct model *known; /* catalogue entry or NULL */
    size_t pool;
};

struct batch_pool {
    struct str name;
    struct limit_spec limits[BOUND_BUDGETS];
    size_t limit_count; /* 0: unknown */
    struct str class;   /* of routes, whose pool it is; empty: of models */
    struct pool *pool;  /* flow's; NULL until the account stands */
};

struct models {
    struct batch_model *list;
    size_t n, cap;
    struct batch_pool *pools;
    size_t pool_count, pool_cap;
    struct arena names;
};

void models_free(struct models *m);
/* The index of that model, added with its pool when first seen. SL_UNKNOWN: the tier has no
 * limits for it (or there is no such tier), *diag names what is known; SL_TOO_LARGE: over
 * MODELS_MAX. */
enum sl_err models_index(struct models *m, const struct limit_source *source, struct str name,
                         size_t *index, struct diag *diag) SL_CHECK;

/* The index of the pool of a class of routes, "(assistants-get)", added when first seen. Limits
 * told of that name hold instead of the catalogue's. */
size_t models_class(struct models *m, const struct limit_source *source,
                    const struct route_class *class);

/* The entry of a pool that stands, or NULL. */
const struct batch_pool *models_pool(const struct models *m, const struct pool *pool);

/* Is this demand larger than a limit, so that it can never be admitted? Then SL_TOO_LARGE with
 * *diag. `use_percent` of each limit is ours. */
enum sl_err pool_fits(const struct batch_pool *p, const struct demand *d, enum charge_rule rule,
                      int use_percent, struct diag *diag) SL_CHECK;

#endif
