/* tls.c: see tls.h.
 *
 * OpenSSL works on two memory buffers. SSL_MODE_RELEASE_BUFFERS gives back the 34 KB a
 * connection would otherwise hold while it idles in the pool. */
#include "tls.h"
#include "arena.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_context {
    SSL_CTX *ctx;
    SSL_SESSION *session; /* the last one the origin gave, or NULL */
};

struct tls {
    SSL *ssl;
    BIO *in;
    BIO *out;
    char why[200];
};

/* OpenSSL's reason for what failed last. */
static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "unknown reason";
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_context *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1; /* ours now */
}

enum sl_err tls_context_new(const char *ca_file, struct tls_context **out, struct diag *diag)
{
    struct tls_context *t = mem_zero(sizeof *t);
    ERR_clear_error();
    t->ctx = SSL_CTX_new(TLS_client_method());
    sl_assert(t->ctx);
    SSL_CTX_set_app_data(t->ctx, t);
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(t->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(t->ctx, on_session);
    static const unsigned char http[] = "\x08http/1.1";
    bool ready = SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) == 1 &&
                 SSL_CTX_set_alpn_protos(t->ctx, http, sizeof http - 1) == 0 &&
                 (ca_file ? SSL_CTX_load_verify_locations(t->ctx, ca_file, NULL)
                          : SSL_CTX_set_default_verify_paths(t->ctx)) == 1;
    if (!ready) {
        enum sl_err err = diag_set(diag, SL_TLS, ca_file ? ca_file : "",
                                   "cannot load certificates: %s", openssl_reason());
        tls_context_free(&t);
        return err;
    }
    *out = t;
    return SL_OK;
}

void tls_context_free(struct tls_context **t)
{
    if (!*t)
        return;
    SSL_SESSION_free((*t)->session);
    SSL_CTX_free((*t)->ctx);
    free(*t);
    *t = NULL;
}

struct tls *tls_new(struct tls_context *context, const struct url *origin)
{
    struct tls *t = mem_zero(sizeof *t);
    t->ssl = SSL_new(context->ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    sl_assert(t->ssl && t->in && t->out);
    BIO_set_mem_eof_return(t->in, -1); /* empty: not the end, more may come */
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_connect_state(t->ssl);
    /* An address is verified as one and must not be sent as a server name (RFC 6066, 3). */
    bool address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), origin->host) == 1;
    int named = address || (SSL_set1_host(t->ssl, origin->host) == 1 &&
                            SSL_set_tlsext_host_name(t->ssl, origin->host) == 1);
    sl_assert(named);
    if (context->session)
        SSL_set_session(t->ssl, context->session);
    ERR_clear_error();
    return t;
}

void tls_free(struct tls **t)
{
    if (!*t)
        return;
    /* OpenSSL discards the session of a connection that was not shut down. */
    SSL_set_shutdown((*t)->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free((*t)->ssl);
    free(*t);
    *t = NULL;
}

void tls_feed(struct tls *t, struct str bytes)
{
    int taken = bytes.n ? BIO_write(t->in, bytes.p, (int)bytes.n) : 0;
    sl_assert(taken == (int)bytes.n);
}

void tls_take(struct tls *t, struct buf *out)
{
    size_t due = BIO_ctrl_pending(t->out);
    if (due == 0)
        return;
    buf_reserve(out, due);
    int n = BIO_read(t->out, out->p + out->n, (int)due);
    sl_assert(n == (int)due);
    out->n += due;
}

/* What an OpenSSL call's result means: go on, or why not. */
static enum sl_err judge(struct tls *t, int result, const char *doing)
{
    int e = SSL_get_error(t->ssl, result);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
        return SL_OK;
    long verdict = SSL_get_verify_result(t->ssl);
    const char *reason =
        verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : openssl_reason();
    snprintf(t->why, sizeof t->why, "%s: %s", doing, reason);
    return SL_TLS;
}

enum sl_err tls_handshake(struct tls *t, bool *done)
{
    ERR_clear_error();
    int result = SSL_do_handshake(t->ssl);
    *done = result == 1;
    return *done ? SL_OK : judge(t, result, "TLS handshake");
}

enum sl_err tls_read(struct tls *t, char *out, size_t size, size_t *n, bool *eof)
{
    *n = 0;
    *eof = false;
    ERR_clear_error();
    int result = SSL_read_ex(t->ssl, out, size, n);
    if (result == 1)
        return SL_OK;
    *eof = SSL_get_error(t->ssl, result) == SSL_ERROR_ZERO_RETURN;
    return *eof ? SL_OK : judge(t, result, "TLS");
}

enum sl_err tls_write(struct tls *t, struct str bytes)
{
    size_t n;
    if (bytes.n == 0)
        return SL_OK;
    ERR_clear_error();
    int result = SSL_write_ex(t->ssl, bytes.p, bytes.n, &n);
    return result == 1 ? SL_OK : judge(t, result, "TLS");
}

const char *tls_why(const struct tls *t)
{
    return t->why;
}
