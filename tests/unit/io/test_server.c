#include "check.h"
#include "server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "world.h"

static void pipelined_requests_are_answered_in_turn(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p,
              STR("POST /a " HOST "content-length: 3\r\n\r\nabc"
                  "GET /204 " HOST "\r\n"
                  "HEAD /b " HOST "\r\n"
                  "POST /c " HOST "transfer-encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n"));
    peer_await(&p, "def", 1);
    assert_int_equal(server_connections(w.server), 1);
    world_await(&w, "/c; end 3; complete");
    assert_string_equal(buf_cstr(&w.log),
                        "start /a; end 3; complete; start /204; complete; "
                        "start /b; end 0; complete; start /c; end 3; complete; ");
    assert_true(peer_has(&p, "HTTP/1.1 200 OK\r\nx-kind: echo\r\ndate: "));
    assert_true(peer_has(&p, "content-length: 3\r\n\r\nabcHTTP/1.1 204 No Content\r\ndate"));
    assert_true(peer_has(&p, "GMT\r\n\r\nHTTP/1.1 200 OK\r\nx-kind"));
    assert_true(peer_has(&p, "content-length: 0\r\n\r\nHTTP/1.1 200 OK"));
    assert_false(peer_has(&p, "connection:"));
    peer_close(&p);
    world_close(&w);
}

static void a_flood_of_requests_waits_for_its_turn(void **state)
{
    enum { FLOOD = 2000 };
    struct world w;
    struct peer p;
    struct buf flood = {0};
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    buf_puts(&flood, "GET /hold " HOST "\r\n");
    for (int i = 0; i < FLOOD; i++)
        buf_printf(&flood, "GET /a " HOST "padding: %0100d\r\n\r\n", i);
    buf_puts(&flood, "GET /last " HOST "\r\n");
    struct str rest = buf_str(&flood);
    bool answered = false;
    while (rest.n || !answered) {
        ssize_t n = send(p.fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        rest = str_from(rest, n > 0 ? (size_t)n : 0);
        uv_run(&w.loop, UV_RUN_NOWAIT);
        /* once all is sent, or no more is taken */
        if (!answered && w.held && (n < 0 || rest.n == 0)) {
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
    peer_close(&p);
    world_close(&w);
}

static void a_reader_that_stops_is_given_up(void **state)
{
    struct world w;
    struct peer p;
    struct server_config config = server_defaults();
    config.idle_timeout_us = 20000;
    world_open(&w, config);
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    uv_poll_stop(p.poll);
    struct buf big = {0};
    buf_reserve(&big, 32 << 20);
    memset(big.p, 'x', 32 << 20);
    server_answer(w.held, 200, NULL, 0, (struct str){big.p, 32 << 20});
    world_await(&w, "gone");
    buf_free(&big);
    peer_close(&p);
    world_close(&w);
}

static void an_answer_is_streamed_in_chunks(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_begin(w.held, 200, NULL, 0);
    assert_true(server_write(w.held, STR("data: 1\n\n")) > 0);
    peer_await(&p, "data: 1", 1);
    while (!w.drained)
        uv_run(&w.loop, UV_RUN_ONCE);
    server_write(w.held, STR("data: 2\n\n"));
    server_write(w.held, STR(""));
    server_finish(w.held);
    world_await(&w, "complete");
    peer_await(&p, "0\r\n\r\n", 1);
    assert_true(
        peer_has(&p, "transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n"
                     "\r\n0\r\n\r\n"));
    peer_close(&p);
    world_close(&w);
}

static void an_old_client_is_streamed_to_until_the_end(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /hold HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"));
    world_await(&w, "end 0");
    server_begin(w.held, 200, NULL, 0);
    server_write(w.held, STR("abc"));
    while (!w.drained)
        uv_run(&w.loop, UV_RUN_ONCE);
    server_finish(w.held);
    peer_await_eof(&p);
    assert_true(peer_has(&p, "connection: close\r\n\r\nabc"));
    assert_false(peer_has(&p, "chunked"));
    assert_string_equal(buf_cstr(&w.log), "start /hold; end 0; complete; ");
    peer_close(&p);
    world_close(&w);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    peer_close(&p);
    world_await(&w, "gone");
    assert_null(w.held);
    while (server_connections(w.server))
        uv_run(&w.loop, UV_RUN_ONCE);
    world_close(&w);
}

static void a_slow_reader_shows_as_waiting_bytes(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    uv_poll_stop(p.poll);
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
    assert_int_equal(uv_poll_start(p.poll, UV_READABLE, peer_on_readable), 0);
    server_finish(w.held);
    peer_await(&p, "\r\n0\r\n\r\n", 1);
    assert_true(p.got.n > sent << 20);
    world_await(&w, "complete");
    buf_free(&big);
    peer_close(&p);
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
        struct peer p;
        struct server_config config = server_defaults();
        config.body_max = 100;
        world_open(&w, config);
        peer_connect(&p, &w.loop, server_port(w.server));
        peer_send(&p, str_of(rows[i].text));
        if (str_eq(str_of(rows[i].status), STR(" 500 "))) {
            peer_await(&p, "\r\n\r\n", 1);
            assert_false(peer_has(&p, "b: c"));
        } else {
            peer_await_eof(&p);
            assert_true(peer_has(&p, "connection: close\r\n"));
        }
        assert_true(peer_has(&p, rows[i].status));
        if (rows[i].log[0])
            world_await(&w, rows[i].log);
        assert_string_equal(buf_cstr(&w.log), rows[i].log);
        peer_close(&p);
        world_close(&w);
    }
}

static void a_chunked_body_is_bounded(void **state)
{
    struct world w;
    struct peer p;
    struct server_config config = server_defaults();
    config.body_max = 5;
    world_open(&w, config);
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p,
              STR("POST /a " HOST "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef"));
    peer_await_eof(&p);
    assert_true(peer_has(&p, " 413 "));
    assert_string_equal(buf_cstr(&w.log), "start /a; gone; ");
    peer_close(&p);
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
        struct peer p;
        struct server_config config = server_defaults();
        config.idle_timeout_us = config.head_timeout_us = 1000;
        world_open(&w, config);
        peer_connect(&p, &w.loop, server_port(w.server));
        peer_send(&p, str_of(rows[i].text));
        peer_await_eof(&p);
        /* an idle client is not told; and the machine may be so slow that none is */
        assert_true(p.got.n == 0 || (rows[i].status && peer_has(&p, rows[i].status)));
        peer_close(&p);
        world_close(&w);
    }
}

