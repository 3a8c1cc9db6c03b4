/* upstream.h: an HTTP/1.1 client of one origin: keep-alive pool on libuv, TLS by OpenSSL.
 *
 * A key is sent only to the origin it was configured for: the origin is fixed at creation.
 * Honours HTTPS_PROXY / HTTP_PROXY / NO_PROXY (CONNECT for https), IPv4 and IPv6. The
 * keep-alive race (EOF before any byte on a reused connection) is retried once on a fresh
 * connection. */
#ifndef SLUICE_UPSTREAM_H
#define SLUICE_UPSTREAM_H

#include "message.h"
#include "url.h"
#include <uv.h>

struct upstream;
struct call; /* one request in flight */

struct upstream_config {
    const char *base_url; /* "https://api.openai.com/v1" */
    int64_t connect_timeout_us;
    int64_t first_byte_timeout_us;
    int64_t idle_timeout_us; /* between bytes of an answer */
    size_t connections_max;
    const char *ca_file; /* NULL: the system's */
};
struct upstream_config upstream_defaults(void);

enum sl_err upstream_new(uv_loop_t *loop, const struct upstream_config *c,
                         struct upstream **out, struct diag *diag) SL_CHECK;
/* Closes all connections; calls still open end with SL_CANCELLED first. */
void upstream_free(struct upstream **u);

/* What a call reports. `sent` when the last byte of the request was handed to the socket.
 * After `done` the call is gone. */
struct call_handler {
    void (*sent)(void *ctx);
    void (*head)(void *ctx, const struct message *m);
    void (*body)(void *ctx, struct str bytes); /* lent for the call */
    /* SL_OK, or: SL_CONNECT, SL_RESOLVE, SL_TLS (nothing was sent), SL_CLOSED (died on the way;
     * bytes may have been processed), SL_TIMEOUT, SL_SYNTAX, SL_TOO_LARGE, SL_CANCELLED. */
    void (*done)(void *ctx, enum sl_err err, const char *why);
    void *ctx;
};

struct call_request {
    const char *method;           /* "POST" */
    struct str path;              /* appended to the base URL's path; starts with "/" */
    const struct header *headers; /* besides host, content-length, connection */
    size_t header_count;
    struct str body; /* lent until done */
};

struct call *upstream_call(struct upstream *u, const struct call_request *r,
                           struct call_handler h);
/* Ends the call without further reports; its connection is closed. */
void call_cancel(struct call **c);
/* Backpressure: stop and go on reading. */
void call_pause(struct call *c);
void call_resume(struct call *c);

/* Opens connections ahead of need, so that the first burst does not wait for handshakes. */
void upstream_warm(struct upstream *u, size_t connections);
/* Smoothed RTT variation of the open connections (TCP_INFO), -1 if none is open. */
int64_t upstream_rttvar_us(const struct upstream *u);
int64_t upstream_rtt_us(const struct upstream *u);

#endif
