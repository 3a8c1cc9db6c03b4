/* gateway.h: clients in, accounts out: a server whose requests are jobs of engines.
 *
 *   who is it -> read the body -> count it -> where to -> promise -> queue (flow)
 *             -> pass the answer on -> done
 *
 * A client that leaves takes its request with it, wherever that is. */
#ifndef SLUICE_GATEWAY_H
#define SLUICE_GATEWAY_H

#include "admin.h"
#include "beacon.h"
#include "keys.h"
#include "outlets.h"
#include "polls.h"
#include "record.h"
#include "server.h"

struct relay;

struct gateway {
    uv_loop_t *loop;
    struct server *server;
    struct setting *setting; /* in force */
    struct outlets outlets;
    struct tenants tenants;
    struct tenant *everybody; /* among them, if the setting has none; else NULL */
    struct tenant stranger;   /* who shows no good key; not among them */
    struct keys *keys;        /* of tenants; NULL without any */
    struct tenant **owners;   /* of its entries, in their order; NULL: nobody any more */
    struct daybook *book;     /* NULL: none is kept */
    struct memory *memory;    /* of limits that were learned; NULL: it cannot be read */
    struct polls polls;
    struct record record;
    struct admin *admin;     /* NULL: no such listener */
    struct lookout *lookout; /* NULL: neither that nor alerts are wanted */
    struct courier *courier; /* NULL: alerts go nowhere */
    struct beacon *beacon;   /* NULL: none is lit */
    int64_t started_unix_us;
    struct relay *relays; /* all there are */
    struct arena scratch; /* of the events of all streams */
    size_t relay_count, held_bytes;
    uint64_t requests;
    bool ending;      /* takes no more */
    bool look_again;  /* what was promised may not hold any more */
    uv_timer_t timer; /* the earliest deadline of a queued request */
    int64_t timer_due_us;
    uv_timer_t calendar; /* the end of a day or a month of tenants' spending */
    uv_timer_t bookkeeping;
    uv_check_t turn;         /* of the loop */
    uv_timer_t flusher;      /* runs while lines of the log wait */
    void (*idle)(void *ctx); /* ending, and the last request is done */
    void *ctx;
};

/* `idle` and `ctx` are set, the rest is zero. Holds the setting. */
enum sl_err gateway_open(struct gateway *g, uv_loop_t *loop, struct setting *s,
                         struct diag *diag) SL_CHECK;
/* From now on another setting; requests that are here go on. What cannot change while it runs
 * (where it listens, its state directory) stays as it was. On error nothing has changed, unless
 * it is the log's: then all else has. */
enum sl_err gateway_renew(struct gateway *g, struct setting *s, struct diag *diag) SL_CHECK;
/* Reads tenants' keys anew: some may have been made, or revoked. */
enum sl_err gateway_read_keys(struct gateway *g, struct diag *diag) SL_CHECK;
/* Takes no more requests; `idle` is called when those it has are done. */
void gateway_drain(struct gateway *g);
/* Drops everything; the loop must then run until it is empty before gateway_free. */
void gateway_close(struct gateway *g);
void gateway_free(struct gateway *g);

int64_t gateway_now(const struct gateway *g);  /* the engines' clock */
int64_t gateway_unix(const struct gateway *g); /* the wall clock, since 1970 */
/* Whose key it is; NULL: nobody's. Without tenants everybody's. */
struct tenant *gateway_tenant(const struct gateway *g, struct str key);
/* At that instant at the latest, relay_overdue is asked. */
void gateway_deadline(struct gateway *g, int64_t now_us, int64_t due_us);
/* A tenant's request has ended: those of its requests that wait in other accounts may go. */
void gateway_wake(struct gateway *g, const struct outlet *but, uint32_t tenant);

#endif
