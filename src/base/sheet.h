/* sheet.h: lines for a terminal: how wide they are, cut to fit, bars. Pure. */
#ifndef SLUICE_SHEET_H
#define SLUICE_SHEET_H

#include "str.h"

/* Columns of UTF-8 text, escapes left out; all our glyphs are one column wide. */
int sheet_columns(struct str s);
/* Cuts what stands from `from` on to less than `width` columns: a wrapped line would break the
 * redrawing. */
void sheet_cut(struct buf *b, size_t from, int width);
/* `done` of `total` as a bar: eighths of a cell where the locale has them. */
void sheet_bar(struct buf *b, int64_t done, int64_t total, int cells, bool utf8);
/* Text that others have chosen: control characters, and what is not UTF-8, become '?'. At most
 * `columns` of it, the rest as spaces if `pad`. */
void sheet_text(struct buf *b, struct str s, int columns, bool pad);

#endif
