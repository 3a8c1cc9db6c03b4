/* TLS of a server: handshakes that fail, what goes wrong later, ends that are told and ends
 * that are not, certificates that change. What TLS has in common with plain connections is in
 * test_server.c and test_shell.c. */
#include "check.h"
#include "random.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "both.h"

static const struct server_counts *counts(const struct world *w)
{
    return server_counts(w->server);
}

/* The server does its work for others all the same. */
static void serves(struct world *w, SSL_CTX *ctx)
{
    struct client c;
    client_open(&c, &w->loop, server_port(w->server), ctx);
    client_send(&c, STR("GET /204 " HOST "\r\n"));
    client_await(&c, " 204 ");
    assert_true(client_has(&c, "HTTP/1.1 204 "));
    client_close(&c);
}

/* Bytes as they are, to a port that expects TLS. */
static void speak(struct peer *p, struct world *w, struct str bytes)
{
    peer_connect(p, &w->loop, server_port(w->server));
    peer_send(p, bytes);
    peer_await_eof(p);
    while (server_connections(w->server))
        uv_run(&w->loop, UV_RUN_ONCE);
}

/* ---- Handshakes that fail -------------------------------------------------------------- */

static void plain_http_is_told_so_in_plain_http(void **state)
{
    static const char *rows[] = {"GET / HTTP/1.1\r\nhost: x\r\n\r\n", "G", "DELETE /x HT",
                                 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct peer p;
        world_open_with(&w, both_config(), true);
        peer_connect(&p, &w.loop, server_port(w.server));
        peer_send(&p, str_of(rows[i]));
        peer_await_eof(&p);
        assert_true(peer_has(&p, "HTTP/1.1 400 Bad Request\r\n"));
        assert_true(peer_has(&p, "connection: close\r\n"));
        assert_true(
            peer_has(&p, "{\"error\":{\"status\":400,\"message\":\"this port speaks TLS"));
        assert_false(p.reset);
        assert_int_equal(counts(&w)->tls_failed, 1);
        assert_int_equal(counts(&w)->refused, 1);
        assert_string_equal(buf_cstr(&w.log), "");
        peer_close(&p);
        serves(&w, both.clients);
        world_close(&w);
    }
}

#define STRS(text)                                                                             \
    {                                                                                          \
        text, sizeof text - 1                                                                  \
    }

static void what_is_no_tls_is_cut_off(void **state)
{
    static const struct str rows[] = {
        STRS("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        STRS("\x16\x03\x01\x00\x05hello and more"),
        STRS("\x16\x03\x01\xff\xff\x01 and more"),
        STRS("\x17\x03\x03\x00\x01x and more"),
        STRS("\x80\x2e\x01\x00\x02 SSL 2, and as many bytes as it says that there are"),
        STRS("get / HTTP/1.1\r\n\r\n"),
        STRS("\r\n\r\n\r\n\r\n"),
    };
    struct world w;
    world_open(&w, both_config());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer p;
        speak(&p, &w, rows[i]);
        /* OpenSSL has no alert for what is no record at all. */
        if (p.got.n && !str_starts(buf_str(&p.got), STR("\x15\x03")))
            fail_msg("row %zu: %zu bytes", i, p.got.n);
        assert_true(p.got.n == 0 || p.got.n == 7);
        assert_false(p.reset);
        assert_int_equal(counts(&w)->tls_failed, i + 1);
        peer_close(&p);
    }
    serves(&w, both.clients);
    assert_string_equal(buf_cstr(&w.log), "start /204; complete; ");
    world_close(&w);
}

/* Byte by byte, cut anywhere, with bytes changed: nothing worse than a failed handshake. SEED=n
 * repeats a run. */
