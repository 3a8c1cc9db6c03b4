/* charge.c: what a request draws on each budget, before it is sent and once it is answered. */
#include "account.h"

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t tokens(enum charge_rule rule, int64_t input, int64_t chars, int64_t output)
{
    return rule == CHARGE_MAX ? max64(output, max64(input, chars)) : input + output;
}

void charge_expect(const struct pool *p, const struct demand *d, int64_t cost[DIM_COUNT])
{
    enum charge_rule rule = p->account->config.charge;
    int64_t all = tokens(rule, max64(d->input_tokens, rule == CHARGE_SUM ? d->char_tokens : 0),
                         d->char_tokens, d->max_output_tokens);
    for (enum dimension dim = 0; dim < DIM_COUNT; dim++)
        cost[dim] = 0;
    cost[DIM_RPM] = cost[DIM_RPD] = 1;
    cost[DIM_TPM] = cost[DIM_TPD] = all;
    cost[DIM_ITPM] = d->input_tokens;
    cost[DIM_OTPM] = d->max_output_tokens;
    cost[DIM_IPM] = d->images;
}

void charge_actual(const struct pool *p, const struct flow *f, const struct usage *u,
                   int64_t cost[DIM_COUNT])
{
    for (enum dimension dim = 0; dim < DIM_COUNT; dim++)
        cost[dim] = f->reserved[dim];
    if (p->account->config.charge != CHARGE_ACTUAL || u->output_tokens < 0)
        return;
    int64_t input = u->input_tokens >= 0 ? u->input_tokens : f->demand.input_tokens;
    cost[DIM_ITPM] = input;
    cost[DIM_OTPM] = u->output_tokens;
    cost[DIM_TPM] = cost[DIM_TPD] = input + u->output_tokens;
}
