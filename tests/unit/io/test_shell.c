/* The server's hard shell: what it does with clients that are hostile, broken or too many. Each
 * test runs in the clear and by TLS. */
#include "check.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

#include "both.h"

/* ---- Requests that are refused -------------------------------------------------------- */

struct row {
    struct str text;
    const char *status;
    const char *log; /* what the driver has seen of it */
};
#define ROW(text, status)                                                                      \
    {                                                                                          \
        STR(text), " " #status " ", ""                                                         \
    }
#define SEEN(text, status, log)                                                                \
    {                                                                                          \
        STR(text), " " #status " ", log                                                        \
    }
#define REFUSE(rows) refuse(rows, sizeof rows / sizeof *rows)
#define HEAD         "POST /a " HOST
#define CHUNKED      HEAD "transfer-encoding: chunked\r\n\r\n"

static void refuse_one(const struct row *row)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    config.body_max = 100;
    world_open_with(&w, config, true);
    both_open(&c, &w);
    client_send(&c, row->text);
    client_await_end(&c);
    bool good = client_has(&c, row->status) && client_has(&c, "\r\nconnection: close\r\n") &&
                client_has(&c, "\r\ncontent-type: application/json\r\n") &&
                str_eq(buf_str(&w.log), str_of(row->log)) && c.ended == both.tls &&
                str_ends(buf_str(&c.text), STR("\"}}")) && !c.peer.reset &&
                server_counts(w.server)->refused == 1;
    if (!good)
        fail_msg("%.*s\nwas answered:\n%s\nand seen:\n%s", STR_ARG(str_cut(row->text, 300)),
                 buf_cstr(&c.text), buf_cstr(&w.log));
    client_close(&c);
    world_close(&w);
}

static void refuse(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        refuse_one(&rows[i]);
}

static void lengths_that_conflict_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW(HEAD "content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400),
        ROW(HEAD "content-length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
        ROW(HEAD "content-length: 3, 4\r\n\r\nabcd", 400),
        ROW(HEAD "content-length: 3,3\r\n\r\nabc", 400),
        ROW(HEAD "content-length: +3\r\n\r\nabc", 400),
        ROW(HEAD "content-length: -1\r\n\r\n", 400),
        ROW(HEAD "content-length: 0x3\r\n\r\nabc", 400),
        ROW(HEAD "content-length: 3 3\r\n\r\nabc", 400),
        ROW(HEAD "content-length:\r\n\r\n", 400),
        ROW(HEAD "content-length: 18446744073709551617\r\n\r\na", 400),
    };
    REFUSE(rows);
}

static void a_length_and_a_coding_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW(HEAD "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ROW(HEAD "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400),
        ROW(HEAD "transfer-encoding: identity\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", 400),
    };
    REFUSE(rows);
}

static void codings_but_chunked_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW(HEAD "transfer-encoding: gzip\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ROW(HEAD "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding:\r\n\r\n0\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding: identity\r\n\r\n", 501),
        ROW(HEAD "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        ROW(HEAD "transfer-encoding: \x0b"
                 "chunked\r\n\r\n0\r\n\r\n",
            400),
        ROW("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    };
    REFUSE(rows);
}

static void hosts_but_one_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: user@a\r\n\r\n", 400),
    };
    REFUSE(rows);
}

static void folded_lines_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("GET / " HOST "a: b\r\n c\r\n\r\n", 400),
        ROW("GET / " HOST "a: b\r\n\tc\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\n host: x\r\n\r\n", 400),
        ROW(HEAD "transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    };
    REFUSE(rows);
}

static void lines_that_end_in_half_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\nhost: x\n\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: x\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost: x\r\n\n", 400),
        ROW("GET / HTTP/1.1\rhost: x\r\r", 400),
        ROW("GET / " HOST "a: b\rc: d\r\n\r\n", 400),
        ROW("GET / " HOST "a: b\r\r\n\r\n", 400),
        SEEN(CHUNKED "1\na\r\n0\r\n\r\n", 400, "start /a; gone; "),
        SEEN(CHUNKED "1\r\na\n0\r\n\r\n", 400, "start /a; gone; "),
        SEEN(CHUNKED "0\r\na: b\n\r\n", 400, "start /a; gone; "),
        SEEN(CHUNKED "0\r\n\n", 400, "start /a; gone; "),
    };
    REFUSE(rows);
}

