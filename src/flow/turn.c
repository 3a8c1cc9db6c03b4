/* turn.c: see turn.h. */
#include "turn.h"

/* Of so many tenants the first requests are looked at, when the one whose turn it is waits. */
enum { LOOKED_AT = 16 };

bool may_pass(struct ledger *l, const struct flow *f, const struct flow *blocked,
              int64_t wait_us, int64_t now_us)
{
    return ledger_ask(l, now_us, &f->bill).take == TAKE_OK &&
           ledger_ask_after(l, now_us, &blocked->bill, &f->bill).wait_us <= wait_us;
}

/* The first whose tenant's own allowance has room for it; the others' tenants are parked. */
static struct flow *first_allowed(const struct desk *d, int64_t now_us, struct turn *t)
{
    for (;;) {
        struct flow *f = flow_of(queue_next(d->turns, now_us));
        if (!f)
            return NULL;
        struct allowed a = d->own(d->ctx, f, now_us);
        t->never = a.take == TAKE_NEVER;
        if (a.take == TAKE_OK)
            return f;
        d->blame(d->ctx, f, a.dim, true);
        if (t->never)
            return f;
        bool known = a.wait_us < INT64_MAX - now_us;
        queue_park(d->turns, f->tenant, known ? now_us + a.wait_us : INT64_MAX);
    }
}

static struct flow *who_may_pass(const struct desk *d, const struct flow *first,
                                 int64_t wait_us, int64_t now_us)
{
    for (size_t i = 0; i < LOOKED_AT; i++) {
        struct flow *f = flow_of(queue_head(d->turns, i, now_us));
        if (f && f != first && may_pass(d->ledger, f, first, wait_us, now_us) &&
            d->own(d->ctx, f, now_us).take == TAKE_OK)
            return f;
    }
    return NULL;
}

struct turn desk_turn(const struct desk *d, int64_t now_us)
{
    struct turn t = {.next_us = queue_wake_due(d->turns, now_us)};
    t.flow = first_allowed(d, now_us, &t);
    t.next_us = queue_wake_due(d->turns, now_us);
    if (!t.flow || t.never)
        return t;
    struct flow *first = t.flow;
    struct admission a = ledger_ask(d->ledger, now_us, &first->bill);
    if (a.take == TAKE_OK)
        return t;
    d->blame(d->ctx, first, d->ledger->budgets[a.binds].dim, false);
    t.never = a.take == TAKE_NEVER;
    if (t.never)
        return t;
    t.flow = who_may_pass(d, first, a.wait_us, now_us);
    if (now_us + a.wait_us < t.next_us)
        t.next_us = now_us + a.wait_us;
    return t;
}
