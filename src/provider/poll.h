/* poll.h: requests that ask how something stands, and answers that say "not yet". Pure. */
#ifndef SLUICE_POLL_H
#define SLUICE_POLL_H

#include "provider.h"

/* The class of a poll, or NULL if it is none: only a GET that is spelt as the catalogue has it,
 * part by part ("/v1/threads/T/runs/R/steps" is none of "/v1/threads/T/runs/R"). */
const struct poll_class *poll_of(const struct catalogue *c, const struct provider *p,
                                 struct str method, struct str target);
/* Does the answer say that one must ask again? What has no such field may always be shared for
 * a moment. */
bool poll_pending(const struct poll_class *poll, struct str answer);

#endif
