/* plan.h: what a batch file would take: on every tier, live and as batches, with the models it
 * names and with the next ones down, and what its max_tokens cost. Pure: makespan.h and waves.h
 * asked over and over.
 *
 * What is not known is said to be: a figure is -1, a span is not `known`. */
#ifndef SLUICE_PLAN_H
#define SLUICE_PLAN_H

#include "input.h"
#include "makespan.h"
#include "tier_fit.h"
#include "waves.h"

/* Of something that depends on how long answers turn out; -1 not known. `likely` is -1 too
 * where only the ends are known. */
struct figure {
    int64_t low, likely, high;
};

/* What answers are taken to be, and why. */
enum guess_kind {
    GUESS_BOUNDS,   /* nothing is known: a token at least, at most what each request allows */
    GUESS_TOLD,     /* by the caller */
    GUESS_SEEN,     /* as those of an earlier run */
    GUESS_EMULATED, /* as the emulator will make them */
};
struct guess {
    enum guess_kind kind;
    struct outputs low, likely, high; /* `likely` means nothing where kind is GUESS_BOUNDS */
    int64_t answers, cut;             /* GUESS_SEEN: see answered.h */
};
void guess_free(struct guess *g);

struct plan_ask {
    const struct input *input; /* its limits do not matter */
    const struct account_options *account;
    const struct guess *guess;
    struct spread service_us;
    int64_t max_tokens;  /* no request asks for more than that; 0: as it says */
    const char *instead; /* the model to compare with; NULL: the next one down; "": none */
    struct str today;    /* "2026-11-26" */
};

/* One set of models on one tier. */
struct forecast {
    const struct tier *tier; /* NULL: limits told by hand */
    bool own;                /* the account's, as far as the options say */
    struct models models;    /* those in use, with their limits there; n 0: not known */
    struct makespan live;    /* likely, or else at the most */
    struct figure live_us;   /* by output; all one where output does not matter */
    struct waves waves;
    struct str date; /* of the limits */
    bool over_cap;   /* costs more than the tier lets an account spend in a month */
};

/* The models as named, or each one's next down. */
struct variant {
    bool next_down;
    struct str *names;           /* by the input's models */
    const struct model **models; /* NULL: not in the catalogue */
    size_t n;
    struct figure live_pusd, batch_pusd;
    struct str price_date; /* the oldest */
    bool recounted;        /* its tokens were counted with another encoding than its own */
    struct forecast *list;
    size_t count;
};

/* What max_tokens costs, with the models as named. */
enum curve_kind {
    CURVE_DRAWN,
    CURVE_NO_LIMITS, /* no limits are known to draw it by */
    CURVE_UNASKED,   /* no request names max_tokens */
    CURVE_PRODUCED,  /* output counts as it is produced: max_tokens plays no part */
};
enum { CURVE_POINTS = 12, CURVE_COVERS = 99 /* percent of the answers */ };
struct curve_point {
    int64_t max_tokens;
    struct makespan live;
    int64_t pace_milli; /* thousandths of a request per minute, over the whole of the run */
};
struct curve {
    enum curve_kind kind;
    const struct forecast *on;
    struct curve_point points[CURVE_POINTS]; /* from the least */
    size_t n;
    int64_t present; /* the most that a request asks for */
    int64_t enough;  /* covers CURVE_COVERS percent of the answers; -1 not known */
};

struct plan {
    const struct plan_ask *ask;
    struct str provider;
    int64_t requests, input_tokens;
    bool exact;                 /* every input was counted, none estimated */
    int64_t charged;            /* tokens, likely or at the most */
    struct variant named, next; /* next.n 0: there is none */
    struct curve curve;
    struct arena arena;
};

/* `ask` is lent as long as the plan is. */
void plan_make(struct plan *p, const struct plan_ask *ask);
void plan_free(struct plan *p);

#endif
