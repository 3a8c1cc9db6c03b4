/* toll.h: the refusals of a log by model, limit and kind, in memory that does not grow with
 * the log. Pure.
 *
 * A log repeats itself: an exception's line beside the line of its HTTP status. Findings that
 * say no more than that something was refused ("bare") therefore count only as far as there are
 * more of them than of telling ones with the same status. */
#ifndef SLUICE_TOLL_H
#define SLUICE_TOLL_H

#include "finding.h"
#include "support.h"

enum {
    TOLL_GROUPS = 256, /* what a screen can show many times over; the rest are counted as one */
    TOLL_TENANTS = 64,
    TOLL_STATUSES = 600,
};

struct group {
    struct str provider; /* "openai", "unknown" */
    struct str model;    /* or the kind of request; or empty */
    enum verdict_kind kind;
    enum dimension dim;
    int status;     /* of bare ones */
    bool bare, own; /* own: the gateway's */
    size_t count, first_line, last_line;
    int64_t first_us, last_us; /* -1: no stamps */
    int64_t limit;             /* the latest that a refusal named; -1 none did */
    size_t with_room;          /* refused although there was room */
    struct stretch now, longest;
    struct buf words; /* the diagnosis of the first; the caller's to fill */
};

struct toll {
    struct arena names;
    struct group *groups;
    size_t n;
    size_t refusals;    /* all that count; set by toll_settle */
    size_t overflowed;  /* in groups beyond the bound */
    int64_t success_us; /* of the latest request that went well; -1 none */
    size_t telling[TOLL_STATUSES], bare[TOLL_STATUSES];
    struct {
        struct str name;
        size_t refusals;
    } tenants[TOLL_TENANTS];
    size_t tenant_count;
};

void toll_init(struct toll *t);
void toll_free(struct toll *t);
/* A request went well at that instant (-1: not known when). */
void toll_success(struct toll *t, int64_t at_us);
/* `label` stands for the model where there is none. Returns the group; *fresh: it is new. NULL:
 * there are too many. */
struct group *toll_add(struct toll *t, const struct finding *f, struct str label,
                       int64_t now_us, bool *fresh);
/* Bare ones against telling ones; groups by count, the largest first; empty ones dropped. */
void toll_settle(struct toll *t);

#endif
