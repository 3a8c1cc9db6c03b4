#include "check.h"
#include "message.h"

#include <stdio.h>
#include <stdlib.h>

/* What a parser reported, as one line of text: "POST /a [host=x] {body} end; ". */
struct transcript {
    struct buf text;
    bool in_body;
    int pause_after; /* pause after every event */
};

static int record(void *ctx, enum parse_event ev, const struct message *m, struct str body)
{
    struct transcript *t = ctx;
    if (ev == PARSE_BODY) {
        buf_puts(&t->text, t->in_body ? "" : " {");
        t->in_body = true;
        buf_add(&t->text, body);
        return t->pause_after;
    }
    if (t->in_body)
        buf_char(&t->text, '}');
    t->in_body = false;
    if (ev == PARSE_END) {
        buf_puts(&t->text, m->keep_alive ? " end; " : " end close; ");
        return t->pause_after;
    }
    if (m->status)
        buf_printf(&t->text, "%d", m->status);
    else
        buf_printf(&t->text, "%.*s %.*s", STR_ARG(m->method), STR_ARG(m->target));
    for (size_t i = 0; i < m->header_count; i++)
        buf_printf(&t->text, " [%.*s=%.*s]", STR_ARG(m->headers[i].name),
                   STR_ARG(m->headers[i].value));
    return t->pause_after;
}

/* Feeds the text in pieces of `piece` bytes, then the end of the connection. */
static void feed(struct transcript *t, enum message_side side, struct str text, size_t piece)
{
    struct parser *p = parser_new(side, (struct parser_handler){record, t});
    enum sl_err err = SL_OK;
    for (size_t at = 0; at < text.n && !err;) {
        struct str in = str_cut(str_from(text, at), piece);
        size_t used;
        size_t events = t->text.n;
        err = parser_feed(p, in, &used);
        at += used;
        assert_true(err || used == in.n || t->text.n > events);
    }
    for (size_t before = t->text.n + 1; !err && t->pause_after && before != t->text.n;) {
        size_t used;
        before = t->text.n;
        err = parser_feed(p, (struct str){0}, &used);
    }
    if (!err)
        err = parser_eof(p);
    if (err == SL_CLOSED)
        buf_puts(&t->text, "cut");
    else if (err)
        buf_printf(&t->text, "%s%s%d", t->in_body ? "}" : "",
                   err == SL_TOO_LARGE ? "large " : "", parser_status(p));
    assert_true(!err || parser_why(p)[0]);
    parser_free(&p);
    assert_null(p);
}

static void expect(enum message_side side, struct str text, const char *wanted)
{
    for (int pause = 0; pause <= 1; pause++) {
        for (size_t piece = 1; piece <= text.n; piece = piece < 9 ? piece + 1 : text.n) {
            struct transcript t = {.pause_after = pause};
            feed(&t, side, text, piece);
            if (!str_eq(buf_str(&t.text), str_of(wanted)))
                print_error("in pieces of %zu%s:\n%.*s\n", piece, pause ? ", pausing" : "",
                            STR_ARG(text));
            assert_string_equal(buf_cstr(&t.text), wanted);
            buf_free(&t.text);
            if (piece == text.n)
                break;
        }
    }
}

struct row {
    const char *text;
    const char *wanted;
};

#define POST "POST /a HTTP/1.1\r\nhost: x\r\n"
#define HEAD "POST /a [host=x]"

static void requests_are_read_whole_and_in_pieces(void **state)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / [Host=x] end; "},
        {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / [Host=x] end; "},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / [Host=[::1]:80] end; "},
        {"GET / HTTP/1.1\r\nHost: a-b.c_d:1\r\n\r\n", "GET / [Host=a-b.c_d:1] end; "},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / [Host=] end; "},
        {"GET / HTTP/1.1\r\nHost: x\r\nA:\r\nB: \t b c \t\r\n\r\n",
         "GET / [Host=x] [A=] [B=b c] end; "},
        {POST "content-length: 3\r\n\r\nabc", HEAD " [content-length=3] {abc} end; "},
        {POST "content-length: 0\r\n\r\n", HEAD " [content-length=0] end; "},
        {POST "content-length: 3\r\n\r\nabcGET / HTTP/1.1\r\nhost: y\r\n\r\n",
         HEAD " [content-length=3] {abc} end; GET / [host=y] end; "},
        {POST "transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
         HEAD " [transfer-encoding=Chunked] {abcde} end; "},
        {POST "transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: t\r\n\r\n" POST "\r\n",
         HEAD " [transfer-encoding=chunked] {a} end; " HEAD " end; "},
        {POST "connection: close\r\n\r\n", HEAD " [connection=close] end close; "},
        {"GET / HTTP/1.0\r\n\r\n", "GET / end close; "},
        {"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
         "GET / [connection=keep-alive] end; "},
        {POST "upgrade: h2c\r\nconnection: upgrade\r\n\r\n",
         HEAD " [upgrade=h2c] [connection=upgrade] end; "},
        {"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n", "CONNECT a:443 [host=a] end; "},
        {"", ""},
        {"GET / HT", "cut"},
        {POST "content-length: 3\r\n\r\nab", HEAD " [content-length=3] {abcut"},
        {POST "transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
         HEAD " [transfer-encoding=chunked] {abcut"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(MESSAGE_REQUEST, str_of(rows[i].text), rows[i].wanted);
}

