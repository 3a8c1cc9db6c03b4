/* resolver.h: the addresses of one host, looked up off the loop and remembered for a minute, so
 * that a burst of connections costs one question. */
#ifndef SLUICE_RESOLVER_H
#define SLUICE_RESOLVER_H

#include "err.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

/* More addresses than this are not tried. */
enum { ADDRESSES_MAX = 8 };
struct addresses {
    struct sockaddr_storage list[ADDRESSES_MAX];
    size_t n;
};

struct resolver;
/* host and port as in a URL; an address needs no question. */
struct resolver *resolver_new(uv_loop_t *loop, const char *host, int port);
/* Lookups still open are dropped without a report. */
void resolver_free(struct resolver **r);

/* Embedded by who asks; zero but for `done` and `ctx`. */
struct lookup {
    /* found: lent for the call; NULL with the reason if there are none. */
    void (*done)(void *ctx, const struct addresses *found, const char *why);
    void *ctx;
    struct lookup *next;
    bool open;
};
/* Reports from the loop, or at once if the answer is known. */
void resolver_ask(struct resolver *r, struct lookup *l);
void resolver_cancel(struct resolver *r, struct lookup *l);
/* None of the addresses worked: ask anew the next time. */
void resolver_forget(struct resolver *r);

#endif
