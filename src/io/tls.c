/* tls.c: see tls.h.
 *
 * OpenSSL works on two buffers of ours, through a BIO of our own: its memory BIO never gives
 * back what a large answer once took. SSL_MODE_RELEASE_BUFFERS gives back the 34 KB a
 * connection would otherwise hold while it idles. */
#include "tls.h"
#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_context {
    SSL_CTX *ctx;
    SSL_SESSION *session; /* the last one the origin gave, or NULL */
    char warning[300];
};

struct tls {
    SSL *ssl;
    struct buf in; /* from the peer */
    size_t in_at;  /* read by OpenSSL so far */
    struct buf out;
    char why[200];
};

enum {
    RECORD_BYTES = 16 << 10, /* of text */
    RECORD_MORE_BYTES = 64,  /* around it, at most */
};

static const unsigned char http[] = "\x08http/1.1";

/* ---- Bytes ---------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *out, int size)
{
    struct tls *t = BIO_get_data(bio);
    struct str left = str_cut(str_from(buf_str(&t->in), t->in_at), (size_t)size);
    BIO_clear_retry_flags(bio);
    if (left.n == 0) {
        BIO_set_retry_read(bio); /* not the end, more may come */
        return -1;
    }
    memcpy(out, left.p, left.n);
    t->in_at += left.n;
    if (t->in_at == t->in.n) {
        buf_free(&t->in);
        t->in_at = 0;
    }
    return (int)left.n;
}

static int bio_write(BIO *bio, const char *bytes, int n)
{
    struct tls *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    buf_add(&t->out, (struct str){bytes, (size_t)n});
    return n;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

/* Made once and kept: connections may outlive every context. */
static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
        int made = method && BIO_meth_set_read(method, bio_read) &&
                   BIO_meth_set_write(method, bio_write) &&
                   BIO_meth_set_ctrl(method, bio_control);
        sl_assert(made);
    }
    return method;
}

static struct tls *new_connection(struct tls_context *context)
{
    struct tls *t = mem_zero(sizeof *t);
    BIO *bio = BIO_new(bio_method());
    t->ssl = SSL_new(context->ctx);
    sl_assert(t->ssl && bio);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio); /* owns it */
    ERR_clear_error();
    return t;
}

void tls_feed(struct tls *t, struct str bytes)
{
    buf_add(&t->in, bytes);
}

size_t tls_due(const struct tls *t)
{
    return t->out.n;
}

void tls_take(struct tls *t, struct buf *out)
{
    if (out->n == 0) {
        struct buf empty = *out;
        *out = t->out;
        t->out = empty;
    } else {
        buf_add(out, buf_str(&t->out));
        buf_free(&t->out);
    }
}

/* ---- A client's context --------------------------------------------------------------- */

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

static struct tls_context *new_context(const SSL_METHOD *side)
{
    struct tls_context *t = mem_zero(sizeof *t);
    ERR_clear_error();
    t->ctx = SSL_CTX_new(side);
    sl_assert(t->ctx);
    SSL_CTX_set_app_data(t->ctx, t);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    long set = SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    sl_assert(set == 1);
    return t;
}

