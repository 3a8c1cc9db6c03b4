/* sample.c: see sample.h. Models whose limits are the same in every tier stand for one another.
 * Of those the one that is served longest is asked, and of equals the last: the catalogue's
 * order is that of the models' release. */
#include "sample.h"

#include "tier_fit.h"

#include <string.h>

/* The limits of one model in all tiers: -1 unknown. */
struct profile {
    int64_t limit[TIERS_MAX][DIM_COUNT];
    bool any;
};

struct sampling {
    const struct catalogue *catalogue;
    struct str provider, today;
    const struct tier *tiers[TIERS_MAX];
    size_t tier_count;
    struct profile profiles[SAMPLE_MAX];
    const struct model *models[SAMPLE_MAX];
    size_t n;
};

static struct profile profile_of(const struct sampling *s, struct str model)
{
    struct profile p = {.any = false};
    memset(p.limit, 0xFF, sizeof p.limit);
    for (size_t t = 0; t < s->tier_count; t++) {
        struct tier_limit limits[DIM_COUNT];
        size_t n =
            catalogue_limits(s->catalogue, s->provider, s->tiers[t]->name, model, limits, NULL);
        for (size_t i = 0; i < n; i++)
            p.limit[t][limits[i].dim] = limits[i].limit;
        p.any |= n > 0;
    }
    return p;
}

/* Dates are written so that they compare as texts. */
static bool is_shut_down(const struct sampling *s, const struct model *m)
{
    return m->shutdown.n == s->today.n && m->shutdown.n &&
           memcmp(m->shutdown.p, s->today.p, s->today.n) <= 0;
}

/* Will `a` be served as long as `b`, as far as is known? */
static bool outlives(const struct model *a, const struct model *b)
{
    if (!a->shutdown.n || !b->shutdown.n)
        return !a->shutdown.n;
    return a->shutdown.n != b->shutdown.n ||
           memcmp(a->shutdown.p, b->shutdown.p, a->shutdown.n) >= 0;
}

static void consider(void *ctx, const struct model *m)
{
    struct sampling *s = ctx;
    struct profile p = profile_of(s, m->name);
    size_t i = 0;
    if (!p.any || is_shut_down(s, m))
        return;
    while (i < s->n && memcmp(s->profiles[i].limit, p.limit, sizeof p.limit) != 0)
        i++;
    if (i == SAMPLE_MAX)
        return;
    if (i == s->n)
        s->profiles[s->n++] = p;
    if (!s->models[i] || outlives(m, s->models[i]))
        s->models[i] = m;
}

size_t sample_models(const struct catalogue *c, struct str provider, struct str today,
                     const struct model *out[SAMPLE_MAX])
{
    struct sampling s = {.catalogue = c, .provider = provider, .today = today};
    s.tier_count = catalogue_tier_list(c, provider, s.tiers, TIERS_MAX);
    catalogue_each_model(c, provider, consider, &s);
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.models[i];
    return s.n;
}
