/* What belongs together stays together, whatever portions it comes in; bounds hold. */
#include "blocks.h"
#include "check.h"

#include <stdlib.h>

/* Each block as "LINE[R][A]<text>" and a bar. */
static void take(void *ctx, const struct block *b)
{
    struct buf *out = ctx;
    buf_printf(out, "%zu%s%s<%.*s>|", b->line, b->response ? "R" : "", b->alone ? "A" : "",
               STR_ARG(b->text));
}

static struct buf blocks_of(struct str text, size_t portion)
{
    struct buf out = {0};
    struct blocks *b = blocks_new(take, &out);
    for (; text.n; text = str_from(text, portion))
        blocks_feed(b, str_cut(text, portion));
    (void)blocks_end(&b);
    return out;
}

static void what_belongs_together(void **state)
{
    static const struct {
        const char *text, *blocks;
    } rows[] = {
        {"", ""},
        {"\n\n", ""},
        {"one", "1A<one>|"},
        {"one\ntwo\r\n\nthree\n", "1<one>|2<two>|4<three>|"},
        {"a\n  b\n\tc\n}\nd", "1<a\n  b\n\tc\n}>|5<d>|"},
        {"{\n\"a\": \"}\",\n\"b\": [\n1]\n}\nx", "1<{\n\"a\": \"}\",\n\"b\": [\n1]\n}>|6<x>|"},
        {"{\"a\": 1}\n{\"b\": 2}", "1<{\"a\": 1}>|2<{\"b\": 2}>|"},
        {"{\"a\": \"torn\n{\"b\": 2}", "1<{\"a\": \"torn>|2<{\"b\": 2}>|"},
        {"[INFO] (a\n[INFO] b", "1<[INFO] (a>|2<[INFO] b>|"},
        {"[\n{\"a\": 1}\n]", "1A<[\n{\"a\": 1}\n]>|"},
        {"{\"a\":\n2026-11-26 09:00:00 next", "1<{\"a\":>|2<2026-11-26 09:00:00 next>|"},
        {"x\nHTTP/1.1 429 Too Many\na: b\n\n{\n}\ny",
         "1<x>|2R<HTTP/1.1 429 Too Many\na: b\n\n{\n}>|7<y>|"},
        {"HTTP/2 429\na: b\n\nplain\n\ny", "1R<HTTP/2 429\na: b\n\nplain>|6<y>|"},
        {"HTTP/2 502\n\n<html>\n\n</html>\ny", "1R<HTTP/2 502\n\n<html>\n\n</html>>|6<y>|"},
        {"HTTP/2 200\n\nHTTP/2 429\na: b\n\n{}", "1R<HTTP/2 200>|3R<HTTP/2 429\na: b\n\n{}>|"},
        {"> GET / HTTP/1.1\n< HTTP/1.1 429 X\n< a: b\n< \n{ [2 bytes data]\n{}\n* left",
         "1<> GET / HTTP/1.1>|2R<HTTP/1.1 429 X\na: b\n\n{}>|"},
        {"E: failed\nTraceback (most recent call last):\n  f\nX: 1\n\nThe above exception was "
         "the "
         "direct cause of the following exception:\n\nTraceback (most recent call last):\n  "
         "g\nY: 2\nz",
         "1<E: failed\nTraceback (most recent call last):\n  f\nX: 1\n\nThe above exception "
         "was "
         "the direct cause of the following exception:\n\nTraceback (most recent call last):\n"
         "  g\nY: 2>|11<z>|"},
        {"A: x\n\tat b\nCaused by: A: x\n\tat c\nd",
         "1<A: x\n\tat b\nCaused by: A: x\n\tat c>|5<d>|"},
        {"X: y\nStatus: 429 (Z)\nErrorCode: r\n\nContent:\n{\"a\": 1}\n\nHeaders:\nb: c\n\nd: "
         "e",
         "1<X: y\nStatus: 429 (Z)\nErrorCode: r\n\nContent:\n{\"a\": 1}\n\nHeaders:\nb: "
         "c>|11<d: e>|"},
        {"event: error\ndata: {}\n\nx", "1<event: error\ndata: {}>|4<x>|"},
        {"q\n* Quota exceeded\nPlease retry in 5s.\nr",
         "1<q\n* Quota exceeded\nPlease retry in 5s.>|4<r>|"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t portion = 1; portion < 200; portion += 66) {
            struct buf got = blocks_of(str_of(rows[i].text), portion);
            if (strcmp(buf_cstr(&got), rows[i].blocks) != 0)
                fail_msg("by %zu: %s\n%s\nwant\n%s", portion, rows[i].text, buf_cstr(&got),
                         rows[i].blocks);
            buf_free(&got);
        }
    }
}

struct sizes {
    size_t blocks, largest;
};

static void measure(void *ctx, const struct block *b)
{
    struct sizes *s = ctx;
    s->blocks++;
    if (b->text.n > s->largest)
        s->largest = b->text.n;
}

/* A line without an end, brackets never closed, an exception that indents for ever. */
static void memory_is_bounded(void **state)
{
    enum { TOTAL = 4 << 20, MOST = 256 << 10 };
    static const char *const pieces[] = {"xxxxxxx", "{\n\"a\":", "  at f\n", "a: b\n"};
    static const char *const begins[] = {"", "{\n", "E: x\n", "HTTP/1.1 429 X\n"};
    for (size_t i = 0; i < 4; i++) {
        struct sizes s = {0};
        struct blocks *b = blocks_new(measure, &s);
        blocks_feed(b, str_of(begins[i]));
        for (size_t n = 0; n < TOTAL; n += str_of(pieces[i]).n)
            blocks_feed(b, str_of(pieces[i]));
        (void)blocks_end(&b);
        assert_true(s.blocks >= 1);
        assert_true(s.largest <= MOST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_belongs_together),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
