/* test_evidence.c: what was pasted, taken apart: where each piece begins, what it names, and
 * that nothing of it is lost or judged twice. */
#include "check.h"
#include "evidence.h"
#include "random.h"

#include <stdlib.h>

static void on_piece(void *ctx, const struct evidence *e)
{
    struct buf *log = ctx;
    buf_printf(log, "%zu", e->line);
    if (e->provider.n)
        buf_printf(log, " %.*s", STR_ARG(e->provider));
    for (size_t i = 0; i < e->head.header_count; i++)
        buf_printf(log, " %.*s=%.*s", STR_ARG(e->head.headers[i].name),
                   STR_ARG(e->head.headers[i].value));
    buf_puts(log, "; ");
}

static void expect(const char *text, const char *pieces)
{
    struct buf log = {0};
    evidence_each(str_of(text), on_piece, &log);
    if (strcmp(buf_cstr(&log), pieces) != 0)
        fail_msg("%s\ngives %s\nwanted %s", text, buf_cstr(&log), pieces);
    buf_free(&log);
}

static void one_document_is_one_piece(void **state)
{
    expect("{\"error\":{\"message\":\"m\"}}", "1; ");
    expect("{\n  \"error\": {\n    \"message\": \"m\"\n  }\n}\n", "1; ");
    expect("Rate limit reached", "1; ");
    expect("", "");
    expect(" \n\t\n", "");
}

static void recorded_refusals_name_provider_and_headers(void **state)
{
    expect("{\"provider\":\"groq\",\"http_status\":429,\"headers\":{\"retry-after\":\" 5 \"},"
           "\"body\":\"no\"}\n"
           "{\"provider\":\"azure\",\"http_status\":429,\"headers\":{},\"body\":{}}\n",
           "1 groq retry-after=5; 2 azure; ");
}

static void responses_as_curl_prints_them(void **state)
{
    expect("HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\nx-a:b\r\n\r\n{\"error\":{}}\n",
           "1 retry-after=5 x-a=b; ");
    expect("HTTP/2 429\nretry-after: 5\n\n{\"a\":\n1}\nHTTP/1.1 500 No\nx: y\n\nbody\n",
           "1 retry-after=5; 6 x=y; ");
}

/* curl -v marks what it received, and tells of itself. */
static void responses_as_curl_v_prints_them(void **state)
{
    struct buf log = {0};
    evidence_each(STR("* Connected to x\n> POST / HTTP/1.1\n> \n< HTTP/1.1 429 No\n"
                      "< retry-after: 7\n< \n{\"error\":{}}\n"),
                  on_piece, &log);
    assert_true(str_ends(buf_str(&log), STR(" retry-after=7; ")));
    assert_null(strchr(buf_cstr(&log), '<'));
    buf_free(&log);
}

/* A line begins a piece; what is indented or closes a bracket belongs to it. */
static void a_log_is_taken_apart_by_lines(void **state)
{
    expect("first\nsecond {\n  \"a\": 1\n}\nthird\n", "1; 2; 5; ");
}

/* Any paste: pieces come in order, begin within it, and hold its own text. */
static void count_piece(void *ctx, const struct evidence *e)
{
    size_t *last = ctx;
    assert_true(e->line >= *last && e->line >= 1);
    assert_true(e->head.header_count <= BOUND_HEADERS);
    *last = e->line;
}

static void any_paste_is_survived(void **state)
{
    static const char *const pieces[] = {"HTTP/1.1 429 x\n",
                                         "HTTP/1.1 \n",
                                         "{\"error\":",
                                         "{\"message\":\"m\"}",
                                         "}",
                                         "]",
                                         "\n",
                                         "\r\n",
                                         " ",
                                         "< ",
                                         "* ",
                                         "> ",
                                         "a: b\n",
                                         "Error code: 429 - {'error': {'message': 'm'}}\n",
                                         "\xff",
                                         "{\"http_status\":429,\"body\":1}",
                                         "[",
                                         "\"",
                                         "status=503\n"};
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct random r = {seed};
        struct buf b = {0};
        size_t last = 0;
        for (size_t n = random_below(&r, 14); n > 0; n--)
            buf_puts(&b, pieces[random_below(&r, sizeof pieces / sizeof *pieces)]);
        evidence_each(buf_str(&b), count_piece, &last);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_document_is_one_piece),
        cmocka_unit_test(recorded_refusals_name_provider_and_headers),
        cmocka_unit_test(responses_as_curl_prints_them),
        cmocka_unit_test(responses_as_curl_v_prints_them),
        cmocka_unit_test(a_log_is_taken_apart_by_lines),
        cmocka_unit_test(any_paste_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