static void control_bytes_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("GET / " HOST "a\x01: b\r\n\r\n", 400),
        ROW("GET / " HOST "a: b\x01\r\n\r\n", 400),
        ROW("GET / " HOST "a: b\x7f\r\n\r\n", 400),
        ROW("GET / " HOST "a: b\x0b\r\n\r\n", 400),
        ROW("GET /\x01 " HOST "\r\n", 400),
        ROW("GET /\x7f " HOST "\r\n", 400),
        ROW("GET /\t " HOST "\r\n", 400),
        ROW("GE\x01T / " HOST "\r\n", 400),
        ROW("GET / " HOST "a: b\0c\r\n\r\n", 400),
        ROW("GET / " HOST "a\0: b\r\n\r\n", 400),
        ROW("GET /\0 " HOST "\r\n", 400),
        ROW("\0GET / " HOST "\r\n", 400),
        ROW("GET /\x80 " HOST "\r\n", 400),
        ROW("GET / " HOST "a\x80: b\r\n\r\n", 400),
        SEEN(CHUNKED "\0", 400, "start /a; gone; "),
    };
    REFUSE(rows);
}

static void malformed_headers_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("GET / " HOST "a : b\r\n\r\n", 400),
        ROW("GET / " HOST "a\t: b\r\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
        ROW(HEAD "content-length : 3\r\n\r\nabc", 400),
        ROW(HEAD "transfer-encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ROW("GET / " HOST "a b: c\r\n\r\n", 400),
        ROW("GET / " HOST "no colon\r\n\r\n", 400),
        ROW("GET / " HOST ": no name\r\n\r\n", 400),
        ROW("GET / " HOST "(a): b\r\n\r\n", 400),
    };
    REFUSE(rows);
}

#define CUT "start /a; gone; "

static void chunks_without_measure_are_refused(void **state)
{
    static const struct row rows[] = {
        SEEN(CHUNKED "10000000000000000\r\n", 400, CUT),
        SEEN(CHUNKED "ffffffffffffffff\r\n", 400, CUT),
        SEEN(CHUNKED "FFFFFFFFFFFFFFFFFF\r\n", 400, CUT),
        SEEN(CHUNKED
             "65\r\n" /* of a body that may have 0x64 bytes */
             "12345678901234567890123456789012345678901234567890123456789012345678901234567890"
             "12345678901234567890123456789012345678901234567890",
             413, CUT),
        SEEN(CHUNKED "g\r\n", 400, CUT),
        SEEN(CHUNKED "-1\r\n", 400, CUT),
        SEEN(CHUNKED "0x1\r\n", 400, CUT),
        SEEN(CHUNKED " 1\r\na\r\n", 400, CUT),
        SEEN(CHUNKED "1 \r\na\r\n", 400, CUT),
        SEEN(CHUNKED "\r\n", 400, CUT),
        SEEN(CHUNKED "1\r\nab\r\n", 400, CUT),
        SEEN(CHUNKED "1\r\na0\r\n\r\n", 400, CUT),
        SEEN(CHUNKED "1;a\nb\r\na\r\n", 400, CUT),
        SEEN(CHUNKED "1;a=\x01\r\na\r\n", 400, CUT),
        SEEN(CHUNKED "0\r\n folded\r\n\r\n", 400, CUT),
        SEEN(CHUNKED "0\r\nbad trailer\r\n\r\n", 400, CUT),
    };
    REFUSE(rows);
}

/* n times the byte, between two texts. */
static void refuse_long(const char *before, char byte, size_t n, const char *after,
                        struct row row)
{
    struct buf b = {0};
    buf_puts(&b, before);
    buf_reserve(&b, n);
    memset(b.p + b.n, byte, n);
    b.n += n;
    buf_puts(&b, after);
    row.text = buf_str(&b);
    refuse(&row, 1);
    buf_free(&b);
}

static void chunk_extensions_without_end_are_refused(void **state)
{
    refuse_long(CHUNKED "1;", 'a', BOUND_HEADER_BYTES + 1, "\r\na\r\n0\r\n\r\n",
                (struct row){.status = " 400 ", .log = CUT});
    struct buf many = {0}; /* of each chunk a little */
    buf_puts(&many, CHUNKED);
    for (int i = 0; i < 70; i++)
        buf_printf(&many, "1;%0500d\r\na\r\n", 0);
    struct row row = {buf_str(&many), " 400 ", CUT};
    refuse(&row, 1);
    buf_free(&many);
}

static void long_targets_are_refused(void **state)
{
    struct row row = {.status = " 414 ", .log = ""};
    refuse_long("GET /", 'a', BOUND_TARGET_BYTES, " " HOST "\r\n", row);
    refuse_long("GET /", 'a', BOUND_HEADER_BYTES, "", row);
    refuse_long("", 'A', BOUND_HEADER_BYTES, "", row);
}

