/* exits.h: exit codes of every verb, as documented in each man page. */
#ifndef SLUICE_EXITS_H
#define SLUICE_EXITS_H

enum exit_code {
    EXIT_ALL_DONE = 0,
    EXIT_SOME_FAILED = 1,   /* some rows failed */
    EXIT_USAGE = 2,         /* usage or invalid input: nothing was sent */
    EXIT_ACCOUNT = 3,       /* the account cannot continue: wallet, key */
    EXIT_IO = 4,            /* disk or network cannot continue */
    EXIT_INTERRUPTED = 130, /* Ctrl-C */
};

#endif
