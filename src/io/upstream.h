/* upstream.h: an HTTP/1.1 client of one origin: keep-alive pool on libuv, TLS by OpenSSL.
 *
 * A key is sent only to the origin it was configured for: the origin is fixed at creation, and
 * no redirection is followed. Honours HTTPS_PROXY / HTTP_PROXY / NO_PROXY (proxy.h; CONNECT for
 * https), IPv4 and IPv6. The keep-alive race (a reused connection was closed by the peer before
 * the whole request had come there, as its system's acknowledgements tell) is retried once on a
 * fresh connection; what changes nothing (GET), also where it may have come. */
#ifndef SLUICE_UPSTREAM_H
#define SLUICE_UPSTREAM_H

#include "message.h"
#include "url.h"
#include <uv.h>

struct upstream;
struct call; /* one request in flight */

struct upstream_config {
    const char *base_url;          /* "https://api.openai.com/v1" */
    int64_t connect_timeout_us;    /* name, connection, proxy and TLS together */
    int64_t first_byte_timeout_us; /* from the last byte of the request */
    int64_t idle_timeout_us;       /* between bytes of an answer, and of a request */
    size_t connections_max;        /* more calls than this wait for one another */
    const char *ca_file;           /* NULL: the system's */
    /* Calls are not sent again after the keep-alive race either: the caller does that, because
     * the provider may have counted the first sending. */
    bool sends_once;
};
/* base_url is NULL and must be set. */
struct upstream_config upstream_defaults(void);

/* The process ignores SIGPIPE from here on. SL_SYNTAX (URL, proxy variables), SL_TLS
 * (certificates cannot be loaded). Connects to nothing. */
enum sl_err upstream_new(uv_loop_t *loop, const struct upstream_config *c,
                         struct upstream **out, struct diag *diag) SL_CHECK;
/* Closes all connections; calls still open end with SL_CANCELLED first. Memory is freed as the
 * loop runs on. */
void upstream_free(struct upstream **u);

/* What a call reports, always from the loop, never from within the functions below, but `done`
 * from upstream_free and `sent` as the last thing that upstream_call does. */
struct call_handler {
    /* The last byte of the request was handed to the socket; a second time if the request was
     * sent again on a fresh connection; not at all if the answer was complete before. */
    void (*sent)(void *ctx);
    void (*head)(void *ctx, const struct message *m); /* lent until done */
    void (*body)(void *ctx, struct str bytes);        /* lent for the call */
    /* SL_OK, or: SL_CONNECT, SL_RESOLVE, SL_TLS before `sent` (nothing was sent); SL_CLOSED or
     * SL_TLS later (died on the way; the request may have been processed); SL_TIMEOUT,
     * SL_SYNTAX (not HTTP, or a header or path of the request could not be sent), SL_TOO_LARGE
     * (answer over BOUND_RESPONSE_BYTES), SL_CANCELLED. After this the call is gone. */
    void (*done)(void *ctx, enum sl_err err, const char *why);
    void *ctx;
    /* A streamed body's next piece, lent until it is asked for again or the call ends; an empty
     * one with p != NULL is the end; p == NULL: none yet, call_more will tell. May be asked
     * within upstream_call and call_more. NULL where nothing streams. */
    struct str (*more)(void *ctx);
};

struct call_request {
    const char *method; /* "POST" */
    struct str path;    /* appended to the base URL's path; starts with "/"; may hold a query */
    /* Besides host, content-length, accept-encoding; user-agent is added if not given. */
    const struct header *headers;
    size_t header_count;
    struct str body; /* lent until done or call_cancel; the rest is copied */
    /* The body comes from `more` instead, `length` bytes of it (-1: not known; it is sent in
     * chunks). Once a piece was taken the call is never sent again. */
    bool streams;
    int64_t length;
    /* The answer may be of any length: it is handed on, and never held as a whole. Else it is
     * SL_TOO_LARGE over BOUND_RESPONSE_BYTES. */
    bool any_length;
};

struct call *upstream_call(struct upstream *u, const struct call_request *r,
                           struct call_handler h);
/* There is more of a streamed body, or its end. */
void call_more(struct call *c);
/* Ends the call without further reports; its connection is closed. May be called from a report
 * of the call but `done`. */
void call_cancel(struct call **c);
/* Backpressure: no further body is reported, and the peer is held back; and on again. No
 * timeout runs in between. */
void call_pause(struct call *c);
void call_resume(struct call *c);

/* Opens connections ahead of need until there are this many, so that the first burst does not
 * wait for handshakes. */
void upstream_warm(struct upstream *u, size_t connections);
size_t upstream_connections(const struct upstream *u); /* open or being opened */
/* Mean over some of the open connections (TCP_INFO), -1 if none is open. Of the way to the
 * proxy if there is one. */
int64_t upstream_rttvar_us(const struct upstream *u);
int64_t upstream_rtt_us(const struct upstream *u);

#endif
