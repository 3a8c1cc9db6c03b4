/* literal.h: what programs print of an error object, as JSON.
 *
 * Python's repr ({'error': {'param': None}}), what Node's console shows ({ status: 429, error:
 * { message: 'a' +\n 'b' } }), and JSON itself, which is read the same way. */
#ifndef SLUICE_LITERAL_H
#define SLUICE_LITERAL_H

#include "str.h"

/* Writes the object or list that starts at s.p[0] to *out as JSON; *used is its length in s.
 * SL_SYNTAX if it is none: *out then holds a part. */
enum sl_err literal_json(struct str s, struct buf *out, size_t *used) SL_CHECK;

#endif
