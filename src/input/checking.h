/* checking.h: what people see on standard error while a batch file is checked: complaints, a
 * screenful of them, and how far it is. */
#ifndef SLUICE_CHECKING_H
#define SLUICE_CHECKING_H

#include "input.h"

/* Zero but for the first three. */
struct checking {
    const char *verb; /* "run" */
    const char *name; /* input_name */
    bool progress;    /* on a terminal that can move its cursor */
    int64_t complaints;
    bool shown; /* a progress line stands there */
};

/* Lent: for input_open. */
struct input_listener checking_listener(struct checking *c);
/* Removes the progress line, and says how many complaints were not shown. */
void checking_end(struct checking *c);

#endif
