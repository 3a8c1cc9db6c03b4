/* limits_report.h: what the account's answers say of its limits, beside the catalogue's. Pure.
 *
 * The report is a list of sections (see the top of limits_report.c): what else becomes known of
 * an account's limits, as by learning, is one section more, in words and in JSON. */
#ifndef SLUICE_LIMITS_REPORT_H
#define SLUICE_LIMITS_REPORT_H

#include "memory.h"
#include "probe.h"
#include "standing.h"
#include "tier_fit.h"

enum { SEEN_MAX = 16 * BOUND_BUDGETS };

struct limits_view {
    struct str account; /* "openai/tier-2 (emulated)" */
    struct str provider;
    const struct probe *probes;
    size_t n;
    const struct standing *standing; /* catalogue, tier as told, payments */
    int64_t asked_us;                /* since 1970 */
    const struct memory *memory;     /* NULL: nothing is remembered */
    struct str known_as;             /* ... of an account that is called so */

    /* made of it by limits_look */
    struct seen_limit seen[SEEN_MAX];
    size_t seen_count;
    struct tier_fit fit;
    const struct tier *in;   /* the tier told, else the one it looks like; NULL: neither */
    const struct tier *next; /* what to compare with: the tier above; NULL: none */
};

/* Fills the rest from what is given. */
void limits_look(struct limits_view *v);
/* At most 80 columns. */
void limits_write(struct buf *out, const struct limits_view *v);
void limits_json(struct buf *out, const struct limits_view *v);

#endif
