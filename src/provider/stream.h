/* stream.h: what a streamed answer says on its way: usage, refusals, and where it tells no
 * usage, how much output went by, counted as it passes. Pure: bytes in, figures out.
 *
 * Knows the server-sent events of chat and text completions, Responses and Messages. Source:
 * facts/providers.md section 9. */
#ifndef SLUICE_STREAM_H
#define SLUICE_STREAM_H

#include "provider.h"
#include "sse.h"

/* Open with stream_open, free with stream_free. */
struct stream {
    struct sse sse;
    const struct provider *provider;
    struct str model;  /* lent */
    bool counts;       /* output is counted: the stream will not tell it, or only at its end */
    struct usage told; /* -1 where not told so far */
    int64_t counted;   /* output tokens counted, `text` left out */
    struct buf text;   /* output not counted yet */
    struct buf error;  /* the event that refused, or empty */
    int64_t events;    /* with data */
    bool ended;        /* the event that ends a whole answer has come */
    struct arena *scratch;
    struct arena arena; /* of the verdict */
};

/* `ask`, its model and `scratch` are lent until stream_free; between the calls nothing of
 * `scratch` is used, so that streams can share one. */
void stream_open(struct stream *s, const struct provider *p, const struct ask *ask,
                 struct arena *scratch);
void stream_free(struct stream *s);
/* SL_TOO_LARGE: an event over BOUND_SSE_EVENT_BYTES. */
enum sl_err stream_feed(struct stream *s, struct str bytes) SL_CHECK;
/* What has been used so far: told, else counted. */
struct usage stream_usage(struct stream *s);
/* OK, or what the event that refused meant; its strings are lent until stream_free. */
struct verdict stream_verdict(struct stream *s);

#endif
