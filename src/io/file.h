/* file.h: whole small files (configuration, pasted refusals), as opposed to a batch's lines. */
#ifndef SLUICE_FILE_H
#define SLUICE_FILE_H

#include "str.h"

/* Appends the file's bytes, or standard input's for "-", to *out. SL_IO with the system's
 * reason, SL_TOO_LARGE over `max` bytes; *diag's `where` is the path. */
enum sl_err file_read(const char *path, size_t max, struct buf *out,
                      struct diag *diag) SL_CHECK;

#endif