static void large_heads_are_refused(void **state)
{
    struct row row = {.status = " 431 ", .log = ""};
    refuse_long("GET / " HOST "a: ", 'a', BOUND_HEADER_BYTES, "\r\n\r\n", row);
    refuse_long("GET / " HOST, 'a', BOUND_HEADER_BYTES, "", row);
    row.log = CUT;
    refuse_long(CHUNKED "0\r\na: ", 'a', BOUND_HEADER_BYTES, "", row);
    struct buf many = {0};
    buf_puts(&many, "GET / " HOST);
    for (int i = 0; i < BOUND_HEADERS; i++)
        buf_puts(&many, "a: b\r\n");
    buf_puts(&many, "\r\n");
    struct row headers = {buf_str(&many), " 431 ", ""};
    refuse(&headers, 1);
    buf_free(&many);
}

static void large_bodies_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW(HEAD "content-length: 101\r\n\r\n", 413),
        ROW(HEAD "content-length: 9223372036854775807\r\n\r\n", 413),
        ROW(HEAD "content-length: 101\r\nexpect: 100-continue\r\n\r\n", 413),
    };
    REFUSE(rows);
    refuse_long(CHUNKED "7d0\r\n", 'a', 2000, "\r\n0\r\n\r\n",
                (struct row){.status = " 413 ", .log = CUT});
}

static void targets_but_paths_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("GET http://other/ " HOST "\r\n", 400),
        ROW("GET /a#b " HOST "\r\n", 400),
        ROW("TRACE /a " HOST "\r\n", 501),
        ROW("GET HTTPS://x/ " HOST "\r\n", 400),
        ROW("CONNECT x:443 " HOST "\r\n", 400),
        ROW("OPTIONS * " HOST "\r\n", 400),
        ROW("GET a " HOST "\r\n", 400),
        ROW("GET ?a " HOST "\r\n", 400),
    };
    REFUSE(rows);
}

static void garbage_before_a_request_is_refused(void **state)
{
    static const struct row rows[] = {
        ROW(" GET / " HOST "\r\n", 400),
        ROW("\nGET / " HOST "\r\n", 400),
        ROW("\r\n \r\nGET / " HOST "\r\n", 400),
        ROW("garbage\r\nGET / " HOST "\r\n", 400),
        ROW("\xef\xbb\xbfGET / " HOST "\r\n", 501),
        ROW("\x16\x03\x01\x02\x01\x01\x01", 400), /* TLS, perhaps within TLS */
        ROW("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nGET / " HOST "\r\n", 400),
        ROW("{\"model\":1}\r\n\r\n", 400),
    };
    REFUSE(rows);
}

static void other_versions_and_methods_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ROW("GET / HTTP/0.9\r\n\r\n", 505),
        ROW("GET / HTTP/1.2\r\nhost: x\r\n\r\n", 505),
        ROW("GET / HTTP/3\r\nhost: x\r\n\r\n", 505),
        ROW("GET /\r\n\r\n", 400),
        ROW("GET / HTTP/1.1 \r\nhost: x\r\n\r\n", 505),
        ROW("GET / http/1.1\r\nhost: x\r\n\r\n", 400),
        ROW("BREW / " HOST "\r\n", 501),
        ROW("get / " HOST "\r\n", 501),
    };
    REFUSE(rows);
}

static void expectations_but_one_are_refused(void **state)
{
    static const struct row rows[] = {
        ROW(HEAD "expect: the best\r\ncontent-length: 3\r\n\r\n", 417),
        ROW(HEAD "expect: 100-continue, x\r\ncontent-length: 3\r\n\r\n", 417),
        ROW(HEAD "expect: 100-continue\r\nexpect: x\r\ncontent-length: 3\r\n\r\n", 417),
        ROW(HEAD "expect:\r\ncontent-length: 3\r\n\r\n", 417),
    };
    REFUSE(rows);
}

/* What follows a bad request is never taken for one. */
static void nothing_after_a_refused_request_is_read(void **state)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\r\n\r\nGET /smuggled " HOST "\r\n", 400),
        ROW(HEAD "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                 "GET /smuggled " HOST "\r\n",
            400),
        ROW(HEAD "content-length: 101\r\n\r\nGET /smuggled " HOST "\r\n", 413),
        SEEN("GET /204 " HOST "\r\nGET /x HTTP/1.1\r\n\r\nGET /smuggled " HOST "\r\n", 400,
             "start /204; complete; "),
        SEEN(HEAD "content-length: 4\r\n\r\nGET GET /smuggled\r\n" HOST "\r\n", 400,
             "start /a; end 4; complete; "),
    };
    REFUSE(rows);
}

