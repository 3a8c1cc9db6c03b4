/* term.h: what may be drawn on standard error, or on another descriptor. */
#ifndef SLUICE_TERM_H
#define SLUICE_TERM_H

#include <stdbool.h>

struct term {
    bool interactive; /* a terminal that can move its cursor (TERM is not "dumb") */
    bool color;       /* interactive, and NO_COLOR is unset or empty (no-color.org) */
    bool utf8;        /* by LC_ALL, LC_CTYPE, LANG in that order */
    int width;        /* columns; 80 if not told */
    int height;       /* lines; 24 if not told */
};

/* Looks now; call again after SIGWINCH. */
struct term term_look(void);
struct term term_look_at(int fd);

#endif
