/* scenery.c: see scenery.h. Everything is copied or lent from what outlives the arena. */
#include "scenery.h"

#include "portrait.h"
#include "relay.h"
#include "setting_check.h"

#include <string.h>

/* A pool of that name drawn before: one that a reload replaced is finishing what it has. */
static struct scene_pool *drawn(struct scene *out, struct scene_pool *pools, struct str account,
                                struct str model)
{
    for (size_t i = 0; i < out->pool_count; i++) {
        if (str_eq(pools[i].account, account) && str_eq(pools[i].model, model))
            return &pools[i];
    }
    return NULL;
}

/* What the two have counted is one account's; budgets are those of the one in force. */
static void join(struct scene_pool *into, const struct scene_pool *p, bool retired,
                 struct arena *arena)
{
    struct tally *sum = arena_alloc(arena, sizeof *sum);
    *sum = *into->tally;
    tally_add(sum, p->tally);
    into->tally = sum;
    into->queued += p->queued;
    into->in_flight += p->in_flight;
    if (retired)
        return;
    memcpy(into->budgets, p->budgets, sizeof into->budgets);
    into->budget_count = p->budget_count;
}

static void draw_pool(const struct gateway *g, const struct outlet *o, const struct seen *seen,
                      struct scene_pool *p)
{
    struct pool_view view;
    pool_look(engine_account(o->door.engine), seen->pool, gateway_now(g), &view);
    portrait_pool(str_of(o->name), &view, seen->tally, p);
}

static void draw_pools(const struct gateway *g, struct scene *out, struct arena *arena)
{
    size_t n = 0;
    bool replaced = false;
    for (size_t i = 0; i < g->outlets.n; i++) {
        n += g->outlets.list[i]->seen_count;
        replaced |= g->outlets.list[i]->retired;
    }
    struct scene_pool *pools = arena_alloc(arena, (n + 1) * sizeof *pools);
    for (size_t i = 0; i < g->outlets.n; i++) {
        const struct outlet *o = g->outlets.list[i];
        for (size_t k = 0; k < o->seen_count; k++) {
            struct scene_pool *p = &pools[out->pool_count], *same = NULL;
            draw_pool(g, o, &o->seen[k], p);
            if (replaced)
                same = drawn(out, pools, p->account, p->model);
            if (same)
                join(same, p, o->retired, arena);
            else
                out->pool_count++;
        }
    }
    pools[out->pool_count++] =
        (struct scene_pool){.account = STR(""), .model = STR(""), .tally = &g->record.strays};
    out->pools = pools;
}

static void draw_account(const struct outlet *o, struct scene_account *out, struct arena *arena)
{
    portrait_account(str_of(o->name), &o->account->options, o->door.engine, arena, out);
    out->retired = o->retired;
}

static bool is_drawn(const struct scene *out, const struct scene_account *accounts,
                     const char *name)
{
    for (size_t i = 0; i < out->account_count; i++) {
        if (str_eq(accounts[i].name, str_of(name)))
            return true;
    }
    return false;
}

/* Those in force first: of what a reload has replaced nothing is said but what its pools count.
 */
static void draw_accounts(const struct gateway *g, struct scene *out, struct arena *arena)
{
    struct scene_account *accounts = arena_alloc(arena, (g->outlets.n + 1) * sizeof *accounts);
    for (int retired = 0; retired < 2; retired++) {
        for (size_t i = 0; i < g->outlets.n; i++) {
            const struct outlet *o = g->outlets.list[i];
            if (o->retired == retired && !is_drawn(out, accounts, o->name))
                draw_account(o, &accounts[out->account_count++], arena);
        }
    }
    out->accounts = accounts;
}

static void draw_tenant(const struct gateway *g, const struct tenant *t,
                        struct scene_tenant *out)
{
    static const enum dimension dims[] = {DIM_RPM, DIM_TPM, DIM_RPD, DIM_TPD, DIM_CONCURRENCY};
    *out = (struct scene_tenant){.name = str_of(t->name),
                                 .priority = scene_priority(t->setting->priority),
                                 .weight = t->setting->weight,
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

/* By their own rank: a client may ask for less than its tenant has. */
static void count_waiting(const struct gateway *g, struct scene_tenant *tenants)
{
    for (const struct relay *r = g->relays; r; r = r->next) {
        const struct flow *f = &r->job.flow;
        if (r->in_flow && (f->state == FLOW_QUEUED || f->state == FLOW_BACKOFF))
            tenants[r->tenant->index].waiting[f->priority]++;
    }
}

void scenery_draw(void *ctx, struct scene *out, struct arena *arena)
{
    const struct gateway *g = ctx;
    struct scene_request *requests = arena_alloc(arena, NOTABLES_MAX * sizeof *requests);
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
    count_waiting(g, tenants);
    out->request_count = notables_list(&g->record.notables, out->unix_us, requests);
}
