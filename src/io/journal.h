/* journal.h: an append-only file of whole lines, owned by one process at a time.
 *
 * A line is appended by one write, so a process that is killed leaves whole lines and at most
 * one torn last line, which journal_open cuts off. Data is synced in groups off the loop: what
 * a power cut can cost is the lines appended since the last sync began, never an earlier one.
 * "-" is standard output: nothing to read back, lock or sync, as for any file that is not a
 * regular one. The process must ignore SIGXFSZ and SIGPIPE to see their causes as errors. */
#ifndef SLUICE_JOURNAL_H
#define SLUICE_JOURNAL_H

#include "str.h"
#include <uv.h>

struct journal;

struct journal_reader {
    /* One whole line that was there already, without its newline. Anything but SL_OK ends
     * journal_open with that error; the reader fills the diag it knows of. NULL: not read. */
    enum sl_err (*line)(void *ctx, struct str line, int64_t offset);
    void *ctx;
};

/* Opens or creates, locks, reads what is there, cuts off a torn last line. SL_LOCKED names the
 * owner's process id where the system tells it, or the file was removed meanwhile; SL_IO,
 * SL_FULL; or what the reader said. */
enum sl_err journal_open(uv_loop_t *loop, const char *path, struct journal_reader reader,
                         struct journal **out, struct diag *diag) SL_CHECK;
/* Bytes of the torn last line that journal_open cut off, 0 if none. */
int64_t journal_torn_bytes(const struct journal *j);
/* Where the next line will stand. */
int64_t journal_size(const struct journal *j);

/* Appends the line and a newline; the line holds none. SL_FULL (no space, quota, file size) or
 * SL_IO, for good: the file then ends with the last line that was taken, and every later append
 * gives the same error. A failed sync shows here too. */
enum sl_err journal_append(struct journal *j, struct str line, struct diag *diag) SL_CHECK;

/* Returns once all that was appended is on the disk: for lines that must be there before what
 * they announce is done. Errors as above. */
enum sl_err journal_sync(struct journal *j, struct diag *diag) SL_CHECK;

/* Waits for a sync in flight, syncs what is left, unlocks, closes. The error of any append or
 * sync not yet seen. Run the loop afterwards: it still has a callback to drop. */
enum sl_err journal_close(struct journal **j, struct diag *diag) SL_CHECK;

#endif
