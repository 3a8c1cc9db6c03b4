/* batch_object.h: what a Batch API says of a batch, of several, of a file. Pure.
 * Source: facts/providers.md section 6. */
#ifndef SLUICE_BATCH_OBJECT_H
#define SLUICE_BATCH_OBJECT_H

#include "batch_call.h"

enum batch_phase {
    BATCH_AT_WORK, /* not over, or a status that nobody knows */
    BATCH_OVER,    /* completed, expired, cancelled: what there is of results can be had */
    BATCH_FAILED,  /* found wrong before any of it was carried out */
};

struct batch_object {
    struct str id;
    struct str text; /* all of it, as JSON */
    enum batch_phase phase;
    struct str status;   /* the provider's own word */
    struct str mark;     /* of its metadata: OpenAI's */
    int64_t total, done; /* requests, -1 where not said; done: carried out or given up */
    int64_t created_us, expires_us; /* since 1970; -1 not said */
    /* OpenAI's: where results lie; empty where there are none */
    struct str output_file, error_file;
    const struct json *complaints; /* of a failed one: the first, NULL where there are none */
};
/* SL_MISSING, SL_TYPE, SL_RANGE with *diag for what is none; ids that would not be plain are
 * refused. Lent from the tree. */
enum sl_err batch_object_read(enum batch_dialect d, const struct json *v,
                              struct batch_object *out, struct diag *diag) SL_CHECK;

/* Of a failed batch. */
struct batch_complaint {
    int64_t line; /* from 1; 0: of the whole */
    struct str code, message;
};
struct batch_complaint batch_complaint_read(const struct json *complaint);
/* Does it say that too much waits at the provider? Then the batch was fine, and may come later.
 */
bool batch_queue_was_full(const struct batch_object *b);

/* A page of batches or of files. */
struct batch_page {
    const struct json *first; /* of its items; walk by `next` */
    bool more;
    struct str last; /* behind which the next page begins; empty: none */
};
enum sl_err batch_page_read(const struct json *v, struct batch_page *out,
                            struct diag *diag) SL_CHECK;

struct batch_file {
    struct str id, filename;
};
enum sl_err batch_file_read(const struct json *v, struct batch_file *out,
                            struct diag *diag) SL_CHECK;

#endif
