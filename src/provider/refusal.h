/* refusal.h: an error's fields out of an answer in any of the providers' shapes. Known to the
 * provider room alone. */
#ifndef SLUICE_REFUSAL_H
#define SLUICE_REFUSAL_H

#include "json.h"

struct refusal {
    bool found;         /* the body holds an error */
    bool event;         /* it is an event out of a stream: the request had been let in */
    bool page;          /* it is an HTML page, from something in between */
    struct str message; /* the provider's words; for a page its title */
    struct str type, code;
    struct str state;           /* Gemini: "RESOURCE_EXHAUSTED"; batches and runs: "failed" */
    int64_t status;             /* the HTTP status that the body itself names, or 0 */
    const struct json *details; /* Gemini's list, Anthropic's object, or NULL */
};

/* `failed`: the HTTP status already says that this is an error, so whatever stands in the body
 * is about it. Strings are lent from the body or the arena. */
struct refusal refusal_read(struct str body, bool failed, struct arena *arena);

#endif
