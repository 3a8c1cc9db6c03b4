/* denial.h: every "no" of the emulated provider, in the words of the provider it plays. Pure.
 *
 * Wordings: facts/providers.md section 5 and facts/errors.jsonl. Where no real text is known
 * (Anthropic's requests and output per minute, OpenAI's tokens per day, slow_down, concurrency
 * and batch creations), the pattern of its nearest kin is used. */
#ifndef SLUICE_DENIAL_H
#define SLUICE_DENIAL_H

#include "emulate.h"
#include "query.h"

enum denial_kind {
    DENIAL_RATE,      /* a limit is used up for now */
    DENIAL_TOO_LARGE, /* larger than a limit */
    DENIAL_RAMP,      /* grew too fast */
    DENIAL_CLASS,     /* a limit by request type is used up; `hidden`: which is not said */
    DENIAL_WALLET,
    DENIAL_BAD_REQUEST, /* `field`, `text` */
    DENIAL_BAD_JSON,
    DENIAL_OTHER, /* `status`, `field`, `code`, `text` */
    DENIAL_NO_MODEL,
    DENIAL_NO_ROUTE, /* `text` names method and path */
    DENIAL_BAD_METHOD,
    DENIAL_BAD_KEY,
    DENIAL_SERVER_ERROR,
    DENIAL_OVERLOADED,
};

struct denial {
    enum denial_kind kind;
    enum emulate_dialect dialect;
    enum target_api api;
    struct str model, pool;
    struct str api_version;
    struct gauge_figure why; /* RATE, TOO_LARGE, CLASS */
    bool hidden;
    int64_t retry_us; /* RATE, CLASS; -1: not said */
    const char *field, *text, *code;
    int status;      /* OTHER */
    size_t sequence; /* of an event of a Responses stream */
    const char *id;  /* the request's, as in its header; NULL: none */
};

int denial_status(const struct denial *r);
/* The words alone, as a run's last_error has them: OpenAI's or Azure's. */
void denial_message(const struct denial *r, struct buf *out);
/* A JSON body. */
void denial_body(const struct denial *r, struct buf *out);
/* The same as an error event of a stream that has begun. */
void denial_event(const struct denial *r, struct buf *out);

#endif
