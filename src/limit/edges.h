/* edges.h: a limit of windows with edges (fixed ones, slices), told from refusals alone.
 *
 * Where the edges lie is not known. For each place where they may, what went since the edge
 * before a contact is the limit; if it is the same at every contact, and never more went
 * between two edges, edges may lie there. Pure arithmetic on a trail; costs a few million
 * steps. */
#ifndef SLUICE_EDGES_H
#define SLUICE_EDGES_H

#include "contact.h"

/* AUTO: no place of any edges explains all contacts, or it takes one more to tell seconds from
 * tens of them. */
struct lesson edges_explain(const struct trail *t, const struct contact *list, size_t n,
                            int64_t slack_us);
/* Where edges of a whole period may lie that would make l's limit lower. */
void edges_zone(const struct trail *t, const struct contact *list, size_t n, int64_t slack_us,
                struct lesson *l);

#endif
