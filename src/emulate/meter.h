/* meter.h: one limit of an emulated provider: what has been used of it now, and when more fits.
 *
 * Exact: whole units in, 128-bit arithmetic inside, waits rounded up to a microsecond. The
 * caller advances a meter to `now` before asking it anything. */
#ifndef SLUICE_METER_H
#define SLUICE_METER_H

#include "dimension.h"

enum meter_kind {
    METER_BUCKET,  /* refills continuously, `cap` units per period */
    METER_COUNTER, /* counts within a window that ends at fixed instants */
    METER_LOG,     /* remembers every charge for one period */
    METER_SLOTS,   /* requests in flight */
};

struct meter_entry {
    int64_t at_us, units;
};

struct meter {
    enum dimension dim;
    enum meter_kind kind;
    int64_t limit, cap;
    int64_t period_us; /* of a window or slice; to fill an empty bucket */
    int64_t at_us;     /* advanced to; INT64_MIN before the first time */
    /* bucket: the level times period_us, so that one microsecond adds exactly `cap` */
    __int128 level;
    /* counter: windows of period_us, cut short where the next `frame_us` after `phase_us`
     * begins */
    int64_t frame_us, phase_us, end_us;
    int64_t used; /* counter, log, slots */
    /* log: a ring of `room` entries (a power of two), oldest at `head` */
    struct meter_entry *ring;
    size_t head, count, room;
};

void meter_advance(struct meter *m, int64_t now_us);
/* Whole units in use, a started one counting as whole. */
int64_t meter_used(const struct meter *m);
/* Until `units` more fit: 0 now, -1 if that depends on others (slots). units <= cap. */
int64_t meter_wait_us(const struct meter *m, int64_t units);
/* Debits; negative units are given back. May overdraw. */
void meter_add(struct meter *m, int64_t units);
/* Until everything is free again. */
int64_t meter_reset_us(const struct meter *m);
void meter_free(struct meter *m);

#endif
