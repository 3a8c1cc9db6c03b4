/* err.c: texts of errors, and the end of a process that found itself broken. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *sl_err_text(enum sl_err err)
{
    switch (err) {
#define X(name, text)                                                                          \
    case SL_##name:                                                                            \
        return text;
        SL_ERRORS(X)
#undef X
    }
    return "unknown error";
}

enum sl_err diag_set(struct diag *d, enum sl_err err, const char *where, const char *fmt, ...)
{
    if (!d)
        return err;
    snprintf(d->where, sizeof d->where, "%s", where);
    va_list args;
    va_start(args, fmt);
    vsnprintf(d->what, sizeof d->what, fmt, args);
    va_end(args);
    return err;
}

void sl_assert_failed(const char *expr, const char *file, int line)
{
    fprintf(stderr, "sluice: broken invariant: %s (%s:%d)\n", expr, file, line);
    abort();
}
