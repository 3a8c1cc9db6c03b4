/* fixed.c: see fixed.h. Counts of the last few windows lie in a ring by window index; a window
 * without a count is empty. */
#include "fixed.h"
#include "err.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static unsigned slot_of(int64_t index)
{
    return (uint64_t)index % FIXED_KEPT;
}

void fixed_init(struct fixed *f, int64_t limit, int64_t period_us, int64_t slack_us)
{
    sl_assert(limit > 0 && period_us > 0 && slack_us >= 0);
    *f = (struct fixed){.limit = limit, .period_us = period_us, .slack_us = slack_us};
}

void fixed_edge(struct fixed *f, int64_t lo_us, int64_t hi_us)
{
    sl_assert(lo_us <= hi_us && hi_us - lo_us + f->slack_us < f->period_us);
    f->lo_us = lo_us;
    f->hi_us = hi_us;
}

struct fixed_span fixed_span(const struct fixed *f, int64_t now_us)
{
    return (struct fixed_span){floor_div(now_us - f->hi_us, f->period_us),
                               floor_div(now_us + f->slack_us - f->lo_us, f->period_us)};
}

int64_t fixed_used(const struct fixed *f, int64_t index)
{
    unsigned slot = slot_of(index);
    return f->index[slot] == index ? f->used[slot] : 0;
}

void fixed_set(struct fixed *f, int64_t index, int64_t used)
{
    f->index[slot_of(index)] = index;
    f->used[slot_of(index)] = used;
}

static bool fits(const struct fixed *f, int64_t at_us, int64_t units)
{
    struct fixed_span span = fixed_span(f, at_us);
    for (int64_t i = span.first; i <= span.last; i++) {
        if (fixed_used(f, i) + units > f->limit)
            return false;
    }
    return true;
}

int64_t fixed_wait_us(const struct fixed *f, int64_t now_us, int64_t held, int64_t cost)
{
    if (fits(f, now_us, held + cost))
        return 0;
    int64_t next = fixed_span(f, now_us).first + 1;
    for (int64_t i = next; i < next + FIXED_KEPT; i++) {
        int64_t at_us = f->hi_us + i * f->period_us;
        if (fits(f, at_us, held + cost))
            return at_us - now_us;
    }
    return f->period_us; /* held units have yet to be sent: ask again */
}

void fixed_debit(struct fixed *f, int64_t now_us, int64_t units)
{
    struct fixed_span span = fixed_span(f, now_us);
    for (int64_t i = span.first; i <= span.last; i++)
        fixed_set(f, i, fixed_used(f, i) + units);
}

void fixed_amend(struct fixed *f, int64_t sent_us, int64_t delta)
{
    struct fixed_span span = fixed_span(f, sent_us);
    for (int64_t i = span.first; i <= span.last; i++) {
        if (f->index[slot_of(i)] != i) /* forgotten */
            continue;
        int64_t used = fixed_used(f, i) + delta;
        fixed_set(f, i, used > 0 ? used : 0);
    }
}

int64_t fixed_level(const struct fixed *f, int64_t now_us)
{
    struct fixed_span span = fixed_span(f, now_us);
    int64_t used = fixed_used(f, span.first);
    if (fixed_used(f, span.last) > used)
        used = fixed_used(f, span.last);
    return f->limit - used;
}
