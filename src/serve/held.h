/* held.h: a tenant who may spend so much, or use some models only, may do nothing of which
 * nobody knows beforehand what it spends on which. What of a request that would be. */
#ifndef SLUICE_HELD_H
#define SLUICE_HELD_H

#include "relay.h"

/* It cannot be counted: a batch names its models in a file, a form after megabytes. */
bool held_by_form(const struct relay *r);
/* Its path names a deployment of no known model. Azure looks at the path alone: a body may say
 * anything. */
bool held_by_path(const struct relay *r);
/* Its model's prices are not known. */
bool held_by_price(const struct relay *r);

#endif
