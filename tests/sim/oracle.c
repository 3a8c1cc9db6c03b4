/* oracle.c: brute force where it can be afforded, a sorted scan elsewhere.
 *
 * Per budget one running sum over the log. What a window holds at entry i is the difference of
 * two sums: up to i, and up to the window's first entry, found by a pointer that only moves
 * forward. For a bucket it is the smallest head-room over all earlier starts of a span, kept as
 * a running minimum in units times microseconds (128 bits: exact). */
#include "oracle.h"
#include "arena.h"

#include <stdlib.h>

typedef __int128 wide; /* the house has no typedef of structs; this is a number */

struct scan {
    const struct oracle_budget *b;
    int64_t *sum; /* sum[i]: what entries 0..i-1 took */
    size_t from;  /* sliding, fixed: first entry of the window */
    /* bucket: the least over all starts s so far of (limit*period + limit*(t_s..) - taken), as
     * a level at level_us */
    wide level;
    int64_t level_us;
};

void oracle_note(struct oracle_log *log, const struct oracle_entry *e)
{
    if (log->n == log->cap) {
        log->cap = log->cap ? 2 * log->cap : 1024;
        log->list = mem_grow(log->list, log->cap * sizeof *log->list);
    }
    log->list[log->n++] = *e;
}

void oracle_log_free(struct oracle_log *log)
{
    free(log->list);
    *log = (struct oracle_log){0};
}

/* The edge at or before t. */
static int64_t edge_before(const struct oracle_budget *b, int64_t t)
{
    int64_t since = (t - b->phase_us) % b->period_us;
    return t - (since < 0 ? since + b->period_us : since);
}

/* Units (times the period, for a bucket) that entry i may still take. */
static wide room_at(struct scan *s, const struct oracle_log *log, size_t i)
{
    const struct oracle_budget *b = s->b;
    int64_t t = log->list[i].at_us;
    if (b->shape == ORACLE_BUCKET) {
        wide full = (wide)b->limit * b->period_us;
        wide level = s->level + (wide)b->limit * (t - s->level_us);
        s->level = i == 0 || level > full ? full : level;
        s->level_us = t;
        return s->level;
    }
    int64_t start = b->shape == ORACLE_FIXED ? edge_before(b, t) : t - b->period_us + 1;
    while (s->from < i && log->list[s->from].at_us < start)
        s->from++;
    return (wide)(b->limit - (s->sum[i] - s->sum[s->from])) * b->period_us;
}

/* Books what entry i took, which found `room`. */
static void take(struct scan *s, const struct oracle_entry *e, size_t i, size_t budget,
                 wide room)
{
    wide unit = s->b->period_us;
    wide taken = e->kind == ORACLE_REFUSED ? 0 : (wide)e->charge[budget] * unit;
    if (e->kind == ORACLE_REFUSED && s->b->drains && room > 0)
        taken = room < unit ? room : unit;
    s->level -= taken;
    s->sum[i + 1] = s->sum[i] + (int64_t)(taken / unit);
}

/* Counts a job's admissions and everything ours was charged. */
static void count_ours(const struct oracle_entry *e, size_t count, uint32_t jobs,
                       uint8_t *admitted, struct oracle_finding *f)
{
    if (!e->ours)
        return;
    f->refused += e->kind == ORACLE_REFUSED;
    if (e->kind == ORACLE_REFUSED)
        return;
    for (size_t b = 0; b < count; b++)
        f->charged[b] += e->charge[b];
    if (e->kind == ORACLE_ADMITTED && e->job < jobs)
        f->twice += admitted[e->job]++ > 0;
}

struct oracle_finding oracle_judge(const struct oracle_log *log,
                                   const struct oracle_budget *budgets, size_t count,
                                   uint32_t jobs)
{
    sl_assert(count <= ORACLE_BUDGETS);
    struct oracle_finding f = {.first = log->n};
    struct scan scans[ORACLE_BUDGETS] = {0};
    uint8_t *admitted = mem_zero(jobs + 1);
    for (size_t b = 0; b < count; b++) {
        scans[b] = (struct scan){.b = &budgets[b]};
        scans[b].sum = mem_zero((log->n + 1) * sizeof *scans[b].sum);
    }
    for (size_t i = 0; i < log->n; i++) {
        const struct oracle_entry *e = &log->list[i];
        bool fits = true;
        for (size_t b = 0; b < count; b++) {
            wide room = room_at(&scans[b], log, i);
            fits = fits && (wide)e->charge[b] * budgets[b].period_us <= room;
            take(&scans[b], e, i, b, room);
        }
        bool backwards = i && e->at_us < log->list[i - 1].at_us;
        bool over = e->kind == ORACLE_ADMITTED && !fits;
        bool needless = e->kind == ORACLE_REFUSED && fits;
        f.over += over;
        f.needless += needless;
        f.backwards += backwards;
        if ((over || needless || backwards) && f.first == log->n)
            f.first = i;
        count_ours(e, count, jobs, admitted, &f);
    }
    for (uint32_t j = 0; j < jobs; j++)
        f.lost += admitted[j] == 0;
    for (size_t b = 0; b < count; b++)
        free(scans[b].sum);
    free(admitted);
    return f;
}

bool oracle_content(const struct oracle_finding *f)
{
    return !f->over && !f->needless && !f->lost && !f->twice && !f->backwards;
}

int64_t oracle_bound_us(const struct oracle_budget *b, int64_t amount, int64_t sent_us,
                        int64_t admitted_us)
{
    if (amount <= b->limit)
        return -1;
    int64_t windows = (amount + b->limit - 1) / b->limit;
    switch (b->shape) {
    case ORACLE_BUCKET:
        return (int64_t)((wide)(amount - b->limit) * b->period_us / b->limit);
    case ORACLE_SLIDING:
        return (windows - 1) * b->period_us;
    case ORACLE_FIXED:
        break;
    }
    int64_t reset_us = edge_before(b, admitted_us) + b->period_us;
    return reset_us - sent_us + (windows - 2) * b->period_us;
}
