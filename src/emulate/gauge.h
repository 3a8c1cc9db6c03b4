/* gauge.h: the emulated provider's own limiter. Pure: the clock is an argument.
 *
 * Written apart from limit/, on purpose sharing nothing with it, so that it cannot share our
 * mistakes. A gauge measures requests against the limits of one model and admits or refuses
 * each on arrival, as the provider's decision point does. Windows: bucket (continuous refill),
 * fixed (counter reset at every multiple of the period after `phase_us`), sliding (exact log),
 * slices (tokens fixed; requests in slices of the minute). Limits of a day are buckets of a day
 * under every window. Source: facts/providers.md section 1. */
#ifndef SLUICE_GAUGE_H
#define SLUICE_GAUGE_H

#include "dimension.h"

enum gauge_window { GAUGE_BUCKET, GAUGE_FIXED, GAUGE_SLIDING, GAUGE_SLICES };
enum gauge_charge { GAUGE_MAX, GAUGE_SUM, GAUGE_ACTUAL, GAUGE_INPUT };

enum { GAUGE_LIMITS = 8 };

struct gauge_limit {
    enum dimension dim;
    int64_t limit; /* 0 refuses all */
};

struct gauge_config {
    enum gauge_window window;
    int64_t slice_us;  /* slices: of the shortened minute */
    int64_t minute_us; /* 60 s or shortened; a day shrinks alike */
    int64_t phase_us;  /* fixed and slices: where the first reset stands */
    /* A refused request counts as a request (RPM), never below an empty budget, and costs no
     * tokens. OpenAI says that unsuccessful requests count towards the per-minute limit; were
     * their tokens taken too, the waits in its own messages would be wrong and a client that
     * obeys them would never be admitted again. */
    bool refusals_drain;
    bool soft; /* late enforcement: whatever is left admits a request, which may overdraw */
    struct gauge_limit limits[GAUGE_LIMITS];
    size_t limit_count;
    int fill_percent; /* bucket: what it holds at the first arrival, 100 = full */
};

struct gauge;
struct gauge *gauge_new(const struct gauge_config *c);
void gauge_free(struct gauge **g);

/* What a request asks for, as the provider sees it on arrival. */
struct gauge_ask {
    int64_t input_tokens; /* the provider's own estimate */
    int64_t max_tokens;   /* as the request says; 0: it says nothing */
    int64_t images;
};
/* Charges on arrival. MAX: max(input, max_tokens); SUM: input + max_tokens; ACTUAL: input, and
 * one token of output, the least an answer has (the rest comes by gauge_produce); INPUT: input,
 * whatever comes out (Gemini). ITPM is always drawn by input alone and OTPM by output alone. */
void gauge_cost(enum gauge_charge rule, const struct gauge_ask *ask, int64_t charge[DIM_COUNT]);

struct gauge_figure { /* one limit as seen right after a decision */
    enum dimension dim;
    int64_t limit; /* as configured */
    int64_t cap;   /* what fits at once: the limit, or a slice's share of it */
    int64_t used, requested, remaining; /* used + remaining = cap; remaining can be negative */
    /* Until all of the budget is free if nothing more is sent: bucket full, end of the window
     * or slice, youngest charge gone. Rounded up to a microsecond; 0 for CONCURRENCY. */
    int64_t reset_us;
    int64_t period_us; /* 0 for CONCURRENCY */
};

struct gauge_answer {
    bool admitted;
    bool too_large; /* larger than the limit: can never succeed */
    struct gauge_figure
        why; /* the limit that refused: of several, the one that takes longest */
    /* Until this request would fit if nothing else arrives. Bucket: (used + requested - limit)
     * / limit * period from whole units, as the provider's message says it. An arrival then is
     * admitted. -1: cannot be said (concurrency, too large). */
    int64_t retry_us;
    struct gauge_figure figures[GAUGE_LIMITS];
    size_t figure_count;
};

/* One arrival at now_us with its charge per dimension. All limits are checked, then all are
 * debited or none. Concurrency is counted here too: an admitted request holds its slot until
 * gauge_release. Time must not go backwards. */
struct gauge_answer gauge_arrive(struct gauge *g, int64_t now_us,
                                 const int64_t charge[DIM_COUNT]);
/* Output produced after the start (charge rule actual), or a correction (negative: given back);
 * may drive a level below zero. No such limit: no effect. */
void gauge_produce(struct gauge *g, int64_t now_us, enum dimension dim, int64_t units);
void gauge_release(struct gauge *g);
/* The figures now, without an arrival (headers computed late, the report). */
struct gauge_answer gauge_look(const struct gauge *g, int64_t now_us);

#endif