/* Where the driver's answer cannot be sent: the connection goes on. */
static void failures_have_the_shape_of_the_api(void **state)
{
    static const char *targets[] = {"/inject", "/inject-204", "/inject-stream"};
    struct world w;
    struct client c;
    world_open_with(&w, both_config(), true);
    both_open(&c, &w);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char text[64];
        snprintf(text, sizeof text, "GET %s " HOST "\r\n", targets[i]);
        buf_clear(&c.text);
        client_send(&c, str_of(text));
        client_await(&c, "}}");
        assert_true(client_has(&c, "HTTP/1.1 500 "));
        assert_true(client_has(&c, "\r\ncontent-length: 74\r\n\r\n"
                                   "{\"error\":{\"status\":500,\"message\":\"a header of "));
        assert_false(client_has(&c, "never"));
        assert_false(client_has(&c, "b: c"));
        assert_int_equal(server_counts(w.server)->refused, i + 1);
    }
    client_close(&c);
    world_close(&w);
}

static void those_turned_away_are_told_in_the_shape_of_the_api(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = server_defaults();
    config.connections_max = 0;
    world_open_with(&w, config, true);
    both_open(&c, &w);
    client_await_end(&c);
    assert_true(client_has(&c, "HTTP/1.1 503 "));
    assert_true(client_has(&c, "\r\ncontent-type: application/json\r\n"));
    assert_true(client_has(&c, "\r\nretry-after: 1\r\n"));
    assert_true(client_has(&c, "\r\n\r\n{\"error\":{\"status\":503,\"message\":\"too many"));
    client_close(&c);
    world_close(&w);
}

/* Without a driver's formatter a refusal is a line of text. */
static void refusals_are_text_by_default(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, both_config());
    both_open(&c, &w);
    client_send(&c, STR("GET / HTTP/1.1\r\n\r\n"));
    client_await_end(&c);
    assert_true(client_has(&c, "\r\ncontent-type: text/plain\r\n"));
    assert_true(client_has(&c, "\r\n\r\na request needs exactly one Host header\n"));
    client_close(&c);
    world_close(&w);
}

/* The server reads on for a while: closing at once would reset the connection, and could cost
 * the client the reason. */
static void a_client_that_sends_on_is_still_told_why(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    struct buf body = {0};
    config.body_max = 100;
    world_open(&w, config);
    both_open(&c, &w);
    buf_reserve(&body, 1 << 20);
    memset(body.p, 'a', 1 << 20);
    body.n = 1 << 20;
    client_send(&c, STR(HEAD "content-length: 1048576\r\n\r\n"));
    while (server_counts(w.server)->refused == 0)
        client_turn(&c, UV_RUN_NOWAIT);
    client_send(&c, buf_str(&body));
    while (c.due.n)
        client_turn(&c, UV_RUN_NOWAIT);
    client_await_end(&c);
    assert_true(client_has(&c, " 413 "));
    assert_false(c.peer.reset);
    assert_int_equal(c.ended, both.tls);
    buf_free(&body);
    client_close(&c);
    world_close(&w);
}

/* ---- Requests that are not ------------------------------------------------------------- */

static void what_only_looks_hostile_is_served(void **state)
{
    static const struct row rows[] = {
        SEEN("\r\nGET /a " HOST "connection: close\r\n\r\n", 200,
             "start /a; end 0; complete; "),
        SEEN(HEAD "connection: close\r\nexpect: 100-CONTINUE\r\ncontent-length: 2\r\n\r\nhi",
             100, "start /a; end 2; complete; "),
        SEEN("POST /a HTTP/1.0\r\nexpect: x\r\ncontent-length: 2\r\n\r\nhi", 200,
             "start /a; end 2; complete; "),
        SEEN(HEAD "connection: close\r\ntransfer-encoding: CHUNKED\r\n\r\n"
                  "1;a=b\r\nx\r\n0001\r\ny\r\n0\r\ntrailer: z\r\n\r\n",
             200, "start /a; end 2; complete; "),
        SEEN(HEAD "connection: close\r\ncontent-length: 24\r\n\r\n"
                  "GET /smuggled HTTP/1.1\r\n",
             200, "start /a; end 24; complete; "),
        SEEN("GET /a HTTP/1.1\r\nhost:\r\nconnection: close\r\nupgrade: h2c\r\n\r\n", 200,
             "start /a; end 0; complete; "),
        SEEN("GET /204 " HOST "connection: close\r\n\r\nGET /ignored " HOST "\r\n", 204,
             "start /204; complete; "),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct world w;
        struct client c;
        world_open(&w, both_config());
        both_open(&c, &w);
        client_send(&c, row->text);
        client_await_end(&c);
        assert_true(client_has(&c, row->status));
        assert_int_equal(c.ended, both.tls);
        assert_string_equal(buf_cstr(&w.log), row->log);
        assert_int_equal(server_counts(w.server)->refused, 0);
        client_close(&c);
        world_close(&w);
    }
}

