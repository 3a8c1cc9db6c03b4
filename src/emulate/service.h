/* service.h: the emulated provider without its sockets: a request in, a plan of its answer out.
 *
 * Pure: the clocks are arguments. `now_us` never goes backwards; `now_unix_us` is the wall
 * clock. */
#ifndef SLUICE_SERVICE_H
#define SLUICE_SERVICE_H

#include "answer.h"
#include "denial.h"
#include "emulate.h"
#include "form.h"
#include "head.h"
#include "roster.h"

struct service;
struct service *service_new(const struct emulate_config *c); /* copies all it needs */
void service_free(struct service **s);
/* As if it had just been made, but for requests still in flight. */
void service_reset(struct service *s);
void service_report(const struct service *s, struct buf *out);

struct service_request {
    struct str method, target, body;
    struct str key; /* API key, empty if none */
    struct str id;  /* x-sluice-id: which request this is, however often it is sent; or empty */
    struct str host;         /* as the client addressed us, for URLs in answers */
    const struct form *form; /* instead of a body: see intake.h */
    bool too_large;          /* the body had more bytes than are kept */
};

/* What is to be done with one request. Lives as long as its arena. */
struct plan {
    int status;
    bool admitted;         /* holds a slot until service_done */
    bool streamed;         /* 200 as a stream of `script`, else `body` */
    struct buf body;       /* whole answers and refusals */
    struct spool *content; /* instead of a body: what this holds, the plan's own share */
    bool dropped;          /* carried out; no answer, the connection dies */
    struct script script;  /* streams */
    struct buf fault;      /* streams: the error event of a mishap */
    int64_t latency_us;    /* arrival to last byte; 0 for refusals */
    int64_t output_tokens;
    size_t steps; /* admitted: into how many equal parts the latency is cut, one at least */
    enum mishap mishap; /* RESET, STALL and MIDSTREAM strike after half of the steps */
    /* service's own */
    struct arena *arena;
    struct query query;
    struct roster_pool *pool; /* NULL where no limiter was asked */
    unsigned generation;      /* of the pool; another one now: it was reset meanwhile */
    struct gauge_answer figures;
    enum emulate_dialect dialect;
    enum emulate_headers headers;
    struct head_id id;
    uint64_t request; /* which one it is, however often it is sent */
    int64_t retry_us; /* -1: no retry header */
    int64_t produced;
};

/* Judges a whole request at the moment its last byte was read. */
void service_arrive(struct service *s, int64_t now_us, const struct service_request *r,
                    struct arena *arena, struct plan *out);
/* The headers of the answer, when it is about to leave. */
void service_head(const struct service *s, const struct plan *p, int64_t now_us,
                  int64_t now_unix_us, struct head *out);
/* `produced` tokens of output exist by now; charges what is new where output is charged as it
 * is produced. */
void service_produced(struct service *s, struct plan *p, int64_t now_us, int64_t produced);
/* The request is over; `answered` if its whole good answer was delivered. Frees the plan. */
void service_done(struct service *s, struct plan *p, bool answered);
/* What time alone makes happen: batches and runs. Does a slice of what is due. When to call
 * again: now, later, or INT64_MAX for never; and after every service_arrive. */
int64_t service_tick(struct service *s, int64_t now_us);

#endif
