/* flow.h: one request's life, and the account it draws on. The pure machine.
 *
 *           submit            admitted           head of the answer        its end
 *   NEW -----------> QUEUED -----------> SENDING -----------> RECEIVING ----------> DONE
 *                    ^    ^                 |                  |     |
 *                    |    +--- refused by a limit: at once ---+     |
 *                    |                      |                        |
 *                    +------ BACKOFF <------+------------------------+
 *                 in its time        an overload, a fault; or DONE, where no attempt is left
 *
 *   any but DONE ---cancelled---> DONE
 *
 * Reads no clock, performs no I/O. Every call is handed now_us, sampled once per turn of the
 * loop and asserted never to go backwards. Batch runner, gateway, simulator and fuzzer are
 * drivers of this one machine; a recorded list of events is a replay.
 *
 * Errors are outcomes (enum outcome), never silent. All times in microseconds. */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include "allowance.h"
#include "ledger.h"
#include "lesson.h"
#include "provider.h"
#include "queue.h"

struct account; /* ledger, queue and learned profile of one provider account (opaque) */
struct pool;    /* the budgets that requests of one model draw on (opaque, owned by account) */

enum order {
    ORDER_QUEUE,   /* first come first served within a tenant: the gateway */
    ORDER_BALANCE, /* whichever candidate keeps used/quota level over all budgets: a batch */
};

struct account_config {
    int64_t minute_us;       /* 60 s, or what --minute says */
    enum window_kind window; /* AUTO: identify */
    int64_t slice_us;        /* of the shortened minute */
    enum charge_rule charge;
    bool refusals_drain;
    bool idle; /* known: nothing was spent in the last period, so every budget is full. Else the
                  first requests go evenly until an answer tells what is left */
    int use_percent;     /* 1..100: how much of each limit is ours (--use) */
    int64_t jitter_us;   /* floor of J, the variation of the one-way delay on the way in */
    int64_t concurrency; /* most in flight; 0: found by itself */
    int retries_max; /* attempts after the first for passing faults; rate limits do not count */
    /* A request whose answer got lost on the way, and which may have been carried out, is sent
     * again. What never reached the provider always is. */
    bool resends;
    /* An empty wallet or a refused key ends the account; else the request that met it alone. */
    bool halts;
    enum order order;
    uint64_t seed; /* of all jitter */
};

/* Sensible defaults for a real account. */
struct account_config account_defaults(const struct provider *p);

struct account *account_new(const struct account_config *config);
void account_free(struct account **a);

/* The pool of that name, made at the first call with the limits given (n may be 0: unknown,
 * they are learned from headers). Never NULL. */
struct pool *account_pool(struct account *a, struct str name, const struct limit_spec *limits,
                          size_t n);

#define FLOW_STATES(X) X(NEW) X(QUEUED) X(SENDING) X(RECEIVING) X(BACKOFF) X(DONE)
enum flow_state {
#define X(name) FLOW_##name,
    FLOW_STATES(X)
#undef X
};

enum outcome {
    OUTCOME_OK,     /* the answer is good */
    OUTCOME_FAILED, /* this request failed for good: see verdict (context length, bad request,
                       retries exhausted) */
    OUTCOME_TOO_LARGE, /* larger than a limit: it can never be admitted, never sent */
    OUTCOME_UNSENT,    /* given back unsent: the account halted, or it was cancelled */
};

/* One request. Owned by its driver, embedded in the driver's own struct; alive from FLOW submit
 * until its ACT_FINISH. */
struct flow {
    uint64_t id; /* the driver's: line number, request id */
    struct pool *pool;
    struct demand demand;
    struct stake *stake; /* on its tenant's allowance; NULL: none */
    uint32_t tenant;     /* index, 0 where there are none */
    uint8_t priority;    /* 0 normal, higher ones first, up to QUEUE_PRIORITIES - 1 */
    bool safe : 1;       /* changes nothing (RFC 9110 9.2.1): may be carried out twice */
    /* --- below: flow's own, read-only for drivers --- */
    bool own : 1;       /* what it waited for is its tenant's limit, not the account's */
    uint8_t waited_for; /* enum dimension: what it last waited for; DIM_UNKNOWN: nothing */
    enum flow_state state : 8; /* a queued request is small */
    int attempts;              /* requests sent for it, refused ones included */
    int failures;              /* of those, passing faults (not rate limits) */
    int refusals;              /* of those, rate limits */
    uint32_t charged_tokens;   /* in the end, by the budgets of tokens; of all attempts */
    int64_t submitted_us, let_us, sent_us, head_us; /* let_us: admitted */
    struct bill bill;                               /* what it is expected to be charged */
    struct flow *prev, *next;                       /* in whatever list its state says */
    struct queue_item turn;                         /* QUEUED, under ORDER_QUEUE */
    int64_t due_us;
};

enum event_kind {
    EVENT_SUBMIT, /* a new flow wants in */
    EVENT_SENT,   /* its bytes have left for the socket now (after ACT_SEND) */
    EVENT_HEAD,   /* status line and headers arrived: readings, retry_us */
    EVENT_END,    /* the whole answer arrived and was judged: verdict, usage */
    EVENT_BROKEN, /* the connection failed or timed out before a whole answer: fault */
    EVENT_CANCEL, /* the driver does not want it any more */
};

enum fault {
    FAULT_CONNECT, /* not reached: nothing was sent */
    FAULT_RESET,   /* died after it was sent */
    FAULT_TIMEOUT,
    FAULT_PROTOCOL /* the answer was not HTTP, too large, or cut short */
};

