/* savings.c: see savings.h. Costs are exact: pico-dollars, see catalogue.h. */
#include "savings.h"

struct fare savings_fare(const struct row *row, const struct model *m, const struct outputs *o)
{
    int64_t output = outputs_mean(o, row->max_output_tokens);
    if (!m || m->input_pusd < 0 || (output > 0 && m->output_pusd < 0))
        return (struct fare){-1, -1};
    int64_t live = row->input_tokens * m->input_pusd;
    live += output > 0 ? output * m->output_pusd : 0;
    int64_t batch = m->batch_percent > 0 ? live / 100 * m->batch_percent : -1;
    return (struct fare){live, batch};
}

bool savings_raise(struct savings *p, struct fare f)
{
    if (!p->open)
        return true;
    int64_t more = f.live_pusd - f.batch_pusd;
    if (f.live_pusd < 0 || f.batch_pusd < 0 || more > p->spare_pusd)
        return false;
    p->spare_pusd -= more;
    return true;
}

void savings_settle(struct savings *p, int64_t most_pusd, int64_t paid_pusd)
{
    if (p->open && most_pusd >= 0 && paid_pusd >= 0)
        p->spare_pusd += most_pusd - paid_pusd;
}
