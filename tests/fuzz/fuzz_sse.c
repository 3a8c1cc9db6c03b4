/* Events do not depend on how the stream is cut, and every one can be told as it was read. */
#include "sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *ctx, struct sse_event ev)
{
    sl_assert(str_find(ev.type, STR("\n"), 0) < 0 && str_find(ev.type, STR("\r"), 0) < 0);
    sl_assert(str_find(ev.data, STR("\r"), 0) < 0);
    buf_add(ctx, ev.type);
    buf_char(ctx, 0);
    buf_add(ctx, ev.data);
    buf_char(ctx, 0);
}

static void run(struct buf *seen, struct str in, size_t piece)
{
    struct sse s = {0};
    for (size_t at = 0; at < in.n; at += piece) {
        enum sl_err err = sse_feed(&s, str_cut(str_from(in, at), piece), on_event, seen);
        sl_assert(!err);
    }
    sl_assert(s.data.n + s.line.n + s.event.n <= in.n);
    sse_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    struct buf whole = {0}, bytes = {0}, pieces = {0};
    run(&whole, in, size ? size : 1);
    run(&bytes, in, 1);
    run(&pieces, in, 3);
    sl_assert(str_eq(buf_str(&whole), buf_str(&bytes)));
    sl_assert(str_eq(buf_str(&whole), buf_str(&pieces)));
    buf_free(&whole);
    buf_free(&bytes);
    buf_free(&pieces);
    return 0;
}
