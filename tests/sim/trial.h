/* trial.h: one cell run to its end, judged and measured. */
#ifndef SLUICE_SIM_TRIAL_H
#define SLUICE_SIM_TRIAL_H

#include "cell.h"
#include "oracle.h"

/* What it may cost to find a hidden limit. */
enum { TRIAL_HIDDEN_REFUSALS = 5 };

/* What makes a trial fail; of several, the first. */
#define TRIAL_FAULTS(X)                                                                        \
    X(NONE, "")                                                                                \
    X(CRASHED, "crashed")                                                                      \
    X(ORACLE_OVER, "admitted although a window was full")                                      \
    X(ORACLE_NEEDLESS, "refused although every window had room")                               \
    X(BACKWARDS, "the log runs backwards")                                                     \
    X(REFUSED, "refused")                                                                      \
    X(STUCK, "never finished")                                                                 \
    X(LOST, "lost or failed")                                                                  \
    X(TWICE, "admitted twice")                                                                 \
    X(SETTLED, "its books differ from what was charged")                                       \
    X(SLOW, "below its target")

enum trial_fault {
#define X(name, text) TRIAL_##name,
    TRIAL_FAULTS(X)
#undef X
};
const char *trial_fault_text(enum trial_fault f);

struct trial {
    struct cell cell;
    bool done; /* it ran; false: the process died in it */
    enum trial_fault fault;
    struct oracle_finding oracle;
    int64_t jobs, sends, events;
    int64_t rpm, tpm; /* the account's limits */
    int64_t phase_us;
    int64_t first_reset_us; /* of the minute, from the first send; -1 for bucket and sliding */
    int64_t bound_us;       /* the largest of the budgets'; -1: no figure */
    int binding;            /* index of that budget: 0 RPM, 1 TPM */
    int64_t span_us;        /* first send to last admission */
    int64_t makespan_us;    /* first send to last answer */
    int64_t wait_us;        /* mean, from a job's being known to its admission */
    double efficiency;      /* bound / span; -1: no figure */
    int64_t found_us;       /* from the first send to the last refusal; 0: none */
    int64_t last_us;        /* the last admission */
    double use; /* of the limit on requests, in the ten minutes before the last admission */
    int64_t settled_off; /* the largest difference between its books and the oracle's sums */
};

/* `csv` is the trace, where the cell asks for it. */
struct trial trial_run(const struct cell *c, struct str csv, bool narrate);
/* What the mode promises: 0.99 known, 0.98 identified, 0 where refusals alone matter. */
double trial_target(const struct cell *c);

#endif
