/* spool.c: see spool.h. The file holds the first `written` bytes, `tail` the rest; the tail is
 * moved into the file whenever it has grown past SPOOL_MEMORY. */
#include "spool.h"
#include "arena.h"
#include "temporary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct spool {
    unsigned owners;
    int fd; /* -1 until it is needed */
    int64_t written;
    struct buf tail;
    bool broken;
};

struct spool *spool_new(void)
{
    struct spool *s = mem_zero(sizeof *s);
    s->owners = 1;
    s->fd = -1;
    return s;
}

struct spool *spool_share(struct spool *s)
{
    s->owners++;
    return s;
}

void spool_free(struct spool **s)
{
    if (*s && --(*s)->owners == 0) {
        if ((*s)->fd >= 0)
            close((*s)->fd);
        buf_free(&(*s)->tail);
        free(*s);
    }
    *s = NULL;
}

static enum sl_err io_error(struct diag *diag)
{
    bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    return diag_set(diag, full ? SL_FULL : SL_IO, "", "temporary file: %s", strerror(errno));
}

static enum sl_err move_tail(struct spool *s, struct diag *diag)
{
    size_t done = 0;
    if (s->fd < 0)
        s->fd = temporary_file();
    while (s->fd >= 0 && done < s->tail.n) {
        ssize_t n =
            pwrite(s->fd, s->tail.p + done, s->tail.n - done, s->written + (int64_t)done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    if (s->fd < 0 || done < s->tail.n) {
        s->broken = true;
        return io_error(diag);
    }
    s->written += (int64_t)done;
    buf_clear(&s->tail);
    return SL_OK;
}

enum sl_err spool_add(struct spool *s, struct str bytes, struct diag *diag)
{
    if (s->broken)
        return diag_set(diag, SL_IO, "", "temporary file: an earlier write failed");
    size_t before = s->tail.n;
    buf_add(&s->tail, bytes);
    if (s->tail.n <= SPOOL_MEMORY)
        return SL_OK;
    enum sl_err err = move_tail(s, diag);
    if (err)
        s->tail.n = before;
    return err;
}

int64_t spool_size(const struct spool *s)
{
    return s->written + (int64_t)s->tail.n;
}

enum sl_err spool_read(const struct spool *s, int64_t offset, size_t n, struct buf *out,
                       struct diag *diag)
{
    sl_assert(offset >= 0 && offset <= spool_size(s));
    int64_t left = spool_size(s) - offset;
    n = left < (int64_t)n ? (size_t)left : n;
    buf_clear(out);
    buf_reserve(out, n);
    while (out->n < n && offset + (int64_t)out->n < s->written) {
        int64_t at = offset + (int64_t)out->n, in_file = s->written - at;
        size_t want = in_file < (int64_t)(n - out->n) ? (size_t)in_file : n - out->n;
        ssize_t got = pread(s->fd, out->p + out->n, want, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got ? io_error(diag)
                       : diag_set(diag, SL_IO, "", "temporary file: shorter than written");
        out->n += (size_t)got;
    }
    if (out->n < n) {
        int64_t at = offset + (int64_t)out->n - s->written;
        buf_add(out, (struct str){s->tail.p + at, n - out->n});
    }
    return SL_OK;
}
