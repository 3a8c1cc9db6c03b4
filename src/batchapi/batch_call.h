/* batch_call.h: the requests a Batch API is driven by: paths, forms, bodies. Pure.
 *
 * OPENAI     a file of lines is uploaded, a batch is made of it, results are files again
 * ANTHROPIC  a batch is made of a list of requests, results hang on the batch
 * Source: facts/providers.md section 6. */
#ifndef SLUICE_BATCH_CALL_H
#define SLUICE_BATCH_CALL_H

#include "provider.h"

enum batch_dialect { BATCH_NONE, BATCH_OPENAI, BATCH_ANTHROPIC };

/* How that provider is spoken to; BATCH_NONE where no Batch API of it is known. One without a
 * name is taken to speak as OpenAI does. */
enum batch_dialect batch_dialect_of(const struct provider *p);
/* What it takes; NULL with BATCH_NONE. */
const struct batch_rules *batch_rules_of(const struct catalogue *c, const struct provider *p);

/* Which of the rules' endpoints a line's url means, with its "/v1" or without; -1: none. */
int batch_endpoint(const struct batch_rules *rules, struct str url);

enum batch_verb {
    BATCH_UPLOAD,  /* POST a form: OpenAI's alone */
    BATCH_FILES,   /* GET files of this kind: OpenAI's alone; `id`: those after it, or empty */
    BATCH_CREATE,  /* POST */
    BATCH_LOOK,    /* GET one */
    BATCH_LIST,    /* GET a page; `id`: those after it, or empty */
    BATCH_CANCEL,  /* POST */
    BATCH_CONTENT, /* GET results: of a file (OpenAI's), of a batch (Anthropic's) */
};
const char *batch_method(enum batch_verb v);
/* Below the base URL, which has a path of its own ("/v1") or not. */
void batch_path(enum batch_dialect d, enum batch_verb v, struct str id, bool base_has_path,
                struct buf *out);

/* An id that may stand in a path: letters, digits, "-", "_", ".", 1 to 128 of them, and not all
 * dots. What a provider sends is not to lead anywhere else. */
bool batch_id_is_plain(struct str id);

/* What OpenAI's batch is made by. The mark comes back in its metadata: so a batch is known
 * again whose creation was never answered. */
void batch_create_body(struct str file, struct str endpoint, struct str mark, struct buf *out);

/* What stands before and after the requests of a batch: OpenAI's in a form of that boundary and
 * file name, Anthropic's in a list. */
void batch_frame_head(enum batch_dialect d, struct str boundary, struct str filename,
                      struct buf *out);
void batch_frame_tail(enum batch_dialect d, struct str boundary, struct buf *out);
/* The Content-Type of what is framed so. */
void batch_frame_type(enum batch_dialect d, struct str boundary, struct buf *out);

#endif
