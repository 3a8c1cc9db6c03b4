#include "check.h"
#include "server.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "both.h"

static void pipelined_requests_are_answered_in_turn(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p,
                STR("POST /a " HOST "content-length: 3\r\n\r\nabc"
                    "GET /204 " HOST "\r\n"
                    "HEAD /b " HOST "\r\n"
                    "POST /c " HOST "transfer-encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"));
    client_await(&p, "def");
    assert_int_equal(server_connections(w.server), 1);
    world_await(&w, "/c; end 3; complete");
    assert_string_equal(buf_cstr(&w.log),
                        "start /a; end 3; complete; start /204; complete; "
                        "start /b; end 0; complete; start /c; end 3; complete; ");
    assert_true(client_has(&p, "HTTP/1.1 200 OK\r\nx-kind: echo\r\ndate: "));
    assert_true(client_has(&p, "content-length: 3\r\n\r\nabcHTTP/1.1 204 No Content\r\ndate"));
    assert_true(client_has(&p, "GMT\r\n\r\nHTTP/1.1 200 OK\r\nx-kind"));
    assert_true(client_has(&p, "content-length: 0\r\n\r\nHTTP/1.1 200 OK"));
    assert_false(client_has(&p, "connection:"));
    client_close(&p);
    world_close(&w);
}

static void a_flood_of_requests_waits_for_its_turn(void **state)
{
    enum { FLOOD = 2000 };
    struct world w;
    struct client p;
    struct buf flood = {0};
    world_open(&w, both_config());
    both_open(&p, &w);
    buf_puts(&flood, "GET /hold " HOST "\r\n");
    for (int i = 0; i < FLOOD; i++)
        buf_printf(&flood, "GET /a " HOST "padding: %0100d\r\n\r\n", i);
    buf_puts(&flood, "GET /last " HOST "\r\n");
    client_send(&p, buf_str(&flood));
    for (bool answered = false; p.due.n || !answered;) {
        size_t before = p.due.n;
        client_turn(&p, UV_RUN_NOWAIT);
        /* once all is sent, or no more is taken */
        if (!answered && w.held && p.due.n == before) {
            server_answer(w.held, 200, NULL, 0, STR("held"));
            answered = true;
        }
    }
    world_await(&w, "start /last; end 0; complete; ");
    size_t ended = 0;
    for (ptrdiff_t at = 0; (at = str_find(buf_str(&w.log), STR("complete"), (size_t)at)) >= 0;
         at++)
        ended++;
    assert_int_equal(ended, FLOOD + 2);
    buf_free(&flood);
    client_close(&p);
    world_close(&w);
}

static void a_reader_that_stops_is_given_up(void **state)
{
    struct world w;
    struct client p;
    struct server_config config = both_config();
    config.idle_timeout_us = 20000;
    world_open(&w, config);
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    uv_poll_stop(p.peer.poll);
    struct buf big = {0};
    buf_reserve(&big, 32 << 20);
    memset(big.p, 'x', 32 << 20);
    server_answer(w.held, 200, NULL, 0, (struct str){big.p, 32 << 20});
    world_await(&w, "gone");
    buf_free(&big);
    client_close(&p);
    world_close(&w);
}

static size_t allocated(void)
{
    struct mallinfo2 m =
        mallinfo2(); /* zeros under a sanitizer: this test then shows nothing */
    return m.uordblks + m.hblkhd;
}

static void an_idle_connection_holds_little(void **state)
{
    enum { BIG = 4 << 20 };
    struct world w;
    struct client p;
    struct buf big = {0};
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0; ");
    size_t before = allocated();
    buf_reserve(&big, BIG);
    memset(big.p, 'x', BIG);
    server_answer(w.held, 200, NULL, 0, (struct str){big.p, BIG});
    buf_free(&big);
    while (p.text.n < BIG)
        client_turn(&p, UV_RUN_ONCE);
    world_await(&w, "complete; ");
    buf_free(&p.text);
    buf_free(&p.peer.got);
    assert_true(allocated() < before + BIG / 8);
    client_close(&p);
    world_close(&w);
}

