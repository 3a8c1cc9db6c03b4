/* tier.c: tiers and how one gets into them; kinds of requests with limits of their own. See
 * catalogue.h. */
#include "catalogue_data.h"

/* ---- tiers ----------------------------------------------------------------------------------
 */

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

/* ---- kinds of requests ----------------------------------------------------------------------
 */

/* The path below the version: "https://host/v1/threads?limit=2" is "/threads". */
static struct str below_version(struct str path)
{
    ptrdiff_t scheme = str_find(path, STR("://"), 0);
    if (scheme >= 0) {
        path = str_from(path, (size_t)scheme + 3);
        ptrdiff_t slash = str_find(path, STR("/"), 0);
        path = slash < 0 ? (struct str){0} : str_from(path, (size_t)slash);
    }
    path = str_split(&path, '?');
    if (str_starts(path, STR("/openai/")))
        path = str_from(path, sizeof "/openai" - 1);
    if (str_starts(path, STR("/v1/")))
        path = str_from(path, sizeof "/v1" - 1);
    while (str_ends(path, STR("/")))
        path.n--;
    return path;
}

/* "*" stands for one part, "**" at the end for any number of them. */
static bool path_fits(struct str pattern, struct str path)
{
    while (pattern.p) {
        struct str want = str_split(&pattern, '/');
        if (str_eq(want, STR("**")))
            return true;
        if (!path.p)
            return false;
        struct str part = str_split(&path, '/');
        if (!str_eq(want, part) && !(part.n && str_eq(want, STR("*"))))
            return false;
    }
    return path.p == NULL;
}

const struct request_type *catalogue_request_type(const struct catalogue *c,
                                                  struct str provider, struct str method,
                                                  struct str path)
{
    path = below_version(path);
    for (size_t i = c->type_count; i-- > 0;) {
        const struct type_row *r = &c->types[i];
        if (str_eq(r->provider, provider) && str_eq_nocase(r->type.method, method) &&
            path_fits(r->path, path))
            return &r->type;
    }
    return NULL;
}

size_t catalogue_request_types(const struct catalogue *c, struct str provider,
                               const struct request_type **out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < c->type_count; i++) {
        size_t k = 0;
        while (k < n && !str_eq(out[k]->name, c->types[i].type.name))
            k++;
        if (!str_eq(c->types[i].provider, provider) || (k == n && n == max))
            continue;
        out[k] = &c->types[i].type; /* laid over: the last one holds */
        n += k == n;
    }
    return n;
}

void catalogue_each_model(const struct catalogue *c, struct str provider,
                          void (*each)(void *ctx, const struct model *m), void *ctx)
{
    for (size_t i = 0; i < c->model_count; i++) {
        if (str_eq(c->models[i].provider, provider))
            each(ctx, &c->models[i]);
    }
}
