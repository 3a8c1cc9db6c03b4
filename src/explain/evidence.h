/* evidence.h: what somebody pasted or logged, taken apart into pieces that can be judged one by
 * one. */
#ifndef SLUICE_EVIDENCE_H
#define SLUICE_EVIDENCE_H

#include "logged.h"
#include "message.h"

enum { EVIDENCE_CLAIMS = 8 };

/* One reading of a piece: an error's body, or its words. A log wraps errors in several ways,
 * and which wrapping tells most is seen when all are judged. */
struct claim {
    struct str body; /* JSON or text */
    int status;      /* HTTP status, 0 if not said */
    bool prose;      /* a text; out of a log it may be about anything, unless it is alone */
};

struct evidence {
    size_t line; /* on which it begins, from 1 */
    bool alone;  /* this piece is all there is */
    struct logged logged;
    struct str provider; /* where the piece names one itself, else empty */
    struct message head; /* headers; none: header_count 0 */
    struct str text;     /* the whole piece as pasted */
    struct claim claims[EVIDENCE_CLAIMS];
    size_t claim_count; /* 0: it cannot tell of a refusal */
};

/* Pieces out of bytes that may come in any portions: a JSON document, a line of recorded
 * refusals
 * ({"provider", "http_status", "headers", "body"}), a row of a batch's result file, an HTTP
 * response as `curl -i` prints it, the block of an exception, or a line of a log. */
struct evidence_reader;

/* Calls `each` for every piece; a piece lives until `each` returns. `now_us` dates stamps that
 * have no year. */
struct evidence_reader *evidence_new(int64_t now_us,
                                     void (*each)(void *ctx, const struct evidence *e),
                                     void *ctx);
void evidence_feed(struct evidence_reader *r, struct str bytes);
/* The text is over: gives what is left, and frees. Returns the number of lines. */
size_t evidence_end(struct evidence_reader **r);

/* All of it at once. */
void evidence_each(struct str text, void (*each)(void *ctx, const struct evidence *e),
                   void *ctx);

#endif
