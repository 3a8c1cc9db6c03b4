/* log_sink.c: see log_sink.h. */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Others share what stands behind our descriptor 1: for a pipe of our own that does not wait it
 * is opened anew (proc(5)). A socket cannot be, and need not: see put. */
static int open_stdout(void)
{
    struct stat st;
    if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

enum sl_err log_sink_open(struct log_sink *s, const char *path, bool json, struct diag *diag)
{
    enum { OWNER_AND_READERS = 0644 };
    *s = (struct log_sink){.fd = -1, .json = json};
    if (!path)
        return SL_OK;
    bool standard = strcmp(path, "-") == 0;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC;
    s->fd = standard ? open_stdout() : open(path, flags, OWNER_AND_READERS);
    if (s->fd < 0)
        return diag_set(diag, SL_IO, path, "%s", strerror(errno));
    return SL_OK;
}

static ssize_t put(int fd, struct str text)
{
    ssize_t n = send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 && errno == ENOTSOCK ? write(fd, text.p, text.n) : n;
}

/* false: it would have to wait. A full disk, or a reader that is gone, costs lines. */
static bool hand_on(struct log_sink *s)
{
    size_t done = 0;
    while (done < s->lines.n) {
        ssize_t n = put(s->fd, (struct str){s->lines.p + done, s->lines.n - done});
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        done = n < 0 ? s->lines.n : done + (size_t)n;
    }
    if (done)
        memmove(s->lines.p, s->lines.p + done, s->lines.n - done);
    s->lines.n -= done;
    s->line = s->lines.n;
    return s->lines.n == 0;
}

void log_sink_flush(struct log_sink *s)
{
    if (!s->lines.n || !hand_on(s) || !s->lost)
        return;
    buf_printf(&s->lines,
               s->json ? "{\"lost_lines\":%lld}\n" : "%lld lines lost: nobody read\n",
               (long long)s->lost);
    s->lost = 0;
    log_sink_added(s);
}

void log_sink_added(struct log_sink *s)
{
    if (s->lines.n > LOG_SINK_MOST_BYTES) {
        s->lines.n = s->line;
        s->lost++;
    }
    s->line = s->lines.n;
    if (s->lines.n >= LOG_SINK_PIECE_BYTES)
        log_sink_flush(s);
}

void log_sink_close(struct log_sink *s, int patience_ms)
{
    if (s->fd < 0)
        return;
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    while (s->lines.n && !hand_on(s) && poll(&p, 1, patience_ms) > 0)
        ;
    close(s->fd);
    s->fd = -1;
    buf_free(&s->lines);
}
