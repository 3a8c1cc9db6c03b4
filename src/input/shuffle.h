/* shuffle.h: which row comes next: a seeded shuffle of the whole index, one deck per pool.
 *
 * Not the head of the file: files come sorted by length or kind, and candidates from one end
 * cannot be balanced over several budgets (design/pacing.md, "Order matters more than the
 * limiter"). flow picks among the candidates; here they are only drawn. Rows that turn up later
 * (given back by a batch, sent to another model) go to the end of their deck. */
#ifndef SLUICE_SHUFFLE_H
#define SLUICE_SHUFFLE_H

#include "models.h"
#include "random.h"
#include "rows.h"

struct deck {
    uint32_t *rows; /* indexes; those from `next` on are to come */
    size_t next, end, cap;
};

struct shuffle {
    struct random random;
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
/* Puts a row at the end of a deck. */
void shuffle_add(struct shuffle *p, size_t pool, size_t row);
/* Another row comes last, and the last one in its place. */
void shuffle_cut(struct shuffle *p, size_t pool);
/* Takes the row that would come last; false when the deck is empty. */
bool shuffle_take_last(struct shuffle *p, size_t pool, size_t *row);

#endif
