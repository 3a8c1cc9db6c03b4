/* turn.h: inside flow/: whose turn it is, in the real queue and in one that is only imagined,
 * so that what a queue promises is what it does. */
#ifndef SLUICE_TURN_H
#define SLUICE_TURN_H

#include "flow.h"

/* What a turn is decided by. */
struct desk {
    struct queue *turns;
    struct ledger *ledger;
    /* What the tenant's allowance says to a flow. */
    struct allowed (*own)(void *ctx, const struct flow *f, int64_t now_us);
    /* A flow has its turn and has to wait, for this. */
    void (*blame)(void *ctx, struct flow *f, enum dimension dim, bool own);
    void *ctx;
};

struct turn {
    struct flow *flow; /* whose turn it is, or who may pass him; NULL: nobody goes now */
    bool never;        /* it can never go */
    int64_t next_us;   /* nobody: when to ask again; INT64_MAX: when something has happened */
};

/* Tenants whose own limit holds them back are parked; else nothing is changed. */
struct turn desk_turn(const struct desk *d, int64_t now_us);

/* May f go although it is the turn of one that has to wait for wait_us? Only if that wait stays
 * what it is. */
bool may_pass(struct ledger *l, const struct flow *f, const struct flow *blocked,
              int64_t wait_us, int64_t now_us);

static inline struct flow *flow_of(const struct queue_item *turn)
{
    return turn ? (struct flow *)((char *)turn - offsetof(struct flow, turn)) : NULL;
}

#endif
