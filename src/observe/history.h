/* history.h: the last ten minutes of each model of each account, in steps of five seconds: what
 * plots show and what alerts are judged by. Pure: scenes in, in order of time.
 *
 * Bounded whatever there is: HISTORY_TRACKS models at most; another one takes the place of the
 * one that has been idle longest. */
#ifndef SLUICE_HISTORY_H
#define SLUICE_HISTORY_H

#include "scene.h"

enum {
    HISTORY_STEP_US = 5000000,
    HISTORY_STEPS = 120,
    HISTORY_TRACKS = 256,
    HISTORY_NO_SHARE = UINT16_MAX, /* the budget was not there */
};

/* What five seconds brought. */
struct history_step {
    uint16_t share[BOUND_BUDGETS];  /* of the limit in use at the most, per mille; by dims */
    int32_t charged[BOUND_BUDGETS]; /* units; less than none where charges were taken back */
    uint32_t queued, in_flight;     /* at the most */
    uint32_t requests;              /* that ended */
    uint32_t refused_there;         /* by the provider */
    uint32_t refused_here;          /* unsent, a tenant's own limits and too large ones too */
    uint32_t input_tokens, output_tokens;
    uint32_t wait_ms; /* 19 of 20 of those sent had waited no longer */
    /* By the account's limits: those the provider refused, and those turned away here because
     * they would have waited too long. */
    uint32_t by_provider[DIM_COUNT + 1], by_wait[DIM_COUNT + 1];
    uint32_t headroom; /* of the former, although the provider's headers showed room */
};

struct history_track {
    char account[64], model[128];
    enum dimension
        dims[BOUND_BUDGETS]; /* what share and charged are of; DIM_UNKNOWN: nothing */
    struct history_step steps[HISTORY_STEPS]; /* a ring, see history_at */
    int64_t active_step;                      /* when something happened last */
    bool from_zero; /* it was new when first seen: all it has counted is growth */
    /* As they were when last seen. */
    struct tally then;
    struct histogram wait_then; /* ... when the step began */
    int64_t charged_then[BOUND_BUDGETS];
};

struct history;

struct history *history_new(void);
void history_free(struct history **h);
/* A scene as it is at now_us, which never goes back. Fills in the `used` of its budgets. */
void history_see(struct history *h, struct scene *s, int64_t now_us);
/* Fills in `used` as of the scene seen last. */
void history_fill(const struct history *h, struct scene *s);

/* The number of the step that is under way; those before it are whole. From 0. */
int64_t history_step_number(const struct history *h);
/* NULL: not followed. `hint`: its pool's place in the scene. */
const struct history_track *history_track(const struct history *h, size_t hint,
                                          struct str account, struct str model);
/* By index, in no order; NULL beyond the last. */
const struct history_track *history_track_at(const struct history *h, size_t i);
/* The step of that number, HISTORY_STEPS - 1 before the one under way at most. */
const struct history_step *history_at(const struct history_track *t, int64_t number);

/* The whole steps from `from` on as JSON: {"step" (seconds), "from", "to", "end" (of the last
 * one, since 1970), "tracks": [{"account", "model", "queued": [...], ..., "share": {"tpm":
 * [...]}}]}. A list of zeros is written empty. */
void history_json(const struct history *h, int64_t from, struct buf *out);

#endif
