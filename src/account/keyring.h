/* keyring.h: the API keys of one account, several of one organisation where there are several.
 *
 * Keys come from the environment or from files, never from the command line, where everyone on
 * the machine could read them; they are wiped when no longer needed and stand in no message. */
#ifndef SLUICE_KEYRING_H
#define SLUICE_KEYRING_H

#include "str.h"

enum { KEYRING_MAX = 16 };

struct keyring {
    struct buf keys[KEYRING_MAX];
    struct str lent[KEYRING_MAX]; /* the same, for the engine */
    size_t n;
};

/* SL_MISSING if the variable is not set or empty, SL_SYNTAX for bytes that no key has,
 * SL_TOO_LARGE over KEYRING_MAX; *diag's `where` is the variable or the file, nothing
 * where that seems to be a key itself (SL_SYNTAX). */
enum sl_err keyring_add_env(struct keyring *k, const char *name, struct diag *diag) SL_CHECK;
enum sl_err keyring_add_file(struct keyring *k, const char *path, struct diag *diag) SL_CHECK;
/* Wipes and frees. */
void keyring_wipe(struct keyring *k);

#endif
