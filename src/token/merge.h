/* merge.h: byte-pair merging of one piece that is no token itself. */
#ifndef SLUICE_MERGE_H
#define SLUICE_MERGE_H

#include "vocab.h"

/* Number of tokens of the n bytes at p; with ids != NULL (room for n) the ids too. n > 0. */
size_t merge_piece(const struct vocab *v, const unsigned char *p, size_t n, uint32_t *ids);

/* The same by the way of last resort, O(n log n) on any input; a way of its own for the tests.
 */
size_t merge_heap(const struct vocab *v, const unsigned char *p, size_t n, uint32_t *ids);

#endif
