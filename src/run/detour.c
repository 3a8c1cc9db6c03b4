/* detour.c: see detour.h. */
#include "detour.h"

#include "batch.h"
#include "duration.h"

enum { SLICE_US = 10000 /* of each look: rows are read and counted again */ };

/* ---- lines that are too long ---- */

static const char *longer(void *ctx, struct str model, size_t n)
{
    const struct over_limit *o = detour_rules_find(ctx, model);
    for (size_t i = 0; o && i < o->fallback_count; i++) {
        if (o->fallbacks[i].on_length && n-- == 0)
            return o->fallbacks[i].model;
    }
    return NULL;
}

static bool excused(void *ctx, struct str model)
{
    const struct over_limit *o = detour_rules_find(ctx, model);
    return o && o->kind == OVER_FAIL;
}

struct input_detour detour_of_lines(const struct detour_rules *rules)
{
    return (struct input_detour){longer, excused, (void *)(uintptr_t)rules};
}

/* ---- rows that would wait for too long ---- */

enum sl_err detour_open(struct batch *b, struct diag *diag)
{
    struct models *m = &b->input.models;
    const struct detour_rules *rules = &b->settings->detours;
    enum sl_err err = SL_OK;
    size_t named = m->n; /* those of the file: a detour leads nowhere else */
    for (size_t i = 0; i < named && err == SL_OK; i++) {
        const struct over_limit *o = detour_rules_find(rules, m->list[i].name);
        for (size_t k = 0; o && k < o->fallback_count && err == SL_OK; k++) {
            size_t index;
            err = models_index(m, &b->settings->account.limits, str_of(o->fallbacks[k].model),
                               &index, diag);
        }
    }
    return err;
}

static size_t model_named(const struct models *m, const char *name)
{
    size_t i = 0;
    while (i < m->n && !str_eq(m->list[i].name, str_of(name)))
        i++;
    return i;
}

/* When the last of a pool's rows would be sent, with one more of that demand (NULL: none). */
static int64_t end_us(struct batch *b, size_t pool, const struct demand *more, int64_t now_us)
{
    int64_t total[DIM_COUNT];
    for (int d = 0; d < DIM_COUNT; d++) {
        total[d] = b->pools[pool].remaining[d];
        if (more)
            total[d] +=
                demand_charge(more, b->settings->account.config.charge, (enum dimension)d);
    }
    return pool_forecast_us(engine_account(b->door.engine), b->input.models.pools[pool].pool,
                            now_us, total);
}

/* Another model that would send it before this one does, at `here_us`. */
static bool downgrade(struct batch *b, struct row *row, const struct over_limit *o,
                      int64_t wait_us, int64_t here_us)
{
    const struct models *m = &b->input.models;
    int64_t now_us = engine_now(b->door.engine);
    for (size_t i = 0; i < o->fallback_count; i++) {
        const struct fallback *f = &o->fallbacks[i];
        size_t other = model_named(m, f->model);
        if (f->on_length || wait_us <= f->after_us || other == m->n || other == row->model)
            continue;
        struct demand d = row_demand(row);
        if (end_us(b, m->list[other].pool, &d, now_us) >= here_us ||
            !input_redirect(&b->input, row, other))
            continue;
        b->totals.downgraded++;
        return true;
    }
    return false;
}

static bool fail(struct batch *b, struct row *row, const struct over_limit *o, int64_t wait_us)
{
    struct input_request request = {0};
    struct buf message = {0};
    struct diag diag;
    enum sl_err err = input_read(&b->input, row, &request, &diag);
    buf_puts(&message, "would have been sent ");
    duration_human(&message, wait_us);
    buf_puts(&message, " after the start: longer than ");
    duration_human(&message, o->after_us);
    const struct result result = {.id = row->id, .custom_id = request.line.custom_id};
    if (err == SL_OK)
        err = results_failure(b->results, &result, STR("over_limit"), buf_str(&message), &diag);
    if (err != SL_OK) {
        batch_stop(b, STOP_DISK, diag.where, diag.what);
    } else {
        row->state = ROW_FAILED;
        b->totals.failed++;
        kinds_add(&b->totals.failures, STR("over_limit"));
    }
    input_request_free(&request);
    buf_free(&message);
    return err == SL_OK;
}

enum move { MOVE_DONE, MOVE_NEEDLESS, MOVE_PASSED /* this row may not be moved */ };

/* The last row of a deck. */
static enum move move_last(struct batch *b, size_t pool, int64_t now_us)
{
    size_t index;
    int64_t at_us = end_us(b, pool, NULL, now_us);
    int64_t wait_us = at_us - b->pools[pool].since_us;
    if (at_us == INT64_MAX || !shuffle_take_last(&b->shuffle, pool, &index))
        return MOVE_NEEDLESS;
    struct row *row = &b->input.rows.list[index], before = *row;
    const struct over_limit *o =
        detour_rules_find(&b->settings->detours, b->input.models.list[row->model].name);
    enum over_kind kind = o && !row->downgraded ? o->kind : OVER_WAIT;
    bool moved = false;
    if (kind == OVER_DOWNGRADE)
        moved = downgrade(b, row, o, wait_us, at_us);
    else if (kind == OVER_FAIL && wait_us > o->after_us)
        moved = fail(b, row, o, wait_us);
    if (!moved) {
        shuffle_add(&b->shuffle, pool, index);
        return kind == OVER_WAIT ? MOVE_PASSED : MOVE_NEEDLESS;
    }
    batch_withdraw(b, &before);
    if (row->state == ROW_PENDING)
        batch_offer(b, index);
    return MOVE_DONE;
}

void detour_look(struct batch *b, int64_t now_us)
{
    enum { PASSES = 32 };
    uint64_t begun = uv_hrtime();
    if (!b->settings->detours.n || b->stop != STOP_NONE)
        return;
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        enum move move = MOVE_DONE;
        for (int passes = 0; move != MOVE_NEEDLESS && passes < PASSES && b->stop == STOP_NONE;
             passes += move == MOVE_PASSED) {
            if ((uv_hrtime() - begun) / 1000 >= SLICE_US)
                return;
            move = move_last(b, p, now_us);
            if (move == MOVE_PASSED) /* models that share a pool may have other rules */
                shuffle_cut(&b->shuffle, p);
        }
    }
}
