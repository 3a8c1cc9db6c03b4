/* replace.h: a file replaced by a new one at once: readers see the old or the new, never a
 * part. */
#ifndef SLUICE_REPLACE_H
#define SLUICE_REPLACE_H

#include "str.h"

struct replacement;

/* Begins "PATH.part-PID" beside the file. SL_IO, SL_FULL with *diag; its `where` is the path.
 */
enum sl_err replacement_begin(const char *path, struct replacement **out,
                              struct diag *diag) SL_CHECK;
/* Appends the line and a newline. */
enum sl_err replacement_add(struct replacement *r, struct str line, struct diag *diag) SL_CHECK;
/* Syncs and renames; an empty replacement removes the file instead. Gone afterwards, also on
 * error. */
enum sl_err replacement_commit(struct replacement **r, struct diag *diag) SL_CHECK;
/* Leaves the file as it was. */
void replacement_drop(struct replacement **r);

/* All of it at once: a file of that text. */
enum sl_err replacement_write(const char *path, struct str text, struct diag *diag) SL_CHECK;

/* True also for a path where nothing is yet; false for "-", pipes, devices. */
bool file_is_regular(const char *path);

#endif