static void an_answer_is_streamed_in_chunks(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_begin(w.held, 200, NULL, 0);
    assert_true(server_write(w.held, STR("data: 1\n\n")) > 0);
    client_await(&p, "data: 1");
    while (!w.drained)
        uv_run(&w.loop, UV_RUN_ONCE);
    server_write(w.held, STR("data: 2\n\n"));
    server_write(w.held, STR(""));
    server_finish(w.held);
    world_await(&w, "complete");
    client_await(&p, "0\r\n\r\n");
    assert_true(
        client_has(&p, "transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n"
                       "\r\n0\r\n\r\n"));
    client_close(&p);
    world_close(&w);
}

static void a_known_length_is_told(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\nHEAD /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_begin_sized(w.held, 200, NULL, 0, 9);
    server_write(w.held, STR("data: 1\n\n"));
    server_finish(w.held);
    world_await(&w, "complete; start /hold; end 0");
    server_begin_sized(w.held, 304, NULL, 0, 9);
    server_finish(w.held);
    world_await(&w, "complete; start /hold; end 0; complete");
    client_await(&p, "content-length: 9\r\n\r\ndata: 1\n\nHTTP/1.1 304 ");
    client_await(&p, "GMT\r\ncontent-length: 9\r\n\r\n");
    assert_false(client_has(&p, "chunked"));
    client_close(&p);
    world_close(&w);
}

static void an_old_client_is_streamed_to_until_the_end(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
    world_await(&w, "end 0");
    server_begin(w.held, 200, NULL, 0);
    server_write(w.held, STR("abc"));
    while (!w.drained)
        uv_run(&w.loop, UV_RUN_ONCE);
    server_finish(w.held);
    client_await_end(&p);
    assert_true(client_has(&p, "connection: close\r\n\r\nabc"));
    assert_false(client_has(&p, "chunked"));
    assert_string_equal(buf_cstr(&w.log), "start /hold; end 0; complete; ");
    client_close(&p);
    world_close(&w);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    client_close(&p);
    world_await(&w, "gone");
    assert_null(w.held);
    while (server_connections(w.server))
        uv_run(&w.loop, UV_RUN_ONCE);
    world_close(&w);
}

static void who_leaves_with_the_answer_has_had_it(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0; ");
    server_answer(w.held, 200, NULL, 0, STR("held"));
    client_close(&p); /* in the same turn of the loop, before the server is told that it left */
    world_await(&w, "complete; ");
    while (server_connections(w.server))
        uv_run(&w.loop, UV_RUN_ONCE);
    world_close(&w);
}

