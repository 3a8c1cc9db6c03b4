/* makespan.h: how long a live run of a batch file will take, and which limit binds: told by
 * letting the real machine run it in virtual time (rehearsal.h). Pure.
 *
 * The account is taken to be unused before. Of a long file so many rows are run that every
 * limit which may bind has shown its pace (some periods' worth, drawn by the run's own
 * shuffle); the rest is reckoned by bound.h at the pace that was seen: within 1 %, or one
 * window, of what the whole would have taken. */
#ifndef SLUICE_MAKESPAN_H
#define SLUICE_MAKESPAN_H

#include "rehearsal.h"

struct makespan {
    bool known;          /* false: a model in use has no known limits; no figure below holds */
    int64_t makespan_us; /* first send to last byte */
    int64_t paced_us;    /* first send to last send */
    int64_t bound_us;    /* the least that the limits allow; 0: all of it fits in at once */
    /* The limit that sets the pace, of models->pools[pool]; DIM_UNKNOWN: none does, it goes as
     * fast as answers come. DIM_CONCURRENCY: how many are in flight. */
    enum dimension binds;
    size_t pool;
    int64_t limit;    /* of it, per period; our part of it */
    int64_t requests; /* rows that are run */
    int64_t
        too_large;   /* rows larger than a limit: no wait could admit them, they are not run */
    int64_t charged; /* tokens, as token limits count them */
    int64_t rehearsed; /* of the requests, run in virtual time */
    int64_t refused;   /* meanwhile, by the provider */
};

/* For a run's own file and account:
 *     struct scenario s = scenario_of(&settings->account);
 *     s.rows = &input->rows, s.models = &input->models;
 *     struct makespan m = makespan_of(&s); */
struct makespan makespan_of(const struct scenario *s);
/* The same; of each pool also when its own last answer has come, from the first send of all: of
 * as many pools as the models have. 0 where none of its rows is run. */
struct makespan makespan_by_pool(const struct scenario *s, int64_t *pool_us);

#endif
