/* sse.h: server-sent events out of a byte stream. Source: WHATWG HTML, section 9.2.
 *
 * `id` and `retry` are read over: no API stream is resumed. An event cut short by the end of
 * the stream is dropped, as the standard says. */
#ifndef SLUICE_SSE_H
#define SLUICE_SSE_H

#include "str.h"

/* Zero-initialise; free with sse_free. The fields are the parser's own. */
struct sse {
    struct buf line; /* the start of a line whose end has not come yet */
    struct buf data; /* data lines of the current event, each followed by \n */
    struct buf event;
    bool any_data, after_cr, started, overflowed;
};

struct sse_event {
    struct str type; /* "" means "message" */
    struct str data; /* lines joined by \n */
};

/* Feeds bytes; calls `each` for every complete event, whose bytes are lent for that call.
 * SL_TOO_LARGE, for good, once an event is over BOUND_SSE_EVENT_BYTES. */
enum sl_err sse_feed(struct sse *s, struct str bytes,
                     void (*each)(void *ctx, struct sse_event ev), void *ctx) SL_CHECK;
void sse_free(struct sse *s);

#endif
