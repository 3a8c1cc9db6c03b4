/* tls.h: a TLS client as a filter: ciphertext in and out of memory, no sockets. OpenSSL 3.
 *
 * The peer's certificate is always verified, for its host name or address; there is no way to
 * turn that off. TLS 1.2 or later. The last session of an origin is offered again. */
#ifndef SLUICE_TLS_H
#define SLUICE_TLS_H

#include "url.h"

/* What all connections to one origin share. */
struct tls_context;
/* ca_file: PEM, instead of the system's certificates; NULL for those. SL_TLS. */
enum sl_err tls_context_new(const char *ca_file, struct tls_context **out,
                            struct diag *diag) SL_CHECK;
void tls_context_free(struct tls_context **t);

/* One connection. Not to outlive its context. */
struct tls;
struct tls *tls_new(struct tls_context *context, const struct url *origin);
void tls_free(struct tls **t);

/* Ciphertext that came from the peer. */
void tls_feed(struct tls *t, struct str bytes);
/* Moves all ciphertext that is due to the peer to *out. To be called after all below. */
void tls_take(struct tls *t, struct buf *out);

/* *done once the peer is verified. SL_TLS with tls_why(). */
enum sl_err tls_handshake(struct tls *t, bool *done) SL_CHECK;
/* Up to `size` bytes of plain text. *n = 0: feed more, or *eof: the peer said it is done. */
enum sl_err tls_read(struct tls *t, char *out, size_t size, size_t *n, bool *eof) SL_CHECK;
enum sl_err tls_write(struct tls *t, struct str bytes) SL_CHECK;
const char *tls_why(const struct tls *t);

#endif