/* ---- Clients that take their time ------------------------------------------------------- */

/* Sends one byte in each turn until the server has had enough: the server's patience with the
 * silence between two bytes (an hour) does not end it. */
static void drip(struct client *c, const char *head)
{
    client_send(c, str_of(head));
    while (!client_is_over(c)) {
        if (!client_has(c, " 408 "))
            client_send(c, STR("a"));
        client_turn(c, UV_RUN_NOWAIT);
    }
    assert_true(client_has(c, "HTTP/1.1 408 "));
    assert_true(client_has(c, "connection: close\r\n"));
}

static void a_dripping_head_is_given_up(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    config.idle_timeout_us = 3600 * INT64_C(1000000);
    config.head_timeout_us = 5000;
    world_open(&w, config);
    both_open(&c, &w);
    drip(&c, "GET / HTTP/1.1\r\nx: ");
    assert_string_equal(buf_cstr(&w.log), "");
    client_close(&c);
    world_close(&w);
}

/* The second head of a connection as the first: its time begins anew, and ends. */
static void a_dripping_second_head_is_given_up(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    config.idle_timeout_us = 3600 * INT64_C(1000000);
    config.head_timeout_us = 20000;
    world_open(&w, config);
    both_open(&c, &w);
    client_send(&c, STR("GET /a " HOST "\r\n"));
    client_await(&c, " 200 ");
    drip(&c, "GET / HTTP/1.1\r\nx: ");
    client_close(&c);
    world_close(&w);
}

/* The rate is more than a loop can turn. */
static void a_dripping_body_is_given_up(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    config.idle_timeout_us = 3600 * INT64_C(1000000);
    config.body_grace_us = 5000;
    config.body_rate_min = 1 << 30;
    world_open(&w, config);
    both_open(&c, &w);
    drip(&c, HEAD "content-length: 300000\r\n\r\n");
    assert_string_equal(buf_cstr(&w.log), "start /a; gone; ");
    client_close(&c);
    world_close(&w);
}

/* A body that comes as fast as asked for may take as long as it takes. */
static void a_body_on_a_slow_line_is_waited_for(void **state)
{
    struct world w;
    struct client c;
    struct server_config config = both_config();
    config.body_grace_us = 3600 * INT64_C(1000000);
    config.body_rate_min = 1;
    world_open(&w, config);
    both_open(&c, &w);
    client_send(&c, STR(HEAD "content-length: 1000\r\n\r\n"));
    for (int i = 0; i < 1000; i++) {
        client_send(&c, STR("a"));
        client_turn(&c, UV_RUN_NOWAIT);
    }
    client_await(&c, " 200 ");
    assert_true(client_has(&c, " 200 "));
    client_close(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(lengths_that_conflict_are_refused),
        BOTH(a_length_and_a_coding_are_refused),
        BOTH(codings_but_chunked_are_refused),
        BOTH(hosts_but_one_are_refused),
        BOTH(folded_lines_are_refused),
        BOTH(lines_that_end_in_half_are_refused),
        BOTH(control_bytes_are_refused),
        BOTH(malformed_headers_are_refused),
        BOTH(chunks_without_measure_are_refused),
        BOTH(chunk_extensions_without_end_are_refused),
        BOTH(long_targets_are_refused),
        BOTH(large_heads_are_refused),
        BOTH(large_bodies_are_refused),
        BOTH(targets_but_paths_are_refused),
        BOTH(garbage_before_a_request_is_refused),
        BOTH(other_versions_and_methods_are_refused),
        BOTH(expectations_but_one_are_refused),
        BOTH(nothing_after_a_refused_request_is_read),
        BOTH(failures_have_the_shape_of_the_api),
        PLAIN(those_turned_away_are_told_in_the_shape_of_the_api),
        BOTH(refusals_are_text_by_default),
        BOTH(a_client_that_sends_on_is_still_told_why),
        BOTH(what_only_looks_hostile_is_served),
        BOTH(a_dripping_head_is_given_up),
        BOTH(a_dripping_second_head_is_given_up),
        BOTH(a_dripping_body_is_given_up),
        BOTH(a_body_on_a_slow_line_is_waited_for),
    };
    return cmocka_run_group_tests(tests, both_setup, both_teardown);
}
