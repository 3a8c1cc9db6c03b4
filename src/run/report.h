/* report.h: what a run came to: a table for people, JSON for programs. Pure. */
#ifndef SLUICE_REPORT_H
#define SLUICE_REPORT_H

#include "models.h"
#include "totals.h"

struct report_batches {
    int64_t created, answered, returned; /* batches; rows they answered, and gave back */
    int64_t elapsed_us;                  /* of this run */
};

struct report {
    const struct totals *totals;
    const struct models *models;
    const char *errors_path;
    int64_t left;        /* rows neither answered nor failed */
    int64_t makespan_us; /* first send to last byte; 0 if nothing was sent */
    int64_t paced_us;    /* first send to last admission */
    int64_t
        bound_us;    /* the least the quota allows; 0: all fitted at the start; -1: no figure */
    int64_t charged; /* tokens */
    enum charge_rule charge;
    /* The limit that set the pace; dim is DIM_UNKNOWN if none did. */
    enum dimension binding_dim;
    size_t binding_pool;
    int64_t binding_limit;
    /* Advice on max_tokens: 0 none. */
    int64_t tip_max_tokens, tip_advised;
    int64_t tip_us;      /* makespan it would have allowed */
    const char *stopped; /* why it ended early; "" if it did not */
    const char *choice;  /* --mode auto's, as JSON; "": none was made */
    bool timed;          /* there was a deadline, */
    int64_t ahead_us;    /* ... so long before it all ended; below 0: after it */
    const struct report_batches *batches; /* NULL: nothing went through the Batch API */
};

/* bound / paced in millionths; -1 where there is no figure, as where batches gave rows back. */
int64_t report_efficiency_ppm(const struct report *r);
void report_table(const struct report *r, struct buf *out);
void report_json(const struct report *r, struct buf *out);

#endif
