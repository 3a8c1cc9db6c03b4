/* spool.h: bytes that are added at the end and read anywhere, of any length, by several owners.
 *
 * Up to SPOOL_MEMORY stay in memory, since files want a descriptor each; what is more goes into
 * a file without a name. */
#ifndef SLUICE_SPOOL_H
#define SLUICE_SPOOL_H

#include "str.h"

enum { SPOOL_MEMORY = 1 << 20 };

struct spool;
struct spool *spool_new(void);
struct spool *spool_share(struct spool *s); /* one owner more */
void spool_free(struct spool **s);          /* one less; the last one frees it */

/* All or, on SL_IO or SL_FULL with *diag (may be NULL), nothing; then no more may be added. */
enum sl_err spool_add(struct spool *s, struct str bytes, struct diag *diag) SL_CHECK;
int64_t spool_size(const struct spool *s);
/* Replaces *out by at most n bytes from `offset` on: fewer only at the end. */
enum sl_err spool_read(const struct spool *s, int64_t offset, size_t n, struct buf *out,
                       struct diag *diag) SL_CHECK;

#endif
