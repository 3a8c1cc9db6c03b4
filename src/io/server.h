/* server.h: an HTTP/1.1 server on libuv. Loopback unless told otherwise.
 *
 * A handler gets each request once its head is complete (`start`), then its body in pieces,
 * then `end`. It answers with server_answer (whole) or server_begin / server_write /
 * server_finish (streamed, chunked), in any of these calls or later. Requests of one connection
 * are handed out one after another. Hard shell: bounds on heads, bodies and connections, idle
 * timeouts, 400 / 408 / 413 / 414 / 417 / 431 / 501 / 503 / 505 and close; running out of
 * descriptors is survived. A target is always a path: RFC 9112 would have absolute URLs taken
 * too, but their host may be another than Host's, and no client of an API sends them.
 *
 * A client that closes its writing side is taken to have left: it cannot be told apart from one
 * that closed both. */
#ifndef SLUICE_SERVER_H
#define SLUICE_SERVER_H

#include "message.h"
#include "tls.h"
#include <uv.h>

struct server;
struct exchange; /* one request and its answer */

struct server_handler {
    /* The message is lent until `gone`. */
    void (*start)(void *ctx, struct exchange *x, const struct message *m);
    /* Not called any more once an answer was begun. */
    void (*body)(void *ctx, struct exchange *x, struct str bytes);
    void (*end)(void *ctx, struct exchange *x);
    /* The client left before the answer was complete, the server refused the rest of its
     * request, or the answer was fully written. Called exactly once for each `start`, and never
     * from within the functions below but server_free. The exchange is gone after this call. */
    void (*gone)(void *ctx, struct exchange *x, bool complete);
    /* All bytes of a streamed answer so far were handed to the system; may be NULL. */
    void (*drained)(void *ctx, struct exchange *x);
    void *ctx;
    /* Writes the body of an answer that is the server's own (4xx, 500, 501, 503, 505); may be
     * NULL. *content_type is text/plain unless set to another literal. `why` is for people.
     * May be called within server_answer and server_begin. */
    void (*refused)(void *ctx, int status, const char *why, struct buf *body,
                    const char **content_type);
    /* Whether the driver takes this request's body as a stream, however long it is; without it
     * one over body_max is answered 413. Asked before `start`; may be NULL: none. */
    bool (*streams)(void *ctx, const struct message *m);
};

enum { SERVER_PLACES = 8 };
/* Where to listen. */
struct server_place {
    /* "127.0.0.1:4291"; "[::1]:0" (IPv6 alone, port 0: any); "unix:/run/x.sock". A socket file
     * that a dead process left is replaced; ours is removed when the listening ends. */
    const char *address;
    unsigned mode; /* of a socket file; 0: 0660 */
    bool tls;
};

/* Texts are lent for the call of server_new. */
struct server_config {
    const char *listen; /* the first place, in the clear; NULL: only those below */
    struct server_place places[SERVER_PLACES];
    size_t place_count;
    struct tls_files tls;         /* one certificate for all places that speak TLS */
    int64_t handshake_timeout_us; /* from accepting to the last byte */
    size_t body_max;              /* bytes; 0: BOUND_BODY_BYTES */
    int64_t idle_timeout_us; /* between requests, between bytes of a body or of an answer */
    int64_t head_timeout_us; /* slow clients: from a head's first byte to its last */
    /* A body may take the grace and what it takes at the rate (bytes a second; 0: for ever). */
    int64_t body_grace_us;
    size_t body_rate_min;
    size_t connections_max; /* more are answered 503, or by a TLS alert */
};
struct server_config server_defaults(void);

/* The process ignores SIGPIPE from here on. SL_SYNTAX, SL_TOO_LARGE for an address that cannot
 * be one, SL_MISSING without any place or without files for TLS, SL_TLS for files that do not
 * fit, SL_IO with the system's reason. All places or none. */
enum sl_err server_new(uv_loop_t *loop, const struct server_config *c, struct server_handler h,
                       struct server **out, struct diag *diag) SL_CHECK;
/* Drops connections; memory is freed as the loop runs on. */
void server_free(struct server **s);
/* Stops accepting; ends idle connections now, the others after their answer. */
void server_drain(struct server *s);
/* Of the first place, and of any: `listen`, then the places in their order; 0 of a socket
 * file. */
int server_port(const struct server *s);
int server_port_of(const struct server *s, size_t place);
size_t server_connections(const struct server *s); /* open now */

/* Since the server began. */
struct server_counts {
    uint64_t connections; /* accepted */
    uint64_t turned_away; /* connections answered 503 or cut, for want of room */
    uint64_t refused;     /* answers of the server's own on a connection */
    uint64_t tls_opened;  /* handshakes that succeeded */
    uint64_t tls_resumed; /* ... going on from an earlier session */
    uint64_t tls_failed;  /* that did not in time, or at all; alerts and broken records later */
};
const struct server_counts *server_counts(const struct server *s);

/* Certificate and key are read anew, from the same files or others: new connections use them,
 * those open go on. SL_IO, SL_TLS: what was in use stays so. SL_MISSING: no place speaks TLS.
 */
enum sl_err server_tls_reload(struct server *s, const struct tls_files *files,
                              struct diag *diag) SL_CHECK;
/* What its owner should be told of the key in use, or "": that others can read it. */
const char *server_tls_warning(const struct server *s);

/* Backpressure on a request's body: nothing more is read for now, and no patience runs out; or
 * again. That the client has left is not seen while it is held. Not from within `body`'s own
 * exchange's `gone`. */
void exchange_hold(struct exchange *x, bool hold);

/* The driver's own pointer on an exchange. */
void exchange_set(struct exchange *x, void *user);
void *exchange_user(struct exchange *x);

/* A whole answer. Header names as given; content-length, connection and date are added. A
 * header that could end its line early turns the answer into a 500. */
void server_answer(struct exchange *x, int status, const struct header *headers, size_t n,
                   struct str body);
/* A streamed answer; its headers as above. */
void server_begin(struct exchange *x, int status, const struct header *headers, size_t n);
/* Of a length that is known: so many bytes are written, or it is reset. -1: it is not. */
void server_begin_sized(struct exchange *x, int status, const struct header *headers, size_t n,
                        int64_t length);
/* Returns how many bytes wait unsent on this connection, for backpressure. */
size_t server_write(struct exchange *x, struct str bytes);
void server_finish(struct exchange *x);
/* Kills the connection without finishing (a fault on purpose, or a broken upstream). */
void server_reset(struct exchange *x);

#endif
