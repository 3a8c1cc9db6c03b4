/* TLS and proxies, through an upstream: what is sent, to whom, and what is refused. */
#include "check.h"
#include "proxy.h"
#include "upstream.h"

#include <signal.h>
#include <stdlib.h>

#include "peer.h"
#include "probe.h"
#include "tls_peer.h"

#define KEEP  "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
#define CLOSE "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi"

static int forget_proxies(void **state)
{
    static const char *names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy",
                                  "HTTP_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

struct world {
    uv_loop_t loop;
    struct upstream *upstream;
};

static void world_open(struct world *w, const char *url, int port, const char *ca_file)
{
    struct diag d = {0};
    char text[128];
    struct upstream_config config = upstream_defaults();
    assert_int_equal(uv_loop_init(&w->loop), 0);
    snprintf(text, sizeof text, url, port);
    config.base_url = text;
    config.ca_file = ca_file;
    if (upstream_new(&w->loop, &config, &w->upstream, &d) != SL_OK)
        fail_msg("%s: %s", d.where, d.what);
}

static void world_close(struct world *w)
{
    upstream_free(&w->upstream);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

static void call(struct world *w, const char *log, const char *why)
{
    struct probe a = {0};
    probe_start(&a, w->upstream, "POST", "/x", STR("1"));
    probe_await(&a, &w->loop);
    if (str_find(buf_str(&a.why), str_of(why), 0) < 0 || !str_eq(buf_str(&a.log), str_of(log)))
        print_error("%.*s (%.*s)\n", STR_ARG(buf_str(&a.log)), STR_ARG(buf_str(&a.why)));
    assert_string_equal(buf_cstr(&a.log), log);
    assert_true(str_find(buf_str(&a.why), str_of(why), 0) >= 0);
    probe_free(&a);
}

#define GOOD "sent; 200; {hi}; done: no error"
#define BAD  "done: TLS verification or handshake failed"

static void a_verified_peer_is_spoken_to(void **state)
{
    struct tls_peer p;
    struct world w;
    tls_peer_start(&p, KEEP);
    tls_peer_go(&p);
    world_open(&w, "https://127.0.0.1:%d/v1", p.port, p.ca_path);
    call(&w, GOOD, "");
    call(&w, GOOD, "");
    assert_int_equal(upstream_connections(w.upstream), 1);
    world_close(&w);
    tls_peer_stop(&p);
    assert_int_equal(p.served, 2);
}

static void big_bodies_pass_both_ways(void **state)
{
    enum { BIG = 3 << 20 };
    struct tls_peer p;
    struct world w;
    struct probe a = {0};
    struct buf answer = {0}, body = {0};
    buf_printf(&answer, "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n", BIG);
    for (int i = 0; i < BIG; i++) {
        buf_char(&answer, (char)('a' + i % 23));
        buf_char(&body, (char)('a' + i % 19));
    }
    buf_puts(&body, "\r\n\r\n1");
    tls_peer_start(&p, buf_cstr(&answer));
    tls_peer_go(&p);
    world_open(&w, "https://127.0.0.1:%d", p.port, p.ca_path);
    probe_start(&a, w.upstream, "POST", "/x", buf_str(&body));
    probe_await(&a, &w.loop);
    assert_string_equal(buf_cstr(&a.log), "sent; 200; done: no error");
    assert_int_equal(a.body.n, BIG);
    assert_true(str_ends(buf_str(&answer), buf_str(&a.body)));
    probe_free(&a);
    world_close(&w);
    tls_peer_stop(&p);
    buf_free(&answer);
    buf_free(&body);
}

static void a_session_is_offered_again(void **state)
{
    struct tls_peer p;
    struct world w;
    tls_peer_start(&p, CLOSE);
    tls_peer_go(&p);
    world_open(&w, "https://127.0.0.1:%d", p.port, p.ca_path);
    for (int i = 0; i < 3; i++)
        call(&w, GOOD, "");
    world_close(&w);
    tls_peer_stop(&p);
    assert_int_equal(p.served, 3);
    assert_int_equal(p.resumed, 2);
}

static void a_wrong_name_is_refused(void **state)
{
    struct tls_peer p;
    struct world w;
    tls_peer_start(&p, KEEP);
    tls_peer_go(&p);
    world_open(&w, "https://localhost:%d", p.port, p.ca_path);
    call(&w, BAD, "TLS handshake: hostname mismatch");
    world_close(&w);
    tls_peer_stop(&p);
    assert_int_equal(p.served, 0);
    assert_int_equal(p.refused, 1);
}

static void an_unknown_authority_is_refused(void **state)
{
    struct tls_peer p;
    struct world w;
    tls_peer_start(&p, KEEP);
    tls_peer_go(&p);
    world_open(&w, "https://127.0.0.1:%d", p.port, NULL);
    call(&w, BAD, "TLS handshake: unable to get local issuer certificate");
    world_close(&w);
    tls_peer_stop(&p);
    assert_int_equal(p.served, 0);
    assert_int_equal(p.refused, 1);
}

static void what_is_no_tls_is_refused(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    int port;
    int listener = peer_listen(&port);
    world_open(&w, "https://127.0.0.1:%d", port, NULL);
    probe_start(&a, w.upstream, "POST", "/x", STR("1"));
    peer_accept(&p, &w.loop, listener);
    peer_await(&p, "\x16\x03\x01", 1);
    assert_true(str_find(buf_str(&p.got), STR("\x16\x03\x01"), 0) == 0);
    assert_true(str_find(buf_str(&p.got), STR("secret"), 0) < 0);
    peer_send(&p, STR("HTTP/1.1 400 Bad Request\r\n\r\n"));
    probe_await(&a, &w.loop);
    assert_string_equal(buf_cstr(&a.log), BAD);
    probe_free(&a);
    peer_close(&p);
    world_close(&w);
    close(listener);
}

static void an_end_without_notice_is_not_the_end_of_an_answer(void **state)
{
    struct tls_peer p;
    struct world w;
    tls_peer_start(&p, "HTTP/1.1 200 OK\r\n\r\nhi");
    p.once = p.rude = true;
    tls_peer_go(&p);
    world_open(&w, "https://127.0.0.1:%d", p.port, p.ca_path);
    call(&w, "sent; 200; {hi}; done: closed by the peer", "closed by the peer");
    world_close(&w);
    tls_peer_stop(&p);
}

static void a_pause_holds_back_what_is_decrypted_and_the_end(void **state)
{
    struct tls_peer p;
    struct world w;
    struct probe a = {.pause_in_head = true};
    struct buf answer = {0};
    buf_puts(&answer, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 100000; i++)
        buf_char(&answer, 'x');
    tls_peer_start(&p, buf_cstr(&answer));
    p.once = true;
    tls_peer_go(&p);
    world_open(&w, "https://127.0.0.1:%d", p.port, p.ca_path);
    probe_start(&a, w.upstream, "POST", "/x", STR("1"));
    while (str_find(buf_str(&a.log), STR("200"), 0) < 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    for (int i = 0; i < 10; i++)
        uv_run(&w.loop, UV_RUN_NOWAIT);
    assert_int_equal(a.body.n, 0);
    call_resume(a.call);
    probe_await(&a, &w.loop);
    assert_string_equal(buf_cstr(&a.log), "sent; 200; done: no error");
    assert_int_equal(a.body.n, 100000);
    probe_free(&a);
    world_close(&w);
    tls_peer_stop(&p);
    buf_free(&answer);
}

static void certificates_that_cannot_be_loaded_are_told(void **state)
{
    uv_loop_t loop;
    struct upstream *u = NULL;
    struct diag d;
    struct upstream_config config = upstream_defaults();
    uv_loop_init(&loop);
    config.base_url = "https://127.0.0.1";
    config.ca_file = "/nowhere/ca.pem";
    assert_int_equal(upstream_new(&loop, &config, &u, &d), SL_TLS);
    assert_string_equal(d.where, "/nowhere/ca.pem");
    assert_null(u);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void set_proxy(const char *name, const char *user, int port)
{
    char value[128];
    snprintf(value, sizeof value, "http://%s127.0.0.1:%d", user, port);
    setenv(name, value, 1);
}

static void https_goes_through_a_tunnel(void **state)
{
    struct tls_peer p;
    struct world w;
    tls_peer_start(&p, KEEP);
    p.as_proxy = true;
    tls_peer_go(&p);
    set_proxy("HTTPS_PROXY", "me:p%40ss@", p.port);
    world_open(&w, "https://api.test:%d", 8443, p.ca_path);
    call(&w, GOOD, "");
    world_close(&w);
    forget_proxies(NULL);
    tls_peer_stop(&p);
    assert_string_equal(buf_cstr(&p.head),
                        "CONNECT api.test:8443 HTTP/1.1\r\nhost: api.test:8443\r\n"
                        "proxy-authorization: Basic bWU6cEBzcw==\r\n\r\n");
    buf_free(&p.head);
}

static void a_proxy_that_refuses_is_named(void **state)
{
    static const struct {
        const char *answer;
        const char *why;
    } rows[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 4\r\n\r\n",
         "it answered 407 to CONNECT"},
        {"HTTP/1.1 200 OK\r\n\r\nearly", "it sent bytes of its own into the tunnel"},
        {"no HTTP\r\n\r\n", "this is not HTTP/1.1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct peer p;
        struct probe a = {0};
        int port;
        int listener = peer_listen(&port);
        set_proxy("https_proxy", "", port);
        world_open(&w, "https://api.test:%d", 8443, NULL);
        probe_start(&a, w.upstream, "POST", "/x", STR("1"));
        peer_accept(&p, &w.loop, listener);
        peer_await(&p, "\r\n\r\n", 1);
        peer_send(&p, str_of(rows[i].answer));
        probe_await(&a, &w.loop);
        assert_string_equal(buf_cstr(&a.log), "done: connection refused or unreachable");
        assert_non_null(strstr(buf_cstr(&a.why), "by proxy 127.0.0.1:"));
        assert_non_null(strstr(buf_cstr(&a.why), rows[i].why));
        probe_free(&a);
        peer_close(&p);
        world_close(&w);
        close(listener);
        forget_proxies(NULL);
    }
}

static void http_names_its_origin_to_the_proxy(void **state)
{
    struct world w;
    struct peer p;
    struct probe a = {0};
    int port;
    int listener = peer_listen(&port);
    set_proxy("http_proxy", "me:secret@", port);
    world_open(&w, "http://api.test:%d/v1", 8080, NULL);
    probe_start(&a, w.upstream, "POST", "/x", STR("1"));
    peer_accept(&p, &w.loop, listener);
    peer_await(&p, "\r\n\r\n1", 1);
    assert_int_equal(str_find(buf_str(&p.got),
                              STR("POST http://api.test:8080/v1/x HTTP/1.1\r\n"
                                  "host: api.test:8080\r\n"),
                              0),
                     0);
    assert_true(str_find(buf_str(&p.got), STR("\r\nproxy-authorization: Basic "), 0) > 0);
    peer_send(&p, STR(KEEP));
    probe_await(&a, &w.loop);
    assert_string_equal(buf_cstr(&a.log), GOOD);
    probe_free(&a);
    peer_close(&p);
    world_close(&w);
    close(listener);
    forget_proxies(NULL);
}

static void the_environment_chooses_the_proxy(void **state)
{
    static const struct {
        const char *url, *proxy, *except;
        bool used;
    } rows[] = {
        {"https://api.test", "http://p:1", NULL, true},
        {"https://api.test", "p:1", "", true},
        {"https://api.test", "", NULL, false},
        {"https://api.test", "http://p:1", "*", false},
        {"https://api.test", "http://p:1", "other, API.test", false},
        {"https://api.test", "http://p:1", "test", false},
        {"https://api.test", "http://p:1", ".test", false},
        {"https://api.test", "http://p:1", "pi.test,i.test,.", true},
        {"https://api.test", "http://p:1", "api.test:443", false},
        {"https://api.test", "http://p:1", "api.test:80", true},
        {"https://[2001::1]:8443", "http://p:1", "[2001::1]:8443", false},
        {"https://127.0.0.9", "http://p:1", NULL, false},
        {"https://localhost", "http://p:1", NULL, false},
        {"https://[::1]", "http://p:1", NULL, false},
        {"http://api.test", "http://p:1", NULL, false}, /* HTTPS_PROXY is not for it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url url;
        struct proxy proxy;
        forget_proxies(NULL);
        setenv("HTTPS_PROXY", rows[i].proxy, 1);
        if (rows[i].except)
            setenv("NO_PROXY", rows[i].except, 1);
        assert_int_equal(url_parse(str_of(rows[i].url), &url, NULL), SL_OK);
        assert_int_equal(proxy_choose(&url, &proxy, NULL), SL_OK);
        if (proxy.used != rows[i].used)
            fail_msg("row %zu", i);
        assert_true(!proxy.used || proxy.url.port == 1);
    }
    static const char *wrong[] = {"https://p:1", "http://p:1/path", "ftp://p", "http://u:key@"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct url url;
        struct proxy proxy;
        struct diag d = {0};
        setenv("HTTPS_PROXY", wrong[i], 1);
        unsetenv("NO_PROXY");
        assert_int_equal(url_parse(STR("https://api.test"), &url, NULL), SL_OK);
        assert_int_equal(proxy_choose(&url, &proxy, &d), SL_SYNTAX);
        assert_string_equal(d.where, "HTTPS_PROXY");
        assert_null(strstr(d.what, "key"));
    }
    forget_proxies(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verified_peer_is_spoken_to),
        cmocka_unit_test(big_bodies_pass_both_ways),
        cmocka_unit_test(a_session_is_offered_again),
        cmocka_unit_test(a_wrong_name_is_refused),
        cmocka_unit_test(an_unknown_authority_is_refused),
        cmocka_unit_test(what_is_no_tls_is_refused),
        cmocka_unit_test(an_end_without_notice_is_not_the_end_of_an_answer),
        cmocka_unit_test(a_pause_holds_back_what_is_decrypted_and_the_end),
        cmocka_unit_test(certificates_that_cannot_be_loaded_are_told),
        cmocka_unit_test(https_goes_through_a_tunnel),
        cmocka_unit_test(a_proxy_that_refuses_is_named),
        cmocka_unit_test(http_names_its_origin_to_the_proxy),
        cmocka_unit_test(the_environment_chooses_the_proxy),
    };
    return cmocka_run_group_tests(tests, forget_proxies, NULL);
}
