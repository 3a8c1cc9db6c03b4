/* oracle.h: judges a whole run afterwards, from nothing but the log of arrivals.
 *
 * A third piece beside limit/ and the emulator's gauge: it shares no code with either, keeps no
 * level while the run goes on, and knows a window only as a sentence:
 *   bucket   what is admitted in any span t after an arrival is at most what there was, plus
 *            limit * t / period
 *   fixed    never more than `limit` between two edges (phase + k * period)
 *   sliding  never more than `limit` in any (t - period, t]
 * (slices are fixed windows of their own period). It demands both halves: what was admitted
 * fitted, and what was refused did not. */
#ifndef SLUICE_SIM_ORACLE_H
#define SLUICE_SIM_ORACLE_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORACLE_BUDGETS = 2 };

enum oracle_shape { ORACLE_BUCKET, ORACLE_FIXED, ORACLE_SLIDING };

struct oracle_budget {
    enum oracle_shape shape;
    int64_t limit; /* units per period; of a slice, what a slice holds */
    int64_t period_us;
    int64_t phase_us; /* fixed: an edge */
    bool drains;      /* a refused request takes one unit, if one is there */
};

enum oracle_kind { ORACLE_ADMITTED, ORACLE_REFUSED, ORACLE_PRODUCED };

struct oracle_entry {
    int64_t at_us;
    enum oracle_kind kind;
    bool ours;
    uint32_t job; /* ours: which */
    int64_t charge[ORACLE_BUDGETS];
};

struct oracle_log {
    struct oracle_entry *list; /* by time */
    size_t n, cap;
};

void oracle_note(struct oracle_log *log, const struct oracle_entry *e);
void oracle_log_free(struct oracle_log *log);

struct oracle_finding {
    int64_t over;                    /* admitted although a window was full */
    int64_t needless;                /* refused although every window had room */
    int64_t lost;                    /* jobs never admitted */
    int64_t twice;                   /* jobs admitted again */
    int64_t backwards;               /* entries out of time */
    int64_t refused;                 /* ours */
    size_t first;                    /* the first entry found wrong; log->n if none */
    int64_t charged[ORACLE_BUDGETS]; /* to ours, output included */
};

/* Every window of every budget, every arrival. `jobs` were to be admitted once each. */
struct oracle_finding oracle_judge(const struct oracle_log *log,
                                   const struct oracle_budget *budgets, size_t count,
                                   uint32_t jobs);
bool oracle_content(const struct oracle_finding *f);

/* The least time in which an amount can pass, from the first send on:
 *   bucket max(0, (T - limit) / r)   sliding (ceil(T / L) - 1) W   fixed u + (ceil(T / L) - 2)
 * W with u the time from the first send to the first reset that the first admission saw ahead.
 * -1 (no figure) where T fits at the start. The bucket is full at the start. */
int64_t oracle_bound_us(const struct oracle_budget *b, int64_t amount, int64_t sent_us,
                        int64_t admitted_us);

#endif
