/* state.c: see state.h. Source: the XDG base directory specification; systemd.exec(5). */
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

enum sl_err state_make(const char *directory, struct diag *diag)
{
    struct buf part = {0};
    bool made = true;
    buf_puts(&part, directory);
    buf_cstr(&part);
    for (char *at = strchr(part.p + 1, '/'); at && made; at = strchr(at + 1, '/')) {
        *at = '\0';
        made = mkdir(part.p, 0700) == 0 || errno == EEXIST;
        *at = '/';
    }
    made = made && (mkdir(directory, 0700) == 0 || errno == EEXIST);
    int reason = errno;
    buf_free(&part);
    return made ? SL_OK : diag_set(diag, SL_IO, directory, "%s", strerror(reason));
}
