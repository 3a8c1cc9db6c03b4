/* lines.c: see lines.h. One buffer, grown only by a line longer than it: the bytes of the
 * current line stay at `start`, those read beyond it follow. */
#include "lines.h"
#include "arena.h"
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10 };

struct lines {
    int fd;
    bool owns_fd;
    char *name;
    size_t line_max;
    struct buf ahead; /* read, from the line at `offset` on */
    size_t start;     /* of that line within `ahead` */
    int64_t offset;   /* in the file */
    int64_t number;   /* of the last line given */
    bool eof;
};

static enum sl_err io_error(const char *name, struct diag *diag)
{
    return diag_set(diag, SL_IO, name, "%s", strerror(errno));
}

/* ---- Opening -------------------------------------------------------------------------- */

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno != EINTR)
            return false;
        p += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

/* A copy of the stream in a file without a name, rewound; or -1 and errno. */
static int spool(int from)
{
    int fd = temporary_file();
    char *bytes = mem_alloc(READ_BYTES);
    ssize_t n = 0;
    bool written = true;
    while (fd >= 0 && written) {
        n = read(from, bytes, READ_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        written = write_all(fd, bytes, (size_t)n);
    }
    free(bytes);
    if (fd >= 0 && n >= 0 && written && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return -1;
}

struct lines *lines_over(int fd, const char *name, size_t line_max)
{
    struct lines *l = mem_zero(sizeof *l);
    struct str text = str_of(name);
    l->fd = fd;
    l->name = mem_zero(text.n + 1);
    memcpy(l->name, text.p, text.n);
    l->line_max = line_max;
    return l;
}

/* A pipe ("<(zcat ...)") cannot be read again, and is spooled as standard input is. */
static int open_seekable(const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return -1;
    if (S_ISREG(st.st_mode) && !standard)
        return fd;
    int copy = spool(fd);
    int reason = errno;
    if (!standard)
        close(fd);
    errno = reason;
    return copy;
}

enum sl_err lines_open(const char *path, size_t line_max, struct lines **out, struct diag *diag)
{
    int fd = open_seekable(path);
    if (fd < 0)
        return io_error(path, diag);
    *out = lines_over(fd, path, line_max);
    (*out)->owns_fd = true;
    return SL_OK;
}

void lines_close(struct lines **l)
{
    if (!*l)
        return;
    if ((*l)->owns_fd)
        close((*l)->fd);
    buf_free(&(*l)->ahead);
    free((*l)->name);
    free(*l);
    *l = NULL;
}

/* ---- Reading -------------------------------------------------------------------------- */

/* Reads more behind what is there. */
static enum sl_err fill(struct lines *l, struct diag *diag)
{
    buf_drop(&l->ahead, l->start);
    l->start = 0;
    if (l->ahead.n < READ_BYTES)
        buf_reserve(&l->ahead, READ_BYTES);
    else if (l->ahead.n == l->ahead.cap)
        buf_reserve(&l->ahead, l->ahead.n); /* doubles: a long line is not copied often */
    ssize_t n;
    do {
        int64_t at = l->offset + (int64_t)l->ahead.n;
        n = pread(l->fd, l->ahead.p + l->ahead.n, l->ahead.cap - l->ahead.n, at);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return io_error(l->name, diag);
    l->ahead.n += (size_t)n;
    l->eof = n == 0;
    return SL_OK;
}

static enum sl_err too_long(const struct lines *l, struct diag *diag)
{
    char where[sizeof diag->where];
    snprintf(where, sizeof where, "%s:%lld", l->name, (long long)l->number + 1);
    return diag_set(diag, SL_TOO_LARGE, where, "the line is longer than %zu bytes",
                    l->line_max);
}

enum sl_err lines_next(struct lines *l, struct line *out, bool *more, struct diag *diag)
{
    size_t searched = 0;
    for (;;) {
        struct str rest = str_from(buf_str(&l->ahead), l->start);
        struct str fresh = str_from(rest, searched);
        const char *end = fresh.n ? memchr(fresh.p, '\n', fresh.n) : NULL;
        size_t length = end ? (size_t)(end - rest.p) : rest.n;
        if (length > l->line_max)
            return too_long(l, diag);
        if (end || (l->eof && rest.n)) {
            l->number++;
            *out = (struct line){{rest.p, length}, l->offset, l->number, !end};
            l->start += length + (end ? 1 : 0);
            l->offset += (int64_t)length + (end ? 1 : 0);
            *more = true;
            return SL_OK;
        }
        *more = false;
        if (l->eof)
            return SL_OK;
        searched = rest.n;
        enum sl_err err = fill(l, diag);
        if (err)
            return err;
    }
}

enum sl_err lines_again(const struct lines *l, int64_t offset, size_t length, struct buf *out,
                        struct diag *diag)
{
    buf_clear(out);
    buf_reserve(out, length);
    while (out->n < length) {
        ssize_t n = pread(l->fd, out->p + out->n, length - out->n, offset + (int64_t)out->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error(l->name, diag);
        if (n == 0)
            return diag_set(diag, SL_IO, l->name, "the file has become shorter while in use");
        out->n += (size_t)n;
    }
    return SL_OK;
}

int64_t lines_size(const struct lines *l)
{
    struct stat st;
    return fstat(l->fd, &st) == 0 ? (int64_t)st.st_size : 0;
}
