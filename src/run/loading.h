/* loading.h: the bytes that a parcel is sent as, made while they are sent: read line by line
 * from the input, never held as a whole. */
#ifndef SLUICE_LOADING_H
#define SLUICE_LOADING_H

#include "batch_line.h"
#include "parcel.h"

struct loading {
    enum batch_dialect dialect;
    const struct batch_rules *rules;
    struct input *input;
    struct parcel parcel; /* as it was at the start: a copy, for parcels move; texts are lent */
    struct buf boundary;  /* OpenAI's forms */
    size_t row;           /* the next to look at */
    int64_t written;      /* requests */
    bool begun, ended;    /* the frame's head, its tail */
    struct buf piece;
    struct input_request request;
};

/* All is lent for as long as it is used. `boundary`: drawn at random, or empty. */
void loading_begin(struct loading *l, struct str boundary);
void loading_free(struct loading *l);

/* What a request adds to a parcel; the line was read by input_read. */
struct load loading_of(enum batch_dialect d, struct str endpoint, const struct row *row,
                       const struct request_line *line);
/* Bytes around all requests of a parcel, and between two. */
int64_t loading_frame_bytes(enum batch_dialect d, struct str boundary);
int64_t loading_gap_bytes(enum batch_dialect d);
/* How many bytes all of it will be. */
int64_t loading_length(const struct loading *l);

/* The next piece, lent until the next call; empty at the end. SL_IO, SL_RANGE if a line cannot
 * be read again or was changed. */
enum sl_err loading_next(struct loading *l, struct str *piece, struct diag *diag) SL_CHECK;

/* The file's name, by which an upload is known again whose answer got lost. */
void loading_filename(const struct parcel *p, struct buf *out);

#endif
