/* diagnosis.h: a verdict in words: what was hit, why, what to do, and what it is not. */
#ifndef SLUICE_DIAGNOSIS_H
#define SLUICE_DIAGNOSIS_H

#include "detect.h"

/* Several lines, each ended. */
void diagnosis_write(struct buf *out, const struct origin *o, const struct verdict *v);
/* One line of JSON: provider, kind, dimension, limit, used, requested, retry_after_ms,
 * retryable; null for what is not said. */
void diagnosis_json(struct buf *out, const struct origin *o, const struct verdict *v);
/* The model a refusal names, or empty. */
struct str diagnosis_model(struct str message);

#endif
