/* catalogue_data.h: the catalogue's rows, known to this room alone. */
#ifndef SLUICE_CATALOGUE_DATA_H
#define SLUICE_CATALOGUE_DATA_H

#include "catalogue.h"

/* One name or alias; later entries win, so an override's stand behind the built-in ones. */
struct name_row {
    struct str name;
    size_t model;
};

struct tier_row {
    struct str provider;
    struct tier tier;
};

struct limit_row {
    struct str provider, tier, model; /* model: as the catalogue names it */
    int64_t input_tokens_above;       /* holds only for longer prompts; 0: for all */
    int64_t limit[DIM_COUNT];         /* -1 unknown */
    struct str date;
};

struct pool_row {
    struct str provider, pool, model;
};

struct batch_row {
    struct str provider, tier; /* tier: empty for all */
    int64_t queued_requests;   /* of a tier; -1 unknown */
    struct batch_rules rules;  /* of all */
};

struct route_row {
    struct str provider, tier; /* tier: empty for all */
    struct route_class class;
};

struct poll_row {
    struct str provider;
    struct poll_class class;
};

struct catalogue {
    struct arena arena; /* every str above */
    struct model *models;
    struct name_row *names;
    struct tier_row *tiers;
    struct limit_row *limits;
    struct pool_row *pools;
    struct batch_row *batches;
    struct route_row *routes;
    struct poll_row *polls;
    size_t model_count, name_count, tier_count, limit_count, pool_count;
    size_t batch_count, route_count, poll_count;
};

/* Lays one document over what is there. */
enum sl_err catalogue_load(struct catalogue *c, struct str text, const char *file,
                           struct diag *diag) SL_CHECK;

/* "tier-1" and "Tier 1" are "1". */
struct str catalogue_tier_name(struct str tier);

extern const char catalogue_file_models[], catalogue_file_limits[];
extern const size_t catalogue_size_models, catalogue_size_limits;

#endif
