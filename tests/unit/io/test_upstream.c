#include "check.h"
#include "server.h"
#include "upstream.h"

#include <stdio.h>
#include <stdlib.h>

#include "peer.h"
#include "probe.h"

/* An upstream and a raw listening socket for it: the test plays the provider. */
struct world {
    uv_loop_t loop;
    int listener;
    struct upstream *upstream;
    struct upstream_config config;
    char url[64];
};

static void world_listen(struct world *w)
{
    int port;
    *w = (struct world){.config = upstream_defaults()};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    w->listener = peer_listen(&port);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/v1/", port);
    w->config.base_url = w->url;
}

static void world_connect(struct world *w)
{
    struct diag d;
    assert_int_equal(upstream_new(&w->loop, &w->config, &w->upstream, &d), SL_OK);
}

static void world_close(struct world *w)
{
    upstream_free(&w->upstream);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    close(w->listener);
}

static void expect_log(struct probe *p, struct world *w, const char *log)
{
    probe_await(p, &w->loop);
    assert_string_equal(buf_cstr(&p->log), log);
    probe_free(p);
    *p = (struct probe){0};
}

#define ANSWER(body) "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" body

static void a_request_is_written_whole_and_its_answer_reported(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/chat?x=y", STR("{}"));
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "{}", 1);
    assert_string_equal(buf_cstr(&a.log), "sent; ");
    char wanted[400];
    snprintf(wanted, sizeof wanted,
             "POST /v1/chat?x=y HTTP/1.1\r\nhost: %.*s\r\nuser-agent: sluice/" SLUICE_VERSION
             "\r\naccept-encoding: identity\r\nauthorization: Bearer secret\r\n"
             "content-length: 2\r\n\r\n{}",
             (int)strlen(w.url) - (int)strlen("http:///v1/"), w.url + strlen("http://"));
    assert_string_equal(buf_cstr(&p.got), wanted);
    peer_send(&p, STR("HTTP/1.1 103 Hints\r\n\r\n" ANSWER("hi")));
    expect_log(&a, &w, "sent; 200; {hi}; done: no error");
    /* the same connection carries the next one */
    buf_clear(&p.got);
    probe_start(&a, w.upstream, "GET", "/models", STR(""));
    peer_await(&p, "\r\n\r\n", 1);
    assert_int_equal(str_find(buf_str(&p.got), STR("GET /v1/models HTTP/1.1\r\n"), 0), 0);
    assert_int_equal(str_find(buf_str(&p.got), STR("content-length"), 0), -1);
    peer_send(&p, STR(ANSWER("ho")));
    expect_log(&a, &w, "sent; 200; {ho}; done: no error");
    assert_int_equal(upstream_connections(w.upstream), 1);
    assert_true(upstream_rtt_us(w.upstream) >= 0);
    assert_true(upstream_rttvar_us(w.upstream) >= 0);
    peer_close(&p);
    world_close(&w);
}

/* An upstream so near that it has answered before the loop turns. */
static void an_answer_at_once_keeps_its_connection(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    world_connect(&w);
    upstream_warm(w.upstream, 1);
    peer_accept(&p, &w.loop, w.listener);
    for (int i = 0; i < 3; i++) {
        while (upstream_rtt_us(w.upstream) < 0) /* the first time: until it is ready */
            uv_run(&w.loop, UV_RUN_ONCE);
        probe_start(&a, w.upstream, "POST", "/a", STR("1"));
        assert_string_equal(buf_cstr(&a.log), "sent; ");
        peer_send(&p, STR(ANSWER("hi")));
        expect_log(&a, &w, "sent; 200; {hi}; done: no error");
        assert_int_equal(upstream_connections(w.upstream), 1);
    }
    peer_close(&p);
    world_close(&w);
}

/* A connection that carried one call and idles now. */
static void used_once(struct world *w, struct peer *p)
{
    struct probe a = {0};
    world_listen(w);
    world_connect(w);
    probe_start(&a, w->upstream, "POST", "/a", STR("1"));
    peer_accept(p, &w->loop, w->listener);
    peer_await(p, "\r\n\r\n1", 1);
    peer_send(p, STR(ANSWER("hi")));
    expect_log(&a, w, "sent; 200; {hi}; done: no error");
}

