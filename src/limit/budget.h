/* budget.h: one limit of an account ("30,000 tokens per minute"), however it is enforced.
 *
 * A cost is held when its request is admitted, charged when its bytes leave, settled when the
 * answer tells what it really was. Until header feedback has told how the provider counts, a
 * budget of unknown window keeps to the log, which is safe for every window. */
#ifndef SLUICE_BUDGET_H
#define SLUICE_BUDGET_H

#include "bucket.h"
#include "fixed.h"
#include "identify.h"
#include "pace.h"
#include "phase.h"
#include "window.h"

/* What an account knows of how its provider enforces. */
struct budget_rules {
    enum window_kind window; /* AUTO: to be identified */
    int64_t minute_us;       /* 60 s or shortened */
    int64_t slice_us;        /* of the shortened minute */
    int64_t slack_us;        /* J: variation of the one-way delay on the way in */
    int use_percent;         /* how much of each limit is ours */
    bool idle;               /* nothing was spent in the last period: every budget is full */
};

struct budget {
    enum dimension dim;
    enum window_kind kind; /* in force */
    bool told;             /* the kind was told, not found out */
    bool phase_known;      /* fixed, slices: `fixed` rules, else `log` */
    bool heard;            /* an answer has told what is left */
    int64_t limit;         /* ours, per period; a slice's share of it for requests in slices */
    int64_t period_us;
    int64_t held;      /* admitted, not yet on the wire */
    int64_t last_us, last_cost; /* of the last one held */
    int64_t margin;             /* kept free */
    int64_t frozen_us; /* nothing before this instant */
    int64_t charged;   /* in all */
    int64_t refusals;
    struct limit_spec spec; /* as the provider states it */
    int use_percent;
    int64_t minute_us;
    struct bucket bucket;
    struct window log;
    struct window guard; /* AUTO, requests: the log of one slice, should they be counted so */
    struct fixed fixed;
    struct phase phase;
    struct identify identify;
};

void budget_init(struct budget *b, const struct limit_spec *spec, const struct budget_rules *r);
void budget_free(struct budget *b);

/* 0: `cost` fits now; else the time until it will. INT64_MAX: it never will. */
int64_t budget_wait_us(struct budget *b, int64_t now_us, int64_t cost);
void budget_hold(struct budget *b, int64_t now_us, int64_t cost);
void budget_release(struct budget *b, int64_t cost); /* admitted but not sent after all */
void budget_charge(struct budget *b, int64_t now_us, int64_t cost); /* held no more: sent */
/* The charge of a request sent at sent_us turned out to be `delta` more (or less). */
void budget_correct(struct budget *b, int64_t now_us, int64_t sent_us, int64_t delta);
/* What is left now, what is held subtracted. */
int64_t budget_level(struct budget *b, int64_t now_us);

/* ---- What feedback.c moves ------------------------------------------------------------------ */

/* Another kind rules from now on; slices of `slice_us`. */
void budget_become(struct budget *b, enum window_kind kind, int64_t slice_us);
/* The edge of its windows is known; or, with known false, no more. */
void budget_edge(struct budget *b, int64_t now_us, struct edge e);
/* The provider states another limit. */
void budget_relimit(struct budget *b, int64_t now_us, int64_t limit);
/* Moves the level (what is held not subtracted) into [lo, hi]. */
void budget_clamp(struct budget *b, int64_t now_us, int64_t lo, int64_t hi);

#endif
