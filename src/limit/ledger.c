/* ledger.c: see ledger.h. */
#include "ledger.h"

void ledger_free(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++)
        budget_free(&l->budgets[i]);
    l->n = 0;
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
        if (l->budgets[i].dim == dim)
            return &l->budgets[i];
    }
    return NULL;
}

struct admission ledger_ask(struct ledger *l, int64_t now_us, const int64_t cost[DIM_COUNT])
{
    struct admission a = {.take = TAKE_OK};
    for (size_t i = 0; i < l->n; i++) {
        int64_t wait_us = budget_wait_us(&l->budgets[i], now_us, cost[l->budgets[i].dim]);
        if (wait_us > a.wait_us) {
            a.take = wait_us == INT64_MAX ? TAKE_NEVER : TAKE_LATER;
            a.wait_us = wait_us;
            a.binds = i;
        }
    }
    return a;
}

struct admission ledger_admit(struct ledger *l, int64_t now_us, const int64_t cost[DIM_COUNT])
{
    struct admission a = ledger_ask(l, now_us, cost);
    for (size_t i = 0; i < l->n && a.take == TAKE_OK; i++)
        budget_hold(&l->budgets[i], now_us, cost[l->budgets[i].dim]);
    return a;
}

void ledger_charge(struct ledger *l, int64_t now_us, const int64_t cost[DIM_COUNT])
{
    for (size_t i = 0; i < l->n; i++)
        budget_charge(&l->budgets[i], now_us, cost[l->budgets[i].dim]);
}

void ledger_release(struct ledger *l, const int64_t cost[DIM_COUNT])
{
    for (size_t i = 0; i < l->n; i++)
        budget_release(&l->budgets[i], cost[l->budgets[i].dim]);
}

void ledger_settle(struct ledger *l, int64_t now_us, int64_t sent_us,
                   const int64_t reserved[DIM_COUNT], const int64_t charged[DIM_COUNT])
{
    for (size_t i = 0; i < l->n; i++) {
        enum dimension d = l->budgets[i].dim;
        budget_correct(&l->budgets[i], now_us, sent_us, charged[d] - reserved[d]);
    }
}