static void a_slow_reader_shows_as_waiting_bytes(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    uv_poll_stop(p.peer.poll);
    server_begin(w.held, 200, NULL, 0);
    struct buf big = {0};
    buf_reserve(&big, 1 << 20);
    memset(big.p, 'x', 1 << 20);
    big.n = 1 << 20;
    size_t sent = 0;
    /* the system's buffers fill; then everything more waits here */
    for (size_t waiting = 0; waiting < 3 << 20; sent++) {
        waiting = server_write(w.held, buf_str(&big));
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(uv_poll_start(p.peer.poll, UV_READABLE, peer_on_readable), 0);
    server_finish(w.held);
    client_await(&p, "\r\n0\r\n\r\n");
    assert_true(p.text.n > sent << 20);
    world_await(&w, "complete");
    buf_free(&big);
    client_close(&p);
    world_close(&w);
}

/* Wherever they wait: not encrypted yet, on their way, or behind those. */
static void all_unsent_bytes_count_as_waiting(void **state)
{
    enum { BIG = 32 << 20 };
    struct world w;
    struct client p;
    struct buf big = {0};
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0; ");
    uv_poll_stop(p.peer.poll);
    buf_reserve(&big, BIG);
    memset(big.p, 'x', BIG);
    server_begin(w.held, 200, NULL, 0);
    while (!w.drained)
        uv_run(&w.loop, UV_RUN_ONCE);
    /* the system takes no more than a few MB */
    assert_true(server_write(w.held, (struct str){big.p, BIG}) > BIG / 2);
    assert_true(server_write(w.held, (struct str){big.p, BIG}) > BIG / 2 + BIG);
    buf_free(&big);
    client_close(&p);
    world_close(&w);
}

static void hostile_requests_are_refused_and_closed(void **state)
{
    static const struct {
        const char *text;
        const char *status;
        const char *log;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", " 400 ", ""},
        {"BREW / " HOST "\r\n", " 501 ", ""},
        {"POST /a " HOST "content-length: 101\r\n\r\n", " 413 ", ""},
        {"POST /a " HOST "transfer-encoding: chunked\r\n\r\nz", " 400 ", "start /a; gone; "},
        {"POST /early " HOST "content-length: 9\r\n\r\n", " 401 ", "start /early; complete; "},
        {"GET /inject " HOST "\r\n", " 500 ", "start /inject; complete; "},
        {"GET /a HTTP/1.0\r\n\r\n", " 200 ", "start /a; end 0; complete; "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct client p;
        struct server_config config = both_config();
        config.body_max = 100;
        world_open(&w, config);
        both_open(&p, &w);
        client_send(&p, str_of(rows[i].text));
        if (str_eq(str_of(rows[i].status), STR(" 500 "))) {
            client_await(&p, "\r\n\r\n");
            assert_false(client_has(&p, "b: c"));
        } else {
            client_await_end(&p);
            assert_true(client_has(&p, "connection: close\r\n"));
        }
        assert_true(client_has(&p, rows[i].status));
        if (rows[i].log[0])
            world_await(&w, rows[i].log);
        assert_string_equal(buf_cstr(&w.log), rows[i].log);
        client_close(&p);
        world_close(&w);
    }
}

static void a_chunked_body_is_bounded(void **state)
{
    struct world w;
    struct client p;
    struct server_config config = both_config();
    config.body_max = 5;
    world_open(&w, config);
    both_open(&p, &w);
    client_send(&p,
                STR("POST /a " HOST "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef"));
    client_await_end(&p);
    assert_true(client_has(&p, " 413 "));
    assert_string_equal(buf_cstr(&w.log), "start /a; gone; ");
    client_close(&p);
    world_close(&w);
}

/* The second answer flies while the first is told to have left, and its connection ends before
 * the next telling. */
static void a_connection_that_ends_while_others_are_told_is_told_nothing(void **state)
{
    struct world w;
    struct client p, q;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /a " HOST "\r\n"
                        "POST /early " HOST "transfer-encoding: chunked\r\n\r\nz"));
    world_await(&w, "start /a; end 0; complete; start /early; complete; ");
    both_open(&q, &w);
    client_send(&q, STR("GET /b " HOST "\r\n"));
    world_await(&w, "start /b; end 0; complete; ");
    assert_int_equal(server_connections(w.server), 1);
    client_close(&p);
    client_close(&q);
    world_close(&w);
}

static void slow_clients_are_given_up(void **state)
{
    static const struct {
        const char *text;
        const char *status;
    } rows[] = {
        {"GET / HT", " 408 "},
        {"POST /a " HOST "content-length: 9\r\n\r\nabc", " 408 "},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct client p;
        struct server_config config = both_config();
        config.idle_timeout_us = config.head_timeout_us = 1000;
        world_open(&w, config);
        both_open(&p, &w);
        client_send(&p, str_of(rows[i].text));
        client_await_end(&p);
        /* an idle client is not told; and the machine may be so slow that none is */
        assert_true(p.text.n == 0 || (rows[i].status && client_has(&p, rows[i].status)));
        client_close(&p);
        world_close(&w);
    }
}

