#include "check.h"
#include "write.h"

static void heads_are_written_as_they_will_be_read(void **state)
{
    struct buf b = {0};
    struct header headers[] = {{STR("host"), STR("x")}, {STR("accept"), STR("")}};
    assert_int_equal(write_request_line(&b, STR("POST"), STR("/v1/x?y=z")), SL_OK);
    assert_int_equal(write_headers(&b, headers, 2), SL_OK);
    write_head_end(&b);
    assert_string_equal(buf_cstr(&b), "POST /v1/x?y=z HTTP/1.1\r\nhost: x\r\naccept: \r\n\r\n");
    buf_clear(&b);
    write_status_line(&b, 429);
    write_status_line(&b, 799);
    assert_string_equal(buf_cstr(&b), "HTTP/1.1 429 Too Many Requests\r\nHTTP/1.1 799 \r\n");
    buf_clear(&b);
    write_chunk(&b, STR("abcdefghijklmnop"));
    write_chunk(&b, STR(""));
    write_last_chunk(&b);
    assert_string_equal(buf_cstr(&b), "10\r\nabcdefghijklmnop\r\n0\r\n\r\n");
    buf_free(&b);
}

static void nothing_can_end_a_line_early(void **state)
{
    struct buf b = {0};
    static const struct header rows[] = {
        {STR("a\r\nb"), STR("x")}, {STR("a"), STR("x\r\nb: c")}, {STR("a"), STR("x\ny")},
        {STR("a"), STR("x\0y")},   {STR("a b"), STR("x")},       {STR("a:"), STR("x")},
        {STR(""), STR("x")},       {STR("a\0"), STR("x")},       {STR("a\x80"), STR("x")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct header pair[] = {{STR("good"), STR("\xC3\xA9")}, rows[i]};
        assert_int_equal(write_headers(&b, pair, 2), SL_SYNTAX);
        assert_int_equal(b.n, 0);
    }
    assert_int_equal(write_request_line(&b, STR("GET"), STR("/ HTTP/1.1\r\na: b")), SL_SYNTAX);
    assert_int_equal(write_request_line(&b, STR("GET"), STR("/a b")), SL_SYNTAX);
    assert_int_equal(write_request_line(&b, STR("GE T"), STR("/")), SL_SYNTAX);
    assert_int_equal(write_request_line(&b, STR("GET"), STR("")), SL_SYNTAX);
    assert_int_equal(b.n, 0);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_written_as_they_will_be_read),
        cmocka_unit_test(nothing_can_end_a_line_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
