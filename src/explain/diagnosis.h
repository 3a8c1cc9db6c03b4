/* diagnosis.h: a finding in words: what was hit, why, what to do, what it is not, and when to
 * write to the provider. */
#ifndef SLUICE_DIAGNOSIS_H
#define SLUICE_DIAGNOSIS_H

#include "finding.h"
#include "standing.h"

/* Several lines, each ended. */
void diagnosis_write(struct buf *out, const struct finding *f, const struct standing *s,
                     int64_t now_us);
/* One line of JSON: provider, kind, dimension, limit, used, requested, retry_after_ms,
 * retryable; null for what is not said. Of a log's finding also model, line and time. */
void diagnosis_json(struct buf *out, const struct finding *f);
/* The model a refusal names, or empty. */
struct str diagnosis_model(struct str message);
/* What a text says, without what would move a terminal's cursor. */
void diagnosis_visible(struct buf *out, struct str text);
/* The first line of a provider's words, cut. What looks like a key in it is not shown:
 * diagnoses are pasted into tickets. */
void diagnosis_quote(struct buf *out, struct str message);
/* A limit's short name, empty where it is not known: "TPM", "CONCURRENCY". */
void diagnosis_dimension(struct buf *out, enum dimension dim);

#endif
