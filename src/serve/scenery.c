/* scenery.c: see scenery.h. Everything is copied or lent from what outlives the arena. */
#include "scenery.h"

#include "setting_check.h"

static void draw_budgets(struct scene_pool *out, const struct pool_view *view)
{
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
                                  .wait_us = v->wait_us};
    }
}

static void draw_pools(const struct gateway *g, struct scene *out, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < g->outlets.n; i++)
        n += g->outlets.list[i]->seen_count;
    struct scene_pool *pools = arena_alloc(arena, (n + 1) * sizeof *pools);
    for (size_t i = 0; i < g->outlets.n; i++) {
        const struct outlet *o = g->outlets.list[i];
        for (size_t k = 0; k < o->seen_count; k++) {
            struct pool_view view;
            struct scene_pool *p = &pools[out->pool_count++];
            pool_look(engine_account(o->door.engine), o->seen[k].pool, gateway_now(g), &view);
            p->account = str_of(o->name);
            p->model = view.name;
            p->queued = view.queued;
            p->in_flight = view.in_flight;
            p->tally = o->seen[k].tally;
            draw_budgets(p, &view);
        }
    }
    pools[out->pool_count++] =
        (struct scene_pool){.account = STR(""), .model = STR(""), .tally = &g->record.strays};
    out->pools = pools;
}

static void draw_accounts(const struct gateway *g, struct scene *out, struct arena *arena)
{
    struct scene_account *accounts = arena_alloc(arena, (g->outlets.n + 1) * sizeof *accounts);
    for (size_t i = 0; i < g->outlets.n; i++) {
        const struct outlet *o = g->outlets.list[i];
        struct account_totals totals = account_look(engine_account(o->door.engine));
        struct engine_look look = engine_look(o->door.engine);
        accounts[out->account_count++] =
            (struct scene_account){.name = str_of(o->name),
                                   .provider = str_of(o->account->options.provider->name),
                                   .tier = o->account->options.limits.tier,
                                   .paused = totals.paused,
                                   .retired = o->retired,
                                   .keys = look.keys,
                                   .keys_refused = look.keys_refused,
                                   .outages = totals.outages,
                                   .trouble = arena_copy(arena, str_of(look.why))};
    }
    out->accounts = accounts;
}

static void draw_tenant(const struct gateway *g, const struct tenant *t,
                        struct scene_tenant *out)
{
    static const char *const priorities[] = {[PRIORITY_BATCH] = "batch",
                                             [PRIORITY_NORMAL] = "normal",
                                             [PRIORITY_INTERACTIVE] = "interactive"};
    static const enum dimension dims[] = {DIM_RPM, DIM_TPM, DIM_RPD, DIM_TPD, DIM_CONCURRENCY};
    *out = (struct scene_tenant){.name = str_of(t->name),
                                 .priority = priorities[t->setting.priority],
                                 .weight = t->setting.weight,
                                 .held = t->held,
                                 .gone = t->gone,
                                 .requests = t->totals.requests,
                                 .answered = t->totals.answered,
                                 .refused = t->totals.refused,
                                 .failed = t->totals.failed,
                                 .input_tokens = t->totals.input_tokens,
                                 .output_tokens = t->totals.output_tokens,
                                 .spent = t->allowance.spent};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct scene_limit *l = &out->limits[out->limit_count];
        int64_t reset_us;
        l->dim = dims[i];
        out->limit_count += allowance_look(&t->allowance, gateway_now(g), l->dim, &l->limit,
                                           &l->left, &reset_us);
    }
}

void scenery_draw(void *ctx, struct scene *out, struct arena *arena)
{
    const struct gateway *g = ctx;
    struct scene_request *requests =
        arena_alloc(arena, (RECORD_REFUSED + RECORD_SLOWEST) * sizeof *requests);
    struct scene_tenant *tenants = arena_alloc(arena, (g->tenants.n + 1) * sizeof *tenants);
    *out = (struct scene){.verb = "serve",
                          .version = SLUICE_VERSION,
                          .unix_us = gateway_unix(g),
                          .started_unix_us = g->started_unix_us,
                          .tenants = tenants,
                          .tenant_count = g->tenants.n,
                          .requests = requests,
                          .connections = server_connections(g->server),
                          .held = g->relay_count,
                          .held_max = (size_t)g->setting->queue_requests};
    draw_accounts(g, out, arena);
    draw_pools(g, out, arena);
    for (uint32_t i = 0; i < g->tenants.n; i++)
        draw_tenant(g, g->tenants.list[i], &tenants[i]);
    out->request_count = record_notables(&g->record, out->unix_us, requests);
}
