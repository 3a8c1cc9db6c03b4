/* listener.c: from an address as people write it to a socket that listens.
 *
 * The file of a Unix socket outlives a process that was killed. It is replaced only if nobody
 * answers behind it: connecting is refused, and it is a socket (connecting to a file of any
 * other kind is refused too, and that may be somebody's data). */
#include "listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024, FILE_MODE = 0660 };

/* ---- Addresses ------------------------------------------------------------------------ */

static enum sl_err parse_path(struct str path, struct sockaddr_un *out, socklen_t *n,
                              struct diag *diag)
{
    if (path.n == 0 || memchr(path.p, 0, path.n))
        return diag_set(diag, SL_SYNTAX, "", "unix: needs a path, for example %s",
                        "unix:/run/sluice/sluice.sock");
    if (path.n >= sizeof out->sun_path)
        return diag_set(diag, SL_TOO_LARGE, "",
                        "%.*s: the path of a socket has at most %zu bytes", STR_ARG(path),
                        sizeof out->sun_path - 1);
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, path.p, path.n);
    *n = sizeof *out;
    return SL_OK;
}

enum sl_err listener_parse(struct str text, struct sockaddr_storage *out, socklen_t *n,
                           struct diag *diag)
{
    char host[64];
    int64_t port;
    memset(out, 0, sizeof *out);
    if (str_starts(text, STR("unix:")))
        return parse_path(str_from(text, sizeof "unix:" - 1), (struct sockaddr_un *)out, n,
                          diag);
    size_t colon = text.n;
    while (colon && text.p[colon - 1] != ':')
        colon--;
    struct str name = str_cut(text, colon ? colon - 1 : 0);
    bool six = str_starts(name, STR("[")) && str_ends(name, STR("]"));
    if (six)
        name = str_cut(str_from(name, 1), name.n - 2);
    snprintf(host, sizeof host, "%.*s", STR_ARG(name));
    bool fits = name.n < sizeof host && str_int(str_from(text, colon), false, &port) == SL_OK &&
                port >= 0 && port <= 65535;
    *n = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (fits && (six ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out)
                     : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out)) == 0)
        return SL_OK;
    return diag_set(diag, SL_SYNTAX, "", "%.*s: listen on ADDRESS:PORT, for example %s",
                    STR_ARG(text), "127.0.0.1:4291, [::1]:0 or unix:/run/sluice/sluice.sock");
}

/* ---- Socket files --------------------------------------------------------------------- */

/* Whether the file that is in the way is a socket behind which nobody listens. */
static bool is_stale(const struct sockaddr_un *file)
{
    struct stat st;
    if (lstat(file->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)file, sizeof *file) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

/* The mode is set while connecting is still refused, so there is no moment at which the file is
 * more open than it should be. */
static bool bind_file(struct listener *l, unsigned mode)
{
    const struct sockaddr *address = (const struct sockaddr *)&l->file;
    struct stat st;
    int rc = bind(l->fd, address, sizeof l->file);
    if (rc != 0 && errno == EADDRINUSE && is_stale(&l->file) && unlink(l->file.sun_path) == 0)
        rc = bind(l->fd, address, sizeof l->file);
    if (rc != 0) {
        l->file.sun_path[0] = 0; /* not ours to remove */
        return false;
    }
    if (lstat(l->file.sun_path, &st) != 0)
        return false;
    l->file_device = st.st_dev;
    l->file_inode = st.st_ino;
    return chmod(l->file.sun_path, mode ? mode : FILE_MODE) == 0;
}

static void remove_file(const struct listener *l)
{
    struct stat st;
    if (l->file.sun_path[0] && lstat(l->file.sun_path, &st) == 0 &&
        st.st_dev == l->file_device && st.st_ino == l->file_inode)
        unlink(l->file.sun_path);
}

/* ---- Opening -------------------------------------------------------------------------- */

static int port_of(int fd)
{
    struct sockaddr_in6 a = {0}; /* the port stands at the same place in an IPv4 address */
    socklen_t n = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &n) == 0 ? ntohs(a.sin6_port) : 0;
}

/* "[::]:80" is IPv6 alone, so that "0.0.0.0:80" may stand beside it. */
static bool bind_port(struct listener *l, const struct sockaddr_storage *a, socklen_t n)
{
    int on = 1;
    bool six = a->ss_family == AF_INET6;
    return setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (!six || setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
           bind(l->fd, (const struct sockaddr *)a, n) == 0;
}

enum sl_err listener_open(struct listener *l, const struct server_place *place,
                          struct diag *diag)
{
    struct sockaddr_storage a;
    socklen_t n = 0;
    *l = (struct listener){.fd = -1, .tls = place->tls};
    enum sl_err err = listener_parse(str_of(place->address), &a, &n, diag);
    if (err)
        return err;
    bool file = a.ss_family == AF_UNIX;
    if (file)
        memcpy(&l->file, &a, sizeof l->file);
    l->fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd >= 0 && (file ? bind_file(l, place->mode) : bind_port(l, &a, n)) &&
        listen(l->fd, BACKLOG) == 0) {
        l->port = file ? 0 : port_of(l->fd);
        return SL_OK;
    }
    err = diag_set(diag, SL_IO, "", "cannot listen on %s: %s", place->address, strerror(errno));
    listener_close(l);
    return err;
}

void listener_close(struct listener *l)
{
    if (l->fd < 0)
        return;
    remove_file(l);
    close(l->fd);
    l->fd = -1;
}
