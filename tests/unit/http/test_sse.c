#include "bounds.h"
#include "check.h"
#include "sse.h"

static void record(void *ctx, struct sse_event ev)
{
    buf_printf(ctx, "<%.*s|%.*s>", STR_ARG(ev.type), STR_ARG(ev.data));
}

static void events_do_not_depend_on_the_pieces(void **state)
{
    static const struct {
        const char *text;
        const char *wanted;
    } rows[] = {
        {"data: a\n\n", "<|a>"},
        {"data:a\r\n\r\ndata:  b\r\rdata\n\n", "<|a><| b><|>"},
        {"data: a\ndata: b\n\n", "<|a\nb>"},
        {"data: a\ndata:\n\n", "<|a\n>"},
        {"event: ping\ndata: {}\n\ndata: x\n\n", "<ping|{}><|x>"},
        {"event: a\nevent: b\ndata: x\n\n", "<b|x>"},
        {"event: lost\n\ndata: x\n\n", "<|x>"},
        {": comment\ndata: a\nid: 7\nretry: 5\nother: x\n\n", "<|a>"},
        {"data : a\n\n", ""},
        {"\xEF\xBB\xBF"
         "data: a\n\n",
         "<|a>"},
        {"data: a\n\n\xEF\xBB\xBF"
         "data: b\n\n",
         "<|a>"},
        {"data: [DONE]\n\n", "<|[DONE]>"},
        {"data: cut short\n", ""},
        {"data: a\r\r\ndata: b\r\n\r\n", "<|a><|b>"},
        {"\n\n\r\r\n\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str text = str_of(rows[i].text);
        for (size_t piece = 1; piece <= text.n; piece++) {
            struct sse s = {0};
            struct buf seen = {0};
            for (size_t at = 0; at < text.n; at += piece)
                assert_int_equal(
                    sse_feed(&s, str_cut(str_from(text, at), piece), record, &seen), SL_OK);
            assert_string_equal(buf_cstr(&seen), rows[i].wanted);
            buf_free(&seen);
            sse_free(&s);
        }
    }
}

static void an_event_is_bounded(void **state)
{
    struct sse s = {0};
    struct buf seen = {0};
    struct buf line = {0};
    buf_puts(&line, "data: ");
    for (int i = 0; i < 1 << 20; i++)
        buf_char(&line, 'x');
    buf_char(&line, '\n');
    assert_int_equal(sse_feed(&s, STR("data: whole\n\n"), record, &seen), SL_OK);
    enum sl_err err = SL_OK;
    int fed = 0;
    for (; !err && fed < 17; fed++)
        err = sse_feed(&s, buf_str(&line), record, &seen);
    assert_int_equal(err, SL_TOO_LARGE);
    assert_int_equal(fed, 16);
    assert_int_equal(sse_feed(&s, STR("\n\ndata: late\n\n"), record, &seen), SL_TOO_LARGE);
    assert_string_equal(buf_cstr(&seen), "<|whole>");
    assert_true(s.data.n + s.line.n <= BOUND_SSE_EVENT_BYTES);
    buf_free(&seen);
    buf_free(&line);
    sse_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_do_not_depend_on_the_pieces),
        cmocka_unit_test(an_event_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
