/* work.h: what has to be done, and the limits it has to pass.
 *
 * Synthetic requests have the proportions of the production trace: input log-normal (median 760
 * tokens, sigma 0.98, 16 to 8,000: mean about 1,150); max_tokens 256, 512 or 1,024 with equal
 * chance; output 0.35 * max_tokens * f, at most max_tokens (mean about 205), and service time
 * mean * f, with one log-normal f (sigma 0.6, mean 1) for both: long answers are long in tokens
 * and in seconds. The provider estimates characters / 4, which is 0 to 15 % above the exact
 * count.
 *
 * Account: 600 RPM with TPM 3M (rpm), 300k TPM with 6,000 RPM (tpm), or 600 RPM and as many TPM
 * as 600 mean requests take (mixed). The batch is 12.5 times what a minute allows in fixed and
 * sliding windows (well inside a step of the bound), 11.5 times for a bucket (ten and a half
 * minutes beyond the first fill), 10.5 times where slices of requests bind. Beside a stranger:
 * of the client's share. */
#ifndef SLUICE_SIM_WORK_H
#define SLUICE_SIM_WORK_H

#include "cell.h"

struct job {
    int64_t input_tokens; /* exact */
    int64_t char_tokens;  /* the provider's estimate */
    int64_t max_tokens;
    int64_t output_tokens; /* what the answer will have */
    int64_t service_us;
    int64_t arrives_us; /* when the client learns of it; 0 in a batch */
};

struct work {
    struct job *jobs;
    size_t n;
    int64_t rpm, tpm; /* the account's limits */
};

/* All tokens a job is charged under the rule, output included. */
int64_t job_tokens(const struct job *j, enum sim_charge rule);

/* Draws the work of a cell. For the trace, `csv` is its text (TIMESTAMP,ContextTokens,
 * GeneratedTokens); max_tokens is 1,024 then, the limits are what takes twelve and a half
 * minutes as a batch, and what the mean load fills to 90 % as arrivals. SL_SYNTAX if it is not
 * that. */
enum sl_err work_make(const struct cell *c, struct str csv, struct work *out) SL_CHECK;
void work_free(struct work *w);

#endif
