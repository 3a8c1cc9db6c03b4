/* lines.h: the lines of a big file with their places, in memory that does not grow with the
 * file.
 *
 * A first pass indexes (offset, length); lines_again fetches one line later. Standard input
 * ("-") is spooled to an unlinked temporary file first, so that it too can be read again. */
#ifndef SLUICE_LINES_H
#define SLUICE_LINES_H

#include "str.h"

struct line {
    struct str text; /* without its newline; lent until the next lines_next */
    int64_t offset;  /* of its first byte in the file */
    int64_t number;  /* from 1 */
    bool torn;       /* the last line, and no newline ended it */
};

struct lines;

/* SL_IO with *diag (may be NULL); *diag's `where` is the path. */
enum sl_err lines_open(const char *path, size_t line_max, struct lines **out,
                       struct diag *diag) SL_CHECK;
/* The same over a descriptor that stays the caller's, from its first byte on. `name` is lent
 * and stands in complaints. */
struct lines *lines_over(int fd, const char *name, size_t line_max);
void lines_close(struct lines **l);

/* The next line, or *more = false at the end. SL_IO; SL_TOO_LARGE for a line over line_max,
 * which ends the pass. */
enum sl_err lines_next(struct lines *l, struct line *out, bool *more,
                       struct diag *diag) SL_CHECK;
/* Replaces *out by `length` bytes from `offset` on. SL_IO, also if the file became shorter. */
enum sl_err lines_again(const struct lines *l, int64_t offset, size_t length, struct buf *out,
                        struct diag *diag) SL_CHECK;
/* The file's size in bytes now, for progress. */
int64_t lines_size(const struct lines *l);

#endif
