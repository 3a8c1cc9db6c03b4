/* naming.h: which model a request is of, where its body does not say so, or in other words. */
#ifndef SLUICE_NAMING_H
#define SLUICE_NAMING_H

#include "json.h"
#include "relay.h"

/* The tree that is counted is given the model it is of. The bytes that are sent stay as they
 * are. In the arena. */
void naming_fill(const struct relay *r, struct arena *arena, struct json *root);
/* Speech is of a model, and has its limits, though it draws on no tokens; else empty. */
struct str naming_of_speech(struct relay *r);

#endif
