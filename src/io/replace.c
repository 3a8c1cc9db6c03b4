/* replace.c: see replace.h. Written through stdio: many short lines, few system calls. */
#include "replace.h"

#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct replacement {
    struct buf path, part; /* both NUL-terminated */
    FILE *file;
    bool empty;
};

static enum sl_err failed(const struct replacement *r, struct diag *diag)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return diag_set(diag, full ? SL_FULL : SL_IO, r->path.p, "%s", strerror(errno));
}

/* With the permissions of the file that it will replace, from its first byte on. */
static FILE *open_part(struct replacement *r)
{
    struct stat st;
    bool there = stat(r->path.p, &st) == 0;
    int fd =
        open(buf_cstr(&r->part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, there ? 0600 : 0666);
    if (fd >= 0 && (!there || fchmod(fd, st.st_mode & 0777) == 0))
        return fdopen(fd, "w");
    if (fd >= 0)
        close(fd);
    return NULL;
}

enum sl_err replacement_begin(const char *path, struct replacement **out, struct diag *diag)
{
    struct replacement *r = mem_zero(sizeof *r);
    r->empty = true;
    buf_puts(&r->path, path);
    buf_printf(&r->part, "%s.part-%ld", path, (long)getpid());
    buf_cstr(&r->path);
    r->file = open_part(r);
    if (!r->file) {
        enum sl_err err = failed(r, diag);
        replacement_drop(&r);
        return err;
    }
    *out = r;
    return SL_OK;
}

enum sl_err replacement_add(struct replacement *r, struct str line, struct diag *diag)
{
    r->empty = false;
    if (fwrite(line.p, 1, line.n, r->file) != line.n || putc('\n', r->file) == EOF)
        return failed(r, diag);
    return SL_OK;
}

enum sl_err replacement_commit(struct replacement **pr, struct diag *diag)
{
    struct replacement *r = *pr;
    enum sl_err err = SL_OK;
    if (r->empty) {
        if (unlink(r->path.p) != 0 && errno != ENOENT)
            err = failed(r, diag);
    } else if (fflush(r->file) != 0 || fsync(fileno(r->file)) != 0 ||
               rename(r->part.p, r->path.p) != 0) {
        err = failed(r, diag);
    }
    if (err == SL_OK && !r->empty)
        buf_clear(&r->part); /* renamed: nothing to remove */
    replacement_drop(pr);
    return err;
}

void replacement_drop(struct replacement **pr)
{
    struct replacement *r = *pr;
    *pr = NULL;
    if (!r)
        return;
    if (r->file)
        fclose(r->file);
    if (r->file && r->part.n)
        unlink(r->part.p);
    buf_free(&r->path);
    buf_free(&r->part);
    free(r);
}

enum sl_err replacement_write(const char *path, struct str text, struct diag *diag)
{
    struct replacement *r = NULL;
    enum sl_err err = replacement_begin(path, &r, diag);
    if (!r)
        return err;
    if (str_ends(text, STR("\n"))) /* which replacement_add writes */
        text.n--;
    err = replacement_add(r, text, diag);
    if (err == SL_OK)
        return replacement_commit(&r, diag);
    replacement_drop(&r);
    return err;
}

bool file_is_regular(const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return false;
    return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}
