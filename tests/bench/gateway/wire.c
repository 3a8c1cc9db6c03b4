/* wire.c: see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

void wire_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

void wire_add(struct wire *w, const char *p, size_t n)
{
    if (w->n + n > w->cap) {
        w->cap = 2 * (w->n + n);
        w->p = realloc(w->p, w->cap);
        if (!w->p)
            wire_die("memory");
    }
    if (n)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

void wire_drop(struct wire *w, size_t n)
{
    w->n -= n;
    if (n && w->n)
        memmove(w->p, w->p + n, w->n);
}

void wire_free(struct wire *w)
{
    free(w->p);
    *w = (struct wire){0};
}

struct wire_head wire_head(const char *p, size_t n)
{
    static const char length[] = "content-length:", coding[] = "transfer-encoding: chunked",
                      ending[] = "connection: close";
    struct wire_head h = {.length = -1};
    const char *end = n ? memmem(p, n, "\r\n\r\n", 4) : NULL;
    if (!end)
        return h;
    h.bytes = (size_t)(end - p) + 4;
    if (n > 12 && memcmp(p, "HTTP/1.", 7) == 0)
        h.status = atoi(p + 9);
    for (const char *line = p; line < end;) {
        if (strncasecmp(line, length, sizeof length - 1) == 0)
            h.length = atoll(line + sizeof length - 1);
        h.chunked |= strncasecmp(line, coding, sizeof coding - 1) == 0;
        h.close |= strncasecmp(line, ending, sizeof ending - 1) == 0;
        line = (const char *)memchr(line, '\n', (size_t)(end + 4 - line)) + 1;
    }
    return h;
}

int64_t wire_number(const char *p, size_t n, const char *word, int64_t otherwise)
{
    const char *at = n ? memmem(p, n, word, strlen(word)) : NULL;
    int64_t value = 0;
    if (!at)
        return otherwise;
    for (at += strlen(word); at < p + n && *at >= '0' && *at <= '9'; at++)
        value = 10 * value + (*at - '0');
    return value;
}

int wire_listen(int port)
{
    enum { BACKLOG = 4096 };
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, BACKLOG) != 0)
        wire_die("listen");
    return fd;
}

int wire_port(int fd)
{
    struct sockaddr_in a = {0};
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        wire_die("getsockname");
    return ntohs(a.sin_port);
}

int64_t wire_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}
