/* Requests whose bodies are streams: pieces as their source has them, known length or chunks.
 */
#include "check.h"
#include "upstream.h"

#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

struct upload {
    struct call *call;
    struct str pieces[4]; /* p == NULL: none yet; empty: the end */
    size_t next;
    int asked, sent, status;
    bool done;
    enum sl_err err;
    uv_loop_t loop;
    int listener;
    struct upstream *upstream;
};

static struct str on_more(void *ctx)
{
    struct upload *u = ctx;
    u->asked++;
    struct str piece = u->pieces[u->next];
    u->next += piece.p != NULL;
    return piece;
}

static void on_sent(void *ctx)
{
    struct upload *u = ctx;
    u->sent++;
}

static void on_head(void *ctx, const struct message *m)
{
    struct upload *u = ctx;
    u->status = m->status;
}

static void on_body(void *ctx, struct str bytes)
{
    (void)bytes; /* what it answers is not the point */
}

static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct upload *u = ctx;
    u->done = true;
    u->err = err;
}

static void open_upload(struct upload *u)
{
    int port;
    char url[64];
    struct upstream_config c = upstream_defaults();
    struct diag d;
    memset(u, 0, sizeof *u);
    assert_int_equal(uv_loop_init(&u->loop), 0);
    u->listener = peer_listen(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    c.base_url = url;
    assert_int_equal(upstream_new(&u->loop, &c, &u->upstream, &d), SL_OK);
}

static void begin(struct upload *u, int64_t length)
{
    struct call_request r = {
        .method = "POST", .path = STR("/v1/files"), .streams = true, .length = length};
    u->done = false;
    u->sent = u->asked = u->status = 0;
    u->next = 0;
    u->call = upstream_call(
        u->upstream, &r, (struct call_handler){on_sent, on_head, on_body, on_done, u, on_more});
}

static void close_upload(struct upload *u)
{
    upstream_free(&u->upstream);
    uv_run(&u->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&u->loop), 0);
    close(u->listener);
}

static void await_done(struct upload *u)
{
    while (!u->done)
        uv_run(&u->loop, UV_RUN_ONCE);
}

#define ANSWER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static void a_known_length_goes_piece_by_piece(void **state)
{
    struct upload u;
    struct peer p;
    open_upload(&u);
    u.pieces[0] = STR("hello ");
    begin(&u, 11);
    peer_accept(&p, &u.loop, u.listener);
    peer_await(&p, "hello ", 1);
    assert_true(peer_has(&p, "content-length: 11\r\n"));
    assert_int_equal(0, u.sent); /* its source has nothing more for now */
    int asked = u.asked;
    uv_run(&u.loop, UV_RUN_NOWAIT);
    assert_int_equal(asked, u.asked); /* and is not asked all the time */
    u.pieces[1] = STR("world");
    u.pieces[2] = STR("");
    call_more(u.call);
    peer_await(&p, "hello world", 1);
    assert_int_equal(1, u.sent);
    peer_send(&p, STR(ANSWER));
    await_done(&u);
    assert_int_equal(SL_OK, u.err);
    assert_int_equal(1, upstream_connections(u.upstream)); /* kept for the next */
    peer_close(&p);
    close_upload(&u);
}

static void an_unknown_length_goes_in_chunks(void **state)
{
    struct upload u;
    struct peer p;
    open_upload(&u);
    u.pieces[0] = STR("hello ");
    u.pieces[1] = STR("world, sixteen b");
    u.pieces[2] = STR("");
    begin(&u, -1);
    peer_accept(&p, &u.loop, u.listener);
    peer_await(&p, "0\r\n\r\n", 1);
    assert_true(peer_has(&p, "transfer-encoding: chunked\r\n"));
    assert_false(peer_has(&p, "content-length"));
    assert_true(peer_has(&p, "\r\n\r\n6\r\nhello \r\n10\r\nworld, sixteen b\r\n0\r\n\r\n"));
    peer_send(&p, STR(ANSWER));
    await_done(&u);
    assert_int_equal(SL_OK, u.err);
    peer_close(&p);
    close_upload(&u);
}

static void an_empty_one_is_one_too(void **state)
{
    struct upload u;
    struct peer p;
    open_upload(&u);
    u.pieces[0] = STR("");
    begin(&u, -1);
    peer_accept(&p, &u.loop, u.listener);
    peer_await(&p, "\r\n\r\n0\r\n\r\n", 1);
    peer_send(&p, STR(ANSWER));
    await_done(&u);
    assert_int_equal(SL_OK, u.err);
    peer_close(&p);
    close_upload(&u);
}

/* The provider refuses before it has seen it all; the rest is not sent, and the connection, in
 * the middle of a request, is of no more use. */
static void an_early_answer_ends_it(void **state)
{
    struct upload u;
    struct peer p;
    open_upload(&u);
    u.pieces[0] = STR("part");
    begin(&u, 1000);
    peer_accept(&p, &u.loop, u.listener);
    peer_await(&p, "part", 1);
    peer_send(&p, STR("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n"));
    await_done(&u);
    assert_int_equal(413, u.status);
    assert_int_equal(SL_OK, u.err);
    assert_int_equal(0, u.sent);
    peer_await_eof(&p);
    peer_close(&p);
    close_upload(&u);
}

/* What was taken from its source cannot be taken again: a connection that dies under it ends
 * it, where another request would be sent once more. */
static void a_stream_is_never_sent_again(void **state)
{
    struct upload u;
    struct peer p;
    open_upload(&u);
    u.pieces[0] = STR("");
    begin(&u, 0);
    peer_accept(&p, &u.loop, u.listener);
    peer_await(&p, "\r\n\r\n", 1);
    peer_send(&p, STR(ANSWER));
    await_done(&u);
    u.pieces[0] = STR("part");
    u.pieces[1] = (struct str){0};
    begin(&u, 1000);
    peer_await(&p, "part", 1);
    peer_close(&p);
    await_done(&u);
    assert_int_equal(SL_CLOSED, u.err);
    close_upload(&u);
}

/* Far more than a socket holds: it is taken at the peer's pace, never gathered. */
static void a_large_one_is_taken_as_the_peer_takes_it(void **state)
{
    enum { PIECE = 1 << 20, PIECES = 64 };
    static char bytes[PIECE];
    struct upload u;
    struct peer p;
    open_upload(&u);
    memset(bytes, 'x', sizeof bytes);
    u.pieces[0] = (struct str){bytes, PIECE};
    begin(&u, (int64_t)PIECE * PIECES);
    peer_accept(&p, &u.loop, u.listener);
    for (int given = 1; given <= PIECES;) {
        uv_run(&u.loop, UV_RUN_ONCE);
        assert_true(p.got.n <= (size_t)given * PIECE + 1000);
        if (u.next == 0)
            continue;
        u.next = 0;
        u.pieces[0] = ++given <= PIECES ? (struct str){bytes, PIECE} : STR("");
        call_more(u.call);
    }
    while (!u.sent || p.got.n < (size_t)PIECE * PIECES)
        uv_run(&u.loop, UV_RUN_ONCE);
    assert_int_equal(1, u.sent);
    peer_send(&p, STR(ANSWER));
    await_done(&u);
    assert_int_equal(SL_OK, u.err);
    peer_close(&p);
    close_upload(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_length_goes_piece_by_piece),
        cmocka_unit_test(an_unknown_length_goes_in_chunks),
        cmocka_unit_test(an_empty_one_is_one_too),
        cmocka_unit_test(an_early_answer_ends_it),
        cmocka_unit_test(a_stream_is_never_sent_again),
        cmocka_unit_test(a_large_one_is_taken_as_the_peer_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
