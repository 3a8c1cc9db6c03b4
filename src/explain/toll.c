/* toll.c: see toll.h. */
#include "toll.h"

#include <stdlib.h>

void toll_init(struct toll *t)
{
    *t = (struct toll){.success_us = -1};
}

void toll_free(struct toll *t)
{
    for (size_t i = 0; i < t->n; i++)
        buf_free(&t->groups[i].words);
    free(t->groups);
    arena_free(&t->names);
}

void toll_success(struct toll *t, int64_t at_us)
{
    if (at_us > t->success_us)
        t->success_us = at_us;
}

/* Words name a rate limit without its status. */
static int status_of(const struct verdict *v)
{
    int status = v->status ? v->status : v->kind == VERDICT_RATE_LIMIT ? 429 : 0;
    return status > 0 && status < TOLL_STATUSES ? status : 0;
}

static struct str provider_of(const struct finding *f)
{
    return str_of(f->origin.name ? f->origin.name : "unknown");
}

static struct group *group_of(struct toll *t, const struct finding *f, struct str model)
{
    const struct verdict *v = &f->verdict;
    int status = f->bare ? status_of(v) : 0;
    for (size_t i = 0; i < t->n; i++) {
        struct group *g = &t->groups[i];
        if (g->kind == v->kind && g->dim == v->dim && g->bare == f->bare && g->own == f->own &&
            g->status == status && str_eq(g->provider, provider_of(f)) &&
            str_eq(g->model, model))
            return g;
    }
    if (t->n == TOLL_GROUPS)
        return NULL;
    t->groups = mem_grow(t->groups, (t->n + 1) * sizeof *t->groups);
    struct group *g = &t->groups[t->n++];
    *g = (struct group){.provider = provider_of(f),
                        .model = arena_copy(&t->names, model),
                        .kind = v->kind,
                        .dim = v->dim,
                        .status = status,
                        .bare = f->bare,
                        .own = f->own,
                        .first_line = f->evidence->line,
                        .first_us = -1,
                        .last_us = -1,
                        .limit = -1};
    return g;
}

/* Limits of a day refuse for hours by right. */
static bool is_of_minutes(enum dimension dim)
{
    return dim != DIM_RPD && dim != DIM_TPD && dim != DIM_BATCH_ENQUEUED;
}

static void stretch_on(const struct toll *t, struct group *g, int64_t at_us)
{
    struct stretch *s = &g->now;
    if (at_us < 0 || g->kind != VERDICT_RATE_LIMIT || !is_of_minutes(g->dim))
        return;
    if (s->refusals == 0 || s->to_us <= t->success_us)
        *s = (struct stretch){at_us, at_us, 0};
    s->refusals++;
    if (at_us > s->to_us)
        s->to_us = at_us;
    if (!g->longest.refusals || s->to_us - s->from_us > g->longest.to_us - g->longest.from_us)
        g->longest = *s;
}

static void count_tenant(struct toll *t, struct str name, size_t times)
{
    size_t i = 0;
    if (!name.n)
        return;
    while (i < t->tenant_count && !str_eq(t->tenants[i].name, name))
        i++;
    if (i == TOLL_TENANTS)
        return;
    if (i == t->tenant_count)
        t->tenants[t->tenant_count++].name = arena_copy(&t->names, name);
    t->tenants[i].refusals += times;
}

struct group *toll_add(struct toll *t, const struct finding *f, struct str label,
                       int64_t now_us, bool *fresh)
{
    const struct verdict *v = &f->verdict;
    int64_t at_us = f->evidence->logged.at_us;
    struct group *g = group_of(t, f, f->model.n ? f->model : label);
    size_t times = (size_t)f->times;
    *fresh = g && g->count == 0;
    (f->bare ? t->bare : t->telling)[status_of(v)] += times;
    if (!g) {
        t->overflowed += times;
        return NULL;
    }
    g->count += times;
    g->last_line = f->evidence->line;
    if (at_us >= 0 && (g->first_us < 0 || at_us < g->first_us))
        g->first_us = at_us;
    if (at_us > g->last_us)
        g->last_us = at_us;
    if (v->limit >= 0)
        g->limit = v->limit;
    g->with_room += support_has_room(f, now_us);
    stretch_on(t, g, at_us);
    count_tenant(t, f->evidence->logged.tenant, times);
    return g;
}

static int by_count(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return x->first_line < y->first_line ? -1 : x->first_line > y->first_line;
}

void toll_settle(struct toll *t)
{
    size_t kept = 0;
    if (t->n)
        qsort(t->groups, t->n, sizeof *t->groups, by_count);
    t->refusals = t->overflowed;
    for (size_t i = 0; i < t->n; i++) {
        struct group g = t->groups[i];
        size_t *told = &t->telling[g.status];
        size_t same = g.bare ? (*told < g.count ? *told : g.count) : 0;
        if (g.bare) {
            g.count -= same;
            *told -= same;
        }
        if (g.count == 0) {
            buf_free(&g.words);
            continue;
        }
        t->refusals += g.count;
        t->groups[kept++] = g;
    }
    t->n = kept;
    if (kept)
        qsort(t->groups, kept, sizeof *t->groups, by_count);
}
