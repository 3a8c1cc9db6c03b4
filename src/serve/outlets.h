/* outlets.h: the accounts at work, and which of them a request goes to. */
#ifndef SLUICE_OUTLETS_H
#define SLUICE_OUTLETS_H

#include "door.h"
#include "memory.h"
#include "setting.h"
#include "tally.h"

struct gateway;

/* Whose API a client speaks. An account of Azure's answers OpenAI's paths too, no other
 * Azure's.
 */
enum tongue { TONGUE_OPENAI, TONGUE_AZURE, TONGUE_ANTHROPIC };

/* Outlives renewals, as the pool does. */
struct seen {
    struct pool *pool;
    struct tally *tally;
};

/* One account and what of it has been used. Lives as long as a request may point to it. */
struct outlet {
    struct gateway *gateway;
    const char *name;
    struct setting *setting;         /* which made it, or changed it last: its texts are lent */
    struct account_setting *account; /* of that setting */
    struct door door;
    struct buf known_as;  /* memory.h: by its URL and key */
    struct models models; /* seen so far, with their pools */
    struct seen *seen;    /* the same pools, with what became of their requests */
    size_t seen_count;
    size_t shape_count; /* pools of requests that no catalogue knows */
    enum tongue tongue;
    bool retired; /* no longer in the setting: finishes what it has */
};

struct outlets {
    struct outlet **list;
    size_t n;
};

/* The accounts of a setting: those that are what they were go on, with its keys and limits;
 * new ones are opened, the others retire. On error nothing has changed but that some were
 * opened, which retire at once. */
enum sl_err outlets_apply(struct outlets *o, struct gateway *g, struct setting *s,
                          struct diag *diag) SL_CHECK;
/* Takes down what their pools have learned. */
void outlets_note(const struct outlets *o, struct memory *m, int64_t now_us, int64_t unix_us);
void outlets_close(struct outlets *o);
void outlets_free(struct outlets *o);

/* What a request asks for, as far as its pool depends on it. */
struct wanted {
    struct str model;          /* or the kind of a request that is no use of one: "(files)" */
    struct str method, target; /* ... of such a request; else empty */
};
/* Its pool in that account. Of a model; one that the account's tier does not know has a pool
 * without limits, which its answers' headers or refusals teach; models beyond all bounds share
 * one. Else of the class of routes that the catalogue has for it, unless limits of its kind
 * were told by hand; else of its kind, or of its shape (kind.h), which is learned. */
struct pool *outlet_pool(struct outlet *o, const struct wanted *w);

/* What became of the requests of a pool of its. */
struct tally *outlet_tally(struct outlet *o, struct pool *p);

/* The route of a model, or NULL. */
const struct route_setting *route_find(const struct setting *s, struct str model);
/* Where a request goes: of its model's route's accounts that speak its language the one where
 * `f` waits least; without a route the first that speaks it. Never NULL. */
struct outlet *outlets_choose(const struct outlets *o, const struct setting *s,
                              const struct wanted *w, enum tongue tongue, const struct flow *f);
struct outlet *outlets_find(const struct outlets *o, const char *name);

#endif
