/* over_limit.h: what becomes of a request that its model's limits make wait too long, or that
 * is too long for its model: it waits all the same, it goes to another model, or it fails. The
 * words are the same in the gateway's routes, in the file that `sluice run --config` reads, and
 * on its command line.
 *
 *   routes:
 *     - models: [gpt-4o, "gpt-4.1*"]
 *       over_limit: downgrade            # wait, downgrade or fail
 *       fallback: {model: gpt-4o-mini, on: wait, after: 10m}
 *     - models: ["*"]
 *       over_limit: fail
 *       after: 1h
 *
 * Without a word of over_limit a route with fallbacks downgrades, and one without waits. */
#ifndef SLUICE_OVER_LIMIT_H
#define SLUICE_OVER_LIMIT_H

#include "fields.h"

enum { OVER_FALLBACKS = 4 };

enum over_kind { OVER_UNSAID, OVER_WAIT, OVER_DOWNGRADE, OVER_FAIL };

/* What a request becomes when its own model does not do. */
struct fallback {
    const char *model;
    bool on_length;   /* where the prompt is too long; else where the wait is */
    int64_t after_us; /* ... longer than this */
};

struct over_limit {
    enum over_kind kind;
    int64_t after_us; /* OVER_FAIL: a longer wait is a failure */
    struct fallback fallbacks[OVER_FALLBACKS];
    size_t fallback_count;
};

/* Readers of the fields `over_limit` (out: enum over_kind) and `fallback` (out: struct
 * over_limit); `after` is a plain duration. */
void over_limit_read_kind(struct reader *r, const struct yaml *node, void *out);
void over_limit_read_fallbacks(struct reader *r, const struct yaml *node, void *out);
/* What holds after all was read: never OVER_UNSAID. Complains where words contradict. */
void over_limit_settle(struct over_limit *o, struct reader *r, const struct yaml *node);

/* "wait", "downgrade", "fail"; OVER_UNSAID for any other word. */
enum over_kind over_limit_kind(struct str word);
/* "gpt-4o", "gpt-4*", "*". */
bool over_limit_matches(const char *pattern, struct str model);

#endif
