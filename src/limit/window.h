/* window.h: a log of what was sent, at high rates coalesced into cells of a thousandth of the
 * window.
 *
 *   Never more than limit in any period + slack of our sending times, hence never more than
 * limit in any period of the provider's arrivals, whatever the phase of its windows and
 * whatever the delays within `slack_us` (J) of each other.
 *
 * Safe for a sliding window, and for a fixed one before its phase is known. Beyond that it
 * remembers for two periods what was sent when: header feedback asks what an answer's figures
 * can have counted. Debit, expiry and fit are O(1) amortised; look-ups are O(log cells). */
#ifndef SLUICE_WINDOW_H
#define SLUICE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window_cell;

struct window {
    struct window_cell *ring; /* owned */
    size_t ring_size;
    uint64_t tail, head; /* cells still counted are [tail, head) */
    int64_t leaves_us;   /* no cell leaves before */
    int64_t used;        /* their sum */
    int64_t sent;        /* everything ever debited */
    int64_t first_us;    /* the first debit, -1 before it */
    int64_t late_us;     /* what is debited now may be decided so much later than usual */
    int64_t limit, period_us, slack_us;
    int64_t cell_us; /* how much of time one cell takes together */
};

void window_init(struct window *w, int64_t limit, int64_t period_us, int64_t slack_us);
void window_free(struct window *w);
/* An independent copy, over what *to was (nothing that is owned). */
void window_copy(struct window *to, const struct window *from);
/* 0: `cost` fits now beside `held` promised units; else the time until it will. The cost must
 * not exceed the limit. */
int64_t window_wait_us(struct window *w, int64_t now_us, int64_t held, int64_t cost);
void window_debit(struct window *w, int64_t now_us, int64_t units);
/* What was debited at sent_us turned out to be `delta` more, or less; forgotten once that cell
 * has left. */
void window_amend(struct window *w, int64_t sent_us, int64_t delta);
/* Units charged at an instant that is past, of which we learn now. They count among what was
 * sent since then. */
void window_debit_late(struct window *w, int64_t now_us, int64_t at_us, int64_t units);
int64_t window_level(struct window *w, int64_t now_us);
/* Moves the level into [lo, hi]: what others spent is taken to have been spent now; what we
 * charged ourselves too much is taken off the oldest cells, which leave first anyway. */
void window_clamp(struct window *w, int64_t now_us, int64_t lo, int64_t hi);
/* Bounds of what was debited at or after from_us, to within a cell (clamps do not count).
 * Longer ago than the log remembers, `most` is all that was ever debited. */
int64_t window_since_most(const struct window *w, int64_t from_us);
int64_t window_since_least(const struct window *w, int64_t from_us);
/* When the unit was debited that is the units-th back from at_us, itself included where it was
 * debited then. False if that is longer ago than the log remembers. */
bool window_back(const struct window *w, int64_t at_us, int64_t units, int64_t *us);

#endif
