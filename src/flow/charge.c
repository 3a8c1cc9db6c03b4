/* charge.c: what a request draws on each budget, before it is sent and once it is answered.
 *
 * Where output is charged as it is produced, what is expected of it is learned (output.h); all
 * requests in flight are set to the new expectation when the first have taught it, and each
 * time their number has doubled. */
#include "account.h"

void charge_expect(const struct pool *p, const struct demand *d, struct bill *bill)
{
    enum charge_rule rule = p->account->config.charge;
    struct demand expected = *d;
    bill->later = 0;
    if (rule == CHARGE_ACTUAL) {
        expected.max_output_tokens = output_expect(&p->output, d->max_output_tokens);
        bill->later = expected.max_output_tokens;
    }
    for (int dim = 0; dim < DIM_RATES; dim++)
        bill->units[dim] = demand_charge(&expected, rule, (enum dimension)dim);
}

/* How long an answer takes that is found in flight: E[t^2] / E[t], since long ones are met more
 * often. Moving means over about 256 answers. */
static void learn_service(struct pool *p, int64_t took_us)
{
    enum { OVER = 256 };
    p->took_n += p->took_n < OVER;
    p->took_us += (took_us - p->took_us) / p->took_n;
    p->took_squared += ((__int128)took_us * took_us - p->took_squared) / p->took_n;
    int64_t service_us = p->took_us > 0 ? (int64_t)(p->took_squared / p->took_us) : 0;
    for (size_t i = 0; i < p->ledger.n; i++)
        p->ledger.budgets[i].service_us = service_us;
}

void charge_actual(const struct flow *f, const struct usage *u, int64_t charged[DIM_RATES])
{
    for (int dim = 0; dim < DIM_RATES; dim++)
        charged[dim] = f->bill.units[dim];
    if (f->pool->account->config.charge != CHARGE_ACTUAL || u->output_tokens < 0)
        return;
    int64_t input = u->input_tokens >= 0 ? u->input_tokens : f->demand.input_tokens;
    charged[DIM_ITPM] = input;
    charged[DIM_OTPM] = u->output_tokens;
    charged[DIM_TPM] = charged[DIM_TPD] = input + u->output_tokens;
}

void charge_learn(struct pool *p, struct flow *f, const struct event *end)
{
    const struct usage *u = &end->usage;
    if (p->account->config.charge != CHARGE_ACTUAL || u->output_tokens < 0)
        return;
    output_learn(&p->output, f->bill.cohort, f->demand.max_output_tokens, u->output_tokens,
                 f->bill.later);
    f->bill.cohort = 0; /* not lost */
    learn_service(p, end->now_us - f->sent_us);
}

void charge_renew(struct pool *p, int64_t now_us)
{
    if (p->account->config.charge != CHARGE_ACTUAL)
        return;
    int64_t margin = output_margin(&p->output, (int64_t)p->flying.n);
    for (size_t i = 0; i < p->ledger.n; i++) {
        struct budget *b = &p->ledger.budgets[i];
        b->spread = margin < b->limit / 4 ? margin : b->limit / 4;
        b->margin = b->later && b->spent.kind == WINDOW_BUCKET ? b->spread : 0;
    }
    if (p->output.cohorts == p->expected_at)
        return;
    p->expected_at = p->output.cohorts;
    for (struct flow *f = p->queue.head; f; f = f->next)
        pool_rebill(f);
    for (struct flow *f = p->flying.head; f; f = f->next) {
        struct bill is = f->bill;
        charge_expect(p, &f->demand, &is);
        if (f->sent_us >= 0)
            ledger_expect(&p->ledger, now_us, f->sent_us, &f->bill, &is);
    }
}
