/* tls_peer.h: a TLS server on loopback in a thread of its own, with a certificate made on the
 * spot: for 127.0.0.1 and api.test, by an authority whose certificate lies in a temporary file.
 * It gives the same answer to every request, which must have the body "1" or end in
 * CR LF CR LF "1". */
#ifndef SLUICE_TLS_PEER_H
#define SLUICE_TLS_PEER_H

#include "str.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "identity.h"
#include "peer.h"

struct tls_peer {
    int port;
    int listener;
    char ca_path[64];
    SSL_CTX *ctx;
    pthread_t thread;
    const char *answer;
    bool as_proxy;   /* expects CONNECT first, and ends the tunnel itself */
    bool once;       /* closes after one answer */
    bool rude;       /* ... without saying so */
    struct buf head; /* of CONNECT */
    int served, resumed, refused;
};

/* Reads until the text ends in `end`; false if the peer closed. */
static inline bool tls_peer_read(SSL *ssl, struct buf *got, const char *end)
{
    char bytes[16384];
    while (!str_ends(buf_str(got), str_of(end))) {
        int n = SSL_read(ssl, bytes, sizeof bytes);
        if (n <= 0)
            return false;
        buf_add(got, (struct str){bytes, (size_t)n});
    }
    return true;
}

static inline void tls_peer_serve(struct tls_peer *p, int fd)
{
    struct buf got = {0};
    SSL *ssl = SSL_new(p->ctx);
    SSL_set_fd(ssl, fd);
    bool ok = SSL_accept(ssl) == 1;
    p->refused += !ok;
    p->resumed += ok && SSL_session_reused(ssl);
    while (ok && tls_peer_read(ssl, &got, "\r\n\r\n1")) {
        buf_clear(&got);
        p->served++;
        ok = SSL_write(ssl, p->answer, (int)strlen(p->answer)) > 0 && !p->once;
    }
    if (!p->rude)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    buf_free(&got);
}

/* Plain bytes up to the end of a head. */
static inline void tls_peer_read_head(int fd, struct buf *got)
{
    char c;
    while (!str_ends(buf_str(got), STR("\r\n\r\n")) && read(fd, &c, 1) == 1)
        buf_char(got, c);
}

static inline void *tls_peer_run(void *arg)
{
    struct tls_peer *p = arg;
    for (int fd; (fd = accept(p->listener, NULL, NULL)) >= 0; close(fd)) {
        static const char welcome[] = "HTTP/1.1 200 Connection established\r\n\r\n";
        if (p->as_proxy) {
            tls_peer_read_head(fd, &p->head);
            if (write(fd, welcome, sizeof welcome - 1) < 0)
                continue;
        }
        tls_peer_serve(p, fd);
    }
    return NULL;
}

static inline void tls_peer_start(struct tls_peer *p, const char *answer)
{
    *p = (struct tls_peer){.answer = answer, .ca_path = "/tmp/sluice-test-ca-XXXXXX"};
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = identity_certificate(ca_key, "test authority", NULL, NULL, true);
    X509 *cert = identity_certificate(key, "test server", ca, ca_key, false);
    FILE *f = fdopen(mkstemp(p->ca_path), "w");
    PEM_write_X509(f, ca);
    fclose(f);
    p->ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(p->ctx, cert);
    SSL_CTX_use_PrivateKey(p->ctx, key);
    X509_free(ca);
    X509_free(cert);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    p->listener = peer_listen(&p->port);
}

/* After the options are set. */
static inline void tls_peer_go(struct tls_peer *p)
{
    assert_int_equal(pthread_create(&p->thread, NULL, tls_peer_run, p), 0);
}

/* Every connection to it must be closed. */
static inline void tls_peer_stop(struct tls_peer *p)
{
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->listener);
    SSL_CTX_free(p->ctx);
    unlink(p->ca_path);
}

#endif
