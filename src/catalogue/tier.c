/* tier.c: tiers and how one gets into them; kinds of requests with limits of their own. See
 * catalogue.h. */
#include "catalogue_data.h"

/* ---- tiers --------------------------------------------------------------------------- */

size_t catalogue_tier_list(const struct catalogue *c, struct str provider,
                           const struct tier **out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < c->tier_count && n < max; i++) {
        if (str_eq(c->tiers[i].provider, provider))
            out[n++] = &c->tiers[i].tier;
    }
    return n;
}

size_t catalogue_tiers(const struct catalogue *c, struct str provider, struct str *out,
                       size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < c->tier_count && n < max; i++) {
        if (str_eq(c->tiers[i].provider, provider))
            out[n++] = c->tiers[i].tier.name;
    }
    return n;
}

const struct tier *catalogue_tier(const struct catalogue *c, struct str provider,
                                  struct str name)
{
    name = catalogue_tier_name(name);
    for (size_t i = 0; i < c->tier_count; i++) {
        if (str_eq(c->tiers[i].provider, provider) &&
            str_eq_nocase(c->tiers[i].tier.name, name))
            return &c->tiers[i].tier;
    }
    return NULL;
}

const struct tier *catalogue_tier_above(const struct catalogue *c, struct str provider,
                                        const struct tier *t)
{
    bool passed = false;
    for (size_t i = 0; i < c->tier_count; i++) {
        const struct tier *other = &c->tiers[i].tier;
        if (other == t)
            passed = true;
        else if (passed && str_eq(c->tiers[i].provider, provider) &&
                 str_eq(other->programme, t->programme))
            return other;
    }
    return NULL;
}

/* ---- kinds of requests --------------------------------------------------------------- */

void catalogue_each_model(const struct catalogue *c, struct str provider,
                          void (*each)(void *ctx, const struct model *m), void *ctx)
{
    for (size_t i = 0; i < c->model_count; i++) {
        if (str_eq(c->models[i].provider, provider))
            each(ctx, &c->models[i]);
    }
}
