/* state.c: see state.h. Source: the XDG base directory specification; systemd.exec(5). */
#include "state.h"

#include <stdlib.h>

const char *state_directory(struct arena *arena)
{
    const char *own = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    struct str first = str_of(own); /* systemd separates several by colons */
    if (own && *own)
        return arena_copy(arena, str_split(&first, ':')).p;
    if (xdg && *xdg)
        return arena_printf(arena, "%s/sluice", xdg).p;
    if (home && *home)
        return arena_printf(arena, "%s/.local/state/sluice", home).p;
    return "sluice.state";
}
