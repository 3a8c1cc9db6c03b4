/* whom.h: which gateway or batch `sluice status` asks, and by which token. */
#ifndef SLUICE_WHOM_H
#define SLUICE_WHOM_H

#include "arena.h"

struct whom {
    /* As named on the command line; NULL, 0: not. */
    const char *url; /* may end in "#token=...", as `sluice run --ui` prints it */
    const char *config, *token_env, *token_file;
    int64_t pid;
    /* Found. */
    struct buf origin; /* "http://127.0.0.1:4291" */
    struct buf token;  /* empty: none is known */
};

/* Without a URL: what runs on this machine by the state directory, the configuration's if it
 * names one. SL_MISSING where nothing does or several do, SL_SYNTAX, SL_IO; with *diag. */
enum sl_err whom_find(struct whom *w, struct diag *diag) SL_CHECK;
void whom_free(struct whom *w); /* wipes the token */

#endif
