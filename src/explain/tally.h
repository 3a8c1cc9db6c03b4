/* tally.h: the refusals of a log by model, limit and kind, in memory that does not grow with
 * the log. Pure.
 *
 * A log repeats itself: an exception's line beside the line of its HTTP status. Findings that
 * say no more than that something was refused ("bare") therefore count only as far as there are
 * more of them than of telling ones with the same status. */
#ifndef SLUICE_TALLY_H
#define SLUICE_TALLY_H

#include "finding.h"
#include "support.h"

enum {
    TALLY_GROUPS =
        256, /* what a screen can show many times over; the rest are counted as one */
    TALLY_TENANTS = 64,
    TALLY_STATUSES = 600,
};

struct group {
    struct str provider; /* "openai", "unknown" */
    struct str model;    /* or the kind of request; or empty */
    enum verdict_kind kind;
    enum dimension dim;
    int status; /* of bare ones */
    bool bare;
    size_t count, first_line, last_line;
    int64_t first_us, last_us; /* -1: no stamps */
    int64_t limit;             /* the latest that a refusal named; -1 none did */
    size_t with_room;          /* refused although there was room */
    struct stretch now, longest;
    struct buf words; /* the diagnosis of the first; the caller's to fill */
};

struct tally {
    struct arena names;
    struct group *groups;
    size_t n;
    size_t refusals;    /* all that count; set by tally_settle */
    size_t overflowed;  /* in groups beyond the bound */
    int64_t success_us; /* of the latest request that went well; -1 none */
    size_t telling[TALLY_STATUSES], bare[TALLY_STATUSES];
    struct {
        struct str name;
        size_t refusals;
    } tenants[TALLY_TENANTS];
    size_t tenant_count;
};

void tally_init(struct tally *t);
void tally_free(struct tally *t);
/* A request went well at that instant (-1: not known when). */
void tally_success(struct tally *t, int64_t at_us);
/* `label` stands for the model where there is none. Returns the group; its count is 1 when it
 * is new. NULL: there are too many. */
struct group *tally_add(struct tally *t, const struct finding *f, struct str label,
                        int64_t now_us);
/* Bare ones against telling ones; groups by count, the largest first; empty ones dropped. */
void tally_settle(struct tally *t);

#endif
