/* pilot.c: see pilot.h.
 *
 * What the provider's figures become on the wire is done here without the wire: `read_figure`
 * gives what headers_read would have read. */
#include "pilot.h"
#include "arena.h"

static const int64_t SECOND_US = 1000 * 1000, THOUSAND = 1000;
/* The provider's wall clock at time 0: its seconds are not ours. */
static const int64_t WALL_US = 471829;

void pilot_free(struct pilot *p)
{
    actions_free(&p->actions);
}

/* Carries out what the machine asked for; sending makes events of its own. */
static void carry(struct pilot *p, int64_t now_us)
{
    for (size_t i = 0; i < p->actions.n; i++) {
        struct action a = p->actions.list[i];
        sl_assert(a.kind != ACT_HALT); /* this provider has no wallet and asks for no key */
        if (a.kind == ACT_SEND) {
            struct event sent = {.kind = EVENT_SENT, .now_us = now_us, .flow = a.flow};
            p->driver.send(p->driver.ctx, now_us, a.flow);
            flow_step(p->account, &sent, &p->actions);
        } else {
            p->driver.over(p->driver.ctx, now_us, a.flow, a.outcome);
        }
    }
    p->actions.n = 0;
}

void pilot_submit(struct pilot *p, int64_t now_us, struct flow *f)
{
    struct event in = {.kind = EVENT_SUBMIT, .now_us = now_us, .flow = f};
    p->submitted++;
    flow_step(p->account, &in, &p->actions);
    carry(p, now_us);
}

static int64_t floor_to(int64_t x, int64_t grain)
{
    int64_t rest = x % grain;
    return x - (rest < 0 ? rest + grain : rest);
}

static bool counts_tokens(enum dimension dim)
{
    return dim == DIM_TPM || dim == DIM_ITPM || dim == DIM_OTPM;
}

static struct reading read_figure(enum header_form form, const struct remote_answer *a,
                                  const struct gauge_figure *f)
{
    struct reading r = {.dim = f->dim,
                        .limit = f->limit,
                        .remaining = f->remaining,
                        .has_remaining = true,
                        .reset_us = floor_to(f->reset_us, THOUSAND),
                        .reset_round_us = THOUSAND,
                        .remaining_round = 1,
                        .period_us = -1};
    int64_t wall_us = WALL_US + a->headed_us;
    if (form == HEADERS_SECONDS) {
        r.reset_round_us = SECOND_US;
        r.reset_us = floor_to(f->reset_us + SECOND_US - 1, SECOND_US);
    } else if (form == HEADERS_INSTANTS) {
        r.reset_round_us = SECOND_US;
        r.reset_us = floor_to(wall_us + f->reset_us, SECOND_US) - floor_to(wall_us, SECOND_US);
        if (counts_tokens(f->dim)) {
            r.remaining_round = THOUSAND;
            r.remaining = floor_to(f->remaining + THOUSAND / 2, THOUSAND);
        }
    }
    return r;
}

/* Of a minute's limits: which providers tell a day's is not known of each. */
static size_t read_figures(const struct pilot *p, const struct remote_answer *a,
                           struct reading out[GAUGE_LIMITS])
{
    size_t n = 0;
    for (size_t i = 0; i < a->said.figure_count && p->headers != HEADERS_NONE; i++) {
        const struct gauge_figure *f = &a->said.figures[i];
        if (f->dim < DIM_RPD)
            out[n++] = read_figure(p->headers, a, f);
    }
    return n;
}

static struct verdict verdict_on(const struct gauge_answer *a)
{
    struct verdict v = verdict_good(a->admitted ? 200 : 429);
    if (a->admitted)
        return v;
    v.kind = VERDICT_RATE_LIMIT;
    v.dim = a->why.dim;
    v.limit = a->why.limit;
    v.used = a->why.used;
    v.requested = a->why.requested;
    v.retry_us = a->retry_us < 0 ? -1 : floor_to(a->retry_us, THOUSAND);
    v.retryable = true;
    return v;
}

void pilot_answer(struct pilot *p, int64_t now_us, struct flow *f,
                  const struct remote_answer *a, const struct usage *usage)
{
    struct reading readings[GAUGE_LIMITS];
    struct event in = {.kind = EVENT_HEAD,
                       .now_us = now_us,
                       .flow = f,
                       .status = a->said.admitted ? 200 : 429,
                       .readings = readings,
                       .reading_count = read_figures(p, a, readings),
                       .retry_us = a->said.admitted ? -1 : a->said.retry_us};
    flow_step(p->account, &in, &p->actions);
    in = (struct event){.kind = EVENT_END,
                        .now_us = now_us,
                        .flow = f,
                        .status = in.status,
                        .retry_us = in.retry_us,
                        .verdict = verdict_on(&a->said),
                        .usage = *usage};
    flow_step(p->account, &in, &p->actions);
    carry(p, now_us);
}

int64_t pilot_due(struct pilot *p, int64_t now_us)
{
    int64_t next_us, before;
    p->driver.hungry(p->driver.ctx, now_us);
    do { /* what was admitted makes room for candidates, which may be admitted at once */
        before = p->submitted;
        account_due(p->account, now_us, &p->actions, &next_us);
        carry(p, now_us);
        p->driver.hungry(p->driver.ctx, now_us);
    } while (p->submitted != before);
    return next_us;
}