static void broken_handshakes_harm_nobody(void **state)
{
    enum { RUNS = 300 };
    const char *told = getenv("SEED");
    struct random r = {told ? strtoull(told, NULL, 10) : (uint64_t)time(NULL)};
    struct world w;
    struct client model;
    print_message("# SEED=%llu\n", (unsigned long long)r.state);
    world_open(&w, both_config());
    client_connect(&model, &w.loop, server_port(w.server), NULL);
    SSL *ssl = SSL_new(both.clients);
    char hello[2048];
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    SSL_do_handshake(ssl);
    int n = BIO_read(SSL_get_wbio(ssl), hello, sizeof hello);
    assert_true(n > 100);
    client_close(&model);
    for (int i = 0; i < RUNS; i++) {
        struct peer p;
        char bytes[sizeof hello];
        memcpy(bytes, hello, (size_t)n);
        for (uint64_t k = random_below(&r, 4); k > 0; k--)
            bytes[random_below(&r, (uint64_t)n)] = (char)random_next(&r);
        size_t cut = (size_t)random_below(&r, (uint64_t)n);
        struct str half = {bytes, random_below(&r, 2) ? cut : (size_t)n};
        peer_connect(&p, &w.loop, server_port(w.server));
        peer_send(&p, half);
        for (int turn = 0; turn < 3; turn++)
            uv_run(&w.loop, UV_RUN_NOWAIT);
        peer_close(&p);
    }
    while (server_connections(w.server))
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(counts(&w)->tls_opened, 0);
    assert_int_equal(counts(&w)->connections, RUNS + 1);
    serves(&w, both.clients);
    assert_string_equal(buf_cstr(&w.log), "start /204; complete; ");
    SSL_free(ssl);
    world_close(&w);
}

static void a_handshake_that_takes_too_long_is_given_up(void **state)
{
    static const struct str rows[] = {
        {"", 0},
        {"\x16", 1},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct peer p;
        struct server_config config = both_config();
        config.handshake_timeout_us = 5000;
        config.idle_timeout_us = config.head_timeout_us = 3600 * INT64_C(1000000);
        world_open(&w, config);
        speak(&p, &w, rows[i]);
        assert_int_equal(p.got.n, 0);
        assert_int_equal(counts(&w)->tls_failed, 1);
        peer_close(&p);
        world_close(&w);
    }
}

/* Its time runs from the first to the last byte, not from one to the next. */
static void a_dripping_handshake_is_given_up(void **state)
{
    struct world w;
    struct peer p;
    struct server_config config = both_config();
    config.handshake_timeout_us = 5000;
    config.idle_timeout_us = config.head_timeout_us = 3600 * INT64_C(1000000);
    world_open(&w, config);
    peer_connect(&p, &w.loop, server_port(w.server));
    peer_send(&p, STR("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"));
    while (!p.eof) {
        (void)send(p.fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(counts(&w)->tls_failed, 1);
    peer_close(&p);
    world_close(&w);
}

static void a_client_that_does_not_trust_us_is_counted(void **state)
{
    struct world w;
    struct client c;
    SSL_CTX *wary = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(wary, SSL_VERIFY_PEER, NULL);
    world_open(&w, both_config());
    client_open(&c, &w.loop, server_port(w.server), wary);
    assert_true(c.failed);
    client_push(&c); /* its alert */
    while (server_connections(w.server))
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(counts(&w)->tls_failed, 1);
    assert_int_equal(counts(&w)->tls_opened, 0);
    client_close(&c);
    SSL_CTX_free(wary);
    world_close(&w);
}

/* ---- Later ------------------------------------------------------------------------------ */

static void open_and_hold(struct client *c, struct world *w, const char *version)
{
    char text[64];
    snprintf(text, sizeof text, "GET /hold %s\r\nhost: x\r\n\r\n", version);
    both_open(c, w);
    client_send(c, str_of(text));
    world_await(w, "end 0; ");
}

static void a_broken_record_ends_its_request_only(void **state)
{
    struct world w;
    struct client c, other;
    world_open(&w, both_config());
    both_open(&other, &w);
    open_and_hold(&c, &w, "HTTP/1.1");
    peer_send(&c.peer, STR("\x17\x03\x03\x00\x20this is not what was agreed upon"));
    world_await(&w, "gone; ");
    client_await_end(&c);
    assert_true(c.failed);
    assert_int_equal(counts(&w)->tls_failed, 1);
    client_send(&other, STR("GET /204 " HOST "\r\n"));
    client_await(&other, " 204 ");
    assert_true(client_has(&other, " 204 "));
    client_close(&c);
    client_close(&other);
    world_close(&w);
}

/* As with a plain connection, where closing the writing side is leaving. */
static void a_client_that_says_it_is_done_has_left(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, both_config());
    open_and_hold(&c, &w, "HTTP/1.1");
    SSL_shutdown(c.ssl);
    client_push(&c);
    world_await(&w, "gone; ");
    client_await_end(&c);
    assert_int_equal(counts(&w)->tls_failed, 0);
    client_close(&c);
    world_close(&w);
}

/* An answer that runs to the end of the connection is whole only if that end is told. */
static void only_a_whole_answer_ends_with_a_notice(void **state)
{
    for (int cut = 0; cut < 3; cut++) {
        struct world w;
        struct client c;
        world_open(&w, both_config());
        open_and_hold(&c, &w, "HTTP/1.0");
        server_begin(w.held, 200, NULL, 0);
        server_write(w.held, STR("some of it"));
        while (!w.drained)
            uv_run(&w.loop, UV_RUN_ONCE);
        if (cut == 0)
            server_finish(w.held);
        else if (cut == 1)
            server_reset(w.held);
        else
            server_free(&w.server);
        client_await_end(&c);
        assert_int_equal(c.ended, cut == 0);
        client_close(&c);
        world_close(&w);
    }
}

static void idle_connections_are_told_of_the_end(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, both_config());
    both_open(&c, &w);
    client_send(&c, STR("GET /204 " HOST "\r\n"));
    client_await(&c, " 204 ");
    world_await(&w, "complete; ");
    server_drain(w.server);
    client_await_end(&c);
    assert_true(c.ended);
    assert_false(c.peer.reset);
    client_close(&c);
    world_close(&w);
}

