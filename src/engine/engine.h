/* engine.h: carries out flow's actions on a libuv loop: one account, one upstream. It decides
 * nothing: flow says what to send and when, the engine sends it, turns what comes back into
 * events and hands whole answers to its driver.
 *
 * A driver is a source and a sink of requests: a batch run, a gateway. Times are microseconds
 * of the engine's own monotonic clock. Everything happens on the loop's thread. */
#ifndef SLUICE_ENGINE_H
#define SLUICE_ENGINE_H

#include "flow.h"
#include "upstream.h"

struct engine;
struct attempt; /* one sending of a job and what came back */

/* One request on its way. Embedded in the driver's own struct; zero-initialised, with flow.id,
 * flow.pool, flow.demand and path set before engine_submit; alive until `over`. */
struct job {
    struct flow flow;
    struct str path;    /* under the base URL, starts with "/" */
    const char *method; /* NULL: "POST" */
    /* Sent beside the key; NULL: the engine's own, for JSON. Lent until over. */
    const struct header *headers;
    size_t header_count;
    bool own_key; /* among its headers: the engine's is not sent */
    /* Its body is a stream of `length` bytes (-1: not known) from the driver's `more`. Once
     * some of it was taken the job is not sent again. */
    bool streams;
    int64_t length;
    bool taken; /* the engine's to set */
    /* Something of the answer has gone where it cannot be taken back: the job is not sent
     * again, whatever befalls it. The driver sets it from within `piece`. */
    bool committed;
    struct attempt *last;
};

/* How a job ended. Lent for the call. */
struct ending {
    enum outcome outcome;
    bool answered; /* a whole answer arrived at the last attempt: the next six fields */
    int status;
    const struct message *head;
    struct str request_id; /* the provider's own, or empty */
    struct str body;
    struct verdict verdict;
    struct usage usage;
    enum sl_err err;    /* why the last attempt broke, where it was not answered; else SL_OK */
    const char *why;    /* in words; never NULL */
    int64_t service_us; /* from sent to answered, where answered */
};

struct engine_driver {
    /* Once per turn, before flow is asked what is due: submit what the pools have appetite for.
     * May be NULL. */
    void (*hungry)(void *ctx);
    /* The job's request body, lent until `release`. p == NULL: it cannot be had; the job is
     * then treated as one that did not reach the provider. */
    struct str (*body)(void *ctx, struct job *j);
    void (*release)(void *ctx, struct job *j);
    /* An attempt was refused or broke; the job may be sent again. May be NULL. */
    void (*setback)(void *ctx, struct job *j, const struct ending *end);
    /* The job is over; its memory is the driver's again. */
    void (*over)(void *ctx, struct job *j, const struct ending *end);
    /* The account cannot go on: this is the job that met it. Its `over` comes apart from this.
     */
    void (*halted)(void *ctx, struct job *j, const struct ending *end);
    void *ctx;
    /* Of a job whose body streams, the next piece: see call_handler.more. */
    struct str (*more)(void *ctx, struct job *j);
};

/* For drivers that pass answers on as they come; with the driver's ctx. */
struct engine_tap {
    /* An answer that succeeds has begun. true: its body goes to `piece`, and at the end `judge`
     * says what it meant and used; false: it is collected for `over`. Not the place to cancel
     * the job: that is for `piece`. */
    bool (*begun)(void *ctx, struct job *j, const struct message *m);
    void (*piece)(void *ctx, struct job *j, struct str bytes);
    /* Also asked of answers that were cut short or given up, for what they used. */
    void (*judge)(void *ctx, struct job *j, struct verdict *v, struct usage *u);
};

struct engine_config {
    const struct provider *provider;
    struct account_config account;
    struct upstream_config upstream;
    const struct str *keys; /* of one organisation, taken in turn; none: none is sent */
    size_t key_count;
    struct engine_driver driver;
    struct engine_tap tap; /* all NULL: every answer is collected */
};

/* SL_SYNTAX for a base URL that is none, SL_TLS for an unreadable CA file; *diag says more. */
enum sl_err engine_new(uv_loop_t *loop, const struct engine_config *c, struct engine **out,
                       struct diag *diag) SL_CHECK;
/* Drops what is in flight without a report, closes the handles; the caller then runs the loop
 * once more so that they end, and calls engine_free. */
void engine_close(struct engine *e);
void engine_free(struct engine **e);

/* Other keys from now on. */
void engine_rekey(struct engine *e, const struct str *keys, size_t n);

struct account *engine_account(struct engine *e);
int64_t engine_now(struct engine *e);

void engine_submit(struct engine *e, struct job *j);
void engine_cancel(struct engine *e, struct job *j);
/* Backpressure on an answer that is handed on in pieces: hold the provider back; go on. */
void engine_hold(struct job *j, bool hold);
/* There is more of a streamed body, or its end. */
void engine_more(struct job *j);
/* account_wake, and what that makes possible, in the loop's next turn. */
void engine_wake(struct engine *e, uint32_t tenant);
/* Nothing new is sent: queued jobs end as OUTCOME_UNSENT, those in flight are finished. */
void engine_drain(struct engine *e);
/* From now on nothing is sent and nothing reported; engine_close comes next, out of a callback.
 */
void engine_freeze(struct engine *e);
/* Opens connections ahead of the first burst. */
void engine_warm(struct engine *e, size_t connections);

/* What the engine has seen so far. Instants are -1 until they have happened. */
struct engine_look {
    int64_t first_sent_us, last_sent_us; /* of all requests handed to the socket */
    int64_t last_answer_us;              /* any whole answer, refusals too */
    size_t in_flight;
    size_t keys, keys_refused; /* how many there are, and by how many the provider is refused */
    enum sl_err trouble;       /* of the latest attempt that broke; SL_OK after an answer */
    const char *why;           /* in words; "" without trouble */
};
struct engine_look engine_look(const struct engine *e);

#endif
