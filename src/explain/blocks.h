/* blocks.h: a pasted text or a whole log, taken apart into what belongs together: a line, the
 * dump of an exception, a JSON document over many lines, an HTTP response as `curl -i` prints
 * it.
 *
 * Bytes may come in any pieces; memory is bounded whatever comes. Pure. */
#ifndef SLUICE_BLOCKS_H
#define SLUICE_BLOCKS_H

#include "str.h"

struct block {
    struct str text; /* lines joined by \n, without the marks of `curl -v`; cut when too long */
    size_t line;     /* on which it begins, from 1 */
    bool response;   /* an HTTP response: status line, headers, body */
    bool alone;      /* it is all there is */
};

struct blocks;

/* Calls `each` for every block, in order; a block lives until `each` returns. */
struct blocks *blocks_new(void (*each)(void *ctx, const struct block *b), void *ctx);
void blocks_feed(struct blocks *b, struct str bytes);
/* The text is over: gives what is left, and frees. Returns the number of lines. */
size_t blocks_end(struct blocks **b);

/* The status of an HTTP status line ("HTTP/1.1 429 Too Many Requests"); 0 if it is none. */
int blocks_status_line(struct str line);

#endif
