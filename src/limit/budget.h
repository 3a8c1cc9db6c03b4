/* budget.h: one limit of an account ("30,000 tokens per minute"), however it is enforced.
 *
 * A cost is held when its request is admitted, charged when its bytes leave, settled when the
 * answer tells what it really was. Until header feedback has told how the provider counts, a
 * budget of unknown window keeps to the log, which is safe for every window.
 *
 * Where output is charged as it is produced (CHARGE_ACTUAL) a part of the cost comes later and
 * is only expected. Two counters then bound the budget: `spent` charges all of a request's
 * expected cost to the instant of its sending, which holds the rate; `landed` knows what is
 * charged so far, and no request may arrive where that leaves no room for its input. */
#ifndef SLUICE_BUDGET_H
#define SLUICE_BUDGET_H

#include "counter.h"
#include "identify.h"
#include "slices.h"

/* What an account knows of how its provider enforces. */
struct budget_rules {
    enum window_kind window; /* AUTO: to be identified */
    int64_t minute_us;       /* 60 s or shortened */
    int64_t slice_us;        /* of the shortened minute */
    int64_t slack_us;        /* J: variation of the one-way delay on the way in */
    int use_percent;         /* how much of each limit is ours */
    bool idle;               /* nothing was spent in the last period: every budget is full */
    bool ramp;               /* not the account's, but slowdown.h's */
    bool later;              /* output is charged as it is produced */
};

/* What one request draws on one budget: `units` in all, of which `later` are output that is
 * charged as it is produced. */
struct draw {
    int64_t units, later;
};

struct budget {
    enum dimension dim;
    bool told;     /* the kind was told, not found out */
    bool heard;    /* an answer has told what is left */
    bool brief;    /* a minute's: what is not known is felt for. A day sent evenly is lost */
    bool ramp;     /* not the account's, but slowdown.h's */
    bool later;    /* part of its charges comes later: `landed` counts too */
    int64_t limit; /* ours, per period; a slice's share of it for requests in slices */
    int64_t period_us;
    int64_t held;                 /* admitted, not yet on the wire */
    int64_t last_us, last_cost;   /* of the last one held */
    int64_t margin;               /* kept free */
    int64_t spread;               /* by how much `pending` may be wrong */
    int64_t frozen_us;            /* nothing before this instant */
    int64_t charged;              /* in all */
    int64_t caution;              /* kept free since refusals */
    int64_t refusals, refused_us; /* how many, when a burst of them began */
    int refused_in_row;
    int use_percent;
    struct limit_spec spec; /* as the provider states it */
    struct counter spent;
    struct counter landed;
    int64_t pending;     /* output expected of what is in flight */
    __int128 pending_at; /* the same, each weighed with its sending time */
    int64_t way_us;      /* how far ahead of our knowledge our arrival is, at most */
    int64_t service_us;  /* how long what is in flight takes in all, as learned */
    struct window guard; /* AUTO, requests: the log of one slice, should they be counted so */
    struct phase phase;
    struct slices slices;
    struct identify identify;
};

void budget_init(struct budget *b, const struct limit_spec *spec, const struct budget_rules *r);
void budget_free(struct budget *b);

/* 0: it fits now; else the time until it will. INT64_MAX: it never will. */
int64_t budget_wait_us(struct budget *b, int64_t now_us, struct draw d);
void budget_hold(struct budget *b, int64_t now_us, struct draw d);
void budget_release(struct budget *b, struct draw d); /* admitted but not sent after all */
void budget_charge(struct budget *b, int64_t now_us, struct draw d); /* held no more: sent */
/* The request sent at sent_us was charged `charged` in all. */
void budget_settle(struct budget *b, int64_t now_us, int64_t sent_us, struct draw d,
                   int64_t charged);
/* Of a copy: what is held and what is pending counts as charged now; see ledger_foresee. */
void budget_foresee(struct budget *b, int64_t now_us);
/* What is expected of a request in flight has changed. */
void budget_expect(struct budget *b, int64_t now_us, int64_t sent_us, struct draw was,
                   struct draw is);
/* What is left now, what is held subtracted. */
int64_t budget_level(struct budget *b, int64_t now_us);
/* An instant where one of its fixed windows begins, in sending time; -1: not known, or none. */
int64_t budget_edge_us(const struct budget *b);
/* Of what is expected of requests in flight, what may be charged by the time we arrive. */
int64_t budget_unseen(const struct budget *b, int64_t now_us);

/* The way to the provider is seen to vary by that much at least. */
void budget_slacken(struct budget *b, int64_t slack_us);

/* Another kind rules from now on; slices of `slice_us`. */
void budget_become(struct budget *b, int64_t now_us, enum window_kind kind, int64_t slice_us);
/* The provider states another limit. */
void budget_relimit(struct budget *b, int64_t now_us, int64_t limit);

#endif