static void a_client_that_asks_before_its_body_is_told(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("POST /a " HOST "expect: 100-continue\r\ncontent-length: 2\r\n\r\n"));
    client_await(&p, "100 Continue\r\n\r\n");
    client_send(&p, STR("hi"));
    client_await(&p, "\r\n\r\nhi");
    assert_true(client_has(&p, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    client_close(&p);
    world_close(&w);
}

static void a_reset_is_a_reset_and_reported_later(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /reset " HOST "\r\n"));
    client_await_end(&p);
    assert_true(p.peer.reset);
    world_await(&w, "gone");
    assert_string_equal(buf_cstr(&w.log), "start /reset; gone; ");
    client_close(&p);
    world_close(&w);
}

static void draining_lets_answers_finish(void **state)
{
    struct world w;
    struct client idle, busy;
    world_open(&w, both_config());
    both_open(&idle, &w);
    both_open(&busy, &w);
    client_send(&busy, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_drain(w.server);
    client_await_end(&idle);
    server_answer(w.held, 200, NULL, 0, STR("last"));
    client_await_end(&busy);
    assert_true(client_has(&busy, "connection: close\r\ncontent-length: 4\r\n\r\nlast"));
    assert_string_equal(buf_cstr(&w.log), "start /hold; end 0; complete; ");
    client_close(&idle);
    client_close(&busy);
    world_close(&w);
}

static void freeing_the_server_reports_what_was_open(void **state)
{
    struct world w;
    struct client p;
    world_open(&w, both_config());
    both_open(&p, &w);
    client_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_free(&w.server);
    assert_string_equal(buf_cstr(&w.log), "start /hold; end 0; gone; ");
    client_close(&p);
    world_close(&w);
}

/* By TLS an alert says it, which costs no handshake. */
static void was_turned_away(const struct client *c)
{
    assert_false(c->peer.reset);
    assert_int_equal(c->failed, both.tls);
    assert_int_equal(str_starts(buf_str(&c->peer.got), STR("\x15\x03\x03")), both.tls);
    assert_int_equal(client_has(c, "HTTP/1.1 503 "), !both.tls);
    assert_int_equal(client_has(c, "retry-after: 1\r\n"), !both.tls);
}

static void too_many_connections_are_turned_away(void **state)
{
    struct world w;
    struct client first, second;
    struct server_config config = both_config();
    config.connections_max = 1;
    world_open(&w, config);
    both_open(&first, &w);
    while (server_connections(w.server) == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    both_open(&second, &w);
    client_await_end(&second);
    was_turned_away(&second);
    assert_int_equal(server_counts(w.server)->turned_away, 1);
    client_send(&first, STR("GET /a " HOST "\r\n"));
    client_await(&first, " 200 ");
    assert_true(client_has(&first, " 200 "));
    client_close(&first);
    client_close(&second);
    world_close(&w);
}

/* The highest descriptor in use. */
static int highest_fd(void)
{
    int highest = 0;
    for (int fd = 0; fd < 256; fd++)
        highest = fcntl(fd, F_GETFD) >= 0 ? fd : highest;
    return highest;
}

static void running_out_of_descriptors_is_survived(void **state)
{
    struct world w;
    struct client before, during, after;
    world_open(&w, both_config());
    both_open(&before, &w);
    while (server_connections(w.server) == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    client_connect(&during, &w.loop, server_port(w.server), both.tls ? both.clients : NULL);
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = (struct rlimit){(rlim_t)highest_fd() + 1, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (dup(w.loop.backend_fd) >= 0)
        ; /* the gaps below the limit fill; they stay so to the end of this test */
    client_await_end(&during);
    was_turned_away(&during);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    both_open(&after, &w);
    client_send(&after, STR("GET /a " HOST "\r\n"));
    client_await(&after, " 200 ");
    assert_true(client_has(&after, " 200 "));
    client_close(&before);
    client_close(&during);
    client_close(&after);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(pipelined_requests_are_answered_in_turn),
        BOTH(a_flood_of_requests_waits_for_its_turn),
        BOTH(a_reader_that_stops_is_given_up),
        BOTH(an_idle_connection_holds_little),
        BOTH(an_answer_is_streamed_in_chunks),
        BOTH(a_known_length_is_told),
        BOTH(an_old_client_is_streamed_to_until_the_end),
        BOTH(a_client_that_leaves_is_noticed),
        BOTH(who_leaves_with_the_answer_has_had_it),
        BOTH(a_slow_reader_shows_as_waiting_bytes),
        BOTH(all_unsent_bytes_count_as_waiting),
        BOTH(hostile_requests_are_refused_and_closed),
        BOTH(a_chunked_body_is_bounded),
        BOTH(a_connection_that_ends_while_others_are_told_is_told_nothing),
        BOTH(slow_clients_are_given_up),
        BOTH(a_client_that_asks_before_its_body_is_told),
        BOTH(a_reset_is_a_reset_and_reported_later),
        BOTH(draining_lets_answers_finish),
        BOTH(freeing_the_server_reports_what_was_open),
        BOTH(too_many_connections_are_turned_away),
        BOTH(running_out_of_descriptors_is_survived),
    };
    return cmocka_run_group_tests(tests, both_setup, both_teardown);
}
