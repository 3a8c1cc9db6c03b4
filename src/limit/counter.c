/* counter.c: see counter.h.
 *
 * The log is kept whatever rules, because feedback asks it what was sent when, and because it
 * is what remains safe when a phase or a kind turns out wrong. The bucket is kept beside it
 * because the kind may yet turn out to be one. */
#include "counter.h"

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void counter_init(struct counter *c, enum window_kind kind, int64_t limit, int64_t period_us,
                  int64_t slack_us)
{
    *c = (struct counter){.kind = kind};
    slack_us = min64(slack_us, period_us / 2);
    bucket_init(&c->bucket, limit, period_us, slack_us);
    window_init(&c->log, limit, period_us, slack_us);
    fixed_init(&c->fixed, limit, period_us, slack_us);
}

void counter_free(struct counter *c)
{
    window_free(&c->log);
}

int64_t counter_wait_us(struct counter *c, int64_t now_us, int64_t held, int64_t cost)
{
    if (c->kind == WINDOW_BUCKET)
        return bucket_wait_us(&c->bucket, now_us, held, cost);
    if (c->phase_known)
        return fixed_wait_us(&c->fixed, now_us, held, cost);
    return window_wait_us(&c->log, now_us, held, cost);
}

static bool may_be_bucket(const struct counter *c)
{
    return c->kind == WINDOW_BUCKET || c->kind == WINDOW_AUTO;
}

void counter_become(struct counter *c, int64_t now_us, enum window_kind kind)
{
    if (!may_be_bucket(c)) /* it was not kept */
        bucket_clamp(&c->bucket, now_us, 0, window_level(&c->log, now_us));
    c->kind = kind;
    c->phase_known = false;
}

void counter_debit(struct counter *c, int64_t now_us, int64_t units)
{
    if (may_be_bucket(c))
        bucket_debit(&c->bucket, now_us, units);
    window_debit(&c->log, now_us, units);
    if (c->phase_known)
        fixed_debit(&c->fixed, now_us, units);
}

void counter_amend(struct counter *c, int64_t now_us, int64_t sent_us, int64_t delta)
{
    if (delta < 0)
        bucket_credit(&c->bucket, now_us, -delta);
    else
        bucket_debit(&c->bucket, now_us, delta);
    window_amend(&c->log, sent_us, delta);
    if (c->phase_known)
        fixed_amend(&c->fixed, sent_us, delta);
}

void counter_debit_late(struct counter *c, int64_t now_us, int64_t at_us, int64_t units)
{
    bucket_debit(&c->bucket, now_us, units);
    window_debit_late(&c->log, now_us, at_us, units);
    if (c->phase_known &&
        fixed_span(&c->fixed, at_us).last >= fixed_span(&c->fixed, now_us).first)
        fixed_debit(&c->fixed, at_us, units);
}

int64_t counter_level(struct counter *c, int64_t now_us)
{
    if (c->kind == WINDOW_BUCKET)
        return bucket_level(&c->bucket, now_us);
    if (c->phase_known)
        return fixed_level(&c->fixed, now_us);
    return window_level(&c->log, now_us);
}

static void fixed_clamp(struct fixed *f, int64_t now_us, int64_t lo, int64_t hi)
{
    struct fixed_span span = fixed_span(f, now_us);
    if (span.first != span.last)
        return;
    int64_t level = fixed_level(f, now_us);
    int64_t moved = min64(hi, max64(lo, level));
    if (moved != level)
        fixed_set(f, span.first, max64(0, f->limit - moved));
}

void counter_clamp(struct counter *c, int64_t now_us, int64_t lo, int64_t hi)
{
    if (c->kind == WINDOW_BUCKET)
        bucket_clamp(&c->bucket, now_us, lo, hi);
    else if (c->phase_known)
        fixed_clamp(&c->fixed, now_us, lo, hi);
    else
        window_clamp(&c->log, now_us, lo, hi);
}

/* Whole periods to the nearest. */
static int64_t periods(int64_t span_us, int64_t period_us)
{
    int64_t half_us = span_us < 0 ? -period_us / 2 : period_us / 2;
    return (span_us + half_us) / period_us;
}

void counter_edge(struct counter *c, int64_t now_us, struct edge e)
{
    struct fixed *f = &c->fixed;
    bool usable = e.known && e.hi_us - e.lo_us + e.slack_us < f->period_us / 2;
    if (!usable) {
        c->phase_known = c->phase_known && !e.contradicted;
        return;
    }
    /* Of all edges the one nearest to the one we count from: indexes keep their meaning. */
    int64_t shift_us = periods(e.lo_us - f->lo_us, f->period_us) * f->period_us;
    e.lo_us -= shift_us;
    e.hi_us -= shift_us;
    bool narrower = c->phase_known && e.lo_us >= f->lo_us && e.hi_us <= f->hi_us;
    f->slack_us = max64(f->slack_us, e.slack_us);
    /* A window may have been spent from where it was believed to open: that counts, too. */
    int64_t opens_us = c->phase_known ? min64(f->lo_us, e.lo_us) : e.lo_us;
    fixed_edge(f, e.lo_us, e.hi_us);
    struct fixed_span span = fixed_span(f, now_us);
    for (int64_t i = span.first; i <= span.last && !narrower; i++) {
        int64_t from_us = opens_us - f->slack_us + i * f->period_us;
        fixed_set(f, i, min64(f->limit, window_since_most(&c->log, from_us)));
    }
    c->phase_known = true;
}

void counter_relimit(struct counter *c, int64_t now_us, int64_t limit)
{
    bucket_debit(&c->bucket, now_us, 0); /* what drained so far drained at the old rate */
    c->bucket.limit = c->log.limit = c->fixed.limit = limit;
}

void counter_loosen(struct counter *c, int64_t most_us)
{
    int64_t slack_us = min64(most_us, c->log.slack_us + c->log.slack_us / 2 + 1000);
    c->log.slack_us = max64(c->log.slack_us, slack_us);
    c->bucket.slack_us = c->fixed.slack_us = c->log.slack_us;
    c->phase_known = false;
}

void counter_slacken(struct counter *c, int64_t slack_us)
{
    slack_us = min64(slack_us, c->log.period_us / 2);
    c->log.slack_us = max64(c->log.slack_us, slack_us);
    c->bucket.slack_us = max64(c->bucket.slack_us, slack_us);
    c->fixed.slack_us = max64(c->fixed.slack_us, slack_us);
    bool usable = c->fixed.hi_us - c->fixed.lo_us + c->fixed.slack_us < c->fixed.period_us / 2;
    c->phase_known = c->phase_known && usable;
}
