/* form.h: what a form uploaded (POST /v1/files). */
#ifndef SLUICE_FORM_H
#define SLUICE_FORM_H

#include "spool.h"

struct form {
    struct str purpose, filename;
    struct str expires_anchor, expires_seconds; /* as written; empty: not given */
    struct spool *file; /* NULL: none; lent to whoever reads the form, who may share it */
    bool too_large;     /* it had more bytes than are kept */
    const char *wrong;  /* not a form, or the disk took no more: why; else NULL */
    bool storage;       /* `wrong` is the emulator's own trouble */
};

#endif
