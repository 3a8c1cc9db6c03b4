/* scene.c: see scene.h. */
#include "scene.h"

#include <stdlib.h>
#include <string.h>

const char *scene_priority(size_t rank)
{
    static const char *const names[SCENE_PRIORITIES] = {"batch", "normal", "interactive"};
    return names[rank];
}

void scene_sum(struct scene *s)
{
    struct scene_totals *sum = &s->totals;
    *sum = (struct scene_totals){.queued = 0};
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct scene_pool *p = &s->pools[i];
        sum->queued += (int64_t)p->queued;
        sum->in_flight += (int64_t)p->in_flight;
        sum->requests += tally_ended(p->tally);
        sum->input_tokens += p->tally->input_tokens;
        sum->output_tokens += p->tally->output_tokens;
        sum->refused_there += tally_refused(p->tally, TALLY_CAUSE_PROVIDER) +
                              tally_refused(p->tally, TALLY_CAUSE_HEADROOM);
        sum->refused_here += tally_refused(p->tally, TALLY_CAUSE_WAIT) +
                             tally_refused(p->tally, TALLY_CAUSE_TENANT) +
                             tally_refused(p->tally, TALLY_CAUSE_SIZE);
    }
}

/* ---- the busiest ------------------------------------------------------------------------- */

static int compare(int64_t a, int64_t b)
{
    return (a < b) - (a > b);
}

static int by_pool(const void *left, const void *right)
{
    const struct scene_pool *a = left, *b = right;
    int order =
        compare((int64_t)(a->queued + a->in_flight), (int64_t)(b->queued + b->in_flight));
    return order ? order : compare(tally_ended(a->tally), tally_ended(b->tally));
}

static int by_tenant(const void *left, const void *right)
{
    const struct scene_tenant *a = left, *b = right;
    int order = compare((int64_t)a->held, (int64_t)b->held);
    return order ? order : compare(a->requests, b->requests);
}

void scene_cut(struct scene *s, struct arena *arena)
{
    if (s->pool_count > SCENE_CUT_POOLS) {
        qsort(s->pools, s->pool_count, sizeof *s->pools, by_pool);
        s->pools_left_out = s->pool_count - SCENE_CUT_POOLS;
        s->pool_count = SCENE_CUT_POOLS;
    }
    if (s->tenant_count > SCENE_CUT_TENANTS) {
        struct scene_tenant *tenants = arena_alloc(arena, s->tenant_count * sizeof *tenants);
        memcpy(tenants, s->tenants, s->tenant_count * sizeof *tenants);
        qsort(tenants, s->tenant_count, sizeof *tenants, by_tenant);
        s->tenants = tenants;
        s->tenants_left_out = s->tenant_count - SCENE_CUT_TENANTS;
        s->tenant_count = SCENE_CUT_TENANTS;
    }
}
