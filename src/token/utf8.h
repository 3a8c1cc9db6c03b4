/* utf8.h: valid UTF-8 out of any bytes, as the reference's decoders repair them. */
#ifndef SLUICE_UTF8_H
#define SLUICE_UTF8_H

#include "str.h"

/* Length of the longest valid prefix (Unicode 16, table 3-7: no overlong forms, no surrogates).
 */
size_t utf8_valid(struct str text);

/* Appends the text with every maximal subpart of an ill-formed sequence replaced by one U+FFFD
 * (Unicode 16, section 3.9, as Python's errors='replace' and Rust's from_utf8_lossy do). */
void utf8_repair(struct buf *out, struct str text);

#endif
