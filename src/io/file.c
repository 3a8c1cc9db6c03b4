/* file.c: see file.h. */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 1 << 16 };

enum sl_err file_read(const char *path, size_t max, struct buf *out, struct diag *diag)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f)
        return diag_set(diag, SL_IO, path, "%s", strerror(errno));
    size_t start = out->n, n;
    do {
        buf_reserve(out, CHUNK);
        n = fread(out->p + out->n, 1, CHUNK, f);
        out->n += n;
    } while (n && out->n - start <= max);
    enum sl_err err = SL_OK;
    if (ferror(f))
        err = diag_set(diag, SL_IO, path, "%s", strerror(errno));
    else if (out->n - start > max)
        err = diag_set(diag, SL_TOO_LARGE, path, "larger than %zu bytes", max);
    if (!standard)
        fclose(f);
    return err;
}
