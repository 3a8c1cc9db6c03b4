/* ledger.c: see ledger.h. */
#include "ledger.h"

void ledger_free(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++)
        budget_free(&l->budgets[i]);
    l->n = 0;
}

void ledger_copy(struct ledger *to, const struct ledger *from)
{
    *to = *from;
    for (size_t i = 0; i < from->n; i++) {
        window_copy(&to->budgets[i].spent.log, &from->budgets[i].spent.log);
        window_copy(&to->budgets[i].landed.log, &from->budgets[i].landed.log);
        window_copy(&to->budgets[i].guard, &from->budgets[i].guard);
    }
}

struct budget *ledger_add(struct ledger *l, const struct limit_spec *spec,
                          const struct budget_rules *rules)
{
    if (l->n == BOUND_BUDGETS)
        return NULL;
    struct budget *b = &l->budgets[l->n++];
    budget_init(b, spec, rules);
    return b;
}

struct budget *ledger_find(struct ledger *l, enum dimension dim)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->budgets[i].dim == dim && !l->budgets[i].ramp)
            return &l->budgets[i];
    }
    return NULL;
}

struct admission ledger_ask(struct ledger *l, int64_t now_us, const struct bill *bill)
{
    struct admission a = {.take = TAKE_OK};
    for (size_t i = 0; i < l->n; i++) {
        struct budget *b = &l->budgets[i];
        int64_t wait_us = budget_wait_us(b, now_us, bill_draw(bill, b->dim));
        if (wait_us > a.wait_us) {
            a.take = wait_us == INT64_MAX ? TAKE_NEVER : TAKE_LATER;
            a.wait_us = wait_us;
            a.binds = i;
        }
    }
    return a;
}

struct admission ledger_ask_after(struct ledger *l, int64_t now_us, const struct bill *bill,
                                  const struct bill *other)
{
    for (size_t i = 0; i < l->n; i++)
        l->budgets[i].held += other->units[l->budgets[i].dim];
    struct admission a = ledger_ask(l, now_us, bill);
    for (size_t i = 0; i < l->n; i++)
        l->budgets[i].held -= other->units[l->budgets[i].dim];
    return a;
}

struct admission ledger_admit(struct ledger *l, int64_t now_us, struct bill *bill)
{
    struct admission a = ledger_ask(l, now_us, bill);
    if (a.take != TAKE_OK)
        return a;
    bill->budgets = (uint32_t)l->n;
    for (size_t i = 0; i < l->n; i++)
        budget_hold(&l->budgets[i], now_us, bill_draw(bill, l->budgets[i].dim));
    return a;
}

void ledger_charge(struct ledger *l, int64_t now_us, const struct bill *bill)
{
    for (size_t i = 0; i < bill->budgets; i++)
        budget_charge(&l->budgets[i], now_us, bill_draw(bill, l->budgets[i].dim));
}

void ledger_foresee(struct ledger *l, int64_t now_us)
{
    for (size_t i = 0; i < l->n; i++)
        budget_foresee(&l->budgets[i], now_us);
}

void ledger_release(struct ledger *l, const struct bill *bill)
{
    for (size_t i = 0; i < bill->budgets; i++)
        budget_release(&l->budgets[i], bill_draw(bill, l->budgets[i].dim));
}

void ledger_expect(struct ledger *l, int64_t now_us, int64_t sent_us, struct bill *bill,
                   const struct bill *is)
{
    const struct bill before = *bill; /* two budgets may be of one dimension */
    for (size_t i = 0; i < bill->budgets; i++) {
        struct budget *b = &l->budgets[i];
        struct draw was = bill_draw(&before, b->dim), now = bill_draw(is, b->dim);
        if (!b->later)
            continue;
        budget_expect(b, now_us, sent_us, was, now);
        bill->units[b->dim] = now.units;
    }
    bill->later = is->later;
}

void ledger_settle(struct ledger *l, int64_t now_us, int64_t sent_us, const struct bill *bill,
                   const int64_t charged[DIM_RATES])
{
    for (size_t i = 0; i < bill->budgets; i++) {
        struct budget *b = &l->budgets[i];
        budget_settle(b, now_us, sent_us, bill_draw(bill, b->dim), charged[b->dim]);
    }
}
