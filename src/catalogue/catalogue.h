/* catalogue.h: models, context windows, prices, encodings, limits by tier. Data files, read and
 * looked up; this room decides nothing. What is unknown is -1 (or an empty str), never a guess.
 *
 * The files in data/ are built into the binary; a user's file of the same form overrides entries
 * by name. Sources and dates stand beside every figure in the files. */
#ifndef SLUICE_CATALOGUE_H
#define SLUICE_CATALOGUE_H

#include "arena.h"
#include "dimension.h"

struct model {
    struct str name;
    struct str provider;       /* "openai" */
    int64_t context_tokens;    /* -1 unknown */
    int64_t max_output_tokens; /* -1 unknown */
    /* prices in USD per 10^12 tokens would lose nothing; nano-USD per token does not either:
     * 2.50 USD per million tokens is 2,500 */
    int64_t input_nusd;
    int64_t cached_input_nusd;
    int64_t output_nusd;
    int64_t batch_percent; /* what the Batch API costs of the live price: 50, or -1 */
    struct str encoding;   /* "o200k_base", or empty */
    struct str shutdown;   /* "2027-01-14", or empty */
    struct str source_date;
};

struct tier_limit {
    enum dimension dim;
    int64_t limit;
};

struct catalogue;

/* The built-in data, with `override_path` (may be NULL) laid over it. NULL on error, *diag says
 * file and field. */
struct catalogue *catalogue_open(const char *override_path, struct diag *diag);
void catalogue_close(struct catalogue **c);

/* By name, alias, or a dated snapshot of a known name ("gpt-4o-2024-11-20"); "ft:" prefixes are
 * looked through. NULL if unknown. */
const struct model *catalogue_model(const struct catalogue *c, struct str name);

/* Limits of a model on a tier ("1", "tier-1", "free", "build", ...). Returns how many were
 * written to out[max]; 0: provider, tier or model unknown, *diag says which and what is known.
 * A model without an own row gives 0: no guess. */
size_t catalogue_limits(const struct catalogue *c, struct str provider, struct str tier,
                        struct str model, struct tier_limit *out, size_t max,
                        struct diag *diag);
/* Models with limits on that tier, for `emulate --profile openai/tier-1`: calls `each` for every
 * one. */
void catalogue_each_limit(const struct catalogue *c, struct str provider, struct str tier,
                          void (*each)(void *ctx, struct str model,
                                       const struct tier_limit *limits, size_t n),
                          void *ctx);
/* Tier names of a provider, in order; for error messages and tables. */
size_t catalogue_tiers(const struct catalogue *c, struct str provider, struct str *out,
                       size_t max);
/* Models that share one limit draw on one pool: the pool's name, or the model's own name. */
struct str catalogue_pool(const struct catalogue *c, struct str provider, struct str model);

#endif
