/* engine_state.h: inside engine/: what its files share. */
#ifndef SLUICE_ENGINE_STATE_H
#define SLUICE_ENGINE_STATE_H

#include "credentials.h"
#include "engine.h"

/* The engine's own headers: key, version, content-type, accept, user-agent. */
enum { ENGINE_HEADERS = 8 };

struct engine {
    uv_loop_t *loop;
    const struct provider *provider;
    struct engine_driver driver;
    struct engine_tap tap;
    struct account *account;
    struct upstream *upstream;
    uv_prepare_t prepare;
    uv_timer_t timer;
    struct actions actions;
    struct arena scratch; /* an answer parsed, until the next one is */
    bool carrying;        /* an outer call is working through `actions` */
    bool dirty;           /* flow was stepped since account_due was last asked */
    bool halt_told;
    bool frozen; /* nothing is carried out any more */
    int64_t now_us, due_us;
    int64_t felt_us; /* when the connections were last asked for their jitter */
    struct credentials credentials;
    struct header headers[ENGINE_HEADERS];
    size_t header_count;
    struct attempt *attempts; /* all of them, so that close can drop them */
    struct engine_look look;
    char why[256];
};

/* One sending of a job. Once `call` is NULL the answer (or the breaking) is complete. */
struct attempt {
    struct engine *engine;
    struct job *job;
    struct call *call;
    struct attempt *prev, *next;
    struct arena arena; /* of an answer that was none: its head, parsed body */
    struct buf body;
    struct ending end;
    int64_t sent_us, unix_us;
    size_t credential; /* it was sent with */
    bool body_lent;
    bool headed; /* the answer has begun; it may before the request is out */
    bool handed; /* ... and its driver takes the body in pieces */
    char why[256];
};

/* ---- engine.c ---------------------------------------------------------------------------- */

/* Steps flow and carries out what it says, unless an outer call is at it already. */
void engine_step(struct engine *e, const struct event *ev);

/* ---- attempt.c --------------------------------------------------------------------------- */

/* Sends the job, in the place of what was kept of its last attempt. */
void attempt_send(struct engine *e, struct job *j);
/* Gives up what is under way; what it used as far as it came. NULL is nothing. */
struct usage attempt_cancel(struct attempt *a);
void attempt_free(struct attempt **a);

#endif
