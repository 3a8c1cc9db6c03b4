/* multipart.h: forms with files (multipart/form-data), both ways. No sockets.
 *
 * Bytes in, parts out, however the bytes are cut; what is held is a part's head, never its
 * body. Stricter than RFC 2046 lets a reader be: no preamble, no padding behind a boundary,
 * CRLF alone ends a line, nothing but one CRLF may follow the end. No client of an API sends
 * such things, and two readers could disagree about them. Sources: RFC 7578, RFC 2046
 * section 5.1. */
#ifndef SLUICE_MULTIPART_H
#define SLUICE_MULTIPART_H

#include "str.h"

struct multipart_part {
    struct str name;
    struct str filename; /* p == NULL: a plain field */
    struct str type;     /* of its Content-Type, or empty */
};

enum multipart_event { MULTIPART_PART, MULTIPART_DATA, MULTIPART_END };
struct multipart_handler {
    /* A part begins, has more bytes (never none), has ended. All is lent for the call. */
    void (*on)(void *ctx, enum multipart_event ev, const struct multipart_part *part,
               struct str bytes);
    void *ctx;
};

/* The boundary a Content-Type names, lent from it. SL_TYPE for any other type, SL_MISSING
 * without a boundary, SL_SYNTAX for one that RFC 2046 does not allow. */
enum sl_err multipart_boundary(struct str content_type, struct str *out) SL_CHECK;

struct multipart;
/* The boundary is copied. */
struct multipart *multipart_new(struct str boundary, struct multipart_handler h);
void multipart_free(struct multipart **m);
/* SL_SYNTAX, SL_MISSING (a part without a name), SL_TOO_LARGE (bounds.h: a part's head, the
 * number of parts), with multipart_why; for good. */
enum sl_err multipart_feed(struct multipart *m, struct str bytes) SL_CHECK;
/* The body has ended: SL_CLOSED if the form has not. */
enum sl_err multipart_finish(struct multipart *m) SL_CHECK;
const char *multipart_why(const struct multipart *m); /* outlives all */

/* The other way: heads and tail around bytes that the caller sends between them. */
struct multipart_writer {
    struct str boundary; /* lent */
    bool begun;
};
/* A boundary out of 128 bits drawn at random: that a file holds it is not to be feared. */
void multipart_make_boundary(struct buf *out, uint64_t high, uint64_t low);
/* The value of Content-Type. */
void multipart_write_type(const struct multipart_writer *w, struct buf *out);
/* SL_SYNTAX, and nothing written, for names and types with control bytes. */
enum sl_err multipart_write_field(struct multipart_writer *w, struct buf *out, struct str name,
                                  struct str value) SL_CHECK;
/* The head of a file whose bytes the caller sends next. */
enum sl_err multipart_write_file(struct multipart_writer *w, struct buf *out,
                                 const struct multipart_part *file) SL_CHECK;
void multipart_write_tail(const struct multipart_writer *w, struct buf *out);

#endif
