/* client.h: a client of the server under test, by hand, in the clear or by TLS: the same test
 * drives both. Nothing waits for the system: what it does not take is offered again. */
#ifndef SLUICE_CLIENT_H
#define SLUICE_CLIENT_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "peer.h"

struct client {
    struct peer peer;
    SSL *ssl;        /* NULL: in the clear */
    struct buf due;  /* to be sent */
    struct buf text; /* what the server said */
    size_t taken;    /* of the peer's bytes */
    bool ended;      /* by TLS: the server said that nothing more comes */
    bool failed;     /* by TLS: an alert, or what is no TLS */
};

/* Offers what is due to the system. A server that has closed shows when reading. */
static inline void client_push(struct client *c)
{
    char bytes[4096];
    for (int n; c->ssl && (n = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof bytes)) > 0;)
        buf_add(&c->due, (struct str){bytes, (size_t)n});
    if (c->due.n == 0)
        return; /* even nothing would take the socket's error from who reads */
    ssize_t n = send(c->peer.fd, c->due.p, c->due.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        buf_drop(&c->due, (size_t)n);
}

/* Makes text of what has come. */
static inline void client_pump(struct client *c)
{
    char bytes[16384];
    int n = 0;
    size_t from = c->taken;
    c->taken = c->peer.got.n;
    if (!c->ssl) {
        buf_add(&c->text, str_from(buf_str(&c->peer.got), from));
        return;
    }
    ERR_clear_error();
    if (c->taken > from)
        BIO_write(SSL_get_rbio(c->ssl), c->peer.got.p + from, (int)(c->taken - from));
    while (!c->failed && (n = SSL_read(c->ssl, bytes, sizeof bytes)) > 0)
        buf_add(&c->text, (struct str){bytes, (size_t)n});
    int e = SSL_get_error(c->ssl, n);
    c->ended = c->ended || e == SSL_ERROR_ZERO_RETURN;
    c->failed = c->failed || e == SSL_ERROR_SSL;
}

static inline void client_turn(struct client *c, uv_run_mode mode)
{
    client_push(c);
    uv_run(c->peer.loop, c->due.n ? UV_RUN_NOWAIT : mode);
    client_pump(c);
}

static inline bool client_is_over(const struct client *c)
{
    return c->peer.eof || c->ended || c->failed;
}

/* Without waiting for anything. */
static inline void client_connect(struct client *c, uv_loop_t *loop, int port, SSL_CTX *ctx)
{
    *c = (struct client){0};
    peer_connect(&c->peer, loop, port);
    if (!ctx)
        return;
    c->ssl = SSL_new(ctx);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(c->ssl);
    SSL_do_handshake(c->ssl);
    client_push(c);
}

/* Until text can be sent, or the server would not have it. */
static inline void client_open(struct client *c, uv_loop_t *loop, int port, SSL_CTX *ctx)
{
    client_connect(c, loop, port, ctx);
    while (c->ssl && !SSL_is_init_finished(c->ssl) && !client_is_over(c))
        client_turn(c, UV_RUN_ONCE);
}

static inline void client_send(struct client *c, struct str bytes)
{
    if (!c->ssl)
        buf_add(&c->due, bytes);
    else
        assert_int_equal(SSL_write(c->ssl, bytes.p, (int)bytes.n), (int)bytes.n);
    client_push(c);
}

static inline bool client_has(const struct client *c, const char *text)
{
    return str_find(buf_str(&c->text), str_of(text), 0) >= 0;
}

/* Runs the loop until the text has come, or no more can come. */
static inline void client_await(struct client *c, const char *text)
{
    client_pump(c);
    while (!client_has(c, text) && !client_is_over(c))
        client_turn(c, UV_RUN_ONCE);
}

/* ... until the connection is closed. */
static inline void client_await_end(struct client *c)
{
    while (!c->peer.eof)
        client_turn(c, UV_RUN_ONCE);
    client_pump(c);
}

static inline void client_close(struct client *c)
{
    peer_close(&c->peer);
    SSL_free(c->ssl);
    buf_free(&c->due);
    buf_free(&c->text);
}

#endif
