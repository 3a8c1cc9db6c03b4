/* journal.c: see journal.h.
 *
 * Invariants: the file ends with a newline or is empty, but for the duration of a write; `size`
 * is its length; after an error nothing is written any more. One sync at most is in flight, on
 * libuv's threads; what is appended meanwhile waits for the next. The sync is a piece of its
 * own, since its callback comes after the journal may be gone. */
#include "journal.h"
#include "arena.h"
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct sync {
    uv_work_t work;
    uv_sem_t done; /* posted once the system call has returned */
    int fd;
    int reason;              /* errno, or 0 */
    struct journal *journal; /* NULL once the journal is closed */
};

struct journal {
    uv_loop_t *loop;
    int fd;
    bool regular; /* only then read back, locked, cut and synced */
    char *path;
    int64_t size;
    int64_t torn_bytes;
    bool unsynced;
    struct sync *sync; /* in flight, or NULL */
    enum sl_err err;   /* the first one, for good */
    bool err_seen;
    char why[256];
};

static enum sl_err err_of(int reason)
{
    return reason == ENOSPC || reason == EDQUOT || reason == EFBIG ? SL_FULL : SL_IO;
}

static void remember(struct journal *j, int reason)
{
    if (j->err)
        return;
    j->err = err_of(reason);
    snprintf(j->why, sizeof j->why, "%s", strerror(reason));
}

static enum sl_err tell(struct journal *j, struct diag *diag)
{
    j->err_seen = true;
    return diag_set(diag, j->err, j->path, "%s", j->why);
}

/* ---- Opening -------------------------------------------------------------------------- */

/* Who holds a flock on the file, from the kernel's table; 0 if it does not say. */
static long lock_owner(const struct stat *st)
{
    FILE *f = fopen("/proc/locks", "re");
    char line[256];
    long owner = 0;
    while (f && owner == 0 && fgets(line, sizeof line, f)) {
        long pid;
        unsigned long long inode;
        if (sscanf(line, "%*s FLOCK %*s WRITE %ld %*x:%*x:%llu", &pid, &inode) == 2 &&
            inode == st->st_ino)
            owner = pid;
    }
    if (f)
        fclose(f);
    return owner;
}

static enum sl_err lock(struct journal *j, const struct stat *st, struct diag *diag)
{
    if (flock(j->fd, LOCK_EX | LOCK_NB) == 0)
        return SL_OK;
    if (errno != EWOULDBLOCK)
        return diag_set(diag, SL_IO, j->path, "cannot be locked: %s", strerror(errno));
    long owner = lock_owner(st);
    char who[48] = "another process";
    if (owner)
        snprintf(who, sizeof who, "process %ld", owner);
    return diag_set(diag, SL_LOCKED, j->path, "%s is writing to it; wait for its end", who);
}

/* Hands the whole lines to the reader; *end is where they stop. */
static enum sl_err read_back(struct journal *j, struct journal_reader reader, int64_t *end,
                             struct diag *diag)
{
    struct lines *lines = lines_over(j->fd, j->path, SIZE_MAX / 4);
    struct line line;
    bool more = true;
    enum sl_err err = SL_OK;
    *end = 0;
    while (!err && (err = lines_next(lines, &line, &more, diag)) == SL_OK && more &&
           !line.torn) {
        *end = line.offset + (int64_t)line.text.n + 1;
        if (reader.line)
            err = reader.line(reader.ctx, line.text, line.offset);
    }
    lines_close(&lines);
    return err;
}

/* The name of a new file is only safe once its folder is. */
static enum sl_err sync_folder(struct journal *j, struct diag *diag)
{
    char *copy = strdup(j->path);
    sl_assert(copy);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 ? fsync(fd) : -1;
    int reason = errno;
    if (fd >= 0)
        close(fd);
    free(copy);
    bool unable = rc != 0 && reason == EINVAL; /* this file system has no such thing */
    return rc == 0 || unable ? SL_OK
                             : diag_set(diag, err_of(reason), j->path,
                                        "cannot sync the folder: %s", strerror(reason));
}

