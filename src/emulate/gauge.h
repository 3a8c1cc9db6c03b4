/* gauge.h: the emulated provider's own limiter. Pure: the clock is an argument.
 *
 * Written apart from limit/, on purpose sharing nothing with it, so that it cannot share our
 * mistakes. A gauge measures requests against the limits of one model and admits or refuses each
 * on arrival, as the provider's decision point does. Windows: bucket (continuous refill), fixed
 * (counter reset at every multiple of the period after `phase_us`), sliding (exact log), slices
 * (tokens fixed; requests in slices of the minute). Source: facts/providers.md section 1. */
#ifndef SLUICE_GAUGE_H
#define SLUICE_GAUGE_H

#include "dimension.h"

enum gauge_window { GAUGE_BUCKET, GAUGE_FIXED, GAUGE_SLIDING, GAUGE_SLICES };
enum gauge_charge { GAUGE_MAX, GAUGE_SUM, GAUGE_ACTUAL };

struct gauge_limit {
    enum dimension dim;
    int64_t limit;
};

struct gauge_config {
    enum gauge_window window;
    int64_t slice_us;  /* slices: of the shortened minute */
    int64_t minute_us; /* 60 s or shortened; a day shrinks alike */
    int64_t phase_us;  /* fixed and slices: where the first reset stands */
    bool refusals_drain;
    struct gauge_limit limits[8];
    size_t limit_count;
    int fill_percent; /* bucket: what it holds at the start, 100 = full */
};

struct gauge;
struct gauge *gauge_new(const struct gauge_config *c);
void gauge_free(struct gauge **g);

struct gauge_figure { /* one limit as seen right after a decision */
    enum dimension dim;
    int64_t limit, used, requested, remaining;
    int64_t reset_us; /* until all of the budget is free if nothing more is sent */
    int64_t period_us;
};

struct gauge_answer {
    bool admitted;
    bool too_large;          /* larger than the limit: can never succeed */
    struct gauge_figure why; /* the limit that refused */
    int64_t retry_us;        /* until this request would fit; (used + requested - limit) / limit *
                                period for a bucket */
    struct gauge_figure figures[8];
    size_t figure_count;
};

/* One arrival at now_us with its charge per dimension (0: not drawn). Concurrency is counted here
 * too: an admitted request holds its slot until gauge_release. */
struct gauge_answer gauge_arrive(struct gauge *g, int64_t now_us, const int64_t charge[DIM_COUNT]);
/* Output produced after the start (charge rule actual), or a correction; may drive a level below
 * zero. */
void gauge_produce(struct gauge *g, int64_t now_us, enum dimension dim, int64_t units);
void gauge_release(struct gauge *g);
/* The figures now, without an arrival (headers computed late, the report). */
struct gauge_answer gauge_look(const struct gauge *g, int64_t now_us);

#endif
