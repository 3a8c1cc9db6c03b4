/* sse.h: server-sent events out of a byte stream. Source: WHATWG HTML, section 9.2. */
#ifndef SLUICE_SSE_H
#define SLUICE_SSE_H

#include "str.h"

struct sse {
    struct buf line;
    struct buf data;
    struct buf event;
    bool any_data, after_cr, started;
};

struct sse_event {
    struct str type; /* "" means "message" */
    struct str data; /* lines joined by \n */
};

/* Feeds bytes; calls `each` for every complete event. SL_TOO_LARGE over BOUND_SSE_EVENT_BYTES. */
enum sl_err sse_feed(struct sse *s, struct str bytes,
                     void (*each)(void *ctx, struct sse_event ev), void *ctx) SL_CHECK;
void sse_free(struct sse *s);

#endif
