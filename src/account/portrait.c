/* portrait.c: see portrait.h. */
#include "portrait.h"

void portrait_account(struct str name, const struct account_options *o, struct engine *engine,
                      struct arena *arena, struct scene_account *out)
{
    struct account_totals totals = account_look(engine_account(engine));
    struct engine_look look = engine_look(engine);
    *out = (struct scene_account){.name = name,
                                  .provider = str_of(o->provider->name),
                                  .tier = o->limits.tier,
                                  .paused = totals.paused,
                                  .keys = look.keys,
                                  .keys_refused = look.keys_refused,
                                  .outages = totals.outages,
                                  .trouble = arena_copy(arena, str_of(look.why)),
                                  .catalogue = o->catalogue};
}

static void draw_slots(struct scene_pool *p, const struct pool_view *view)
{
    int64_t taken = (int64_t)view->in_flight;
    if (view->in_flight_most <= 0 || p->budget_count == BOUND_BUDGETS)
        return;
    p->budgets[p->budget_count++] = (struct scene_budget){.dim = DIM_CONCURRENCY,
                                                          .window = "",
                                                          .limit = view->in_flight_most,
                                                          .level = view->in_flight_most - taken,
                                                          .binds = view->in_flight_binds};
}

void portrait_pool(struct str account, const struct pool_view *view, const struct tally *tally,
                   struct scene_pool *out)
{
    *out = (struct scene_pool){.account = account,
                               .model = view->name,
                               .queued = view->queued,
                               .in_flight = view->in_flight,
                               .tally = tally};
    for (size_t i = 0; i < view->budget_count; i++) {
        const struct budget_view *v = &view->budgets[i];
        out->budgets[out->budget_count++] =
            (struct scene_budget){.dim = v->dim,
                                  .window = window_name(v->window),
                                  .limit = v->limit,
                                  .level = v->level,
                                  .period_us = v->period_us,
                                  .charged = v->charged,
                                  .refusals = v->refusals,
                                  .binds = v->binds,
                                  .learned = v->learned,
                                  .wait_us = v->wait_us};
    }
    draw_slots(out, view);
}
