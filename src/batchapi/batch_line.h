/* batch_line.h: one request as it stands in a batch, and one result as it comes back. Pure.
 * Source: facts/providers.md section 6. */
#ifndef SLUICE_BATCH_LINE_H
#define SLUICE_BATCH_LINE_H

#include "batch_call.h"

struct batch_request {
    struct str custom_id;
    struct str endpoint; /* OpenAI's: as the batch names it */
    struct str body;     /* the JSON text that is sent, on one line */
};
/* Appends it, with what ends it (OpenAI's) or stands between it and the one before
 * (Anthropic's, unless it is the first). */
void batch_request_write(enum batch_dialect d, const struct batch_request *r, bool first,
                         struct buf *out);

/* An id of ours, for Anthropic's batches, whose ids may hold 64 letters, digits, "_" and "-"
 * only and which have no metadata: the line's number and the parcel's mark, by which a batch is
 * known again. */
void batch_id_write(int64_t number, struct str mark, struct buf *out);
/* The number, if the id was made with that mark; else -1. */
int64_t batch_id_read(struct str id, struct str mark);

#define BATCH_FATES(X)                                                                         \
    X(ANSWERED, "answered")                                                                    \
    X(ERRORED, "errored")                                                                      \
    X(EXPIRED, "expired")                                                                      \
    X(CANCELLED, "cancelled")

enum batch_fate {
#define X(name, text) FATE_##name,
    BATCH_FATES(X)
#undef X
};

struct batch_result {
    enum batch_fate fate;
    struct str custom_id;
    int status; /* HTTP's, of an answer or a refusal; 0: not said */
    struct str request_id;
    struct str body;          /* of an answer or a refusal: JSON text; p == NULL: none */
    const struct json *tree;  /* the same */
    struct str code, message; /* of what was never answered; may be empty */
};
/* A line of results. SL_SYNTAX, SL_MISSING, SL_TYPE for what is none, with *diag. Lent from
 * text and arena. */
enum sl_err batch_result_read(enum batch_dialect d, struct str text, struct arena *arena,
                              struct batch_result *out, struct diag *diag) SL_CHECK;

#endif
