/* file.h: whole small files (configuration), and files of any size once through (logs), as
 * opposed to a batch's lines. */
#ifndef SLUICE_FILE_H
#define SLUICE_FILE_H

#include "str.h"

/* Appends the file's bytes, or standard input's for "-", to *out. SL_IO with the system's
 * reason, SL_TOO_LARGE over `max` bytes; *diag's `where` is the path. */
enum sl_err file_read(const char *path, size_t max, struct buf *out,
                      struct diag *diag) SL_CHECK;

/* Gives all of a file's bytes, or standard input's for "-", to `take`, a piece at a time. SL_IO
 * as above. */
enum sl_err file_pass(const char *path, void (*take)(void *ctx, struct str bytes), void *ctx,
                      struct diag *diag) SL_CHECK;

/* Makes a directory, and those it is in, for its owner alone; one that is there stays as it is.
 * SL_IO as above. */
enum sl_err file_make_directory(const char *path, struct diag *diag) SL_CHECK;

#endif
