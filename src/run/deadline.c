/* deadline.c: see deadline.h. How long rows take live is the engine's own forecast: budgets as
 * they are now, what is in flight and what is waiting already among them. */
#include "deadline.h"

#include "batch.h"
#include "shipping.h"
#include "wall.h"

#include <stdlib.h>

enum {
    LOOKS = 200, /* in all of the time; rows are counted again at each */
    SECOND = 1000000,
    TICK_US = 100000,
    LONGEST_LOOK_US = 10 * SECOND,
};

/* What a pool has left: charges by dimension. */
struct left {
    int64_t all[DIM_COUNT];
    int64_t free[DIM_COUNT]; /* of it, live already or about to be */
    int64_t held;            /* rows in batches at work that are not given up */
};

static void add(struct batch *b, int64_t sums[DIM_COUNT], const struct row *row)
{
    struct demand d = row_demand(row);
    for (int dim = 0; dim < DIM_COUNT; dim++)
        sums[dim] += demand_charge(&d, b->settings->account.config.charge, (enum dimension)dim);
}

static struct shipment *shipment_of(const struct shipping *s, const struct row *row)
{
    return row->parcel && row->parcel <= s->cap ? s->list[row->parcel - 1] : NULL;
}

static struct left *count_left(struct batch *b)
{
    const struct models *m = &b->input.models;
    struct left *left = mem_zero((m->pool_count + 1) * sizeof *left);
    for (size_t p = 0; p < m->pool_count; p++) {
        memcpy(left[p].all, b->pools[p].remaining, sizeof left[p].all);
        memcpy(left[p].free, b->pools[p].remaining, sizeof left[p].free);
    }
    for (size_t i = 0; i < b->input.rows.n; i++) {
        const struct row *row = &b->input.rows.list[i];
        struct left *l = &left[m->list[row->model].pool];
        const struct shipment *h =
            row->state == ROW_SHIPPED ? shipment_of(b->shipping, row) : NULL;
        if (!h)
            continue;
        add(b, l->all, row);
        if (h->cancel)
            add(b, l->free, row);
        l->held += !h->cancel && !h->over;
    }
    return left;
}

/* How long all of that takes live, its last answer included. */
static int64_t live_us(struct batch *b, size_t pool, const int64_t sums[DIM_COUNT],
                       int64_t now_us)
{
    const struct totals *t = &b->totals;
    int64_t mean_us = t->served ? t->service_us / t->served : 0;
    int64_t told_us = b->settings->service_us.high;
    int64_t end_us = pool_forecast_us(engine_account(b->door.engine),
                                      b->input.models.pools[pool].pool, now_us, sums);
    if (end_us == INT64_MAX) /* no limit is known: half of the time, as nobody knows better */
        return b->allot.choice.deadline_us / 2;
    int64_t service_us = 2 * mean_us > told_us ? 2 * mean_us : told_us;
    return (end_us - now_us) / 100 * 105 + service_us;
}

/* ---- which ones ---------------------------------------------------------------------------
 */

/* All of it, or nothing. */
static bool pay(struct batch *b, const struct shipment *h)
{
    const struct parcel *p = shipping_parcel(h);
    const struct savings before = b->allot.savings;
    bool paid = true;
    if (!before.open)
        return true;
    for (size_t i = p->first; i <= p->last && paid; i++) {
        const struct row *row = &b->input.rows.list[i];
        if (row->parcel == h->number && row->state == ROW_SHIPPED)
            paid = allot_raise(b, row);
    }
    b->allot.savings = before; /* each row pays when it comes back */
    return paid;
}

/* Later is better: not begun before begun, a higher number before a lower. */
static bool is_later(const struct shipment *h, const struct shipment *than)
{
    bool idle = parcel_is_idle(shipping_parcel(h));
    if (!than || idle != parcel_is_idle(shipping_parcel(than)))
        return !than || idle;
    return h->number > than->number;
}

static struct shipment *last_of(struct batch *b, size_t pool)
{
    const struct shipping *s = b->shipping;
    struct shipment *last = NULL;
    for (size_t i = 0; i < s->cap; i++) {
        struct shipment *h = s->list[i];
        if (!h || h->cancel || h->over ||
            b->input.models.list[shipping_parcel(h)->model].pool != pool)
            continue;
        if (is_later(h, last) && pay(b, h))
            last = h;
    }
    return last;
}

static void tell_late(struct batch *b, size_t pool, bool paid)
{
    struct buf text = {0};
    if (!b->deadline.told)
        b->deadline.told = mem_zero((b->input.models.pool_count + 1) * sizeof(bool));
    if (b->deadline.told[pool])
        return;
    b->deadline.told[pool] = true;
    buf_printf(&text, "%.*s: batches are late for the deadline: ",
               STR_ARG(str_cut(b->input.models.pools[pool].name, 60)));
    buf_puts(&text, paid ? "what they have not done is asked live"
                         : "the budget does not pay for asking them live, so they go on");
    watch_note(b, buf_cstr(&text));
    buf_free(&text);
}

/* As many of them as keep the live way busy while they are being cancelled. */
static void give_up(struct batch *b, size_t pool, int64_t now_us)
{
    bool enough = false;
    while (!enough) {
        struct left *left = count_left(b);
        int64_t busy_us =
            live_us(b, pool, left[pool].free, now_us) - b->settings->service_us.high;
        bool any = left[pool].held > 0;
        free(left);
        enough = !any || busy_us > allot_cancel_us(b) + 2 * b->settings->poll_us;
        struct shipment *h = enough ? NULL : last_of(b, pool);
        if (!enough)
            tell_late(b, pool, h != NULL);
        if (!h)
            return;
        shipping_end(h, "it was late for the deadline");
    }
}

/* ---- when ---------------------------------------------------------------------------------
 */

void deadline_look(struct batch *b, int64_t now_us)
{
    const struct parcels_choice *c = &b->allot.choice;
    struct deadline *d = &b->deadline;
    if (!c->begun || c->until_us < 0 || b->stop != STOP_NONE || now_us < d->look_us)
        return;
    int64_t look_us = c->deadline_us / LOOKS, left_us = c->until_us - wall_unix_us();
    look_us = look_us < TICK_US ? TICK_US : look_us;
    d->look_us = now_us + (look_us < LONGEST_LOOK_US ? look_us : LONGEST_LOOK_US);
    d->due_us = -1;
    struct left *left = count_left(b);
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        if (!left[p].held)
            continue;
        int64_t need_us = live_us(b, p, left[p].all, now_us) + allot_cancel_us(b) +
                          b->settings->poll_us + 2 * look_us;
        int64_t due_us = left_us > need_us ? left_us - need_us : 0;
        if (d->due_us < 0 || due_us < d->due_us)
            d->due_us = due_us;
        if (due_us == 0)
            give_up(b, p, now_us);
    }
    free(left);
}

void deadline_free(struct deadline *d)
{
    free(d->told);
    d->told = NULL;
}
