/* log_sink.h: where the lines of a log go: a file, a pipe, a terminal, a socket. Whoever does
 * not read them holds up nothing: lines wait, and where too many would, the newest are left out
 * and their number is told as soon as there is room. */
#ifndef SLUICE_LOG_SINK_H
#define SLUICE_LOG_SINK_H

#include "err.h"
#include "str.h"

struct log_sink {
    struct buf lines; /* not written yet; whole ones, but for the first, which may be begun */
    int fd;           /* -1: no log */
    bool json;
    size_t line;  /* where the last of `lines` begins */
    int64_t lost; /* lines, since the last word of it */
};

enum {
    LOG_SINK_PIECE_BYTES = 32 << 10, /* so many are written at once, whatever the time */
    LOG_SINK_MOST_BYTES = 4 << 20,   /* that wait for a reader */
};

/* `path` "-" is standard output, NULL none. SL_IO with *diag. */
enum sl_err log_sink_open(struct log_sink *s, const char *path, bool json,
                          struct diag *diag) SL_CHECK;
/* A line stands at the end of `lines`, its newline too. */
void log_sink_added(struct log_sink *s);
/* Hands on what waits, as far as it is taken now. */
void log_sink_flush(struct log_sink *s);
/* ... and waits so long for a reader that takes nothing. */
void log_sink_close(struct log_sink *s, int patience_ms);

#endif
