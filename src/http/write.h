/* write.h: message heads out. Nothing that could end a line early passes (header injection):
 * SL_SYNTAX for such a name or value, and the buffer is as it was. Source: RFC 9112. */
#ifndef SLUICE_WRITE_H
#define SLUICE_WRITE_H

#include "message.h"

/* "POST /v1/x HTTP/1.1". */
enum sl_err write_request_line(struct buf *out, struct str method, struct str target) SL_CHECK;
/* "HTTP/1.1 429 Too Many Requests"; 100 <= status <= 999. */
void write_status_line(struct buf *out, int status);
enum sl_err write_header(struct buf *out, struct str name, struct str value) SL_CHECK;
/* All or nothing. */
enum sl_err write_headers(struct buf *out, const struct header *headers, size_t n) SL_CHECK;
void write_head_end(struct buf *out);
/* A chunk around its bytes; of no bytes: nothing, since that would end the body. */
void write_chunk(struct buf *out, struct str bytes);
void write_last_chunk(struct buf *out);

const char *write_reason(int status); /* "Too Many Requests"; "" if not known */

#endif