static void the_keep_alive_race_is_run_again_once(void **state)
{
    struct world w;
    struct peer p, q;
    struct probe a = {0};
    used_once(&w, &p);
    peer_close(&p); /* and the loop does not know yet */
    probe_start(&a, w.upstream, "POST", "/b", STR("2"));
    peer_accept(&q, &w.loop, w.listener);
    peer_await(&q, "\r\n\r\n2", 1);
    assert_false(a.done);
    /* a fresh connection that dies is not tried again */
    peer_close(&q);
    expect_log(&a, &w, "sent; sent; done: closed by the peer");
    world_close(&w);
}

static void what_may_have_been_read_goes_again_only_if_it_changes_nothing(void **state)
{
    struct world w;
    struct peer p, q;
    struct probe a = {0};
    used_once(&w, &p);
    probe_start(&a, w.upstream, "GET", "/b", STR("2"));
    peer_await(&p, "\r\n\r\n2", 1);
    peer_close(&p);
    peer_accept(&q, &w.loop, w.listener);
    peer_await(&q, "\r\n\r\n2", 1);
    peer_send(&q, STR(ANSWER("hi")));
    expect_log(&a, &w, "sent; sent; 200; {hi}; done: no error");
    buf_clear(&q.got);
    probe_start(&a, w.upstream, "POST", "/b", STR("3"));
    peer_await(&q, "\r\n\r\n3", 1);
    peer_close(&q);
    expect_log(&a, &w, "sent; done: closed by the peer");
    world_close(&w);
}

static void an_idle_connection_that_dies_is_not_used(void **state)
{
    struct world w;
    struct peer p, q;
    struct probe a = {0};
    world_listen(&w);
    world_connect(&w);
    upstream_warm(w.upstream, 1);
    upstream_warm(w.upstream, 1);
    assert_int_equal(upstream_connections(w.upstream), 1);
    peer_accept(&p, &w.loop, w.listener);
    peer_send(&p, STR("HTTP/1.1 408 Request Timeout\r\n\r\n"));
    peer_await_eof(&p);
    assert_int_equal(upstream_connections(w.upstream), 0);
    assert_int_equal(upstream_rtt_us(w.upstream), -1);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    peer_accept(&q, &w.loop, w.listener);
    peer_await(&q, "\r\n\r\n1", 1);
    peer_send(&q, STR(ANSWER("hi")));
    expect_log(&a, &w, "sent; 200; {hi}; done: no error");
    peer_close(&p);
    peer_close(&q);
    world_close(&w);
}

static void answers_that_are_wrong_or_cut_short_are_errors(void **state)
{
    static const struct {
        const char *answer;
        bool close;
        const char *log;
    } rows[] = {
        {"", true, "sent; done: closed by the peer"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi", true,
         "sent; 200; {hi}; done: closed by the peer"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n", true,
         "sent; 200; {hi}; done: closed by the peer"},
        {"HTTP/1.1 200 OK\r\n\r\nhi", true, "sent; 200; {hi}; done: no error"},
        {"HTTP/1.1 100 Continue\r\n\r\n", true, "sent; done: closed by the peer"},
        {"SSH-2.0-OpenSSH\r\n\r\n", false, "sent; done: malformed input"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", false,
         "sent; done: malformed input"},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, "sent; 204; done: no error"},
        {ANSWER("hi") "HTTP/1.1 200 OK\r\n\r\n", false, "sent; 200; {hi}; done: no error"},
        {"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi", false,
         "sent; 200; {hi}; done: no error"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct peer p;
        struct probe a = {0};
        world_listen(&w);
        world_connect(&w);
        probe_start(&a, w.upstream, "POST", "/a", STR("1"));
        peer_accept(&p, &w.loop, w.listener);
        peer_await(&p, "\r\n\r\n1", 1);
        peer_send(&p, str_of(rows[i].answer));
        if (rows[i].close)
            peer_close(&p);
        expect_log(&a, &w, rows[i].log);
        assert_int_equal(upstream_connections(w.upstream), i == 7);
        if (!rows[i].close)
            peer_close(&p);
        world_close(&w);
    }
}

