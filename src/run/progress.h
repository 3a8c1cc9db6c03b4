/* progress.h: how a run looks while it goes on: plain figures in, text out. Pure. */
#ifndef SLUICE_PROGRESS_H
#define SLUICE_PROGRESS_H

#include "totals.h"

enum { PROGRESS_POOLS = 4 /* shown; the rest are counted */ };

struct progress_budget {
    enum dimension dim; /* DIM_UNKNOWN: nothing to show */
    int64_t used;       /* charged during the last period */
    int64_t limit;
    bool binds;
};

struct progress_pool {
    struct str name;
    struct progress_budget tokens, requests; /* the tightest of each kind */
};

struct progress_batches { /* of a run that goes through the Batch API */
    size_t waiting, at_work, over;
    int64_t done, total; /* requests of those at work, as far as the provider tells */
    int upload_percent;  /* of the upload at hand; -1: none */
    int64_t
        ends_us;    /* until the last of those at work has ended, at the latest; -1 not known */
    int64_t due_us; /* until what is not done then is asked live, for a deadline; -1: never */
    int64_t eta_us; /* until all are done, at the pace that they have shown; -1 not known */
    const char *status; /* the provider's word, where one is at work; or "" */
};

struct progress {
    const char *input, *output;
    const char *account; /* "openai/tier-1", or the base URL */
    int64_t done, total;
    int64_t eta_us;     /* -1: not known */
    bool eta_live;      /* of the live part alone: batches are at work too */
    bool eta_rough;     /* of batches, whose pace is nobody's promise */
    const char *eta_at; /* "14:32:07" */
    struct progress_pool pools[PROGRESS_POOLS];
    size_t pool_count; /* of the run; may be more than PROGRESS_POOLS */
    int64_t in_flight, waiting, refused;
    const struct kinds *retries;
    const struct progress_batches *batches; /* NULL: there are none */
    const char
        *state; /* "provider out, probing (connection refused)", "stopping: ..."; or "" */
};

struct progress_style {
    int width; /* columns */
    bool utf8, color;
};

/* The block for a terminal, lines ended by \n, none wider than the terminal. *lines: how many.
 */
void progress_block(const struct progress *p, const struct progress_style *style,
                    struct buf *out, int *lines);
/* One plain line without a newline. */
void progress_line(const struct progress *p, struct buf *out);

#endif
