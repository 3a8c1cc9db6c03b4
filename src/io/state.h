/* state.h: the directory where an installation keeps what must outlive a process. */
#ifndef SLUICE_STATE_H
#define SLUICE_STATE_H

#include "arena.h"

/* Where it is unless somebody says otherwise: $STATE_DIRECTORY (which systemd sets), else
 * $XDG_STATE_HOME/sluice, else ~/.local/state/sluice; ./sluice.state without a home. In the
 * arena. */
const char *state_directory(struct arena *arena);
/* Makes it where it is not there, with its parents, for its owner alone. SL_IO; *diag's `where`
 * is the directory. */
enum sl_err state_make(const char *directory, struct diag *diag) SL_CHECK;

#endif
