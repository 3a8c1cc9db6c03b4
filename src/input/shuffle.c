/* shuffle.c: see shuffle.h. */
#include "shuffle.h"

#include "random.h"

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
    *p = (struct shuffle){.deck_count = models->pool_count};
    p->decks = mem_zero((p->deck_count + 1) * sizeof *p->decks);
    size_t pending = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state != ROW_PENDING)
            continue;
        p->decks[models->list[rows->list[i].model].pool].end++;
        pending++;
    }
    size_t start = 0;
    for (size_t d = 0; d < p->deck_count; d++) {
        size_t n = p->decks[d].end;
        p->decks[d] = (struct deck){start, start};
        start += n;
    }
    p->order = mem_alloc((pending + 1) * sizeof *p->order);
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state == ROW_PENDING)
            p->order[p->decks[models->list[rows->list[i].model].pool].end++] = (uint32_t)i;
    }
    struct random random = {seed};
    for (size_t d = 0; d < p->deck_count; d++)
        mix(p->order + p->decks[d].next, p->decks[d].end - p->decks[d].next, &random);
}

void shuffle_free(struct shuffle *p)
{
    free(p->order);
    free(p->decks);
    *p = (struct shuffle){0};
}

bool shuffle_next(struct shuffle *p, size_t pool, size_t *row)
{
    struct deck *d = &p->decks[pool];
    if (d->next == d->end)
        return false;
    *row = p->order[d->next++];
    return true;
}

size_t shuffle_left(const struct shuffle *p, size_t pool)
{
    return p->decks[pool].end - p->decks[pool].next;
}
