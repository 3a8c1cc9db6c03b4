/* tls.h: TLS as a filter: ciphertext in and out of memory, no sockets. OpenSSL 3, TLS 1.2 or
 * later, both sides of HTTP/1.1.
 *
 * A client always verifies its peer's certificate, for its host name or address; there is no
 * way to turn that off. The last session of an origin is offered again. A server shows one
 * certificate chain, asks for none, and hands out tickets, so that it remembers no sessions. */
#ifndef SLUICE_TLS_H
#define SLUICE_TLS_H

#include "url.h"

/* What all connections to one origin, or to one server, share. */
struct tls_context;
/* A client's. ca_file: PEM, instead of the system's certificates; NULL for those. SL_TLS. */
enum sl_err tls_context_new(const char *ca_file, struct tls_context **out,
                            struct diag *diag) SL_CHECK;
/* A server's: its certificate followed by those that vouch for it, and its key, both PEM; a key
 * that asks for a password is not taken. SL_IO where a file cannot be read, SL_TLS where it
 * does not hold what it should; the place in the diag is the file. */
struct tls_files {
    const char *certificate;
    const char *key;
};
enum sl_err tls_context_new_server(const struct tls_files *files, struct tls_context **out,
                                   struct diag *diag) SL_CHECK;
/* What the owner should be told although it works: that others can read the key. "" if there is
 * nothing. */
const char *tls_context_warning(const struct tls_context *t);
void tls_context_free(struct tls_context **t);

/* One connection. A client's must not outlive its context; a server's may. */
struct tls;
struct tls *tls_new(struct tls_context *context, const struct url *origin);
struct tls *tls_new_server(struct tls_context *context);
void tls_free(struct tls **t);

/* Ciphertext that came from the peer. */
void tls_feed(struct tls *t, struct str bytes);
/* Moves all ciphertext that is due to the peer to *out. To be called after all below. The
 * memory of an empty *out is kept for what will be due next. */
void tls_take(struct tls *t, struct buf *out);
size_t tls_due(const struct tls *t); /* bytes that tls_take would move */

/* *done once the handshake is (a client's: and the peer is verified). SL_TLS with tls_why(). */
enum sl_err tls_handshake(struct tls *t, bool *done) SL_CHECK;
/* Up to `size` bytes of plain text. *n = 0: feed more, or *eof: the peer said it is done. */
enum sl_err tls_read(struct tls *t, char *out, size_t size, size_t *n, bool *eof) SL_CHECK;
enum sl_err tls_write(struct tls *t, struct str bytes) SL_CHECK;
/* Says that nothing more is to come; after it nothing may be written. */
void tls_end(struct tls *t);
bool tls_resumed(const struct tls *t); /* the handshake went on from an earlier session */
const char *tls_why(const struct tls *t);

#endif
