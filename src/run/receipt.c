/* receipt.c: see receipt.h. Costs are exact: pico-dollars, see catalogue.h. */
#include "receipt.h"

static int64_t price(int64_t tokens, int64_t pusd)
{
    return tokens > 0 && pusd > 0 ? tokens * pusd : 0;
}

/* What it costs live, at catalogue prices; -1 if a price is not known. */
static int64_t cost_of(const struct receipt *a)
{
    const struct model *m = a->model;
    const struct usage *u = a->usage;
    if (!m || m->input_pusd < 0 || u->input_tokens < 0)
        return -1;
    int64_t cached = u->cached_tokens > 0 ? u->cached_tokens : 0, fresh = u->input_tokens;
    if (a->route != ROUTE_MESSAGES) /* there, input comes without cached reads */
        fresh -= cached;
    return price(fresh, m->input_pusd) + price(u->output_tokens, m->output_pusd) +
           price(cached, m->cached_input_pusd < 0 ? m->input_pusd : m->cached_input_pusd);
}

static int64_t add_cost(struct totals *t, const struct receipt *a)
{
    int64_t cost = cost_of(a), percent = a->model ? a->model->batch_percent : -1;
    bool known = cost >= 0 && (!a->batch || percent >= 0);
    int64_t batch_cost = percent > 0 ? cost / 100 * percent : cost;
    int64_t paid = a->batch ? batch_cost : cost;
    if (!known || t->cost_pusd < 0 ||
        __builtin_add_overflow(t->cost_pusd, paid, &t->cost_pusd) ||
        __builtin_add_overflow(t->cost_batch_pusd, batch_cost, &t->cost_batch_pusd))
        t->cost_pusd = -1;
    return known ? paid : -1;
}

int64_t receipt_add(struct totals *t, const struct receipt *a)
{
    const struct usage *u = a->usage;
    t->ok++;
    if (a->service_us >= 0) {
        t->service_us += a->service_us;
        t->served++;
    }
    t->input_tokens += u->input_tokens > 0 ? u->input_tokens : 0;
    t->output_tokens += u->output_tokens > 0 ? u->output_tokens : 0;
    t->cached_tokens += u->cached_tokens > 0 ? u->cached_tokens : 0;
    totals_output(t, u->output_tokens);
    return add_cost(t, a);
}
