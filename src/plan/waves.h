/* waves.h: how a batch file would go through its provider's Batch API: in how many batches, and
 * how many of them after one another because no more may wait at once. Pure. */
#ifndef SLUICE_WAVES_H
#define SLUICE_WAVES_H

#include "models.h"
#include "rows.h"

struct waves {
    bool known; /* what the API takes; else nothing below holds */
    int64_t batches;
    int64_t turns;     /* each as much as may wait at once; -1: what may wait is not known */
    int64_t within_s;  /* it ends, at the latest; -1 not known */
    int64_t requests;  /* that go */
    int64_t too_large; /* that no batch could hold */
    struct str date;   /* of what the API takes */
};

/* Whose Batch API; an empty tier: not known, so what may wait is not. */
struct waves_at {
    const struct catalogue *catalogue;
    struct str provider, tier;
};

/* Packs all rows in ROW_PENDING as `run --mode batch` does (packing.h). */
struct waves waves_of(const struct waves_at *at, const struct rows *rows,
                      const struct models *models);

#endif
