/* notify.c: see notify.h. A datagram of lines "NAME=value" to a Unix socket. */
#include "notify.h"
#include "str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* the clock that the manager compares with */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void write_state(enum notify what, struct buf *out)
{
    switch (what) {
    case NOTIFY_STATUS:
        break;
    case NOTIFY_READY:
        buf_puts(out, "READY=1\n");
        break;
    case NOTIFY_RELOADING:
        buf_printf(out, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)monotonic_us());
        break;
    case NOTIFY_STOPPING:
        buf_puts(out, "STOPPING=1\n");
        break;
    case NOTIFY_WATCHDOG:
        buf_puts(out, "WATCHDOG=1\n");
        break;
    }
}

static void write_status(const char *status, struct buf *out)
{
    buf_puts(out, "STATUS=");
    for (; *status; status++)
        buf_char(out, *status == '\n' || *status == '\r' ? ' ' : *status);
    buf_char(out, '\n');
}

/* "/run/x" or "@x", whose first byte stands for a NUL. */
static bool parse_address(const char *text, struct sockaddr_un *out, socklen_t *n)
{
    size_t length = strlen(text);
    if ((text[0] != '/' && text[0] != '@') || length < 2 || length >= sizeof out->sun_path)
        return false;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, text, length);
    if (text[0] == '@')
        out->sun_path[0] = 0;
    *n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

static enum sl_err send_to(const char *socket_name, struct str message, struct diag *diag)
{
    struct sockaddr_un address;
    socklen_t n;
    if (!parse_address(socket_name, &address, &n))
        return diag_set(diag, SL_SYNTAX, "NOTIFY_SOCKET",
                        "%s: neither a path nor an abstract name", socket_name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool sent = fd >= 0 && sendto(fd, message.p, message.n, MSG_NOSIGNAL,
                                  (struct sockaddr *)&address, n) == (ssize_t)message.n;
    enum sl_err err = SL_OK;
    if (!sent)
        err = diag_set(diag, SL_IO, "NOTIFY_SOCKET", "%s: the service manager is not told: %s",
                       socket_name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return err;
}

enum sl_err notify_send(enum notify what, const char *status, struct diag *diag)
{
    const char *socket_name = getenv("NOTIFY_SOCKET");
    struct buf message = {0};
    if (!socket_name || !*socket_name)
        return SL_OK;
    write_state(what, &message);
    if (status)
        write_status(status, &message);
    enum sl_err err = message.n ? send_to(socket_name, buf_str(&message), diag) : SL_OK;
    buf_free(&message);
    return err;
}

int64_t notify_watchdog_us(void)
{
    int64_t us, pid;
    struct str whose = str_of(getenv("WATCHDOG_PID"));
    if (str_int(str_of(getenv("WATCHDOG_USEC")), false, &us) != SL_OK || us <= 0)
        return 0;
    if (whose.n && (str_int(whose, false, &pid) != SL_OK || pid != getpid()))
        return 0;
    return us / 2;
}
