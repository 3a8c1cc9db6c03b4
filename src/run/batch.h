/* batch.h: one run of a batch file: rows in, answers out. The driver of an engine. */
#ifndef SLUICE_BATCH_H
#define SLUICE_BATCH_H

#include "allot.h"
#include "deadline.h"
#include "display.h"
#include "door.h"
#include "input.h"
#include "memory.h"
#include "recent.h"
#include "report.h"
#include "results.h"
#include "settings.h"
#include "shuffle.h"
#include "term.h"
#include "totals.h"

/* Why a run ends before its rows do. In order of weight: a heavier reason replaces a lighter.
 */
enum stop {
    STOP_NONE,
    STOP_INTERRUPT, /* Ctrl-C: finish what is in flight */
    STOP_ACCOUNT,   /* wallet, key: finish what is in flight */
    STOP_LOST,      /* a batch that was made is not known to the provider: likewise */
    STOP_NETWORK,   /* out for longer than the patience: nothing is in flight */
    STOP_NOW,       /* Ctrl-C again */
    STOP_DISK,      /* an answer could not be written: nothing more may be asked */
};

struct batch_job;
struct shipping;

struct pool_state {
    int64_t remaining[DIM_COUNT]; /* what unsent rows will be charged, for the ETA */
    struct recent tokens, requests;
    int64_t since_us;           /* its rows have been waiting */
    int64_t edge_us[DIM_COUNT]; /* where a fixed window began, as last known; -1 never */
    struct tally tally;
};

struct batch {
    const struct settings *settings;
    int64_t begun_us; /* of the monotonic clock */
    uv_loop_t loop;
    struct input input;
    struct input_detour detour;
    struct results *results; /* NULL once settled */
    struct buf errors_path;
    struct results_found found;
    struct shuffle shuffle;
    struct totals totals;
    struct door door;
    struct pool_state *pools; /* by index of input.models.pools */
    size_t jobs;              /* handed to the engine and not over */
    struct batch_job *job_list;
    struct shipping *shipping; /* what goes through the Batch API; NULL: nothing does */
    struct report_batches shipped;
    struct memory *memory; /* of limits that were learned; NULL: none is kept */
    struct buf known_as;   /* ... where the account is called so */
    struct allot allot;    /* of --mode auto */
    struct deadline deadline;
    uv_timer_t tick; /* progress and patience */
    uv_signal_t sigint, sigterm;
    struct term term;
    int drawn_lines;     /* of the block on the terminal now */
    int64_t line_due_us; /* of the next plain line */
    int64_t alive_us;    /* when the provider last gave a sensible answer, or the start */
    bool reached;        /* it has answered at all */
    enum stop stop;
    struct diag why; /* of the stop */
    struct notables notables;
    struct display *display; /* NULL: without --ui */
};

/* Runs what is pending until all is done or something stops it, the loop included. Everything
 * but engine and emulator is ready before. SL_... with *diag if it could not begin. */
enum sl_err batch_run(struct batch *b, struct diag *diag) SL_CHECK;
/* Syncs and closes the results; an error becomes the stop. */
void batch_settle(struct batch *b);
void batch_free(struct batch *b); /* not the struct itself */
void batch_stop(struct batch *b, enum stop stop, const char *where, const char *what);
/* A pending row that is to be asked live, beside those that were dealt. */
void batch_offer(struct batch *b, size_t row);
/* A row that was taken out of its deck, as it was there. */
void batch_withdraw(struct batch *b, const struct row *row);
/* Ends the loop if nothing is left to be done. */
void batch_end_when_done(struct batch *b);

/* watch.c: what people see. */
void watch_start(struct batch *b);
void watch_tick(struct batch *b, int64_t now_us);
void watch_end(struct batch *b); /* removes the block */
/* Until the last answer, as far as can be told; -1 not known. */
int64_t watch_eta_us(struct batch *b, int64_t now_us);
/* Why it does not simply go on; nothing if it does. */
void watch_state(struct batch *b, struct buf *out);
/* A line that stays, above the block. */
void watch_note(struct batch *b, const char *text);

#endif
