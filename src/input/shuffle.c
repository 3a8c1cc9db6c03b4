/* shuffle.c: see shuffle.h. */
#include "shuffle.h"

#include "arena.h"

#include <stdlib.h>

static void mix(uint32_t *list, size_t n, struct random *r)
{
    for (size_t i = n; i > 1; i--) { /* Fisher and Yates */
        size_t j = (size_t)random_below(r, i);
        uint32_t kept = list[i - 1];
        list[i - 1] = list[j];
        list[j] = kept;
    }
}

void shuffle_init(struct shuffle *p, const struct rows *rows, const struct models *models,
                  uint64_t seed)
{
    *p = (struct shuffle){.deck_count = models->pool_count, .random = {seed}};
    p->decks = mem_zero((p->deck_count + 1) * sizeof *p->decks);
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state == ROW_PENDING)
            p->decks[models->list[rows->list[i].model].pool].cap++;
    }
    for (size_t d = 0; d < p->deck_count; d++) { /* as large as needed, at first */
        if (p->decks[d].cap)
            p->decks[d].rows = mem_alloc(p->decks[d].cap * sizeof *p->decks[d].rows);
    }
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state == ROW_PENDING)
            shuffle_add(p, models->list[rows->list[i].model].pool, i);
    }
    for (size_t d = 0; d < p->deck_count; d++)
        mix(p->decks[d].rows, p->decks[d].end, &p->random);
}

void shuffle_free(struct shuffle *p)
{
    for (size_t d = 0; d < p->deck_count; d++)
        free(p->decks[d].rows);
    free(p->decks);
    *p = (struct shuffle){0};
}

bool shuffle_next(struct shuffle *p, size_t pool, size_t *row)
{
    struct deck *d = &p->decks[pool];
    if (d->next == d->end)
        return false;
    *row = d->rows[d->next++];
    return true;
}

size_t shuffle_left(const struct shuffle *p, size_t pool)
{
    return p->decks[pool].end - p->decks[pool].next;
}

void shuffle_add(struct shuffle *p, size_t pool, size_t row)
{
    struct deck *d = &p->decks[pool];
    if (d->end == d->cap) {
        d->cap = d->cap ? d->cap + d->cap / 4 + 16 : 64;
        d->rows = mem_grow(d->rows, d->cap * sizeof *d->rows);
    }
    d->rows[d->end++] = (uint32_t)row;
}

void shuffle_cut(struct shuffle *p, size_t pool)
{
    struct deck *d = &p->decks[pool];
    if (d->next == d->end)
        return;
    size_t other = d->next + (size_t)random_below(&p->random, d->end - d->next);
    uint32_t kept = d->rows[other];
    d->rows[other] = d->rows[d->end - 1];
    d->rows[d->end - 1] = kept;
}

bool shuffle_take_last(struct shuffle *p, size_t pool, size_t *row)
{
    struct deck *d = &p->decks[pool];
    if (d->next == d->end)
        return false;
    *row = d->rows[--d->end];
    return true;
}
