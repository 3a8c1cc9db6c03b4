/* contact.h: what refusals say of a limit that nobody tells: which kind of window, and how much
 * of it, explains all of them.
 *
 * At a refusal the limit was spent. How much that was, each kind reads off the trail in its own
 * way:
 *   sliding  what went within the period before
 *   bucket   the least limit under which nothing was overdrawn: since the contact before, at
 *            which the bucket was empty; before the first it is taken to have been full
 *   fixed    what went since the window's edge, wherever that is (edges.h)
 *   slices   the same with windows of a sixtieth or a sixth of the period
 * The true kind reads the same limit at every contact; the others do not, once requests have
 * gone in two patterns. */
#ifndef SLUICE_CONTACT_H
#define SLUICE_CONTACT_H

#include "lesson.h"
#include "trail.h"

/* Requests that were refused together, before anybody heard of it. */
struct contact {
    int64_t at_us, end_us; /* when the first and the last of them were sent */
    int64_t sliding;       /* the limit, if it is one */
    int64_t bucket;
};

/* `before` is the contact before it, NULL if there is none. */
struct contact contact_make(const struct trail *t, int64_t at_us, int64_t end_us,
                            const struct contact *before);
/* What explains all n of them (two at least); AUTO: nothing does, or it takes one more to tell.
 * `slack_us` is J. A sliding window that was kept to and refused all the same is none. */
struct lesson contact_explain(const struct trail *t, const struct contact *list, size_t n,
                              int64_t slack_us, bool but_sliding);

#endif
