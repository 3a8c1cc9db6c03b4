/* scenario.c: see scenario.h. */
#include "scenario.h"

struct scenario scenario_of(const struct account_options *a)
{
    enum { MS = 1000, S = 1000 * MS };
    static const struct outputs in_full;
    struct scenario s = {.account = a->config,
                         .headers = a->provider->headers,
                         .outputs = &in_full,
                         .service_us = {.low = S, .high = 10 * S},
                         .delay_us = 20 * MS,
                         .jitter_us = 20 * MS};
    if (a->emulator) {
        s.service_us = a->emulator->latency_us;
        s.delay_us = s.jitter_us = 0;
    }
    return s;
}

struct demand scenario_demand(const struct scenario *s, const struct row *row)
{
    struct demand d = row_demand(row);
    if (s->most_output && d.max_output_tokens > s->most_output)
        d.max_output_tokens = s->most_output;
    return d;
}

static const struct batch_pool *pool_of(const struct scenario *s, const struct row *row)
{
    return &s->models->pools[s->models->list[row->model].pool];
}

bool scenario_fits(const struct scenario *s, const struct row *row)
{
    struct demand d = scenario_demand(s, row);
    struct diag why;
    return pool_fits(pool_of(s, row), &d, s->account.charge, s->account.use_percent, &why) ==
           SL_OK;
}

void scenario_weigh(const struct scenario *s, const struct row *row, int64_t sums[DIM_RATES])
{
    struct demand d = scenario_demand(s, row);
    if (s->account.charge == CHARGE_ACTUAL)
        d.max_output_tokens = outputs_mean(s->outputs, d.max_output_tokens);
    for (int dim = 0; dim < DIM_RATES; dim++)
        sums[dim] += demand_charge(&d, s->account.charge, (enum dimension)dim);
}

int64_t scenario_phase_us(const struct scenario *s)
{
    return s->account.minute_us / 2;
}
