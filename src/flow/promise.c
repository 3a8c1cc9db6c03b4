/* promise.c: what will be admitted when, told by letting a copy of the ledger admit it.
 *
 * Costs a copy of the ledger and a step for every queued request, so it is asked only where a
 * request cannot be sent at once. */
#include "account.h"

/* Budgets may each ask for a little more after the longest of them was waited for. */
enum { ASKED_AGAIN = 64 };

struct outlook {
    struct ledger ledger;
    int64_t at_us; /* everything before was admitted by then */
    int64_t now_us;
    enum dimension dim;
};

static void open_outlook(struct outlook *o, const struct pool *p, int64_t now_us)
{
    *o = (struct outlook){.now_us = now_us, .dim = DIM_UNKNOWN};
    o->at_us = p->frozen_us > now_us ? p->frozen_us : now_us;
    if (p->asked_us > o->at_us)
        o->at_us = p->asked_us;
    ledger_copy(&o->ledger, &p->ledger);
}

static struct promise admit(struct outlook *o, struct bill bill)
{
    for (int i = 0; i < ASKED_AGAIN; i++) {
        struct admission got = ledger_admit(&o->ledger, o->at_us, &bill);
        if (got.take != TAKE_OK)
            o->dim = o->ledger.budgets[got.binds].dim;
        if (got.take == TAKE_NEVER)
            return (struct promise){INT64_MAX, o->dim};
        if (got.take == TAKE_OK) {
            ledger_charge(&o->ledger, o->at_us, &bill);
            break;
        }
        o->at_us += got.wait_us;
    }
    return (struct promise){o->at_us - o->now_us, o->dim};
}

struct promise pool_promise(const struct account *a, const struct pool *p, int64_t now_us,
                            const struct demand *d)
{
    struct bill bill;
    struct outlook o;
    charge_expect(p, d, &bill);
    if (!p->queue.head && p->frozen_us <= now_us &&
        ledger_ask((struct ledger *)&p->ledger, now_us, &bill).take == TAKE_OK)
        return (struct promise){0, DIM_UNKNOWN};
    open_outlook(&o, p, now_us);
    for (const struct flow *f = p->queue.head; f; f = f->next)
        (void)admit(&o, f->bill);
    struct promise promise = admit(&o, bill);
    ledger_free(&o.ledger);
    return promise;
}

void pool_promises(const struct account *a, const struct pool *p, int64_t now_us,
                   void (*each)(void *ctx, struct flow *f, struct promise promise), void *ctx)
{
    struct outlook o;
    if (!p->queue.head)
        return;
    open_outlook(&o, p, now_us);
    for (struct flow *f = p->queue.head; f; f = f->next)
        each(ctx, f, admit(&o, f->bill));
    ledger_free(&o.ledger);
}
