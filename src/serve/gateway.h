/* gateway.h: clients in, accounts out: a server whose requests are jobs of engines.
 *
 *   read the body -> count it -> promise -> queue (flow) -> pass the answer on -> done
 *
 * A client that leaves takes its request with it, wherever that is. */
#ifndef SLUICE_GATEWAY_H
#define SLUICE_GATEWAY_H

#include "door.h"
#include "server.h"

struct relay;

enum { GATEWAY_OUTLETS = 8 };

/* One account and what of it has been used. */
struct outlet {
    struct gateway *gateway;
    struct account_options options;
    struct door door;
    struct models models; /* seen so far, with their pools */
    bool anthropic;       /* speaks Anthropic's shapes */
};

struct gateway_config {
    const char *listen;
    int64_t max_wait_us; /* longer waits are refused at once */
    size_t queue_max;    /* requests held at once, from their head to their last byte */
    size_t queue_bytes;  /* of their bodies together */
    bool resend;         /* a lost answer is asked for again */
};

struct gateway {
    struct gateway_config config;
    uv_loop_t *loop;
    struct server *server;
    struct outlet outlets[GATEWAY_OUTLETS];
    size_t outlet_count;
    struct relay *relays; /* all there are */
    size_t relay_count, held_bytes;
    uint64_t requests;
    bool ending;      /* takes no more */
    bool look_again;  /* what was promised may not hold any more */
    uv_timer_t timer; /* the earliest deadline of a queued request */
    int64_t timer_due_us;
    void (*idle)(void *ctx); /* ending, and the last request is done */
    void *ctx;
};

/* The outlets' options are made before; config, outlets, idle are set, the rest is zero. */
enum sl_err gateway_open(struct gateway *g, uv_loop_t *loop, struct diag *diag) SL_CHECK;
/* Takes no more requests; `idle` is called when those it has are done. */
void gateway_drain(struct gateway *g);
/* Drops everything; the loop must then run until it is empty before gateway_free. */
void gateway_close(struct gateway *g);
void gateway_free(struct gateway *g);

/* At that instant at the latest, relay_overdue is asked. */
void gateway_deadline(struct gateway *g, int64_t now_us, int64_t due_us);

/* ---- relay.c: one request ---------------------------------------------------------------- */

void relay_start(struct gateway *g, struct exchange *x, const struct message *m);
void relay_body(struct relay *r, struct str bytes);
void relay_end(struct relay *r);
void relay_gone(struct relay *r);
void relay_drained(struct relay *r);
/* Refuses those whose wait has become longer than their clients would have it. */
void relay_look_again(struct gateway *g);
/* Refuses those that have waited as long as they may; when to ask again, or INT64_MAX. */
int64_t relay_overdue(struct gateway *g, int64_t now_us);
struct engine_config relay_wiring(struct outlet *o);

#endif
