/* server.h: an HTTP/1.1 server on libuv. Loopback unless told otherwise.
 *
 * A handler gets each request once its head is complete (`start`), then its body in pieces,
 * then `end`. It answers with server_answer (whole) or server_begin / server_write /
 * server_finish (streamed, chunked). Hard shell: bounds on heads and bodies, idle timeouts,
 * 400/408/413/414/ 431/501 and close. */
#ifndef SLUICE_SERVER_H
#define SLUICE_SERVER_H

#include "message.h"
#include <uv.h>

struct server;
struct exchange; /* one request and its answer */

struct server_handler {
    void (*start)(void *ctx, struct exchange *x, const struct message *m);
    void (*body)(void *ctx, struct exchange *x, struct str bytes);
    void (*end)(void *ctx, struct exchange *x);
    /* The client left before the answer was complete, or the answer was fully written. The
     * exchange is gone after this call. */
    void (*gone)(void *ctx, struct exchange *x, bool complete);
    void *ctx;
};

struct server_config {
    const char *listen; /* "127.0.0.1:4291", "[::1]:0", port 0: any */
    size_t body_max;    /* bytes; 0: BOUND_BODY_BYTES */
    int64_t idle_timeout_us;
    int64_t head_timeout_us; /* slow clients */
};
struct server_config server_defaults(void);

enum sl_err server_new(uv_loop_t *loop, const struct server_config *c, struct server_handler h,
                       struct server **out, struct diag *diag) SL_CHECK;
void server_free(struct server **s); /* drops connections */
void server_drain(struct server *s); /* stops accepting; ends connections after their answer */
int server_port(const struct server *s);

/* The driver's own pointer on an exchange. */
void exchange_set(struct exchange *x, void *user);
void *exchange_user(struct exchange *x);

/* A whole answer. Header names as given; content-length, connection and date are added. */
void server_answer(struct exchange *x, int status, const struct header *headers, size_t n,
                   struct str body);
/* A streamed answer. */
void server_begin(struct exchange *x, int status, const struct header *headers, size_t n);
/* Returns how many bytes wait unsent on this connection, for backpressure. */
size_t server_write(struct exchange *x, struct str bytes);
void server_finish(struct exchange *x);
/* Kills the connection without finishing (a fault on purpose, or a broken upstream). */
void server_reset(struct exchange *x);

#endif