static void a_client_that_asks_before_its_body_is_told(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("POST /a " HOST "expect: 100-continue\r\ncontent-length: 2\r\n\r\n"));
    peer_await(&p, "100 Continue\r\n\r\n", 1);
    peer_send(&p, STR("hi"));
    peer_await(&p, "\r\n\r\nhi", 1);
    assert_true(peer_has(&p, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    peer_close(&p);
    world_close(&w);
}

static void a_reset_is_a_reset_and_reported_later(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /reset " HOST "\r\n"));
    peer_await_eof(&p);
    assert_true(p.reset);
    world_await(&w, "gone");
    assert_string_equal(buf_cstr(&w.log), "start /reset; gone; ");
    peer_close(&p);
    world_close(&w);
}

static void draining_lets_answers_finish(void **state)
{
    struct world w;
    struct peer idle, busy;
    world_open(&w, server_defaults());
    peer_connect(&idle, &w.loop, server_port(w.server));
    peer_connect(&busy, &w.loop, server_port(w.server));
    peer_send(&busy, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_drain(w.server);
    peer_await_eof(&idle);
    server_answer(w.held, 200, NULL, 0, STR("last"));
    peer_await_eof(&busy);
    assert_true(peer_has(&busy, "connection: close\r\ncontent-length: 4\r\n\r\nlast"));
    assert_string_equal(buf_cstr(&w.log), "start /hold; end 0; complete; ");
    peer_close(&idle);
    peer_close(&busy);
    world_close(&w);
}

static void freeing_the_server_reports_what_was_open(void **state)
{
    struct world w;
    struct peer p;
    world_open(&w, server_defaults());
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("GET /hold " HOST "\r\n"));
    world_await(&w, "end 0");
    server_free(&w.server);
    assert_string_equal(buf_cstr(&w.log), "start /hold; end 0; gone; ");
    peer_close(&p);
    world_close(&w);
}

static void too_many_connections_are_turned_away(void **state)
{
    struct world w;
    struct peer first, second;
    struct server_config config = server_defaults();
    config.connections_max = 1;
    world_open(&w, config);
    peer_connect(&first, &w.loop, server_port(w.server));
    while (server_connections(w.server) == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    peer_connect(&second, &w.loop, server_port(w.server));
    peer_await_eof(&second);
    assert_true(peer_has(&second, " 503 "));
    peer_send(&first, STR("GET /a " HOST "\r\n"));
    peer_await(&first, " 200 ", 1);
    assert_true(peer_has(&first, " 200 "));
    peer_close(&first);
    peer_close(&second);
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
    struct peer before, during, after;
    world_open(&w, server_defaults());
    peer_connect(&before, &w.loop, server_port(w.server));
    while (server_connections(w.server) == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    peer_connect(&during, &w.loop, server_port(w.server));
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = (struct rlimit){(rlim_t)highest_fd() + 1, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    while (dup(w.loop.backend_fd) >= 0)
        ; /* the gaps below the limit fill; they stay so to the end of this test */
    peer_await_eof(&during);
    assert_true(peer_has(&during, " 503 "));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    peer_connect(&after, &w.loop, server_port(w.server));
    peer_send(&after, STR("GET /a " HOST "\r\n"));
    peer_await(&after, " 200 ", 1);
    assert_true(peer_has(&after, " 200 "));
    peer_close(&before);
    peer_close(&during);
    peer_close(&after);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_requests_are_answered_in_turn),
        cmocka_unit_test(a_flood_of_requests_waits_for_its_turn),
        cmocka_unit_test(a_reader_that_stops_is_given_up),
        cmocka_unit_test(an_answer_is_streamed_in_chunks),
        cmocka_unit_test(an_old_client_is_streamed_to_until_the_end),
        cmocka_unit_test(a_client_that_leaves_is_noticed),
        cmocka_unit_test(a_slow_reader_shows_as_waiting_bytes),
        cmocka_unit_test(hostile_requests_are_refused_and_closed),
        cmocka_unit_test(a_chunked_body_is_bounded),
        cmocka_unit_test(slow_clients_are_given_up),
        cmocka_unit_test(a_client_that_asks_before_its_body_is_told),
        cmocka_unit_test(a_reset_is_a_reset_and_reported_later),
        cmocka_unit_test(draining_lets_answers_finish),
        cmocka_unit_test(freeing_the_server_reports_what_was_open),
        cmocka_unit_test(too_many_connections_are_turned_away),
        cmocka_unit_test(running_out_of_descriptors_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
