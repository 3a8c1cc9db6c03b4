/* channel.h: a byte stream to an origin: resolved, connected (through a proxy if there is one),
 * verified by TLS where the URL says https. Its bytes mean nothing here.
 *
 * All reports come from the loop, never from within the functions below. */
#ifndef SLUICE_CHANNEL_H
#define SLUICE_CHANNEL_H

#include "proxy.h"
#include "resolver.h"
#include "tls.h"

enum { CHANNEL_READ_BYTES = 64 << 10 };

/* What all channels to one origin share. Outlives them. */
struct origin {
    uv_loop_t *loop;
    struct url url;
    struct proxy proxy;
    struct tls_context *tls;   /* https only */
    struct resolver *resolver; /* of the proxy if there is one */
    int64_t connect_timeout_us;
    char read[CHANNEL_READ_BYTES];
};

struct channel_handler {
    void (*ready)(void *ctx);
    void (*bytes)(void *ctx, struct str bytes); /* lent for the call */
    /* All that was given to channel_write was handed to the system, if not at once. */
    void (*written)(void *ctx);
    /* SL_OK: the peer ended the stream in order. Before `ready`: SL_RESOLVE, SL_CONNECT,
     * SL_TLS; after it: SL_CLOSED, SL_TLS, SL_TIMEOUT. `why` is lent until channel_close. The
     * last report; channel_close is still to be called. */
    void (*ended)(void *ctx, enum sl_err err, const char *why);
    void *ctx;
};

struct channel;
struct channel *channel_open(struct origin *o, struct channel_handler h);
/* No report comes any more; memory is freed as the loop runs on. A report may call it. */
void channel_close(struct channel **c);
/* After `ready`; not both empty. True: all was handed to the system, and `written` will not be
 * reported. Else both are lent until `written`, and the next write has to wait for it. */
bool channel_write(struct channel *c, struct str head, struct str body);
/* Stops reading, so that the peer is held back. What is in memory is still reported. */
void channel_pause(struct channel *c);
void channel_resume(struct channel *c);
/* SL_TIMEOUT is to be reported in `us` unless something is read or written on the way out
 * before; replaces the expectation before. 0: none. `why` is a literal. */
void channel_expect(struct channel *c, int64_t us, const char *why);
/* After `ended`: whether all that was written may have been read by the peer. False is certain:
 * its system has not acknowledged the last of it. */
bool channel_delivered(const struct channel *c);
/* The system's estimate of the round-trip time and its variation; false if not known. */
bool channel_rtt(const struct channel *c, int64_t *rtt_us, int64_t *rttvar_us);

#endif
