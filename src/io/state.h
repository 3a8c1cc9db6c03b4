/* state.h: the directory where an installation keeps what must outlive a process. */
#ifndef SLUICE_STATE_H
#define SLUICE_STATE_H

#include "arena.h"

/* Where it is unless somebody says otherwise: $STATE_DIRECTORY (which systemd sets), else
 * $XDG_STATE_HOME/sluice, else ~/.local/state/sluice; ./sluice.state without a home. In the
 * arena. */
const char *state_directory(struct arena *arena);

#endif