static void what_cannot_be_reached_is_an_error_of_its_own(void **state)
{
    struct world w;
    struct probe a = {0};
    world_listen(&w);
    close(w.listener);
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    probe_await(&a, &w.loop);
    assert_string_equal(buf_cstr(&a.why), "connection refused");
    expect_log(&a, &w, "done: connection refused or unreachable");
    world_close(&w);

    world_listen(&w);
    w.config.base_url = "http://no..such.name/";
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    expect_log(&a, &w, "done: host name not resolved");
    world_close(&w);
}

static void a_peer_that_does_not_take_connections_times_out(void **state)
{
    struct world w;
    struct probe a = {0};
    struct peer filler;
    world_listen(&w);
    /* a full queue: further connections are neither taken nor refused */
    assert_int_equal(listen(w.listener, 0), 0);
    int port = atoi(strrchr(w.url, ':') + 1);
    peer_connect(&filler, &w.loop, port);
    w.config.connect_timeout_us = 20000;
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    probe_await(&a, &w.loop);
    assert_string_equal(buf_cstr(&a.why), "connecting timed out");
    expect_log(&a, &w, "done: connection refused or unreachable");
    peer_close(&filler);
    world_close(&w);
}

static void every_address_of_a_name_is_tried(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    /* "localhost" is ::1 first where there is IPv6; only 127.0.0.1 listens */
    snprintf(w.url, sizeof w.url, "http://localhost:%d", atoi(strrchr(w.url, ':') + 1));
    world_connect(&w);
    for (int i = 0; i < 2; i++) { /* the second time the addresses are known */
        probe_start(&a, w.upstream, "POST", "/a", STR("1"));
        peer_accept(&p, &w.loop, w.listener);
        peer_await(&p, "\r\n\r\n1", 1);
        peer_send(&p, STR("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi"));
        peer_close(&p);
        expect_log(&a, &w, "sent; 200; {hi}; done: no error");
    }
    world_close(&w);
}

static void ipv6_is_spoken(void **state)
{
    uv_loop_t loop;
    struct server *s = NULL;
    struct upstream *u = NULL;
    struct diag d;
    char url[64];
    struct server_config sc = server_defaults();
    struct upstream_config uc = upstream_defaults();
    sc.listen = "[::1]:0";
    uv_loop_init(&loop);
    if (server_new(&loop, &sc, (struct server_handler){0}, &s, &d) != SL_OK) {
        uv_loop_close(&loop);
        print_message("# skipped: no IPv6 here\n");
        skip();
    }
    snprintf(url, sizeof url, "http://[::1]:%d", server_port(s));
    uc.base_url = url;
    assert_int_equal(upstream_new(&loop, &uc, &u, &d), SL_OK);
    upstream_warm(u, 1);
    while (server_connections(s) == 0)
        uv_run(&loop, UV_RUN_ONCE);
    upstream_free(&u);
    server_free(&s);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void headers_that_would_break_out_are_not_sent(void **state)
{
    struct world w;
    struct probe a = {0};
    world_listen(&w);
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a HTTP/1.1\r\nx: y", STR("1"));
    expect_log(&a, &w, "done: malformed input");
    assert_int_equal(upstream_connections(w.upstream), 0);
    world_close(&w);
}

static void silence_is_a_timeout(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    w.config.first_byte_timeout_us = 1000;
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    peer_accept(&p, &w.loop, w.listener);
    probe_await(&a, &w.loop);
    assert_non_null(strstr(buf_cstr(&a.why), "first-byte"));
    expect_log(&a, &w, "sent; done: timed out");
    peer_close(&p);
    world_close(&w);

    world_listen(&w);
    w.config.idle_timeout_us = 50000; /* it also bounds sending */
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "\r\n\r\n1", 1);
    peer_send(&p, STR("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh"));
    expect_log(&a, &w, "sent; 200; {h}; done: timed out");
    peer_close(&p);
    world_close(&w);
}

static void a_pause_does_not_forget_what_is_waited_for(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    w.config.first_byte_timeout_us = 20000;
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    call_pause(a.call); /* while it still waits for a connection */
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "\r\n\r\n1", 1);
    call_resume(a.call);
    probe_await(&a, &w.loop);
    assert_non_null(strstr(buf_cstr(&a.why), "first-byte"));
    expect_log(&a, &w, "sent; done: timed out");
    peer_close(&p);
    world_close(&w);
}

