/* charge.c: what a request draws on each budget, before it is sent and once it is answered. */
#include "account.h"

void charge_expect(const struct pool *p, const struct demand *d, int64_t cost[DIM_COUNT])
{
    for (int dim = 0; dim < DIM_COUNT; dim++)
        cost[dim] = demand_charge(d, p->account->config.charge, (enum dimension)dim);
}

void charge_actual(const struct pool *p, const struct flow *f, const struct usage *u,
                   int64_t cost[DIM_COUNT])
{
    for (int dim = 0; dim < DIM_COUNT; dim++)
        cost[dim] = f->reserved[dim];
    if (p->account->config.charge != CHARGE_ACTUAL || u->output_tokens < 0)
        return;
    int64_t input = u->input_tokens >= 0 ? u->input_tokens : f->demand.input_tokens;
    cost[DIM_ITPM] = input;
    cost[DIM_OTPM] = u->output_tokens;
    cost[DIM_TPM] = cost[DIM_TPD] = input + u->output_tokens;
}
