/* answered.h: how long the answers of an earlier run turned out: the results of `sluice run` or
 * of a Batch API, OpenAI's or Anthropic's. */
#ifndef SLUICE_ANSWERED_H
#define SLUICE_ANSWERED_H

#include "outputs.h"

struct answered {
    int64_t answers; /* that say how long they are: the sample */
    int64_t cut;     /* of these, cut off at max_tokens: they would have been longer */
    int64_t others;  /* lines that say nothing of it: failures, embeddings */
};

/* Adds every answer's output tokens and settles the sample. SL_IO; SL_MISSING where no line has
 * an answer. */
enum sl_err answered_read(const char *path, struct outputs *out, struct answered *a,
                          struct diag *diag) SL_CHECK;

#endif
