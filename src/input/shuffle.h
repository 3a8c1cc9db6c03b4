/* shuffle.h: which row comes next: a seeded shuffle of the whole index, one deck per pool.
 *
 * Not the head of the file: files come sorted by length or kind, and candidates from one end
 * cannot be balanced over several budgets (design/pacing.md, "Order matters more than the
 * limiter"). flow picks among the candidates; here they are only drawn. */
#ifndef SLUICE_SHUFFLE_H
#define SLUICE_SHUFFLE_H

#include "models.h"
#include "rows.h"

struct deck {
    size_t next, end; /* in shuffle.order */
};

struct shuffle {
    uint32_t *order; /* row indexes, pool by pool */
    struct deck *decks;
    size_t deck_count;
};

/* Deals all rows in ROW_PENDING. */
void shuffle_init(struct shuffle *p, const struct rows *rows, const struct models *models,
                  uint64_t seed);
void shuffle_free(struct shuffle *p);
/* The next row's index of that pool; false when the deck is empty. */
bool shuffle_next(struct shuffle *p, size_t pool, size_t *row);
size_t shuffle_left(const struct shuffle *p, size_t pool);

#endif
