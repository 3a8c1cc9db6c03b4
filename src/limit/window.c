/* window.c: see window.h.
 *
 * Cells lie in a ring in order of time. A cell opens with a debit and takes every further debit
 * of the next period/1000; it is counted until its last debit is period + slack old. The ring
 * is as long as two periods need, so a cell that is overwritten has left the window. */
#include "window.h"
#include "arena.h"

#include <stdlib.h>
#include <string.h>

struct window_cell {
    int64_t first_us, last_us;
    int64_t units;  /* what still counts of it */
    int64_t before; /* all that was debited before it */
    int64_t late_us;
};

enum { CELLS_PER_PERIOD = 1000, RING = 2048 };

void window_init(struct window *w, int64_t limit, int64_t period_us, int64_t slack_us)
{
    sl_assert(limit > 0 && period_us > 0 && slack_us >= 0);
    *w = (struct window){
        .limit = limit, .period_us = period_us, .slack_us = slack_us, .first_us = -1};
    w->ring = mem_zero(RING * sizeof *w->ring);
}

void window_free(struct window *w)
{
    free(w->ring);
    w->ring = NULL;
}

void window_copy(struct window *to, const struct window *from)
{
    *to = *from;
    if (!from->ring)
        return;
    to->ring = mem_alloc(RING * sizeof *to->ring);
    memcpy(to->ring, from->ring, RING * sizeof *to->ring);
}

static struct window_cell *cell_at(const struct window *w, uint64_t index)
{
    return &w->ring[index % RING];
}

static int64_t cell_leaves_us(const struct window *w, const struct window_cell *c)
{
    return c->last_us + w->period_us + w->slack_us + c->late_us + 1;
}

static void drop_cells(struct window *w, int64_t now_us)
{
    while (w->tail < w->head && cell_leaves_us(w, cell_at(w, w->tail)) <= now_us)
        w->used -= cell_at(w, w->tail++)->units;
    w->leaves_us = now_us + w->period_us;
    if (w->tail < w->head)
        w->leaves_us = cell_leaves_us(w, cell_at(w, w->tail));
}

static inline void expire(struct window *w, int64_t now_us)
{
    if (now_us >= w->leaves_us)
        drop_cells(w, now_us);
}

int64_t window_wait_us(struct window *w, int64_t now_us, int64_t held, int64_t cost)
{
    expire(w, now_us);
    int64_t excess = w->used + held + cost - w->limit;
    if (excess <= 0)
        return 0;
    for (uint64_t i = w->tail; i < w->head; i++) {
        excess -= cell_at(w, i)->units;
        if (excess <= 0)
            return cell_leaves_us(w, cell_at(w, i)) - now_us;
    }
    return w->period_us; /* held units have yet to be sent: ask again */
}

void window_debit(struct window *w, int64_t now_us, int64_t units)
{
    expire(w, now_us);
    struct window_cell *last = w->head > 0 ? cell_at(w, w->head - 1) : NULL;
    bool fresh = !last || w->tail == w->head || now_us - last->first_us >= w->cell_us;
    if (fresh) {
        if (w->head - w->tail == RING) /* slack longer than the period: leaves late, safe */
            fresh = false;
        else
            last = cell_at(w, w->head++);
    }
    if (fresh)
        *last = (struct window_cell){.first_us = now_us, .before = w->sent};
    sl_assert(last);
    last->last_us = now_us;
    if (last->late_us < w->late_us)
        last->late_us = w->late_us;
    last->units += units;
    w->used += units;
    w->sent += units;
    if (w->first_us < 0)
        w->first_us = now_us;
}

/* The first remembered cell whose last debit is at or after t. */
static uint64_t cell_from(const struct window *w, int64_t t)
{
    uint64_t low = w->head > RING ? w->head - RING : 0;
    uint64_t high = w->head;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (cell_at(w, mid)->last_us >= t)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

void window_amend(struct window *w, int64_t sent_us, int64_t delta)
{
    uint64_t i = cell_from(w, sent_us);
    if (i < w->tail || i >= w->head)
        return;
    struct window_cell *c = cell_at(w, i);
    if (delta < -c->units)
        delta = -c->units;
    c->units += delta;
    w->used += delta;
}

void window_debit_late(struct window *w, int64_t now_us, int64_t at_us, int64_t units)
{
    expire(w, now_us);
    uint64_t i = cell_from(w, at_us);
    if (i == w->head) {
        window_debit(w, now_us, units);
        return;
    }
    w->sent += units;
    if (i < w->tail)
        return;
    cell_at(w, i)->units += units;
    w->used += units;
}

int64_t window_level(struct window *w, int64_t now_us)
{
    expire(w, now_us);
    return w->limit - w->used;
}

void window_clamp(struct window *w, int64_t now_us, int64_t lo, int64_t hi)
{
    int64_t level = window_level(w, now_us);
    if (level > hi) {
        window_debit(w, now_us, level - hi);
        w->sent -= level - hi;
    }
    int64_t surplus = (lo < w->limit ? lo : w->limit) - level;
    for (uint64_t i = w->tail; i < w->head && surplus > 0; i++) {
        struct window_cell *c = cell_at(w, i);
        int64_t part = surplus < c->units ? surplus : c->units;
        c->units -= part;
        w->used -= part;
        surplus -= part;
    }
}

int64_t window_since_most(const struct window *w, int64_t from_us)
{
    uint64_t i = cell_from(w, from_us);
    if (i == w->head)
        return 0;
    bool forgotten = w->head > RING && i == w->head - RING;
    return forgotten ? w->sent : w->sent - cell_at(w, i)->before;
}

int64_t window_since_least(const struct window *w, int64_t from_us)
{
    uint64_t i = cell_from(w, from_us);
    if (i < w->head && cell_at(w, i)->first_us < from_us)
        i++;
    return i < w->head ? w->sent - cell_at(w, i)->before : 0;
}

bool window_back(const struct window *w, int64_t at_us, int64_t units, int64_t *us)
{
    uint64_t end = cell_from(w, at_us + 1), oldest = w->head > RING ? w->head - RING : 0;
    int64_t upto = end < w->head ? cell_at(w, end)->before : w->sent;
    for (uint64_t i = end; i > oldest; i--) {
        if (cell_at(w, i - 1)->before <= upto - units) {
            *us = cell_at(w, i - 1)->last_us;
            return upto >= units;
        }
    }
    return false;
}
