/* slowdown.c: see slowdown.h. Its budget is a bucket, told apart from the account's own by
 * `ramp`. */
#include "slowdown.h"

enum { GROWS_MINUTES = 15 };

static struct budget *own_budget(struct ledger *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->budgets[i].ramp)
            return &l->budgets[i];
    }
    return NULL;
}

bool slowdown_refused(struct slowdown *s, struct ledger *l, const struct budget_rules *rules,
                      int64_t now_us)
{
    struct budget *tokens = ledger_find(l, DIM_TPM);
    struct budget *b = own_budget(l);
    tokens = tokens ? tokens : ledger_find(l, DIM_ITPM);
    if (!tokens || tokens->limit <= 0)
        return false;
    if (b && now_us < s->grows_us - GROWS_MINUTES * rules->minute_us + rules->minute_us)
        return true; /* of the same rise */
    int64_t lately = window_since_most(&tokens->spent.log, now_us - rules->minute_us);
    int64_t limit = lately - lately / 4 > 0 ? lately - lately / 4 : 1;
    s->grows_us = now_us + GROWS_MINUTES * rules->minute_us;
    if (b) {
        budget_relimit(b, now_us, limit);
        return true;
    }
    struct budget_rules own = *rules;
    own.window = WINDOW_BUCKET;
    own.use_percent = 100;
    own.idle = true; /* no header speaks of it */
    struct limit_spec spec = {tokens->dim, limit, rules->minute_us};
    b = ledger_add(l, &spec, &own);
    if (!b)
        return true;
    b->ramp = true;
    counter_clamp(&b->spent, now_us, 0, 0); /* what went lately went */
    return true;
}

void slowdown_grow(struct slowdown *s, struct ledger *l, const struct budget_rules *rules,
                   int64_t now_us)
{
    struct budget *b = own_budget(l);
    if (!b || now_us < s->grows_us)
        return;
    budget_relimit(b, now_us, b->spec.limit + b->spec.limit / 2 + 1);
    s->grows_us = now_us + GROWS_MINUTES * rules->minute_us;
}
