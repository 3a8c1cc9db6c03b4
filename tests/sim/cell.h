/* cell.h: one cell of the grid: which account, which work, which client, which seed. A cell
 * says everything about a run: the same cell gives the same run, event for event. */
#ifndef SLUICE_SIM_CELL_H
#define SLUICE_SIM_CELL_H

#include "str.h"

/* What the client is told. KNOWN: the window, and headers come. IDENTIFY: headers come, the
 * window is not told. BLIND: neither. STRANGER: as KNOWN, but a fifth of the account is spent
 * by somebody else and the client keeps to 70 % of it. HIDDEN: nothing at all, not even the
 * limit, and refusals say no more than that they are. */
#define SIM_MODES(X)                                                                           \
    X(KNOWN, "known")                                                                          \
    X(IDENTIFY, "identify") X(BLIND, "blind") X(STRANGER, "stranger") X(HIDDEN, "hidden")
#define SIM_WINDOWS(X)                                                                         \
    X(BUCKET, "bucket") X(FIXED, "fixed") X(SLIDING, "sliding") X(SLICES, "slices")
/* Which limit holds the batch back. */
#define SIM_BOUNDS(X)  X(RPM, "rpm") X(TPM, "tpm") X(MIXED, "mixed")
#define SIM_CHARGES(X) X(MAX, "max") X(SUM, "sum") X(ACTUAL, "actual")
/* SDK: 512 workers with the official retry rule. WINDOW90: a moving window at 90 %. EVEN: even
 * pacing at 100 %. */
#define SIM_CLIENTS(X) X(SLUICE, "sluice") X(SDK, "sdk") X(WINDOW90, "window90") X(EVEN, "even")
/* Whose requests. SYNTHETIC: drawn from the seed. TRACE: the production trace as one batch.
 * ARRIVALS: the trace with its own arrival times. */
#define SIM_WORKS(X) X(SYNTHETIC, "synthetic") X(TRACE, "trace") X(ARRIVALS, "arrivals")
/* How reset times are written. MS: a Go duration cut to milliseconds. SECONDS: whole seconds,
 * rounded up (Azure). INSTANT: an absolute time and the answer's Date in whole seconds, tokens
 * left in thousands (Anthropic). */
#define SIM_ROUNDINGS(X) X(MS, "ms") X(SECONDS, "seconds") X(INSTANT, "instant")
/* What is broken on purpose. OVER: the provider's limiter admits 1 % too much. UNDER: it
 * refuses at 99 %. GREEDY: the client believes in 5 % more. BLUNT: the client knows nothing of
 * J. LOST: a request is dropped from the log. TWICE: one stands twice in it. */
#define SIM_SABOTAGES(X)                                                                       \
    X(NONE, "none")                                                                            \
    X(OVER, "over")                                                                            \
    X(UNDER, "under") X(GREEDY, "greedy") X(BLUNT, "blunt") X(LOST, "lost") X(TWICE, "twice")

#define X(name, text) SIM_##name,
enum sim_mode { SIM_MODES(X) SIM_MODE_COUNT };
enum sim_window { SIM_WINDOWS(X) SIM_WINDOW_COUNT };
enum sim_client { SIM_CLIENTS(X) SIM_CLIENT_COUNT };
enum sim_work { SIM_WORKS(X) SIM_WORK_COUNT };
enum sim_sabotage { SIM_SABOTAGES(X) SIM_SABOTAGE_COUNT };
#undef X
#define X(name, text) SIM_BOUND_##name,
enum sim_bound { SIM_BOUNDS(X) SIM_BOUND_COUNT };
#undef X
#define X(name, text) SIM_CHARGE_##name,
enum sim_charge { SIM_CHARGES(X) SIM_CHARGE_COUNT };
#undef X
#define X(name, text) SIM_ROUND_##name,
enum sim_rounding { SIM_ROUNDINGS(X) SIM_ROUNDING_COUNT };
#undef X

struct cell {
    enum sim_mode mode;
    enum sim_client client;
    enum sim_work work;
    enum sim_window window;
    enum sim_bound bound;
    enum sim_charge charge;
    int64_t jitter_us; /* J: the one-way delay is uniform in [SIM_DELAY_US, SIM_DELAY_US + J] */
    int64_t service_us; /* mean time from the provider's decision to its answer */
    uint64_t seed;
    int64_t rpm;      /* requests a minute; 0: as the bound has it */
    int64_t phase_us; /* fixed, slices: the first reset after the start; -1: from the seed */
    bool late;        /* headers are computed when the answer leaves, else at the decision */
    bool drain;       /* refused requests count */
    enum sim_rounding rounding;
    enum sim_sabotage sabotage;
};

enum {
    SIM_DELAY_US = 20 * 1000, /* least one-way delay */
    SIM_MINUTE_US = 60 * 1000 * 1000,
    SIM_SLICE_US = 1000 * 1000,
    /* IDENTIFY: the first reset comes no sooner. Who does not know the window cannot spend a
     * minute's budget before the first headers are back (slices would refuse it), so an edge
     * before them costs any careful client a whole window: 8 % of twelve. */
    SIM_IDENTIFY_PHASE_US = 15 * 1000 * 1000,
    SIM_USE_PERCENT = 70,      /* of the account, beside a stranger */
    SIM_STRANGER_PERCENT = 20, /* of the account, spent by the stranger */
    SIM_HIDDEN_RPM = 300,
};

/* known, sluice, bucket, rpm, max, J 60 ms, service 3 s, seed 1, refusals drain. */
struct cell cell_default(void);
/* "mode=known window=fixed bound=rpm jitter=60 service=3 charge=max seed=4": what is not said
 * stays as it is; jitter and phase in milliseconds, service in seconds (0.2). The rounding
 * follows from the window and charge unless said. SL_UNKNOWN or SL_SYNTAX with *diag. */
enum sl_err cell_parse(struct str text, struct cell *out, struct diag *diag) SL_CHECK;
/* The words that cell_parse reads; only what differs from the defaults beyond the grid's own.
 */
void cell_write(struct buf *out, const struct cell *c);
/* As the provider of that window and charge writes them. */
enum sim_rounding cell_rounding(enum sim_window w, enum sim_charge c);
/* A stream of random numbers that belongs to this cell and this purpose alone; the same for all
 * modes and clients, so that they can be compared. */
uint64_t cell_stream(const struct cell *c, const char *purpose);
/* The phase in use: cell.phase_us or what the seed says. */
int64_t cell_phase_us(const struct cell *c);

const char *sim_mode_name(enum sim_mode m);
const char *sim_window_name(enum sim_window w);
const char *sim_bound_name(enum sim_bound b);
const char *sim_client_name(enum sim_client c);

#endif
