/* pick.h: which row comes next: a seeded shuffle of the whole index, one deck per pool.
 *
 * Not the head of the file: files come sorted by length or kind, and candidates from one end
 * cannot be balanced over several budgets (design/pacing.md, "Order matters more than the
 * limiter"). flow picks among the candidates; here they are only drawn. */
#ifndef SLUICE_PICK_H
#define SLUICE_PICK_H

#include "models.h"
#include "rows.h"

struct deck {
    size_t next, end; /* in pick.order */
};

struct pick {
    uint32_t *order; /* row indexes, pool by pool */
    struct deck *decks;
    size_t deck_count;
};

/* Deals all rows in ROW_PENDING. */
void pick_init(struct pick *p, const struct rows *rows, const struct models *models,
               uint64_t seed);
void pick_free(struct pick *p);
/* The next row's index of that pool; false when the deck is empty. */
bool pick_next(struct pick *p, size_t pool, size_t *row);
size_t pick_left(const struct pick *p, size_t pool);

#endif
