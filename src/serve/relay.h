/* relay.h: one request through the gateway.
 *
 *   READING ---> COUNTING ---> WAITING ------------> PASSING ------> ANSWERED
 *   (body)       (ask_parse)   (flow: queue, sent)   (committed)
 *      |             |             |                    |
 *      +--- decline (our own refusal) ------------------+---> ANSWERED
 *
 * intake.c   who asks, its body, what it costs, where it goes: up to the queue
 * relay.c    what comes back; the engine's driver; life
 * decline.c  our own refusals
 *
 * Invariants:
 * - A relay lives until its job is over and its exchange is gone, in whichever order.
 * - Nothing of an answer reaches the client before it is known to be one: a stream is held
 *   until its first event is no refusal. From then on (committed) the request is never sent
 *   again.
 * - Bodies go up and answers come down byte for byte, unless a rule of the configuration
 *   changed the model.
 * - A large body is counted by a thread of the pool, so that streams go on.
 * - A poll may be held for another's answer (polls.h): then it is WAITING without a job. */
#ifndef SLUICE_RELAY_H
#define SLUICE_RELAY_H

#include "gateway.h"
#include "reckon.h"
#include "stream.h"
#include "turn_away.h"

enum {
    /* By this much a wait may exceed what a client would have, before it is ended: promises are
     * good, not perfect, and concurrency is not promised. */
    RELAY_LATE_US = 1000000,
    RELAY_OWN_HEADERS = 8 + QUOTA_HEADERS,
};

enum relay_state {
    RELAY_READING,
    RELAY_COUNTING,
    RELAY_WAITING,
    RELAY_PASSING,
    RELAY_ANSWERED
};

struct relay {
    struct job job; /* first: the engine hands it back */
    struct gateway *gateway;
    struct setting *setting; /* in force when it came */
    struct tally *tally;     /* of its model; NULL until that is known */
    struct setbacks setbacks;
    struct tenant *tenant;
    const struct tenant_setting *terms; /* the tenant's, in that setting */
    struct outlet *outlet;              /* NULL until it is known where it goes */
    struct exchange *x;                 /* NULL: the client has left, or has its answer */
    struct relay *prev, *next;
    enum relay_state state;
    enum route route;
    enum tongue tongue; /* which the client speaks, */
    bool anthropic;     /* and so whether it knows Anthropic's shapes */
    bool metered;       /* counted as a request of its model; else as a request alone */
    bool in_flow;       /* submitted and not over */
    bool in_flow_since; /* it was submitted */
    bool counting;      /* a thread is at it */
    bool reads;         /* the answer's events are read on their way */
    bool slow;          /* the provider is held back */
    bool too_long;      /* its wait has become longer than it may be */
    struct str target;  /* as the client wrote it */
    struct buf body;    /* whole; of a stream, what has come and was not asked for yet */
    struct buf lent;    /* of a stream, the piece that is on its way */
    bool streams;       /* its body goes on as it comes */
    bool received;      /* ... and all of it has come */
    struct ask ask;
    struct str asked_model; /* where a fallback replaced it; else empty */
    struct stake stake;
    struct promise promise;
    int64_t max_wait_us, deadline_us;
    struct poll *poll;                   /* it leads, or is held by; NULL: neither */
    struct relay *poll_prev, *poll_next; /* held together */
    int64_t poll_since_us;
    struct stream stream;
    struct buf held;            /* of a stream: what came before its first event was whole */
    const struct message *head; /* of the answer while it is passed on; lent */
    struct arena arena;
    uv_work_t work;
    enum sl_err err; /* of the counting */
    struct diag diag;
};

/* ---- intake.c ---------------------------------------------------------------------------- */

/* Files and the like: nothing of them is counted, and they need not be sent a second time. */
bool relay_streams(const struct message *m);
void relay_start(struct gateway *g, struct exchange *x, const struct message *m);
void relay_body(struct relay *r, struct str bytes);
void relay_end(struct relay *r);
/* Its account is chosen: into the queue. false: it was refused, and has been told. */
bool relay_send(struct relay *r);
/* The next piece of an upload, for the engine. */
struct str relay_more(struct relay *r);

/* ---- relay.c ----------------------------------------------------------------------------- */

void relay_gone(struct relay *r);
void relay_drained(struct relay *r);
/* Frees it if nothing points to it any more. */
void relay_drop(struct relay *r);
/* What goes on without its client ends too. */
void relay_cancel_all(struct gateway *g);
/* Refuses those whose wait has become longer than their clients would have it. */
void relay_look_again(struct gateway *g);
/* Refuses those that have waited as long as they may; when to ask again, or INT64_MAX. */
int64_t relay_overdue(struct gateway *g, int64_t now_us);
/* Another's answer, asked for at sent_us, is its answer too. */
void relay_share(struct relay *r, const struct message *m, struct str body, int64_t sent_us);
/* The engine's driver. */
struct engine_config relay_wiring(struct outlet *o);

/* ---- decline.c --------------------------------------------------------------------------- */

/* Answers with a refusal of our own; `wait_us` < 0: no time is known after which it may do. */
void decline(struct relay *r, enum turn_away_kind kind, int64_t wait_us, struct str what);
/* Its wait is longer than it may be: in the provider's own grammar, of the limit that binds. */
void decline_waiting(struct relay *r);
/* Larger than a whole limit, the account's or its tenant's. */
void decline_too_large(struct relay *r);

#endif
