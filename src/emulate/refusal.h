/* refusal.h: every "no" of the emulated provider, in the words of the provider it plays. Pure.
 *
 * Wordings: facts/providers.md section 5 and facts/errors.jsonl. Where no real text is known
 * (Anthropic's requests and output per minute, OpenAI's tokens per day, slow_down and
 * concurrency), the pattern of its nearest kin is used. */
#ifndef SLUICE_REFUSAL_H
#define SLUICE_REFUSAL_H

#include "emulate.h"
#include "prompt.h"

enum refusal_kind {
    REFUSAL_RATE,      /* a limit is used up for now */
    REFUSAL_TOO_LARGE, /* larger than a limit */
    REFUSAL_RAMP,      /* grew too fast */
    REFUSAL_WALLET,
    REFUSAL_BAD_REQUEST, /* `field`, `text` */
    REFUSAL_BAD_JSON,
    REFUSAL_NO_MODEL,
    REFUSAL_NO_ROUTE, /* `text` names method and path */
    REFUSAL_BAD_METHOD,
    REFUSAL_BAD_KEY,
    REFUSAL_SERVER_ERROR,
    REFUSAL_OVERLOADED,
};

struct refusal {
    enum refusal_kind kind;
    enum emulate_dialect dialect;
    enum prompt_api api;
    struct str model, pool;
    struct str api_version;
    struct gauge_figure why; /* RATE, TOO_LARGE */
    int64_t retry_us;        /* RATE; -1: not said */
    const char *field, *text;
    const char *id; /* the request's, as in its header; NULL: none */
};

int refusal_status(const struct refusal *r);
/* A JSON body. */
void refusal_body(const struct refusal *r, struct buf *out);
/* The same as an error event of a stream that has begun. */
void refusal_event(const struct refusal *r, struct buf *out);

#endif
