/* trail.c: see trail.h. A ring of cells in order of time, each of one request where there is
 * room for that. */
#include "trail.h"
#include "arena.h"
#include "err.h"

#include <stdlib.h>

enum { RING_LEAST = 64, RING_MOST = 8192, PERIODS = 9, CELLS = 800 };

void trail_init(struct trail *t, int64_t period_us)
{
    sl_assert(period_us > 0);
    *t = (struct trail){.period_us = period_us, .last_us = -1};
}

void trail_free(struct trail *t)
{
    free(t->ring);
    t->ring = NULL;
}

static struct trail_cell *cell_at(const struct trail *t, uint64_t i)
{
    return &t->ring[i & (t->size - 1)];
}

const struct trail_cell *trail_at(const struct trail *t, uint64_t i)
{
    sl_assert(i >= t->tail && i < t->head);
    return cell_at(t, i);
}

/* What is older than three periods is forgotten; what is younger than one counts. */
static void expire(struct trail *t, int64_t now_us)
{
    while (t->lately_from < t->head &&
           cell_at(t, t->lately_from)->at_us <= now_us - t->period_us)
        t->lately -= cell_at(t, t->lately_from++)->n;
    while (t->tail < t->lately_from &&
           cell_at(t, t->tail)->at_us <= now_us - PERIODS * t->period_us)
        t->tail++;
}

/* Room for one more: a larger ring, else coarser cells from now on and the oldest forgotten. */
static void make_room(struct trail *t)
{
    if (t->head - t->tail < t->size)
        return;
    if (t->size < RING_MOST) {
        uint64_t size = t->size ? 2 * t->size : RING_LEAST;
        struct trail_cell *ring = mem_zero(size * sizeof *ring);
        for (uint64_t i = t->tail; i < t->head; i++)
            ring[i & (size - 1)] = *cell_at(t, i);
        free(t->ring);
        t->ring = ring;
        t->size = size;
        return;
    }
    t->cell_us = t->period_us / CELLS + 1;
    if (t->lately_from == t->tail)
        t->lately -= cell_at(t, t->lately_from++)->n;
    t->tail++;
}

void trail_add(struct trail *t, int64_t now_us)
{
    expire(t, now_us);
    bool joins = t->head > t->tail && now_us - cell_at(t, t->head - 1)->at_us < t->cell_us;
    if (!joins) {
        make_room(t);
        *cell_at(t, t->head++) = (struct trail_cell){.at_us = now_us};
    }
    cell_at(t, t->head - 1)->n++;
    t->lately++;
    t->last_us = now_us;
}

void trail_recall(struct trail *t, int64_t at_us, int64_t n)
{
    sl_assert(t->head == 0 && n >= 0);
    if (n == 0)
        return;
    trail_add(t, at_us);
    cell_at(t, 0)->n = t->lately = n;
}

void trail_drop(struct trail *t, int64_t sent_us)
{
    uint64_t i = t->head;
    while (i > t->tail && cell_at(t, i - 1)->at_us > sent_us)
        i--;
    if (i == t->tail || cell_at(t, i - 1)->n == 0)
        return;
    cell_at(t, i - 1)->n--;
    t->lately -= i > t->lately_from;
}

int64_t trail_lately(struct trail *t, int64_t now_us)
{
    expire(t, now_us);
    return t->lately;
}

int64_t trail_count(const struct trail *t, int64_t from_us, int64_t upto_us)
{
    int64_t n = 0;
    for (uint64_t i = t->head; i > t->tail && cell_at(t, i - 1)->at_us >= from_us; i--)
        n += cell_at(t, i - 1)->at_us < upto_us ? cell_at(t, i - 1)->n : 0;
    return n;
}
