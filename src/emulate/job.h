/* job.h: one batch at an emulated provider, from its creation to its end.
 *
 *   VALIDATING --bad--> FAILED
 *       \--good--> IN_PROGRESS --all done--> FINALIZING ----> COMPLETED
 *                      \--its window ends--> EXPIRED
 *   VALIDATING, IN_PROGRESS, FINALIZING --job_cancel--> CANCELLING ----> CANCELLED
 *
 * Pure but for the spools: the clock is an argument, and job_work does a slice of what is due.
 * Requests are carried out in an order drawn from the seed, spread evenly over the run.
 * Anthropic's batches are validated at once and skip the first state. */
#ifndef SLUICE_JOB_H
#define SLUICE_JOB_H

#include "emulate.h"
#include "query.h"
#include "roster.h"
#include "seen.h"
#include "store.h"

#define JOB_STATES(X)                                                                          \
    X(VALIDATING, "validating")                                                                \
    X(FAILED, "failed")                                                                        \
    X(IN_PROGRESS, "in_progress")                                                              \
    X(FINALIZING, "finalizing")                                                                \
    X(COMPLETED, "completed")                                                                  \
    X(EXPIRED, "expired")                                                                      \
    X(CANCELLING, "cancelling")                                                                \
    X(CANCELLED, "cancelled")

enum job_state {
#define X(name, text) JOB_##name,
    JOB_STATES(X)
#undef X
};
enum { JOB_STATE_COUNT = JOB_CANCELLED + 1 };
const char *job_state_name(enum job_state s);

/* What all jobs work with; lent. */
struct job_world {
    const struct emulate_config *config;
    struct registry *registry;
    struct store *store;
    struct roster *roster;
    struct random *luck;
    struct seen seen;          /* requests of batches carried out, by their lines */
    int64_t snags[SNAG_COUNT]; /* that struck */
    /* Tokens that other jobs of the same pool hold in the queue. */
    int64_t (*enqueued)(const void *ctx, const struct roster_pool *pool);
    const void *ctx;
};

struct job_line {
    int64_t offset; /* in the input */
    uint32_t length;
};

/* Why a batch failed: of a line, or of the whole where line is 0. */
struct job_error {
    const char *code, *param; /* literals; param may be NULL */
    int64_t line;
    struct str message;
};
enum { JOB_ERRORS = 100 };

struct job {
    struct arena arena; /* its texts */
    struct str id;
    bool anthropic;
    enum job_state state;
    int64_t at_us[JOB_STATE_COUNT]; /* when it came into each state; -1: never */
    int64_t created_us, expires_us;
    int64_t check_us, run_us, finish_us, cancel_us; /* how long its phases take */

    struct spool *input;
    struct job_line *lines;
    size_t count, room;
    enum target_api api;
    int64_t input_tokens; /* of all lines */

    /* OpenAI's */
    struct str endpoint, input_file_id, metadata, model;
    int64_t output_lives_s;
    struct str output_file_id, error_file_id; /* empty: none */
    struct roster_pool *pool;                 /* whose queue it waits in; NULL before */
    struct job_check *check;
    struct job_error errors[JOB_ERRORS];
    size_t error_count;

    /* the run */
    uint32_t *order;
    size_t done, stop_after; /* it gets no further by itself */
    struct spool *results, *failures;
    int64_t succeeded, failed, expired, cancelled;
    int64_t used_input, used_output; /* tokens of what succeeded */
    bool deleted;
};

/* A job with its phases drawn; the caller fills in what it is about. */
struct job *job_new(const struct job_world *w, const char *prefix, int64_t now_us);
void job_free(struct job **j);
void job_add_line(struct job *j, int64_t offset, size_t length);
/* Lines and tokens are known: the run begins. */
void job_begin(struct job *j, struct job_world *w, int64_t now_us);
void job_complain(struct job *j, const char *code, const char *param, int64_t line,
                  const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void job_fail(struct job *j, int64_t now_us);
bool job_is_over(const struct job *j);
void job_cancel(struct job *j, int64_t now_us);
/* Does what is due, a slice at most. When to call again: now, later, or INT64_MAX for never. */
int64_t job_work(struct job *j, struct job_world *w, int64_t now_us);

/* job_check.c: an OpenAI batch file, line by line. A slice; true once all of it was read. */
bool job_check_slice(struct job *j, const struct job_world *w);
void job_check_free(struct job *j);

/* job_line.c: one request of a batch, carried out or given up. SL_IO, SL_FULL. */
enum job_fate { JOB_RUN, JOB_EXPIRE, JOB_CANCEL };
enum sl_err job_line_done(struct job *j, struct job_world *w, size_t line, enum job_fate fate,
                          struct diag *diag) SL_CHECK;

#endif