static void calls_share_the_connections_there_may_be(void **state)
{
    struct world w;
    struct peer p;
    struct probe a[3] = {0};
    world_listen(&w);
    w.config.connections_max = 1;
    world_connect(&w);
    for (size_t i = 0; i < 3; i++)
        probe_start(&a[i], w.upstream, "POST", "/a", STR("1"));
    call_cancel(&a[1].call);
    assert_null(a[1].call);
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "\r\n\r\n1", 1);
    peer_send(&p, STR("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi"));
    expect_log(&a[0], &w, "sent; 200; {hi}; done: no error");
    peer_close(&p);
    /* the connection was given up: the waiting call gets another one */
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "\r\n\r\n1", 1);
    peer_send(&p, STR(ANSWER("ho")));
    expect_log(&a[2], &w, "sent; 200; {ho}; done: no error");
    assert_int_equal(a[1].log.n, 0);
    peer_close(&p);
    world_close(&w);
}

static void a_paused_call_reports_nothing_until_it_goes_on(void **state)
{
    static const char *answers[] = {ANSWER("hi"), "HTTP/1.1 200 OK\r\n\r\nhi",
                                    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"};
    static const char *logs[] = {"sent; 200; {hi}; done: no error",
                                 "sent; 200; {hi}; done: no error",
                                 "sent; 200; {hi}; done: closed by the peer"};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct peer p, q;
        struct probe a = {.pause_in_head = true}, b = {0};
        world_listen(&w);
        world_connect(&w);
        probe_start(&a, w.upstream, "POST", "/a", STR("1"));
        peer_accept(&p, &w.loop, w.listener);
        peer_await(&p, "\r\n\r\n1", 1);
        peer_send(&p, str_of(answers[i]));
        shutdown(p.fd, SHUT_WR);
        while (str_find(buf_str(&a.log), STR("200"), 0) < 0)
            uv_run(&w.loop, UV_RUN_ONCE);
        /* another call from end to end: the loop had its chance to report */
        probe_start(&b, w.upstream, "POST", "/b", STR("2"));
        peer_accept(&q, &w.loop, w.listener);
        peer_await(&q, "\r\n\r\n2", 1);
        peer_send(&q, STR(ANSWER("ho")));
        expect_log(&b, &w, "sent; 200; {ho}; done: no error");
        assert_string_equal(buf_cstr(&a.log), "sent; 200; ");
        assert_int_equal(a.body.n, 0);
        call_resume(a.call);
        assert_int_equal(a.body.n, 0);
        expect_log(&a, &w, logs[i]);
        peer_close(&p);
        peer_close(&q);
        world_close(&w);
    }
}

static void a_report_may_end_the_call_or_the_upstream(void **state)
{
    for (int all = 0; all <= 1; all++) {
        struct world w;
        struct peer p;
        struct probe a = {0}, b = {0};
        world_listen(&w);
        w.config.connections_max = 1;
        world_connect(&w);
        a.cancel_in_head = !all;
        a.free_in_head = all ? &w.upstream : NULL;
        probe_start(&a, w.upstream, "POST", "/a", STR("1"));
        probe_start(&b, w.upstream, "POST", "/b", STR("2"));
        peer_accept(&p, &w.loop, w.listener);
        peer_await(&p, "\r\n\r\n1", 1);
        peer_send(&p, STR(ANSWER("hi")));
        peer_await_eof(&p);
        if (all) {
            assert_string_equal(buf_cstr(&a.log), "sent; 200; done: cancelled");
            assert_string_equal(buf_cstr(&b.log), "done: cancelled");
        } else {
            assert_string_equal(buf_cstr(&a.log), "sent; 200; ");
        }
        peer_close(&p);
        world_close(&w);
        assert_true(b.done);
        probe_free(&a);
        probe_free(&b);
    }
}

static void a_big_body_and_an_early_answer(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    struct buf big = {0};
    buf_reserve(&big, 32 << 20);
    memset(big.p, 'x', 32 << 20);
    big.n = 32 << 20;
    world_listen(&w);
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", buf_str(&big));
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "xxx", 1);
    uv_poll_stop(p.poll);
    peer_send(&p, STR("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n"));
    expect_log(&a, &w, "413; done: no error");
    assert_int_equal(upstream_connections(w.upstream), 0);
    peer_close(&p);
    probe_start(&a, w.upstream, "POST", "/a", buf_str(&big));
    peer_accept(&p, &w.loop, w.listener);
    while (p.got.n < big.n)
        uv_run(&w.loop, UV_RUN_ONCE);
    peer_send(&p, STR(ANSWER("hi")));
    expect_log(&a, &w, "sent; 200; {hi}; done: no error");
    peer_close(&p);
    buf_free(&big);
    world_close(&w);
}