static void doubtful_requests_are_refused(void **state)
{
    static const struct row rows[] = {
        /* framing */
        {POST "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", "400"},
        {POST "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n", "400"},
        {POST "content-length: 3\r\ncontent-length: 3\r\n\r\nabc", "400"},
        {POST "content-length: 3, 3\r\n\r\nabc", "400"},
        {POST "content-length: +3\r\n\r\nabc", "400"},
        {POST "content-length: -3\r\n\r\nabc", "400"},
        {POST "content-length: 0x3\r\n\r\nabc", "400"},
        {POST "content-length:\r\n\r\n", "400"},
        {POST "content-length: 99999999999999999999\r\n\r\n", "400"},
        {POST "content-length: 9223372036854775808\r\n\r\n", "400"},
        {POST "transfer-encoding: gzip, chunked\r\n\r\n", "501"},
        {POST "transfer-encoding: chunked, chunked\r\n\r\n", "400"},
        {POST "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", "400"},
        {POST "transfer-encoding: xchunked\r\n\r\n", "501"},
        {POST "transfer-encoding: identity\r\n\r\n", "501"},
        {POST "transfer-encoding: \"chunked\"\r\n\r\n", "501"},
        {POST "transfer-encoding:\r\n\r\n", "501"},
        {POST "transfer-encoding: \vchunked\r\n\r\n", "400"},
        {POST "transfer-encoding : chunked\r\n\r\n", "400"},
        {"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", "400"},
        /* hosts */
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", "400"},
        {"GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nhost: x y\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nhost: x/y\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nhost: x@y\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nhost: x?y\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nhost: x\xC3\xA4\r\n\r\n", "400"},
        /* lines */
        {POST "a: b\r\n c\r\n\r\n", "400"},
        {POST "a: b\r\n\tc\r\n\r\n", "400"},
        {"GET / HTTP/1.1\nhost: x\n\n", "400"},
        {POST "a: b\n\r\n", "400"},
        {POST "a: b\rc: d\r\n\r\n", "400"},
        {POST "a: b\r\r\n\r\n", "400"},
        {POST "a: b\x01\r\n\r\n", "400"},
        {POST "a: b\x7F\r\n\r\n", "400"},
        {POST "no colon\r\n\r\n", "400"},
        {POST ": no name\r\n\r\n", "400"},
        {POST "bad name: x\r\n\r\n", "400"},
        {POST "bad\x80name: x\r\n\r\n", "400"},
        {" GET / HTTP/1.1\r\nhost: x\r\n\r\n", "400"},
        {"GET  / HTTP/1.1\r\nhost: x\r\n\r\n", "400"},
        {"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n", "400"},
        {"GET /\x80 HTTP/1.1\r\nhost: x\r\n\r\n", "400"},
        {"GET /\r\nhost: x\r\n\r\n", "400"},
        {"BREW / HTTP/1.1\r\nhost: x\r\n\r\n", "501"},
        /* other protocols */
        {"GET / HTTP/2.0\r\nhost: x\r\n\r\n", "505"},
        {"GET / HTTP/0.9\r\nhost: x\r\n\r\n", "505"},
        {"GET / HTTP/1.10\r\nhost: x\r\n\r\n", "505"},
        {"DESCRIBE / RTSP/1.0\r\nhost: x\r\n\r\n", "400"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
        {"\x16\x03\x01\x02", "400"},
        /* bodies */
        {POST "transfer-encoding: chunked\r\n\r\ng\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n-1\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
         HEAD " [transfer-encoding=chunked] {a}400"},
        {POST "transfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n8000000000000000\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n0\r\n\n",
         HEAD " [transfer-encoding=chunked]400"},
        {POST "transfer-encoding: chunked\r\n\r\n0\r\na: b\n\r\n",
         HEAD " [transfer-encoding=chunked]400"},
        /* after the last message */
        {POST "connection: close\r\n\r\nGET", HEAD " [connection=close] end close; 400"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(MESSAGE_REQUEST, str_of(rows[i].text), rows[i].wanted);
    expect(MESSAGE_REQUEST, STR(POST "a: \0b\r\n\r\n"), "400");
}

static void responses_end_where_their_framing_says(void **state)
{
    static const struct row rows[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "200 [content-length=2] {hi} end; "},
        {"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "200 [content-length=0] end; "},
        {"HTTP/1.1 429 Too Many\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
         "429 [transfer-encoding=chunked] {hi} end; "},
        {"HTTP/1.1 200 OK\r\n\r\nto the end", "200 {to the end} end close; "},
        {"HTTP/1.0 200 OK\r\n\r\n", "200 end close; "},
        {"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
         "204 end; 200 [content-length=0] end; "},
        {"HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
         "304 [content-length=7] end; "},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nconnection: close\r\n\r\n"
         "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
         "100 end; 103 [connection=close] end close; 200 [content-length=1] {x} end; "},
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh", "200 [content-length=2] {hcut"},
        {"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "400"},
        {"HTTP/1.1 099 Low\r\n\r\n", "400"},
        {"HTTP/1.1 2000 OK\r\n\r\n", "400"},
        {"HTTP/2.0 200 OK\r\n\r\n", "505"},
        {"ICE/1.0 200 OK\r\n\r\n", "400"},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", "400"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi", "400"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhi", "501"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(MESSAGE_RESPONSE, str_of(rows[i].text), rows[i].wanted);
}

static void a_response_to_head_has_no_body(void **state)
{
    struct transcript t = {0};
    struct parser *p = parser_new(MESSAGE_RESPONSE, (struct parser_handler){record, &t});
    parser_expect_no_body(p);
    size_t used;
    struct str text =
        STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
    assert_int_equal(parser_feed(p, text, &used), SL_OK);
    assert_string_equal(buf_cstr(&t.text), "100 end; 200 [content-length=9] end; "
                                           "200 [content-length=2] {hi} end; ");
    parser_free(&p);
    buf_free(&t.text);
}

static void heads_are_bounded(void **state)
{
    struct buf b = {0};
    buf_puts(&b, POST "a: ");
    for (int i = 0; i < BOUND_HEADER_BYTES; i++)
        buf_char(&b, 'a');
    expect(MESSAGE_REQUEST, buf_str(&b), "large 431");

    buf_clear(&b);
    buf_puts(&b, "GET /");
    for (int i = 0; i < BOUND_TARGET_BYTES; i++)
        buf_char(&b, 'a');
    buf_puts(&b, " HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(MESSAGE_REQUEST, buf_str(&b), "large 414");

    buf_clear(&b);
    for (int i = 0; i < BOUND_HEADER_BYTES; i++)
        buf_char(&b, 'a');
    expect(MESSAGE_REQUEST, buf_str(&b), "large 414");

    buf_clear(&b);
    buf_puts(&b, POST);
    for (int i = 0; i < BOUND_HEADERS; i++)
        buf_puts(&b, "a: b\r\n");
    buf_puts(&b, "\r\n");
    expect(MESSAGE_REQUEST, buf_str(&b), "large 431");

    buf_clear(&b);
    buf_puts(&b, POST "transfer-encoding: chunked\r\n\r\n0\r\na: ");
    for (int i = 0; i < BOUND_HEADER_BYTES; i++)
        buf_char(&b, 'a');
    expect(MESSAGE_REQUEST, buf_str(&b), HEAD " [transfer-encoding=chunked]large 431");

    buf_clear(&b);
    buf_puts(&b, POST "transfer-encoding: chunked\r\n\r\n1;");
    for (int i = 0; i <= BOUND_HEADER_BYTES; i++)
        buf_char(&b, 'a');
    expect(MESSAGE_REQUEST, buf_str(&b), HEAD " [transfer-encoding=chunked]400");
    buf_free(&b);
}

static void headers_are_found_by_any_case(void **state)
{
    struct message m = {0};
    m.headers[0] = (struct header){STR("Retry-After"), STR("3")};
    m.headers[1] = (struct header){STR("retry-after"), STR("4")};
    m.header_count = 2;
    assert_true(str_eq(message_header(&m, "RETRY-AFTER"), STR("3")));
    assert_null(message_header(&m, "retry").p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_whole_and_in_pieces),
        cmocka_unit_test(doubtful_requests_are_refused),
        cmocka_unit_test(responses_end_where_their_framing_says),
        cmocka_unit_test(a_response_to_head_has_no_body),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(headers_are_found_by_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
