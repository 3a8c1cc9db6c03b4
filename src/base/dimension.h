/* dimension.h: what a limit counts. Names as providers and facts/errors.jsonl write them. */
#ifndef SLUICE_DIMENSION_H
#define SLUICE_DIMENSION_H

#include "str.h"

/* name, short name, unit for people, seconds of the period (0: not a rate) */
#define DIMENSIONS(X)                                                                          \
    X(RPM, "rpm", "requests per minute", 60)                                                   \
    X(TPM, "tpm", "tokens per minute", 60)                                                     \
    X(ITPM, "itpm", "input tokens per minute", 60)                                             \
    X(OTPM, "otpm", "output tokens per minute", 60)                                            \
    X(IPM, "ipm", "images per minute", 60)                                                     \
    X(RPD, "rpd", "requests per day", 86400)                                                   \
    X(TPD, "tpd", "tokens per day", 86400)                                                     \
    X(CONCURRENCY, "concurrency", "requests in flight", 0)                                     \
    X(BATCH_ENQUEUED, "batch_enqueued", "enqueued batch tokens", 0)                            \
    X(SPEND, "spend", "dollars spent", 0)                                                      \
    X(UNKNOWN, "unknown", "unknown", 0)

enum dimension {
#define X(name, text, unit, seconds) DIM_##name,
    DIMENSIONS(X)
#undef X
};
enum {
    DIM_COUNT = DIM_UNKNOWN,
    DIM_RATES = DIM_CONCURRENCY, /* those before it have a period: what a bill may draw on */
};

const char *dimension_name(enum dimension d);            /* "tpm" */
void dimension_write(struct buf *out, enum dimension d); /* "TPM" */
const char *dimension_unit(enum dimension d);            /* "tokens per minute" */
int64_t dimension_period_s(enum dimension d);            /* 60, 86400, or 0 */
/* From a short name, any case; DIM_UNKNOWN if none. */
enum dimension dimension_of(struct str name);

#endif
