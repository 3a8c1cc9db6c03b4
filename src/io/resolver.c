/* resolver.c: see resolver.h. One question at most is under way; all who ask meanwhile wait for
 * its answer. libuv's request may outlive the resolver, so it is a piece of its own. */
#include "resolver.h"
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBER_MS = 60 * 1000 };

struct question {
    uv_getaddrinfo_t request;
    struct resolver *resolver; /* NULL once it is freed */
};

struct resolver {
    uv_loop_t *loop;
    char host[256];
    char port[8];
    struct addresses found;
    uint64_t expires_ms; /* of `found`, in the loop's time */
    struct question *question;
    struct lookup *waiting; /* the order does not matter */
};

struct resolver *resolver_new(uv_loop_t *loop, const char *host, int port)
{
    struct resolver *r = mem_zero(sizeof *r);
    r->loop = loop;
    snprintf(r->host, sizeof r->host, "%s", host);
    snprintf(r->port, sizeof r->port, "%d", port);
    struct sockaddr_storage *first = &r->found.list[0];
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)first) == 0 ||
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)first) == 0) {
        r->found.n = 1;
        r->expires_ms = UINT64_MAX;
    }
    return r;
}

void resolver_free(struct resolver **resolver)
{
    struct resolver *r = *resolver;
    if (!r)
        return;
    if (r->question) {
        r->question->resolver = NULL;
        uv_cancel((uv_req_t *)&r->question->request);
    }
    free(r);
    *resolver = NULL;
}

static void keep(struct resolver *r, const struct addrinfo *list)
{
    r->found.n = 0;
    for (; list && r->found.n < ADDRESSES_MAX; list = list->ai_next) {
        struct sockaddr_storage *a = &r->found.list[r->found.n++];
        memcpy(a, list->ai_addr, list->ai_addrlen);
    }
    r->expires_ms = uv_now(r->loop) + REMEMBER_MS;
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct question *q = request->data;
    struct resolver *r = q->resolver;
    free(q);
    if (!r) {
        uv_freeaddrinfo(list);
        return;
    }
    r->question = NULL;
    keep(r, status == 0 ? list : NULL);
    uv_freeaddrinfo(list);
    /* A report may free the resolver: it works on copies. */
    struct addresses found = r->found;
    const char *why = status ? uv_strerror(status) : "the host has no address";
    struct lookup *waiting = r->waiting;
    r->waiting = NULL;
    while (waiting) {
        struct lookup *l = waiting;
        waiting = l->next;
        bool open = l->open;
        l->open = false;
        if (open)
            l->done(l->ctx, found.n ? &found : NULL, why);
    }
}

void resolver_ask(struct resolver *r, struct lookup *l)
{
    if (r->found.n && uv_now(r->loop) < r->expires_ms) {
        struct addresses found = r->found;
        l->done(l->ctx, &found, "");
        return;
    }
    l->open = true;
    l->next = r->waiting;
    r->waiting = l;
    if (r->question)
        return;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    r->question = mem_zero(sizeof *r->question);
    r->question->resolver = r;
    r->question->request.data = r->question;
    int rc =
        uv_getaddrinfo(r->loop, &r->question->request, on_answer, r->host, r->port, &hints);
    sl_assert(rc == 0);
}

void resolver_cancel(struct resolver *r, struct lookup *l)
{
    for (struct lookup **at = &r->waiting; *at; at = &(*at)->next) {
        if (*at == l) {
            *at = l->next;
            break;
        }
    }
    l->open = false;
}

void resolver_forget(struct resolver *r)
{
    if (r->expires_ms != UINT64_MAX)
        r->expires_ms = 0;
}