/* Neither one at its first byte nor one whose last flight is still to come. */
static void draining_does_not_wait_for_handshakes(void **state)
{
    struct world w;
    struct peer silent;
    struct client half;
    struct server_config config = both_config();
    config.handshake_timeout_us = 3600 * INT64_C(1000000);
    world_open(&w, config);
    peer_connect(&silent, &w.loop, server_port(w.server));
    client_connect(&half, &w.loop, server_port(w.server), both.clients);
    while (server_connections(w.server) < 2 || !half.peer.got.n)
        uv_run(&w.loop, UV_RUN_ONCE);
    server_drain(w.server);
    peer_await_eof(&silent);
    peer_await_eof(&half.peer);
    peer_close(&silent);
    client_close(&half);
    world_close(&w);
}

static void big_bodies_pass_both_ways(void **state)
{
    enum { BIG = 5 << 20 };
    struct world w;
    struct client c;
    struct buf request = {0};
    world_open(&w, both_config());
    both_open(&c, &w);
    buf_printf(&request, "POST /a " HOST "content-length: %d\r\n\r\n", BIG);
    size_t head = request.n;
    for (int i = 0; i < BIG; i++)
        buf_char(&request, (char)('a' + i % 23));
    client_send(&c, buf_str(&request));
    while (c.text.n < BIG && !client_is_over(&c))
        client_turn(&c, UV_RUN_ONCE);
    world_await(&w, "complete; ");
    client_pump(&c);
    assert_true(str_ends(buf_str(&c.text), str_from(buf_str(&request), head)));
    assert_int_equal(w.drained, 0);
    buf_free(&request);
    client_close(&c);
    world_close(&w);
}

