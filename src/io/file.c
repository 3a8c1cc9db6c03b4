/* file.c: see file.h. */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 16 };

static FILE *file_open(const char *path)
{
    return strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
}

enum sl_err file_pass(const char *path, void (*take)(void *ctx, struct str bytes), void *ctx,
                      struct diag *diag)
{
    static char piece[CHUNK];
    FILE *f = file_open(path);
    if (!f)
        return diag_set(diag, SL_IO, path, "%s", strerror(errno));
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        take(ctx, (struct str){piece, n});
    enum sl_err err = SL_OK;
    if (ferror(f))
        err = diag_set(diag, SL_IO, path, "%s", strerror(errno));
    if (f != stdin)
        fclose(f);
    return err;
}

enum sl_err file_read(const char *path, size_t max, struct buf *out, struct diag *diag)
{
    FILE *f = file_open(path);
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
    if (f != stdin)
        fclose(f);
    return err;
}

enum sl_err file_make_directory(const char *path, struct diag *diag)
{
    struct buf part = {0};
    bool made = true;
    buf_puts(&part, path);
    buf_puts(&part, "/");
    buf_cstr(&part);
    for (char *at = strchr(part.p + 1, '/'); at && made; at = strchr(at + 1, '/')) {
        *at = '\0';
        made = mkdir(part.p, 0700) == 0 || errno == EEXIST;
        *at = '/';
    }
    enum sl_err err = SL_OK;
    if (!made)
        err = diag_set(diag, SL_IO, path, "%s", strerror(errno));
    buf_free(&part);
    return err;
}
