/* evidence.h: what somebody pasted, taken apart into pieces that can be judged one by one. */
#ifndef SLUICE_EVIDENCE_H
#define SLUICE_EVIDENCE_H

#include "json.h"
#include "message.h"

struct evidence {
    size_t line;         /* on which it begins, from 1 */
    struct str provider; /* where the piece names one itself, else empty */
    int status;          /* HTTP status, 0 if not said */
    struct message head; /* headers; none: header_count 0 */
    struct str body;     /* JSON or text */
    struct str text;     /* the whole piece as pasted */
    bool prose;          /* body is a text; out of a log it may be about anything, unless */
    bool alone;          /* this piece is all there is */
};

/* Calls `each` for every piece of the text: a JSON document, a line of recorded refusals
 * ({"provider", "http_status", "headers", "body"}), a row of a batch's result file, an HTTP
 * response as `curl -i` prints it, the block of an exception, or a line of a log. Pieces live
 * until `each` returns. */
void evidence_each(struct str text, void (*each)(void *ctx, const struct evidence *e),
                   void *ctx);

#endif
