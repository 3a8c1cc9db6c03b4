/* budget.c: see budget.h.
 *
 * The log is kept whatever rules, because feedback asks it what was sent when; the bucket and
 * the fixed windows are kept beside it only where they rule or may come to rule. */
#include "budget.h"
#include "err.h"

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Azure checks requests per slice of the minute: 600 RPM refuses beyond 10 in one second. */
static void slice(struct budget *b, const struct budget_rules *r)
{
    int64_t share = (int64_t)((__int128)b->limit * r->slice_us / b->period_us);
    b->limit = share > 0 ? share : 1;
    b->period_us = r->slice_us;
}

void budget_init(struct budget *b, const struct limit_spec *spec, const struct budget_rules *r)
{
    *b = (struct budget){.dim = spec->dim, .kind = r->window, .spec = *spec};
    b->limit = (int64_t)((__int128)spec->limit * r->use_percent / 100);
    b->period_us = spec->period_us;
    if (b->limit <= 0)
        return;
    if (b->kind == WINDOW_SLICES && b->dim == DIM_RPM && r->slice_us < b->period_us)
        slice(b, r);
    int64_t slack_us = min64(r->slack_us, b->period_us / 2);
    bucket_init(&b->bucket, b->limit, b->period_us, slack_us);
    window_init(&b->log, b->limit, b->period_us, slack_us);
    fixed_init(&b->fixed, b->limit, b->period_us, slack_us);
}

void budget_free(struct budget *b)
{
    window_free(&b->log);
}

int64_t budget_wait_us(struct budget *b, int64_t now_us, int64_t cost)
{
    if (cost == 0)
        return 0;
    if (cost > b->limit)
        return INT64_MAX;
    int64_t held = b->held + b->margin;
    int64_t wait_us;
    if (b->kind == WINDOW_BUCKET)
        wait_us = bucket_wait_us(&b->bucket, now_us, held, cost);
    else if (b->phase_known)
        wait_us = fixed_wait_us(&b->fixed, now_us, held, cost);
    else
        wait_us = window_wait_us(&b->log, now_us, held, cost);
    int64_t frozen_us = b->frozen_us - now_us;
    return frozen_us > wait_us ? frozen_us : wait_us;
}

void budget_hold(struct budget *b, int64_t cost)
{
    b->held += cost;
}

void budget_release(struct budget *b, int64_t cost)
{
    sl_assert(b->held >= cost);
    b->held -= cost;
}

void budget_charge(struct budget *b, int64_t now_us, int64_t cost)
{
    if (cost == 0)
        return;
    budget_release(b, cost);
    b->charged += cost;
    bucket_debit(&b->bucket, now_us, cost);
    window_debit(&b->log, now_us, cost);
    if (b->phase_known)
        fixed_debit(&b->fixed, now_us, cost);
}

void budget_correct(struct budget *b, int64_t now_us, int64_t sent_us, int64_t delta)
{
    if (delta == 0)
        return;
    b->charged += delta;
    if (delta < 0) {
        bucket_credit(&b->bucket, now_us, -delta);
        window_credit(&b->log, sent_us, -delta);
        if (b->phase_known)
            fixed_credit(&b->fixed, sent_us, -delta);
    } else {
        bucket_debit(&b->bucket, now_us, delta);
        window_debit(&b->log, now_us, delta);
        if (b->phase_known)
            fixed_debit(&b->fixed, now_us, delta);
    }
}

int64_t budget_level(struct budget *b, int64_t now_us)
{
    int64_t level;
    if (b->limit <= 0)
        return 0;
    if (b->kind == WINDOW_BUCKET)
        level = bucket_level(&b->bucket, now_us);
    else if (b->phase_known)
        level = fixed_level(&b->fixed, now_us);
    else
        level = window_level(&b->log, now_us);
    return level - b->held;
}
