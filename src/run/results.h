/* results.h: the output and the error file of a run, in OpenAI's Batch output form. The output
 * is also the journal of the run: a row whose id stands in it is done.
 *
 *   {"id": "batch_req_<32 hex>", "custom_id": ..., "response": {"status_code", "request_id",
 *    "body"}, "error": null}
 *
 * Bodies are the provider's bytes; only line breaks between JSON tokens become spaces, because
 * a line is a line. Failures stand in the error file with error {code, message}; code is the
 * provider's own, or one of ours (failure_code). At the start the error file is rewritten
 * without the failures that were passing, so that those rows are asked again; what is final
 * stays.
 *
 * Where the output is no regular file (standard output, a pipe) nothing is read back, and
 * failures go where answers go unless an error file was named. */
#ifndef SLUICE_RESULTS_H
#define SLUICE_RESULTS_H

#include "engine.h"
#include "input.h"

#include <uv.h>

struct results;

struct results_config {
    const char *output;
    const char *errors; /* NULL: "results.jsonl" gives "results.errors.jsonl" */
};

/* What earlier runs left, found while opening. */
struct results_found {
    int64_t ok, failed; /* rows in ROW_DONE and ROW_FAILED now */
    int64_t retried;    /* passing failures that will be asked again */
    int64_t torn_bytes; /* of a last line that was cut off */
};

/* Opens and locks both files and marks in the input's rows what is done. SL_RANGE: the output
 * does not belong to this input; SL_LOCKED: another run owns it; SL_IO, SL_FULL. */
enum sl_err results_open(uv_loop_t *loop, const struct results_config *c, struct input *in,
                         struct results **out, struct results_found *found,
                         struct diag *diag) SL_CHECK;
/* Where failures go; for messages. */
const char *results_errors_path(const struct results *r);
/* Returns once all that was written is on the disk. */
enum sl_err results_sync(struct results *r, struct diag *diag) SL_CHECK;
/* Syncs and closes. */
enum sl_err results_close(struct results **r, struct diag *diag) SL_CHECK;

struct result {
    struct hash128 id;
    struct str custom_id; /* p == NULL: the line had none */
    bool answered;        /* status, request_id, body are there */
    int status;
    struct str request_id;
    struct str body;
};
/* Append one whole line. SL_IO, SL_FULL, for good. */
enum sl_err results_answer(struct results *r, const struct result *row,
                           struct diag *diag) SL_CHECK;
enum sl_err results_failure(struct results *r, const struct result *row, struct str code,
                            struct str message, struct diag *diag) SL_CHECK;

/* The error code of a row that ended as OUTCOME_FAILED or OUTCOME_TOO_LARGE. */
struct str failure_code(const struct ending *end);
/* Is a failure of that code asked again by a resumed run? */
bool failure_passes(struct str code);
/* A row that could never be sent; made anew by each check of the input. */
#define FAILURE_INVALID "invalid_request_line"

#endif
