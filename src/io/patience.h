/* patience.h: what a connection waits for, and for how long; what happens when that was in
 * vain. Shared by connection.c and secure.c only. */
#ifndef SLUICE_PATIENCE_H
#define SLUICE_PATIENCE_H

#include "connection.h"

/* To be called whenever what is waited for may have changed. */
void patience_watch(struct connection *c);
void patience_wait(struct connection *c, enum wait wait, int64_t us);

#endif