static enum sl_err settle_in(struct journal *j, struct journal_reader reader, struct diag *diag)
{
    struct stat st;
    if (fstat(j->fd, &st) != 0)
        return diag_set(diag, SL_IO, j->path, "%s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return diag_set(diag, SL_IO, j->path, "%s", strerror(EISDIR));
    j->regular = S_ISREG(st.st_mode) && strcmp(j->path, "-") != 0;
    if (!j->regular)
        return SL_OK;
    enum sl_err err = lock(j, &st, diag);
    if (!err)
        err = read_back(j, reader, &j->size, diag);
    if (!err && fstat(j->fd, &st) != 0)
        err = diag_set(diag, SL_IO, j->path, "%s", strerror(errno));
    if (err)
        return err;
    if (st.st_nlink == 0) /* what is written to it nobody would find */
        return diag_set(diag, SL_LOCKED, j->path,
                        "was removed while it was opened; try again, if that was meant");
    j->torn_bytes = (int64_t)st.st_size - j->size;
    if (j->torn_bytes > 0 && ftruncate(j->fd, j->size) != 0)
        return diag_set(diag, SL_IO, j->path, "cannot cut off a torn line: %s",
                        strerror(errno));
    return j->size == 0 ? sync_folder(j, diag) : SL_OK;
}

static void journal_free(struct journal *j)
{
    free(j->path);
    free(j);
}

enum sl_err journal_open(uv_loop_t *loop, const char *path, struct journal_reader reader,
                         struct journal **out, struct diag *diag)
{
    int fd = strcmp(path, "-") == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return diag_set(diag, err_of(errno), path, "%s", strerror(errno));
    struct journal *j = mem_zero(sizeof *j);
    j->loop = loop;
    j->fd = fd;
    j->path = strdup(path);
    sl_assert(j->path);
    enum sl_err err = settle_in(j, reader, diag);
    if (err) {
        close(fd);
        journal_free(j);
        return err;
    }
    *out = j;
    return SL_OK;
}

int64_t journal_torn_bytes(const struct journal *j)
{
    return j->torn_bytes;
}

int64_t journal_size(const struct journal *j)
{
    return j->size;
}

/* ---- Syncing -------------------------------------------------------------------------- */

static void sync_work(uv_work_t *work)
{
    struct sync *s = work->data;
    s->reason = fdatasync(s->fd) == 0 ? 0 : errno;
    uv_sem_post(&s->done);
}

static void start_sync(struct journal *j);

static void on_synced(uv_work_t *work, int status)
{
    struct sync *s = work->data;
    struct journal *j = s->journal;
    int reason = s->reason;
    uv_sem_destroy(&s->done);
    free(s);
    if (!j)
        return;
    j->sync = NULL;
    if (reason)
        remember(j, reason);
    start_sync(j);
}

static void start_sync(struct journal *j)
{
    if (j->sync || !j->unsynced || !j->regular || j->err)
        return;
    struct sync *s = mem_zero(sizeof *s);
    s->fd = j->fd;
    s->journal = j;
    s->work.data = s;
    int rc = uv_sem_init(&s->done, 0);
    sl_assert(rc == 0);
    rc = uv_queue_work(j->loop, &s->work, sync_work, on_synced);
    sl_assert(rc == 0);
    j->sync = s;
    j->unsynced = false;
}

/* ---- Appending ------------------------------------------------------------------------ */

/* Advances past what was written. */
static void advance(struct iovec *v, size_t n)
{
    for (int i = 0; i < 2; i++) {
        size_t part = n < v[i].iov_len ? n : v[i].iov_len;
        v[i].iov_base = (char *)v[i].iov_base + part;
        v[i].iov_len -= part;
        n -= part;
    }
}

/* One write, unless the system takes only a part: then what stopped it is learned by writing
 * the rest. 0 or errno. */
static int write_line(int fd, struct str line)
{
    char newline = '\n';
    struct iovec v[2] = {{(char *)(uintptr_t)line.p, line.n}, {&newline, 1}};
    while (v[0].iov_len + v[1].iov_len > 0) {
        ssize_t n = writev(fd, v, 2);
        if (n < 0 && errno != EINTR)
            return errno;
        advance(v, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

enum sl_err journal_append(struct journal *j, struct str line, struct diag *diag)
{
    sl_assert(line.n == 0 || !memchr(line.p, '\n', line.n));
    if (j->err)
        return tell(j, diag);
    int reason = write_line(j->fd, line);
    if (reason) {
        remember(j, reason);
        /* Where even this fails, the next opening finds a torn line and cuts it off. */
        int rc = j->regular ? ftruncate(j->fd, j->size) : 0;
        (void)rc;
        return tell(j, diag);
    }
    j->size += (int64_t)line.n + 1;
    j->unsynced = true;
    start_sync(j);
    return SL_OK;
}

/* The system tells of a failed write once for each open file: a sync in flight may have heard
 * of it, so its word is waited for. */
static void hear_sync(struct journal *j)
{
    if (!j->sync)
        return;
    uv_sem_wait(&j->sync->done);
    uv_sem_post(&j->sync->done); /* for who waits next */
    if (j->sync->reason)
        remember(j, j->sync->reason);
}

enum sl_err journal_sync(struct journal *j, struct diag *diag)
{
    hear_sync(j);
    if (j->regular && !j->err && fdatasync(j->fd) != 0)
        remember(j, errno);
    return j->err ? tell(j, diag) : SL_OK;
}

enum sl_err journal_close(struct journal **journal, struct diag *diag)
{
    struct journal *j = *journal;
    if (!j)
        return SL_OK;
    *journal = NULL;
    hear_sync(j);
    if (j->sync)
        j->sync->journal = NULL;
    if (j->regular && fsync(j->fd) != 0)
        remember(j, errno);
    if (close(j->fd) != 0)
        remember(j, errno);
    enum sl_err err = j->err && !j->err_seen ? tell(j, diag) : SL_OK;
    journal_free(j);
    return err;
}
