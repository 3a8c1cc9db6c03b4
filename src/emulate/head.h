/* head.h: the headers of the emulated provider's answers. Pure; values live in an arena.
 *
 * Forms and rounding: facts/providers.md section 4. */
#ifndef SLUICE_HEAD_H
#define SLUICE_HEAD_H

#include "emulate.h"
#include "message.h"

struct head {
    struct header list[40];
    size_t n;
    struct arena *arena;
};

void head_add(struct head *h, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What is left of the limits, in that provider's form. `now_unix_us` is for Anthropic's
 * absolute times. */
void head_rates(struct head *h, enum emulate_headers style, const struct gauge_answer *a,
                int64_t now_unix_us);
/* When to come back after a refusal; -1: not said. Rounded up: a client that obeys is in time.
 */
void head_retry(struct head *h, enum emulate_headers style, int64_t retry_us);
/* The request's id in that provider's form, from a number of its own. */
struct head_id {
    char text[48];
};
struct head_id head_request_id(enum emulate_dialect dialect, uint64_t number);
/* That id, and who served it. */
void head_identity(struct head *h, enum emulate_dialect dialect, const struct head_id *id,
                   int64_t processing_us);

#endif