/* Chunks of 16 MB, as many as there shall be, or until the call is done. */
static void send_chunks(struct world *w, struct peer *p, const struct probe *a, int chunks)
{
    struct buf big = {0};
    struct str rest = {0};
    buf_puts(&big, "1000000\r\n");
    buf_reserve(&big, 0x1000000);
    memset(big.p + big.n, 'x', 0x1000000);
    big.n += 0x1000000;
    buf_puts(&big, "\r\n");
    while (!a->done && (rest.n || chunks-- > 0)) {
        if (rest.n == 0)
            rest = buf_str(&big);
        ssize_t n = send(p->fd, rest.p, rest.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        rest = str_from(rest, n > 0 ? (size_t)n : 0);
        uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    buf_free(&big);
}

/* Unless the caller says that it takes one: a file of results. */
static void an_answer_may_be_of_any_length_where_it_is_handed_on(void **state)
{
    enum { CHUNKS = BOUND_RESPONSE_BYTES / 0x1000000 + 1 };
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    world_connect(&w);
    struct call_request r = {.method = "GET", .path = STR("/a"), .any_length = true};
    a.call = upstream_call(
        w.upstream, &r,
        (struct call_handler){probe_sent, probe_head, probe_body, probe_done, &a, NULL});
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "\r\n\r\n", 1);
    peer_send(&p, STR("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"));
    send_chunks(&w, &p, &a, CHUNKS);
    peer_send(&p, STR("0\r\n\r\n"));
    probe_await(&a, &w.loop);
    assert_int_equal(a.body.n, (size_t)CHUNKS * 0x1000000);
    expect_log(&a, &w, "sent; 200; done: no error");
    peer_close(&p);
    world_close(&w);
}

static void an_answer_without_end_is_refused(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    world_listen(&w);
    world_connect(&w);
    probe_start(&a, w.upstream, "POST", "/a", STR("1"));
    peer_accept(&p, &w.loop, w.listener);
    peer_await(&p, "\r\n\r\n1", 1);
    peer_send(&p, STR("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"));
    send_chunks(&w, &p, &a, INT32_MAX);
    assert_true(a.body.n <= BOUND_RESPONSE_BYTES);
    assert_true(a.body.n > BOUND_RESPONSE_BYTES / 2);
    expect_log(&a, &w, "sent; 200; done: larger than a bound allows");
    peer_close(&p);
    world_close(&w);
}

/* The machine may have a proxy; loopback needs none, but names here do not exist. */
static int forget_proxies(void **state)
{
    unsetenv("http_proxy");
    unsetenv("HTTP_PROXY");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_written_whole_and_its_answer_reported),
        cmocka_unit_test(an_answer_at_once_keeps_its_connection),
        cmocka_unit_test(the_keep_alive_race_is_run_again_once),
        cmocka_unit_test(what_may_have_been_read_goes_again_only_if_it_changes_nothing),
        cmocka_unit_test(an_idle_connection_that_dies_is_not_used),
        cmocka_unit_test(answers_that_are_wrong_or_cut_short_are_errors),
        cmocka_unit_test(what_cannot_be_reached_is_an_error_of_its_own),
        cmocka_unit_test(a_peer_that_does_not_take_connections_times_out),
        cmocka_unit_test(every_address_of_a_name_is_tried),
        cmocka_unit_test(ipv6_is_spoken),
        cmocka_unit_test(headers_that_would_break_out_are_not_sent),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(a_pause_does_not_forget_what_is_waited_for),
        cmocka_unit_test(calls_share_the_connections_there_may_be),
        cmocka_unit_test(a_paused_call_reports_nothing_until_it_goes_on),
        cmocka_unit_test(a_report_may_end_the_call_or_the_upstream),
        cmocka_unit_test(a_big_body_and_an_early_answer),
        cmocka_unit_test(an_answer_without_end_is_refused),
        cmocka_unit_test(an_answer_may_be_of_any_length_where_it_is_handed_on),
    };
    return cmocka_run_group_tests(tests, forget_proxies, NULL);
}
