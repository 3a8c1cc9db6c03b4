/* pace.h: how a provider enforces its limits, and what it charges: the pacing profile.
 *
 * Shared vocabulary of limit/, provider/ and flow/. Times are microseconds, amounts are whole
 * units of the dimension (requests, tokens, images). Sources: shared design/pacing.md,
 * facts/providers.md sections 1 and 4. */
#ifndef SLUICE_PACE_H
#define SLUICE_PACE_H

#include "dimension.h"

/* The shape of a window. AUTO: not known, to be identified from the answers. */
enum window_kind { WINDOW_AUTO, WINDOW_BUCKET, WINDOW_FIXED, WINDOW_SLIDING, WINDOW_SLICES };

/* What a request is charged to token budgets:
 * MAX     max(max_tokens, input estimate), known when sent (OpenAI)
 * SUM     input estimate + max_tokens, known when sent (Azure)
 * ACTUAL  input at the start, output as it is produced (Anthropic) */
enum charge_rule { CHARGE_MAX, CHARGE_SUM, CHARGE_ACTUAL };

const char *window_name(enum window_kind w);
const char *charge_name(enum charge_rule c);
/* "bucket", "fixed", "sliding", "slices", "slices:10s", "auto"; *slice_us is set for slices
 * (default 1 s of an unshortened minute). */
enum sl_err window_parse(struct str s, enum window_kind *w, int64_t *slice_us) SL_CHECK;
enum sl_err charge_parse(struct str s, enum charge_rule *c) SL_CHECK;

/* One limit of an account: "gpt-4o: 30,000 tokens per minute". */
struct limit_spec {
    enum dimension dim;
    int64_t limit;     /* units per period; for CONCURRENCY how many at once; 0 refuses all */
    int64_t period_us; /* 0 for CONCURRENCY. Already shortened by --minute */
};

/* What a request will draw, before any charge rule is applied. */
struct demand {
    int64_t input_tokens;      /* counted, or estimated where no tokenizer is public */
    int64_t char_tokens;       /* ceil(characters / 4): what a provider may estimate instead */
    int64_t max_output_tokens; /* asked for; the model's largest output when the request says
                                  nothing, 0 where there is no output (embeddings) */
    int64_t images;
    bool max_output_given; /* the request named max_tokens itself */
};

/* What the headers of one answer say of one budget. Absent figures are -1. */
struct reading {
    enum dimension dim; /* RPM where a *-requests header may be RPD: see period_us */
    int64_t limit;
    int64_t remaining; /* may be negative when `has_remaining` (Azure) */
    bool has_remaining;
    int64_t reset_us; /* time until the whole budget is free again, from the decision */
    int64_t
        reset_round_us; /* granularity of reset_us: truth in [reset - round, reset + round] */
    int64_t
        remaining_round; /* granularity of remaining (Anthropic rounds tokens to thousands) */
    int64_t period_us;   /* -1: not said */
};

#endif
