/* catalogue.h: models, context windows, prices, encodings, limits by tier. Data files, read and
 * looked up; this room decides nothing. What is unknown is -1 (or an empty str), never a guess.
 *
 * The files in data/ are built into the binary; a user's file of the same form is laid over
 * them by name: a model's fields given replace the ones known, a row of limits replaces the row
 * of the same provider, tier and model, a row of routes that of the same provider, tier and
 * class. Sources and dates stand beside the figures in the
 * files. */
#ifndef SLUICE_CATALOGUE_H
#define SLUICE_CATALOGUE_H

#include "arena.h"
#include "dimension.h"

struct model {
    struct str name;
    struct str provider;       /* "openai" */
    int64_t context_tokens;    /* -1 unknown */
    int64_t max_output_tokens; /* -1 unknown */
    /* pico-USD per token, which is micro-USD per million tokens: 2.50 USD per million tokens is
     * 2,500,000. Exact for every price published; -1 unknown. */
    int64_t input_pusd;
    int64_t cached_input_pusd;
    int64_t output_pusd;
    int64_t batch_percent; /* what the Batch API costs of the live price: 50, or -1 */
    struct str encoding;   /* "o200k_base", or empty */
    struct str shutdown;   /* "2027-01-14", or empty */
    struct str next_down;  /* the next smaller model of the same kind; or empty */
    struct str source_date;
};

struct tier_limit {
    enum dimension dim;
    int64_t limit;
};

/* A usage tier, and how an account gets into it. Amounts are what was paid in all, days those
 * since the first payment. */
struct tier {
    struct str name;      /* "2" */
    struct str programme; /* "tiers 1-5" */
    int64_t paid_usd;     /* -1 unknown, likewise below */
    int64_t wait_days;
    int64_t monthly_cap_usd; /* of the provider's, whatever the account's own */
    int64_t former_paid_usd; /* what was asked before, where that is known; else -1 */
    int64_t former_wait_days;
    struct str former_until; /* "early 2026", or empty */
    struct str date, source, note;
};

struct catalogue;

/* The built-in data, with the text of a user's file laid over it (empty: none); `name` stands
 * for that file in complaints. NULL on error, *diag says file and field. The text is not kept.
 * Verbs read `--catalogue FILE` with io's file_read. */
struct catalogue *catalogue_open(struct str override_text, const char *name, struct diag *diag);
void catalogue_close(struct catalogue **c);

/* By name, alias, or a dated snapshot of a known name ("gpt-4o-2024-11-20"); "ft:" and
 * "models/" prefixes are looked through. NULL if unknown. */
const struct model *catalogue_model(const struct catalogue *c, struct str name);

/* Limits that hold for live requests of a model on a tier ("1", "tier-1", "free", "build",
 * ...): at most DIM_COUNT, written to *out; returns how many. 0: provider, tier or model
 * unknown, *diag (may be NULL) says which and what is known. A model without an own row gives
 * 0: no guess. */
size_t catalogue_limits(const struct catalogue *c, struct str provider, struct str tier,
                        struct str model, struct tier_limit out[DIM_COUNT], struct diag *diag);
/* Models with limits on that tier, for `emulate --profile openai/tier-1`: calls `each` for
 * every one. */
void catalogue_each_limit(const struct catalogue *c, struct str provider, struct str tier,
                          void (*each)(void *ctx, struct str model,
                                       const struct tier_limit *limits, size_t n),
                          void *ctx);
/* Input tokens that all queued batch jobs of a model may hold on a tier; -1 unknown. */
int64_t catalogue_batch_enqueued(const struct catalogue *c, struct str provider,
                                 struct str tier, struct str model);
/* When those limits were so, as the file says: "2026-10"; or empty. */
struct str catalogue_limits_date(const struct catalogue *c, struct str provider,
                                 struct str tier, struct str model);
/* Requests that all batches of an account may have waiting at once on a tier; -1 unknown. */
int64_t catalogue_batch_queue(const struct catalogue *c, struct str provider, struct str tier);

/* What a provider's Batch API takes, on every tier. Figures are -1 where they are not known. */
struct batch_rules {
    int64_t requests;            /* of one batch at most, */
    int64_t bytes;               /* ... with all it is sent as, */
    int64_t embedding_inputs;    /* ... in all of its requests together */
    int64_t window_s;            /* within which it ends, one way or another */
    int64_t cancel_s;            /* within which a cancelled one ends */
    const struct str *endpoints; /* "/v1/embeddings": those that can be reached by it */
    size_t endpoint_count;
    struct str date;
};
/* NULL: no Batch API of that provider is known. */
const struct batch_rules *catalogue_batch_rules(const struct catalogue *c, struct str provider);

/* A limit by request type: all requests that its patterns mean (http's pattern.h) draw on one
 * budget of the organisation, whatever the model. That there is one may be known, and what it
 * is may not. */
struct route_class {
    struct str name; /* "assistants-get" */
    const struct str *patterns;
    size_t pattern_count;
    int64_t limit;    /* -1 unknown */
    int64_t period_s; /* 60 or 3600 */
};
/* Calls `each` for every class that holds for a provider on a tier, those that hold for all
 * tiers among them; an empty tier: for these alone. */
void catalogue_each_route(const struct catalogue *c, struct str provider, struct str tier,
                          void (*each)(void *ctx, const struct route_class *route), void *ctx);
/* Requests that ask how something stands: GETs that change nothing, which programs repeat until
 * the answer is another one. */
struct poll_class {
    const struct str *patterns; /* of which the star is one part of the path, at its end too */
    size_t pattern_count;
    struct str field;          /* of the answer: "status"; empty: any answer may be shared */
    const struct str *pending; /* what it says as long as one must ask again */
    size_t pending_count;
};
/* Calls `each` for every class of a provider's polls. Providers that speak as OpenAI does have
 * OpenAI's. */
void catalogue_each_poll(const struct catalogue *c, struct str provider,
                         void (*each)(void *ctx, const struct poll_class *poll), void *ctx);
/* The next smaller model that is still there on that day ("2026-11-26"); NULL: none is known.
 */
const struct model *catalogue_next_down(const struct catalogue *c, const struct model *m,
                                        struct str today);
/* Calls `each` for every name of the model that `name` means, its own first. */
void catalogue_each_name(const struct catalogue *c, struct str name,
                         void (*each)(void *ctx, struct str name), void *ctx);
/* Tier names of a provider, in order; for error messages and tables. */
size_t catalogue_tiers(const struct catalogue *c, struct str provider, struct str *out,
                       size_t max);
/* The tiers themselves, those of one programme in order from the lowest; at most `max`. Lent
 * as long as the catalogue lives. */
size_t catalogue_tier_list(const struct catalogue *c, struct str provider,
                           const struct tier **out, size_t max);
/* The one of that name ("2", "tier-2"), or NULL. */
const struct tier *catalogue_tier(const struct catalogue *c, struct str provider,
                                  struct str name);
/* The tier above it in its programme, or NULL. */
const struct tier *catalogue_tier_above(const struct catalogue *c, struct str provider,
                                        const struct tier *t);
/* Models by their catalogue name, in the order of the files: calls `each` for every one. */
void catalogue_each_model(const struct catalogue *c, struct str provider,
                          void (*each)(void *ctx, const struct model *m), void *ctx);
/* Models that share one limit draw on one pool: the pool's name; else the model's catalogue
 * name, so that snapshots and aliases of a model share; else `model` itself. */
struct str catalogue_pool(const struct catalogue *c, struct str provider, struct str model);

#endif
