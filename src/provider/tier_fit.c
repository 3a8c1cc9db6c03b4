/* tier_fit.c: see tier_fit.h.
 *
 * Each tier is scored: how many of the limits seen are its own, lower, higher. A tier without a
 * contradiction is a candidate; the one that explains most wins. Where there is none, the
 * scores tell whether the account stands between two tiers, outside all, or has figures of its
 * own. */
#include "tier_fit.h"

int64_t tier_limit_of(const struct catalogue *c, struct str provider, const struct tier *t,
                      struct str model, enum dimension dim)
{
    struct tier_limit limits[DIM_COUNT];
    size_t n = catalogue_limits(c, provider, t->name, model, limits, NULL);
    for (size_t i = 0; i < n; i++) {
        if (limits[i].dim == dim)
            return limits[i].limit;
    }
    return -1;
}

static size_t compared(const struct tier_score *s)
{
    return s->equal + s->below + s->above;
}

static bool is_candidate(const struct tier_score *s)
{
    return s->equal && !s->below && !s->above;
}

/* Most of what was compared is the tier's own. */
static bool is_mostly(const struct tier_score *s)
{
    return s->equal * 3 >= compared(s) * 2 && s->equal;
}

static const struct tier_score *nearest(const struct tier_fit *f)
{
    const struct tier_score *best = NULL;
    for (size_t i = 0; i < f->score_count; i++) {
        const struct tier_score *s = &f->scores[i];
        bool nearer = best && (s->equal > best->equal ||
                               (s->equal == best->equal && compared(s) < compared(best)));
        if (s->equal && (!best || nearer))
            best = s;
    }
    return best;
}

static void add(struct tier_fit *f, const struct tier *t)
{
    f->tiers[f->n++] = t;
}

/* A tier that leaves most of what another explains unsaid is no candidate: a programme may list
 * few models. */
static bool find_candidates(struct tier_fit *f)
{
    size_t most = 0;
    const struct tier_score *best = nearest(f);
    for (size_t i = 0; i < f->score_count; i++) {
        if (is_candidate(&f->scores[i]) && f->scores[i].equal > most)
            most = f->scores[i].equal;
    }
    if (!most || most * 2 < best->equal)
        return false;
    for (size_t i = 0; i < f->score_count; i++) {
        if (is_candidate(&f->scores[i]) && f->scores[i].equal == most)
            add(f, f->scores[i].tier);
    }
    f->kind = f->n == 1 ? FIT_ONE : FIT_SEVERAL;
    return true;
}

/* The next tier of the programme after `i` (or before, by -1) that has figures to compare. */
static const struct tier_score *neighbour(const struct tier_fit *f, size_t i, int step)
{
    struct str programme = f->scores[i].tier->programme;
    for (i += (size_t)step; i < f->score_count; i += (size_t)step) {
        const struct tier_score *s = &f->scores[i];
        if (compared(s) && str_eq(s->tier->programme, programme))
            return s;
    }
    return NULL;
}

static bool find_place(struct tier_fit *f)
{
    for (size_t i = 0; i < f->score_count; i++) {
        const struct tier_score *low = &f->scores[i], *high = neighbour(f, i, 1);
        if (!compared(low))
            continue;
        if (!neighbour(f, i, -1) && low->below && !low->above)
            f->kind = FIT_LOWER;
        else if (!high && low->above && !low->below)
            f->kind = FIT_HIGHER;
        else if (high && low->above && !low->below && high->below && !high->above)
            f->kind = FIT_BETWEEN;
        else
            continue;
        add(f, low->tier);
        if (f->kind == FIT_BETWEEN)
            add(f, high->tier);
        return true;
    }
    return false;
}

static void decide(struct tier_fit *f)
{
    const struct tier_score *best = nearest(f);
    size_t any = 0;
    for (size_t i = 0; i < f->score_count; i++)
        any += compared(&f->scores[i]);
    if (!any || find_candidates(f))
        return;
    if (best && is_mostly(best)) {
        f->kind = FIT_BUT_FOR;
        add(f, best->tier);
        return;
    }
    if (find_place(f))
        return;
    f->kind = FIT_CUSTOM;
    if (best)
        add(f, best->tier);
}

struct tier_fit tier_fit(const struct catalogue *c, struct str provider,
                         const struct seen_limit *seen, size_t n)
{
    struct tier_fit f = {.kind = FIT_UNKNOWN};
    const struct tier *tiers[TIERS_MAX];
    f.score_count = catalogue_tier_list(c, provider, tiers, TIERS_MAX);
    for (size_t t = 0; t < f.score_count; t++) {
        struct tier_score *s = &f.scores[t];
        s->tier = tiers[t];
        for (size_t i = 0; i < n; i++) {
            int64_t known = tier_limit_of(c, provider, tiers[t], seen[i].model, seen[i].dim);
            s->equal += known >= 0 && seen[i].limit == known;
            s->below += known >= 0 && seen[i].limit < known;
            s->above += known >= 0 && seen[i].limit > known;
        }
    }
    decide(&f);
    return f;
}

/* ---- what has been earned ------------------------------------------------------------ */

/* Days that nobody asks for need not be known. */
static bool suffices(int64_t paid_usd, int64_t wait_days, int64_t paid_cents, int64_t days)
{
    return paid_usd >= 0 && wait_days >= 0 && paid_cents >= paid_usd * 100 &&
           (wait_days == 0 || days >= wait_days);
}

struct tier_earned tier_earned(const struct catalogue *c, struct str provider,
                               struct str programme, int64_t paid_cents, int64_t days)
{
    struct tier_earned e = {NULL, NULL};
    const struct tier *tiers[TIERS_MAX];
    size_t n = catalogue_tier_list(c, provider, tiers, TIERS_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct tier *t = tiers[i];
        if (!str_eq(t->programme, programme) ||
            !suffices(t->paid_usd, t->wait_days, paid_cents, days))
            continue;
        int64_t paid = t->former_paid_usd < 0 ? t->paid_usd : t->former_paid_usd;
        int64_t wait = t->former_wait_days < 0 ? t->wait_days : t->former_wait_days;
        e.today = t;
        if (suffices(paid, wait, paid_cents, days))
            e.earlier = t;
    }
    return e;
}

bool tier_above(const struct catalogue *c, struct str provider, const struct tier *a,
                const struct tier *b)
{
    if (!a || !b)
        return a != NULL;
    do
        b = catalogue_tier_above(c, provider, b);
    while (b && b != a);
    return b == a;
}