struct event {
    enum event_kind kind;
    int64_t now_us;
    struct flow *flow;
    int status;                     /* HEAD */
    const struct reading *readings; /* HEAD, lent */
    size_t reading_count;
    int64_t retry_us;       /* HEAD: from headers, -1 absent */
    struct verdict verdict; /* END; strings lent for the call */
    struct usage usage;     /* END; BROKEN if last, CANCEL: what the part that came used */
    enum fault fault;       /* BROKEN */
    bool last;              /* END, BROKEN: part of the answer was passed on: never again */
};

enum action_kind {
    ACT_SEND,   /* send this flow's request now */
    ACT_FINISH, /* this flow is over: outcome; its memory is the driver's again */
    ACT_HALT,   /* the account cannot go on (wallet, key): flow is the one that met it */
};

struct action {
    enum action_kind kind;
    struct flow *flow;
    enum outcome outcome;
};

/* A growing list the driver owns; flow appends. Zero-initialise, free with actions_free. */
struct actions {
    struct action *list;
    size_t n, cap;
};
void actions_free(struct actions *out);

/* Advance one request of an account. */
void flow_step(struct account *a, const struct event *in, struct actions *out);

/* What time alone has made possible: whose turn it is now, and when to ask again (INT64_MAX:
 * never). Call after every batch of flow_step calls and when *next_us has come. */
void account_due(struct account *a, int64_t now_us, struct actions *out, int64_t *next_us);

/* Stops admitting: queued flows come back as OUTCOME_UNSENT. In-flight ones go on. */
void account_drain(struct account *a, int64_t now_us, struct actions *out);

/* A tenant's share of the pool against others', QUEUE_WEIGHT by default. */
void pool_weight(struct pool *p, uint32_t tenant, int64_t weight);

/* Limits that hold from now on; those not named stay, since headers may have taught them. */
void pool_relimit(struct pool *p, int64_t now_us, const struct limit_spec *limits, size_t n);
/* Another part of each limit is ours from now on. */
void account_use(struct account *a, int64_t now_us, int percent);
/* What was left of a budget when this process was not there: no more than that is left now. */
void pool_remember(struct pool *p, int64_t now_us, enum dimension dim, int64_t left);
/* A limit on requests that nobody tells is learned from refusals (limit/learner.h). What was
 * learned of a pool so far; false: nothing was, or its limits are told. `lately` is how many
 * requests went within the last minute. */
bool pool_lesson(const struct pool *p, int64_t now_us, struct lesson *out, int64_t *lately);
/* The name it was made by; lent. */
struct str pool_name(const struct pool *p);
/* What another process learned of it, when so many had gone within a minute at at_us. No
 * matter where its limits are told, or where a pool could not have learned that. Before its
 * first request. */
void pool_recall(struct pool *p, int64_t now_us, const struct lesson *lesson, int64_t at_us,
                 int64_t lately);
/* How many requests wait there; and with those in flight. */
size_t pool_waiting(const struct pool *p);
size_t pool_load(const struct pool *p);

/* The way to the provider is seen to vary by that much: raises J, and never lowers it. */
void account_jitter(struct account *a, int64_t jitter_us);

/* How many more candidates ORDER_BALANCE would like to see queued for this pool. */
size_t pool_appetite(const struct pool *p);

/* ---- For people: plain figures, all at now_us ---------------------------------------- */

struct budget_view {
    enum dimension dim;
    int64_t limit; /* ours, after --use */
    int64_t period_us;
    int64_t level;   /* what we believe is left now */
    int64_t charged; /* in all so far */
    bool binds;      /* what the next queued request waits for */
    int64_t wait_us; /* until it fits; 0 none */
    int64_t refusals;
    enum window_kind window; /* as told or identified */
    bool learned;            /* from refusals: nobody told it */
    int64_t
        edge_us; /* fixed, slices: an instant where one of its windows begins; -1 not known */
};

struct pool_view {
    struct str name;
    size_t queued, in_flight;
    int64_t in_flight_most; /* may be at once now; 0: nobody has told, our own ceiling alone */
    bool in_flight_binds;
    struct budget_view budgets[BOUND_BUDGETS];
    size_t budget_count;
};

void pool_look(const struct account *a, const struct pool *p, int64_t now_us,
               struct pool_view *out);
/* When `total[dim]` further units would have been admitted if nothing but the budgets held them
 * back: the ETA. */
int64_t pool_forecast_us(const struct account *a, const struct pool *p, int64_t now_us,
                         const int64_t total[DIM_COUNT]);

/* What a queue can promise: when a request will be sent if nothing changes, and what it waits
 * for last. How long answers take is not known, so limits on concurrency, and what requests in
 * flight may give back, are not looked ahead. */
struct promise {
    int64_t wait_us; /* 0 now; INT64_MAX never */
    enum dimension dim;
    bool own; /* a limit of the tenant's */
};
/* For a request not yet submitted: pool, demand, tenant, priority and stake are set. Costs a
 * step for every request in the queue; what it says may be ten milliseconds old. */
struct promise pool_promise(const struct account *a, struct pool *p, int64_t now_us,
                            const struct flow *f);
/* A bound of the same that costs a few divisions: where it is small enough, nothing more need
 * be known. */
int64_t pool_wait_most_us(const struct account *a, const struct pool *p, int64_t now_us,
                          const struct flow *f);
/* For every request in the queue, in the order of their turns. */
void pool_promises(const struct account *a, const struct pool *p, int64_t now_us,
                   void (*each)(void *ctx, struct flow *f, struct promise promise), void *ctx);

/* Requests of that tenant may fit into its allowance now, because of something that happened
 * elsewhere: in another account, or to the allowance itself. true: some waited for that. */
bool account_wake(struct account *a, uint32_t tenant);

struct account_totals {
    int64_t sent, refused, retried, outages;
    bool halted; /* wallet or key */
    bool paused; /* circuit breaker open: the provider is out */
};
struct account_totals account_look(const struct account *a);

#endif