enum sl_err tls_context_new(const char *ca_file, struct tls_context **out, struct diag *diag)
{
    struct tls_context *t = new_context(TLS_client_method());
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(t->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(t->ctx, on_session);
    bool ready = SSL_CTX_set_alpn_protos(t->ctx, http, sizeof http - 1) == 0 &&
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

/* ---- A server's context --------------------------------------------------------------- */

/* A key is for its owner; for a group too where root gave it to one, as Debian's ssl-cert. */
static bool is_exposed(const struct stat *st)
{
    mode_t allowed = st->st_uid == 0 ? 0640 : 0600;
    return (st->st_mode & 0077 & ~allowed) != 0;
}

/* Whether the file is there to be read, said in the system's words; OpenSSL has none. */
static enum sl_err look_at(const char *file, struct stat *st, struct diag *diag)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool readable = fd >= 0 && fstat(fd, st) == 0;
    enum sl_err err =
        readable ? SL_OK : diag_set(diag, SL_IO, file, "cannot be read: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return err;
}

/* The terminal is never asked for a password. */
static int no_password(char *out, int size, int writing, void *ctx)
{
    return -1;
}

static void warn(struct tls_context *t, const char *file, const struct stat *st)
{
    if (is_exposed(st))
        snprintf(t->warning, sizeof t->warning,
                 "%s: this key is open to others (mode %04o): chmod 600 it", file,
                 (unsigned)st->st_mode & 0777);
}

static enum sl_err load(struct tls_context *t, const struct tls_files *files, struct diag *diag)
{
    struct stat st = {0};
    enum sl_err err = look_at(files->certificate, &st, diag);
    if (!err)
        err = look_at(files->key, &st, diag);
    if (err)
        return err;
    warn(t, files->key, &st);
    SSL_CTX_set_default_passwd_cb(t->ctx, no_password);
    if (SSL_CTX_use_certificate_chain_file(t->ctx, files->certificate) != 1)
        return diag_set(diag, SL_TLS, files->certificate,
                        "holds no certificate chain in PEM: %s", openssl_reason());
    if (SSL_CTX_use_PrivateKey_file(t->ctx, files->key, SSL_FILETYPE_PEM) != 1)
        return diag_set(diag, SL_TLS, files->key,
                        "holds no key in PEM, without a password, of the certificate's: %s",
                        openssl_reason());
    return SL_OK;
}

/* Of what the client would speak after the handshake, only HTTP/1.1 is spoken here. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                   const unsigned char *in, unsigned in_n, void *ctx)
{
    unsigned char *chosen;
    int result = SSL_select_next_proto(&chosen, out_n, http, sizeof http - 1, in, in_n);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum sl_err tls_context_new_server(const struct tls_files *files, struct tls_context **out,
                                   struct diag *diag)
{
    static const unsigned char id[] = "sluice";
    struct tls_context *t = new_context(TLS_server_method());
    /* Sessions live in tickets that clients keep. */
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(t->ctx, on_alpn, NULL);
    /* With TLS 1.2 too nothing that was recorded can be read by who gets the key later. */
    int set = SSL_CTX_set_session_id_context(t->ctx, id, sizeof id - 1) == 1 &&
              SSL_CTX_set_cipher_list(t->ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
    sl_assert(set);
    enum sl_err err = load(t, files, diag);
    if (err)
        tls_context_free(&t);
    else
        *out = t;
    return err;
}

const char *tls_context_warning(const struct tls_context *t)
{
    return t->warning;
}

/* ---- Connections ---------------------------------------------------------------------- */

struct tls *tls_new(struct tls_context *context, const struct url *origin)
{
    struct tls *t = new_connection(context);
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

struct tls *tls_new_server(struct tls_context *context)
{
    struct tls *t = new_connection(context);
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_free(struct tls **t)
{
    if (!*t)
        return;
    /* OpenSSL discards the session of a connection that was not shut down. */
    SSL_set_shutdown((*t)->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free((*t)->ssl);
    buf_free(&(*t)->in);
    buf_free(&(*t)->out);
    free(*t);
    *t = NULL;
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
    buf_reserve(&t->out, bytes.n + (bytes.n / RECORD_BYTES + 1) * RECORD_MORE_BYTES);
    int result = SSL_write_ex(t->ssl, bytes.p, bytes.n, &n);
    return result == 1 ? SL_OK : judge(t, result, "TLS");
}

void tls_end(struct tls *t)
{
    ERR_clear_error();
    SSL_shutdown(t->ssl); /* writes the notice; whether the peer's came shows when reading */
}

bool tls_resumed(const struct tls *t)
{
    return SSL_session_reused(t->ssl) == 1;
}

const char *tls_why(const struct tls *t)
{
    return t->why;
}
