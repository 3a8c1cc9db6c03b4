/* token.h: exact token counts of OpenAI's encodings; the door of the token room.
 *
 * Same totals and ids as tiktoken 0.14.0's encode_ordinary, with Unicode 16 class tables.
 * Linear time for every input. Source: facts/providers.md section 7, shared design/tokens.md.
 */
#ifndef SLUICE_TOKEN_H
#define SLUICE_TOKEN_H

#include "str.h"

struct encoding;

/* "r50k_base", "p50k_base", "cl100k_base", "o200k_base", "o200k_harmony" (also without _base,
 * and "gpt2"); NULL if unknown. The images are built in: no loading, no failure. */
const struct encoding *encoding_named(struct str name);
const char *encoding_name(const struct encoding *e);

/* tiktoken's model map (exact, then prefix). *known tells whether the map had it; unknown
 * models take o200k_base. Never NULL. */
const struct encoding *encoding_of_model(struct str model, bool *known);

/* Number of tokens of the text. Invalid UTF-8 counts as the reference replaces it (U+FFFD). */
size_t token_count(const struct encoding *e, struct str text);
/* Counts, but may stop once more than `limit` are certain: then returns any number > limit. */
size_t token_count_till(const struct encoding *e, struct str text, size_t limit);
/* Calls `each` with every id in order; returns the count. */
size_t token_ids(const struct encoding *e, struct str text,
                 void (*each)(void *ctx, uint32_t id), void *ctx);

#endif