/* Each asks for a reply; who does not read them would have them pile up here. */
static void key_updates_without_end_are_cut_off(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, both_config());
    both_open(&c, &w);
    client_push(&c);
    uv_poll_stop(c.peer.poll);
    int little = 2048;
    setsockopt(c.peer.fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    for (int asked = 0; counts(&w)->tls_failed == 0;) {
        for (int i = 0; c.due.n == 0 && i < 1000; i++, asked++) {
            assert_true(asked < 1000000); /* more replies than the system's buffers hold */
            assert_int_equal(SSL_key_update(c.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
            assert_int_equal(SSL_do_handshake(c.ssl), 1);
        }
        client_push(&c);
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    while (server_connections(w.server))
        uv_run(&w.loop, UV_RUN_ONCE);
    client_close(&c);
    world_close(&w);
}

/* It costs us much more than the client; OpenSSL 3 refuses it unasked. */
static void a_new_handshake_within_a_connection_is_refused(void **state)
{
    struct world w;
    struct client c;
    SSL_CTX *old = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(old, TLS1_2_VERSION);
    world_open(&w, both_config());
    client_open(&c, &w.loop, server_port(w.server), old);
    client_send(&c, STR("GET /204 " HOST "\r\n"));
    client_await(&c, " 204 ");
    assert_int_equal(SSL_renegotiate(c.ssl), 1);
    SSL_do_handshake(c.ssl);
    while (!client_is_over(&c))
        client_turn(&c, UV_RUN_ONCE);
    assert_int_equal(counts(&w)->tls_opened, 1);
    client_close(&c);
    SSL_CTX_free(old);
    world_close(&w);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

static void sessions_are_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        SSL_SESSION *session = NULL;
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(ctx, versions[i]);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_set_app_data(ctx, &session);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
        world_open(&w, both_config());
        for (unsigned k = 0; k < 3; k++) {
            struct client c;
            client_connect(&c, &w.loop, server_port(w.server), NULL);
            c.ssl = SSL_new(ctx);
            SSL_set_bio(c.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
            SSL_set_connect_state(c.ssl);
            SSL_set_session(c.ssl, session);
            SSL_do_handshake(c.ssl);
            while (!SSL_is_init_finished(c.ssl))
                client_turn(&c, UV_RUN_ONCE);
            client_send(&c, STR("GET /204 " HOST "connection: close\r\n\r\n"));
            client_await(&c, " 204 ");
            assert_int_equal(counts(&w)->tls_resumed, k);
            client_await_end(&c);
            SSL_shutdown(c.ssl);
            client_close(&c);
        }
        assert_int_equal(counts(&w)->tls_opened, 3);
        SSL_SESSION_free(session);
        SSL_CTX_free(ctx);
        world_close(&w);
    }
}

/* ---- Certificates ------------------------------------------------------------------------ */

static SSL_CTX *clients_of(const struct identity *id)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    assert_int_equal(SSL_CTX_load_verify_locations(ctx, id->authority, NULL), 1);
    return ctx;
}

static void a_new_certificate_drops_no_connection(void **state)
{
    struct world w;
    struct client busy, early, c;
    struct identity fresh;
    struct diag d = {0};
    identity_make(&fresh);
    SSL_CTX *clients = clients_of(&fresh);
    struct tls_files files = {fresh.chain, fresh.key};
    world_open(&w, both_config());
    open_and_hold(&busy, &w, "HTTP/1.1");
    struct exchange *held = w.held;
    client_connect(&early, &w.loop, server_port(w.server), both.clients);
    while (!early.peer.got.n)
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(server_tls_reload(w.server, &files, &d), SL_OK);
    serves(&w, clients);
    client_open(&c, &w.loop, server_port(w.server), both.clients); /* trusts the old one */
    assert_true(c.failed);
    client_close(&c);
    server_answer(held, 200, NULL, 0, STR("as if nothing had happened"));
    client_await(&busy, "nothing had happened");
    client_send(&busy, STR("GET /204 " HOST "\r\n"));
    client_await(&busy, " 204 ");
    assert_true(client_has(&busy, "as if nothing had happened"));
    assert_true(client_has(&busy, " 204 "));
    client_pump(&early);
    while (!SSL_is_init_finished(early.ssl) && !client_is_over(&early))
        client_turn(&early, UV_RUN_ONCE); /* its handshake had begun before */
    client_send(&early, STR("GET /204 " HOST "\r\n"));
    client_await(&early, " 204 ");
    assert_true(client_has(&early, " 204 "));
    client_close(&busy);
    client_close(&early);
    SSL_CTX_free(clients);
    identity_remove(&fresh);
    world_close(&w);
}

static void a_bad_new_certificate_leaves_the_old_one(void **state)
{
    struct world w;
    struct identity fresh;
    struct diag d = {0};
    identity_make(&fresh);
    world_open(&w, both_config());
    struct tls_files missing = {"/nowhere/chain.pem", fresh.key};
    struct tls_files torn = {fresh.chain, both.identity.key};
    assert_int_equal(server_tls_reload(w.server, &missing, &d), SL_IO);
    assert_string_equal(d.where, "/nowhere/chain.pem");
    assert_int_equal(server_tls_reload(w.server, &torn, &d), SL_TLS);
    assert_string_equal(d.where, both.identity.key);
    serves(&w, both.clients);
    identity_remove(&fresh);
    world_close(&w);
}

static void an_exposed_key_is_told_of(void **state)
{
    struct world w;
    struct diag d = {0};
    world_open(&w, both_config());
    assert_string_equal(server_tls_warning(w.server), "");
    struct tls_files files = {both.identity.chain, both.identity.key};
    assert_int_equal(chmod(both.identity.key, 0644), 0);
    assert_int_equal(server_tls_reload(w.server, &files, &d), SL_OK);
    assert_non_null(strstr(server_tls_warning(w.server), "mode 0644"));
    assert_int_equal(chmod(both.identity.key, 0600), 0);
    world_close(&w);
}

static void tls_needs_files_and_a_place(void **state)
{
    uv_loop_t loop;
    struct server *s = NULL;
    struct diag d = {0};
    struct server_config config = both_config();
    struct tls_files files = config.tls;
    assert_int_equal(uv_loop_init(&loop), 0);
    config.tls.key = NULL;
    assert_int_equal(server_new(&loop, &config, (struct server_handler){0}, &s, &d),
                     SL_MISSING);
    config.tls.key = "/nowhere/key.pem";
    assert_int_equal(server_new(&loop, &config, (struct server_handler){0}, &s, &d), SL_IO);
    config = server_defaults();
    assert_int_equal(server_new(&loop, &config, (struct server_handler){0}, &s, &d), SL_OK);
    assert_int_equal(server_tls_reload(s, &files, &d), SL_MISSING);
    assert_string_equal(server_tls_warning(s), "");
    server_free(&s);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void plain_and_tls_stand_side_by_side(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    config.listen = "127.0.0.1:0";
    world_open(&w, config);
    for (size_t i = 0; i < 2; i++) {
        client_open(&c, &w.loop, server_port_of(w.server, i), i ? both.clients : NULL);
        client_send(&c, STR("GET /204 " HOST "\r\n"));
        client_await(&c, " 204 ");
        assert_true(client_has(&c, " 204 "));
        assert_int_equal(counts(&w)->tls_opened, i);
        client_close(&c);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS(plain_http_is_told_so_in_plain_http),
        TLS(what_is_no_tls_is_cut_off),
        TLS(broken_handshakes_harm_nobody),
        TLS(a_handshake_that_takes_too_long_is_given_up),
        TLS(a_dripping_handshake_is_given_up),
        TLS(a_client_that_does_not_trust_us_is_counted),
        TLS(a_broken_record_ends_its_request_only),
        TLS(a_client_that_says_it_is_done_has_left),
        TLS(only_a_whole_answer_ends_with_a_notice),
        TLS(idle_connections_are_told_of_the_end),
        TLS(draining_does_not_wait_for_handshakes),
        TLS(big_bodies_pass_both_ways),
        TLS(key_updates_without_end_are_cut_off),
        TLS(a_new_handshake_within_a_connection_is_refused),
        TLS(sessions_are_resumed),
        TLS(a_new_certificate_drops_no_connection),
        TLS(a_bad_new_certificate_leaves_the_old_one),
        TLS(an_exposed_key_is_told_of),
        TLS(tls_needs_files_and_a_place),
        TLS(plain_and_tls_stand_side_by_side),
    };
    return cmocka_run_group_tests(tests, both_setup, both_teardown);
}
