/* secure.c: see secure.h.
 *
 *   HANDSHAKE --done--> OPEN --secure_end--> ENDED
 *       |                 |
 *       +--- an alert, a broken record ----> FAILED
 *
 * A connection writes one thing at a time. Its text is encrypted piece by piece, the next one
 * when the last has left, so that a large answer is not held twice; in a buffer that all share,
 * unless the system does not take it at once. What TLS itself has to say
 * (handshakes, tickets, replies to key updates) flies in between; a peer that makes us say much
 * without reading it is cut off.
 *
 * Who speaks plain HTTP to a TLS port is told so in plain HTTP. */
#include "secure.h"
#include "arena.h"
#include "patience.h"

#include <stdlib.h>

enum {
    TEXT_BYTES = 16 << 10,   /* a record holds no more */
    PIECE_BYTES = 256 << 10, /* as channel.c's */
    DUE_BYTES = 64 << 10,    /* of TLS's own, while the peer does not read */
};

#define SECURE_STATES(X) X(HANDSHAKE) X(OPEN) X(ENDED) X(FAILED)
enum secure_state {
#define X(name) SECURE_##name,
    SECURE_STATES(X)
#undef X
};

struct secure {
    struct tls *tls;
    enum secure_state state;
    bool spoken_to;    /* the first byte was seen */
    struct str text;   /* lent, not encrypted yet */
    struct buf flying; /* ciphertext on its way */
};

struct secure *secure_new(struct tls_context *context)
{
    struct secure *s = mem_zero(sizeof *s);
    s->tls = tls_new_server(context);
    return s;
}

void secure_free(struct secure **s)
{
    if (!*s)
        return;
    tls_free(&(*s)->tls);
    buf_free(&(*s)->flying);
    free(*s);
    *s = NULL;
}

bool secure_is_open(const struct secure *s)
{
    return s->state != SECURE_HANDSHAKE;
}

size_t secure_unsent(const struct secure *s)
{
    return s->text.n;
}

/* Without waiting; less than all means that the connection is beyond help. */
static void send_now(struct connection *c)
{
    struct buf last = {0};
    if (c->writing)
        return;
    tls_take(c->secure->tls, &last);
    uv_buf_t b = uv_buf_init(last.p, (unsigned)last.n);
    if (last.n)
        uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    buf_free(&last);
}

/* The alert tells the peer why, if it can. */
static void fail(struct connection *c)
{
    c->server->counts.tls_failed++;
    c->secure->state = SECURE_FAILED;
    send_now(c);
    connection_drop(c);
}

/* ---- Writing -------------------------------------------------------------------------- */

bool secure_write_on(struct connection *c)
{
    struct secure *s = c->secure;
    struct buf *due = &c->server->cipher;
    struct str piece = str_cut(s->text, PIECE_BYTES);
    s->text = str_from(s->text, piece.n);
    buf_free(&s->flying);
    tls_take(s->tls, due);
    if (tls_write(s->tls, piece) != SL_OK) {
        buf_clear(due);
        fail(c);
        return true;
    }
    tls_take(s->tls, due);
    bool flies = due->n > 0;
    if (flies)
        connection_fly(c, buf_str(due));
    if (c->tcp.write_queue_size) {
        s->flying = *due; /* the system has not taken all of it */
        *due = (struct buf){0};
    }
    buf_clear(due);
    return flies;
}

void secure_write(struct connection *c, struct str text)
{
    c->secure->text = text;
    secure_write_on(c);
}

bool secure_end(struct connection *c)
{
    struct secure *s = c->secure;
    if (s->state != SECURE_OPEN)
        return false;
    s->state = SECURE_ENDED;
    tls_end(s->tls);
    return secure_write_on(c);
}

void secure_leave(struct connection *c)
{
    struct secure *s = c->secure;
    if (s->state != SECURE_OPEN || c->writing)
        return;
    s->state = SECURE_ENDED;
    tls_end(s->tls);
    send_now(c);
}

/* ---- Reading -------------------------------------------------------------------------- */

/* No record of TLS begins with a capital letter; every method of HTTP does. */
static bool is_http(struct str bytes)
{
    return bytes.n && bytes.p[0] >= 'A' && bytes.p[0] <= 'Z';
}

static void answer_in_the_clear(struct connection *c)
{
    c->server->counts.tls_failed++;
    secure_free(&c->secure);
    connection_refuse(c, 400, "this port speaks TLS: the URL should begin with https://");
}

static bool shake_hands(struct connection *c)
{
    struct secure *s = c->secure;
    bool done;
    if (tls_handshake(s->tls, &done) != SL_OK) {
        fail(c);
        return false;
    }
    if (done) {
        s->state = SECURE_OPEN;
        c->server->counts.tls_opened++;
        c->server->counts.tls_resumed += tls_resumed(s->tls);
        patience_watch(c);
    }
    return done;
}

/* Until there is no more; false if that was the end. */
static bool read_text(struct connection *c)
{
    char text[TEXT_BYTES];
    while (!c->closing) {
        size_t n;
        bool eof;
        if (tls_read(c->secure->tls, text, sizeof text, &n, &eof) != SL_OK)
            fail(c);
        else if (eof)
            connection_close(c);
        else if (n == 0)
            return true;
        else
            connection_take(c, (struct str){text, n});
    }
    return false;
}

void secure_read(struct connection *c, struct str bytes)
{
    struct secure *s = c->secure;
    if (!s->spoken_to && is_http(bytes)) {
        answer_in_the_clear(c);
        return;
    }
    s->spoken_to = true;
    tls_feed(s->tls, bytes);
    if (s->state == SECURE_HANDSHAKE && !shake_hands(c) && c->closing)
        return;
    if (s->state != SECURE_HANDSHAKE && !read_text(c))
        return;
    if (s->state > SECURE_OPEN)
        return; /* all is said */
    if (!c->writing)
        secure_write_on(c);
    else if (tls_due(s->tls) > DUE_BYTES)
        fail(c);
}
