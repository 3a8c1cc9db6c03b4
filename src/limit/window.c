/* window.c: see window.h.
 *
 * Cells lie in a ring in order of time. Each debit opens a cell of its own while the ring has
 * room for that; at a rate at which it would not, a cell takes every further debit of the next
 * period/1000. It is counted until its last debit is period + slack old. The ring grows to what
 * two periods need at most; short periods are remembered for as long as that lasts, because
 * answers may take many of them. */
#include "window.h"
#include "arena.h"
#include "err.h"

#include <stdlib.h>
#include <string.h>

struct window_cell {
    int64_t first_us, last_us;
    int64_t units;  /* what still counts of it */
    int64_t before; /* all that was debited before it */
    int64_t late_us;
};

/* A period opens CELLS_OWN cells for single debits at most, and CELLS_SHARED others. */
enum { CELLS_OWN = 1024, CELLS_SHARED = 1000, RING_LEAST = 64, RING_MOST = 4096 };
_Static_assert(RING_MOST >= 2 * (CELLS_OWN + CELLS_SHARED), "two periods are remembered");

void window_init(struct window *w, int64_t limit, int64_t period_us, int64_t slack_us)
{
    sl_assert(limit > 0 && period_us > 0 && slack_us >= 0);
    *w = (struct window){.limit = limit,
                         .period_us = period_us,
                         .slack_us = slack_us,
                         .first_us = -1,
                         .cell_us = period_us / CELLS_SHARED + 1,
                         .ring_size = RING_LEAST};
    w->ring = mem_zero(RING_LEAST * sizeof *w->ring);
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
    to->ring = mem_alloc(from->ring_size * sizeof *to->ring);
    memcpy(to->ring, from->ring, from->ring_size * sizeof *to->ring);
}

static struct window_cell *cell_at(const struct window *w, uint64_t index)
{
    return &w->ring[index & (w->ring_size - 1)]; /* a power of two */
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

/* The oldest cell that is remembered. */
static uint64_t oldest(const struct window *w)
{
    return w->head > w->ring_size ? w->head - w->ring_size : 0;
}

/* Room for one more cell. */
static void make_room(struct window *w)
{
    if (w->ring_size == RING_MOST || w->head < w->ring_size)
        return;
    struct window_cell *ring = mem_zero(2 * w->ring_size * sizeof *ring);
    for (uint64_t i = oldest(w); i < w->head; i++)
        ring[i % (2 * w->ring_size)] = *cell_at(w, i);
    free(w->ring);
    w->ring = ring;
    w->ring_size *= 2;
}

static bool opens_cell(const struct window *w, int64_t now_us)
{
    if (w->tail == w->head)
        return true;
    if (w->head - w->tail == RING_MOST) /* slack longer than the period: leaves late, safe */
        return false;
    if (w->head < CELLS_OWN || cell_at(w, w->head - CELLS_OWN)->last_us < now_us - w->period_us)
        return true;
    return now_us - cell_at(w, w->head - 1)->first_us >= w->cell_us;
}

void window_debit(struct window *w, int64_t now_us, int64_t units)
{
    expire(w, now_us);
    if (opens_cell(w, now_us)) {
        make_room(w);
        *cell_at(w, w->head++) = (struct window_cell){.first_us = now_us, .before = w->sent};
    }
    struct window_cell *last = cell_at(w, w->head - 1);
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
    uint64_t low = oldest(w);
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
    bool forgotten = i > 0 && i == oldest(w);
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
    uint64_t end = cell_from(w, at_us + 1), first = oldest(w);
    int64_t upto = end < w->head ? cell_at(w, end)->before : w->sent;
    for (uint64_t i = end; i > first; i--) {
        if (cell_at(w, i - 1)->before <= upto - units) {
            *us = cell_at(w, i - 1)->last_us;
            return upto >= units;
        }
    }
    return false;
}
