/* meter.c: the windows of providers, one limit at a time.
 *
 * Why so exact: sluice is judged by what this module refuses, to the microsecond. Hence no
 * floating point, no rounding in a level, and no estimate of a window where a log can be kept.
 *
 * Never more than `cap` in any window of a counter, nor in any period of a log; a bucket never
 * admits more than cap + cap * t / period in any span t. (meter_add does not check: its caller
 * asks meter_wait_us first, or overdraws on purpose.) */
#include "meter.h"
#include "arena.h"

#include <stdlib.h>
#include <string.h>

static __int128 floor_div(__int128 a, __int128 b)
{
    __int128 q = a / b;
    return a % b && (a < 0) != (b < 0) ? q - 1 : q;
}

static __int128 ceil_div(__int128 a, __int128 b)
{
    return -floor_div(-a, b);
}

/* ---- the log ---- */

static struct meter_entry *log_at(const struct meter *m, size_t i)
{
    return &m->ring[(m->head + i) & (m->room - 1)];
}

static void log_push(struct meter *m, int64_t units)
{
    if (m->count && log_at(m, m->count - 1)->at_us == m->at_us) {
        log_at(m, m->count - 1)->units += units;
        return;
    }
    if (m->count == m->room) {
        size_t room = m->room ? m->room * 2 : 64;
        struct meter_entry *ring = mem_alloc(room * sizeof *ring);
        for (size_t i = 0; i < m->count; i++)
            ring[i] = *log_at(m, i);
        free(m->ring);
        m->ring = ring;
        m->room = room;
        m->head = 0;
    }
    *log_at(m, m->count++) = (struct meter_entry){m->at_us, units};
}

/* What is given back leaves the youngest charges: an entry of negative units would outlive the
 * charge it corrects and admit too much then. */
static void log_take_back(struct meter *m, int64_t units)
{
    while (units > 0 && m->count) {
        struct meter_entry *last = log_at(m, m->count - 1);
        int64_t part = last->units < units ? last->units : units;
        last->units -= part;
        m->used -= part;
        units -= part;
        if (last->units == 0)
            m->count--;
    }
}

/* ---- all kinds ---- */

/* A counter's window that holds `now` ends at the next multiple of the period within its frame,
 * or where the frame ends. */
static int64_t window_end(const struct meter *m, int64_t now_us)
{
    int64_t frame = (int64_t)floor_div((__int128)now_us - m->phase_us, m->frame_us);
    int64_t start = m->phase_us + frame * m->frame_us;
    int64_t end = start + ((now_us - start) / m->period_us + 1) * m->period_us;
    return end < start + m->frame_us ? end : start + m->frame_us;
}

void meter_advance(struct meter *m, int64_t now_us)
{
    bool first = m->at_us == INT64_MIN;
    sl_assert(first || now_us >= m->at_us);
    int64_t before = m->at_us;
    m->at_us = now_us;
    switch (m->kind) {
    case METER_BUCKET:
        if (!first)
            m->level += (__int128)m->cap * (now_us - before);
        if (m->level > (__int128)m->cap * m->period_us)
            m->level = (__int128)m->cap * m->period_us;
        break;
    case METER_COUNTER:
        if (first || now_us >= m->end_us) {
            m->used = 0;
            m->end_us = window_end(m, now_us);
        }
        break;
    case METER_LOG:
        while (m->count && log_at(m, 0)->at_us <= now_us - m->period_us) {
            m->used -= log_at(m, 0)->units;
            m->head = (m->head + 1) & (m->room - 1);
            m->count--;
        }
        break;
    case METER_SLOTS:
        break;
    }
}

int64_t meter_used(const struct meter *m)
{
    if (m->kind == METER_BUCKET)
        return m->cap - (int64_t)floor_div(m->level, m->period_us);
    return m->used;
}

int64_t meter_wait_us(const struct meter *m, int64_t units)
{
    int64_t over = meter_used(m) + units - m->cap;
    if (over <= 0)
        return 0;
    switch (m->kind) {
    case METER_BUCKET:
        return m->cap ? (int64_t)ceil_div((__int128)over * m->period_us, m->cap) : -1;
    case METER_COUNTER:
        return m->end_us - m->at_us;
    case METER_LOG:
        for (size_t i = 0; i < m->count; i++) {
            over -= log_at(m, i)->units;
            if (over <= 0)
                return log_at(m, i)->at_us + m->period_us - m->at_us;
        }
        return -1; /* only what is larger than the cap gets here */
    case METER_SLOTS:
        return -1;
    }
    return -1;
}

void meter_add(struct meter *m, int64_t units)
{
    sl_assert(m->at_us != INT64_MIN);
    switch (m->kind) {
    case METER_BUCKET:
        m->level -= (__int128)units * m->period_us;
        if (m->level > (__int128)m->cap * m->period_us)
            m->level = (__int128)m->cap * m->period_us;
        break;
    case METER_LOG:
        if (units < 0) {
            log_take_back(m, -units);
        } else if (units > 0) {
            log_push(m, units);
            m->used += units;
        }
        break;
    case METER_COUNTER:
    case METER_SLOTS:
        m->used += units;
        if (m->used < 0)
            m->used = 0;
        break;
    }
}

int64_t meter_reset_us(const struct meter *m)
{
    switch (m->kind) {
    case METER_BUCKET:
        return m->cap ? (int64_t)ceil_div((__int128)m->cap * m->period_us - m->level, m->cap)
                      : 0;
    case METER_COUNTER:
        return m->end_us - m->at_us;
    case METER_LOG:
        return m->count ? log_at(m, m->count - 1)->at_us + m->period_us - m->at_us : 0;
    case METER_SLOTS:
        return 0;
    }
    return 0;
}

void meter_free(struct meter *m)
{
    free(m->ring);
    m->ring = NULL;
}
