/* literal.h: what programs print of an error object, as JSON.
 *
 * Python's repr ({'error': {'param': None}}), what Node's console shows ({ status: 429, error:
 * { message: 'a' +\n 'b' } }), Ruby's hashes ({:error=>{:param=>nil}}), Java's maps
 * ({error={type=x, message=some words, and more}}), Rust's structs (E { code: Some("x") }), and
 * JSON itself, which is read the same way. */
#ifndef SLUICE_LITERAL_H
#define SLUICE_LITERAL_H

#include "str.h"

/* Writes the object or list that starts at s.p[0] to *out as JSON; *used is its length in s.
 * SL_SYNTAX if it is none: *out then holds a part. */
enum sl_err literal_json(struct str s, struct buf *out, size_t *used) SL_CHECK;

/* Google's Python library prints violations of quotas as protocol buffers in text form
 * ("violations { quota_id: "..." } ... retry_delay { seconds: 47 }"). Writes the same as
 * Gemini's JSON error, with `message`; false if the text holds none. */
bool literal_quota_failure(struct str text, struct str message, struct buf *out);

#endif
