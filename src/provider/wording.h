/* wording.h: the grammar of refusals in prose. Known to the provider room alone.
 *
 * Providers write figures into sentences; the sentences change, the grammar hardly: a subject
 * (tokens, requests, images) per period, "Limit N", "Used N", "Requested N", "try again in D".
 */
#ifndef SLUICE_WORDING_H
#define SLUICE_WORDING_H

#include "dimension.h"

struct wording {
    enum dimension dim; /* DIM_UNKNOWN if not said */
    int64_t limit;      /* -1 if not said, likewise below */
    int64_t used;
    int64_t requested;
    int64_t retry_us;  /* truncated to ms */
    struct str bucket; /* "(for limit gpt-4.1)": gpt-4.1 */
};

struct wording wording_read(struct str message);
/* Window and size out of a context-length complaint: limit and requested, -1 if not said. */
void wording_context(struct str message, int64_t *limit, int64_t *requested);
/* Does the text hold one of the phrases (a list that ends with NULL)? ASCII case is ignored. */
bool wording_has(struct str text, const char *const *phrases);
/* The number at the start of s: "30,000", "60.000000" (fraction dropped), "30k". *used is its
 * length. False if there is none or letters follow it. */
bool wording_number(struct str s, int64_t *out, size_t *used);
/* "RequestsPerDayPerProject", "tokens per min (TPM)", "daily requests": what it counts. */
enum dimension wording_dimension(struct str text);

#endif
