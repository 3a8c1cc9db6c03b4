/* account.h: inside flow/: what an account and its pools are made of. */
#ifndef SLUICE_ACCOUNT_H
#define SLUICE_ACCOUNT_H

#include "breaker.h"
#include "flow.h"
#include "inflight.h"
#include "learner.h"
#include "ledger.h"
#include "output.h"
#include "random.h"
#include "slowdown.h"

/* How many candidates ORDER_BALANCE chooses from. */
enum { CANDIDATES = 48 };

/* A promise is good for a moment: clients that hammer a long queue get the same one. */
struct told {
    int64_t at_us; /* 0: none */
    uint32_t tenant;
    uint8_t priority;
    struct bill bill;
    struct promise promise;
};

struct line { /* flows in order */
    struct flow *head, *tail;
    size_t n;
};

struct pool {
    struct pool *next;
    struct account *account;
    char *name;
    struct ledger ledger;
    struct line queue;          /* QUEUED */
    int64_t backlog[DIM_RATES]; /* what these draw on the account */
    struct queue turns;         /* the same, under ORDER_QUEUE */
    struct line waiting;        /* BACKOFF, by due_us */
    struct line flying;         /* SENDING, RECEIVING */
    struct output output;
    int64_t took_us; /* how long an answer takes, learned; and its square */
    __int128 took_squared;
    int64_t took_n;
    int64_t expected_at; /* cohorts learned from when expectations were last renewed */
    struct inflight inflight;
    struct breaker breaker;
    struct slowdown slowdown;
    struct learner *learner; /* of limits that nobody tells; NULL: somebody has */
    uint32_t lessons;        /* of which the ledger knows so many */
    struct flow *never;      /* found to be larger than a limit that was learned since */
    int64_t frozen_us;       /* refused by a limit that we do not know: nothing before this */
    int refused;             /* in a row, so */
    int64_t spread_us;       /* a batch sends nothing before: see due.c */
    enum dimension binds;    /* what held the queue back last */
    struct told told;        /* what was promised last */
    int64_t asked_us; /* when a refusal asked us to be back; probed earlier if that is far */
};

struct account {
    struct account_config config;
    struct budget_rules rules;
    struct random random;
    struct pool *pools;
    struct account_totals totals;
    bool draining;
    int64_t now_us;      /* of the last call: time never goes backwards */
    int64_t promised_us; /* when account_due asked to be called again */
    int64_t late_us;     /* by how much the driver was late at worst, lately */
    int64_t calm_us;     /* when that is halved */
};

void line_push(struct line *l, struct flow *f);
void line_push_head(struct line *l, struct flow *f);
/* Keeps the line in order of due_us. */
void line_insert_due(struct line *l, struct flow *f);
void line_take(struct line *l, struct flow *f);

/* What it waits as, among the turns. */
void pool_turn(struct flow *f, int64_t since_us);
/* Into and out of the queue of its pool. */
void pool_queue(struct flow *f, bool head);
void pool_unqueue(struct flow *f);
/* Out of the queue because it is its turn. */
void pool_serve(struct flow *f);
/* Queued: what it is expected to be charged may have changed. */
void pool_rebill(struct flow *f);

/* What a request will be charged, as far as is known before it is sent. */
void charge_expect(const struct pool *p, const struct demand *d, struct bill *bill);
/* What it was charged, as far as its usage tells. */
void charge_actual(const struct flow *f, const struct usage *u, int64_t charged[DIM_RATES]);
/* Learns from a whole answer. */
void charge_learn(struct pool *p, struct flow *f, const struct event *end);
/* Keeps what is in flight, and what is kept free beside it, at what is now expected. */
void charge_renew(struct pool *p, int64_t now_us);

void actions_add(struct actions *out, enum action_kind kind, struct flow *f, enum outcome o);

#endif
