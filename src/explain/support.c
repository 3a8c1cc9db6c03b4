/* support.c: see support.h. */
#include "support.h"

#include "duration.h"
#include "tier_fit.h"

static const int64_t hour_us = 3600 * (int64_t)1000000;

static void ask(struct buf *out)
{
    buf_puts(out, "  ask   the provider's support: ");
}

/* ---- room ---------------------------------------------------------------------------- */

/* The figures say themselves that it fits: "Limit: 1000000 / min. Current: 1 / min." */
static bool fits_by_words(const struct verdict *v)
{
    int64_t more = v->requested > 0 ? v->requested : 1;
    return v->limit > 0 && v->used >= 0 && v->used <= v->limit - more;
}

/* The reading of the limit that refused; of a limit that is not said, the tightest one. */
static const struct reading *reading_of(const struct verdict *v, const struct reading *list,
                                        size_t n)
{
    const struct reading *found = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct reading *r = &list[i];
        if (!r->has_remaining || r->limit <= 0)
            continue;
        if (r->dim == v->dim)
            return r;
        bool tighter = !found || (__int128)r->remaining * found->limit <
                                     (__int128)found->remaining * r->limit;
        if (v->dim == DIM_UNKNOWN && tighter)
            found = r;
    }
    return found;
}

/* Limits may be enforced over shorter spans than they are told in, and other requests come
 * between: half the limit left is room, or what a request asked for twice over. */
static bool fits_by_reading(const struct verdict *v, const struct reading *r)
{
    if (v->requested > 1)
        return r->remaining >= 2 * v->requested;
    return r->remaining * 2 >= r->limit;
}

/* Headers first: where there are some, they may have filled in the figures. *at has no limit if
 * it is the refusal's own words that show room. */
static bool has_room(const struct finding *f, int64_t now_us, struct reading *at)
{
    struct reading list[BOUND_BUDGETS];
    const struct verdict *v = &f->verdict;
    size_t n =
        headers_read(f->origin.provider, &f->evidence->head, now_us, list, BOUND_BUDGETS);
    const struct reading *r = reading_of(v, list, n);
    *at = (struct reading){.limit = -1};
    if (v->kind != VERDICT_RATE_LIMIT)
        return false;
    if (!n)
        return fits_by_words(v);
    if (!r || !fits_by_reading(v, r))
        return false;
    *at = *r;
    return true;
}

bool support_has_room(const struct finding *f, int64_t now_us)
{
    struct reading at;
    return has_room(f, now_us, &at);
}

static bool write_room(struct buf *out, const struct finding *f, int64_t now_us)
{
    struct reading at;
    if (!has_room(f, now_us, &at))
        return false;
    ask(out);
    if (at.limit < 0) {
        buf_puts(out, "refused although by its own figures it fits\n");
        return true;
    }
    buf_puts(out, "refused while its headers show ");
    buf_thousands(out, at.remaining);
    buf_puts(out, " of ");
    buf_thousands(out, at.limit);
    buf_printf(out, " %s left\n", dimension_unit(at.dim));
    return true;
}

/* ---- waits --------------------------------------------------------------------------- */

/* A bucket is refilled for this request in (used + requested - limit) / limit of its period. */
static bool write_wait(struct buf *out, const struct finding *f)
{
    enum { FAR = 10 };
    const struct verdict *v = &f->verdict;
    int64_t period_us = dimension_period_s(v->dim) * 1000000;
    if (f->origin.provider->window != WINDOW_BUCKET || !period_us || v->limit <= 0 ||
        v->used < 0 || v->requested < 0 || v->retry_us < 0)
        return false;
    int64_t over = v->used + v->requested - v->limit;
    if (over < 0 || over > v->limit)
        return false;
    int64_t wait_us = (int64_t)((__int128)over * period_us / v->limit);
    if (v->retry_us <= wait_us + period_us || v->retry_us / FAR <= wait_us)
        return false;
    ask(out);
    buf_puts(out, "it asks for a wait of ");
    duration_human(out, v->retry_us);
    buf_puts(out, ", and its figures give ");
    duration_human(out, wait_us);
    buf_char(out, '\n');
    return true;
}

/* ---- tiers --------------------------------------------------------------------------- */

static bool write_below_tier(struct buf *out, const struct standing *s, const struct finding *f,
                             const struct tier *t)
{
    const struct verdict *v = &f->verdict;
    if (!t || v->limit < 0 || !f->model.n)
        return false;
    int64_t promised = tier_limit_of(s->catalogue, str_of(f->origin.name), t, f->model, v->dim);
    if (promised <= v->limit)
        return false;
    ask(out);
    buf_puts(out, "the limit of ");
    buf_thousands(out, v->limit);
    buf_printf(out, " %s is below tier %.*s's ", dimension_unit(v->dim), STR_ARG(t->name));
    buf_thousands(out, promised);
    buf_puts(out, ", unless the project or workspace has a lower one of its own\n");
    return true;
}

static void write_usd(struct buf *out, int64_t cents)
{
    buf_thousands(out, cents / 100);
    if (cents % 100)
        buf_printf(out, ".%02d", (int)(cents % 100));
    buf_puts(out, " USD");
}

/* "50 USD; until early 2026 also 7 days since the first payment" */
static void write_terms(struct buf *out, const struct tier *t)
{
    write_usd(out, t->paid_usd * 100);
    if (t->wait_days > 0)
        buf_printf(out, " and %lld days since the first payment", (long long)t->wait_days);
    bool same = t->former_paid_usd < 0 || t->former_paid_usd == t->paid_usd;
    if (!t->former_until.n)
        return;
    buf_printf(out, "; until %.*s ", STR_ARG(t->former_until));
    if (!same)
        write_usd(out, t->former_paid_usd * 100);
    buf_printf(out, "%s%lld days", same ? "also " : " and ", (long long)t->former_wait_days);
}

/* "60 USD paid, 9 days since the first payment" */
static void write_paid(struct buf *out, const struct standing *s)
{
    write_usd(out, s->paid_cents);
    buf_puts(out, " paid");
    if (s->days >= 0)
        buf_printf(out, " and %lld days since the first payment", (long long)s->days);
}

static void write_owed(struct buf *out, const struct standing *s, const struct tier *earned,
                       const struct tier *in, bool sure)
{
    ask(out);
    write_paid(out, s);
    buf_printf(out, " earn tier %.*s (", STR_ARG(earned->name));
    write_terms(out, earned);
    buf_printf(out, "), and the account is in tier %.*s", STR_ARG(in->name));
    if (!sure && s->days < 0)
        buf_puts(out, "; --since DAYS makes it sure");
    buf_char(out, '\n');
}

/* What is still missing for the tier above. */
static void write_missing(struct buf *out, const struct standing *s, struct str provider,
                          const struct tier *in)
{
    const struct tier *next = catalogue_tier_above(s->catalogue, provider, in);
    if (!next || next->paid_usd < 0)
        return;
    buf_puts(out, "  tier  ");
    write_paid(out, s);
    buf_printf(out, "; the next tier, %.*s, asks for ", STR_ARG(next->name));
    write_terms(out, next);
    int64_t more = next->paid_usd * 100 - s->paid_cents;
    if (more > 0) {
        buf_puts(out, ": ");
        write_usd(out, more);
        buf_puts(out, " more");
    }
    buf_char(out, '\n');
}

bool support_write_tier(struct buf *out, const struct standing *s, struct str provider,
                        const struct tier *in)
{
    if (s->paid_cents < 0 || !in)
        return false;
    struct tier_earned e =
        tier_earned(s->catalogue, provider, in->programme, s->paid_cents, s->days);
    bool sure = tier_above(s->catalogue, provider, e.earlier, in);
    if (tier_above(s->catalogue, provider, e.today, in)) {
        write_owed(out, s, sure ? e.earlier : e.today, in, sure);
        return true;
    }
    write_missing(out, s, provider, in);
    return false;
}

/* The tier as told, else the one that this one limit betrays. */
static const struct tier *tier_of(const struct standing *s, const struct finding *f)
{
    struct str provider = str_of(f->origin.name);
    const struct verdict *v = &f->verdict;
    if (s->tier.n)
        return catalogue_tier(s->catalogue, provider, s->tier);
    if (v->limit < 0 || !f->model.n || v->dim == DIM_UNKNOWN)
        return NULL;
    struct seen_limit seen = {f->model, v->dim, v->limit};
    struct tier_fit fit = tier_fit(s->catalogue, provider, &seen, 1);
    return fit.kind == FIT_ONE ? fit.tiers[0] : NULL;
}

/* The lowest tier above it that would have let this pass: for a request larger than its limit,
 * one that takes it; else the next that has more. */
static const struct tier *helpful(const struct standing *s, const struct finding *f,
                                  const struct tier *in)
{
    struct str provider = str_of(f->origin.name);
    const struct verdict *v = &f->verdict;
    int64_t least = v->limit + 1;
    if (v->kind == VERDICT_TOO_LARGE && v->requested > least)
        least = v->requested;
    const struct tier *t = in;
    do
        t = catalogue_tier_above(s->catalogue, provider, t);
    while (t && tier_limit_of(s->catalogue, provider, t, f->model, v->dim) < least);
    return t;
}

/* "30,000 is tier 1's; tier 2 has 450,000 (50 USD; ...)": would a higher tier help? */
static void write_helpful(struct buf *out, const struct standing *s, const struct finding *f,
                          const struct tier *in)
{
    struct str provider = str_of(f->origin.name);
    const struct verdict *v = &f->verdict;
    if (!in || v->limit < 0 || !f->model.n ||
        tier_limit_of(s->catalogue, provider, in, f->model, v->dim) != v->limit)
        return;
    const struct tier *t = helpful(s, f, in);
    buf_puts(out, "  tier  ");
    buf_thousands(out, v->limit);
    buf_printf(out, " is tier %.*s's; ", STR_ARG(in->name));
    if (!t) {
        buf_puts(out, "no tier above it is known to help\n");
        return;
    }
    buf_printf(out, "tier %.*s has ", STR_ARG(t->name));
    buf_thousands(out, tier_limit_of(s->catalogue, provider, t, f->model, v->dim));
    if (t->paid_usd >= 0) {
        buf_puts(out, " (");
        write_terms(out, t);
        buf_char(out, ')');
    }
    buf_char(out, '\n');
}

/* ---- the whole ----------------------------------------------------------------------- */

void support_write(struct buf *out, const struct standing *s, const struct finding *f,
                   int64_t now_us)
{
    const struct verdict *v = &f->verdict;
    bool rate = v->kind == VERDICT_RATE_LIMIT || v->kind == VERDICT_TOO_LARGE;
    if (v->kind == VERDICT_OVERLOADED || (v->kind == VERDICT_OTHER && v->retryable)) {
        buf_puts(out, "  ask   the provider's support only if it lasts for hours; its status "
                      "page tells first\n");
        return;
    }
    if (!rate)
        return;
    const struct tier *in = tier_of(s, f);
    write_helpful(out, s, f, in);
    bool any = write_room(out, f, now_us);
    any |= write_wait(out, f);
    any |= s->tier.n && write_below_tier(out, s, f, in);
    any |= support_write_tier(out, s, str_of(f->origin.name), in);
    if (!any)
        buf_puts(out, "  ask   the provider's support only if it refuses while headers show "
                      "room, for hours without\n        traffic, or below your tier's limit "
                      "(--tier, --paid and --since check that)\n");
}

bool support_is_odd(const struct stretch *st)
{
    enum { LEAST = 3 };
    int64_t span_us = st->to_us - st->from_us;
    return st->refusals >= LEAST && span_us >= hour_us &&
           (int64_t)st->refusals <= span_us / 60000000;
}

void support_write_stretch(struct buf *out, const struct stretch *st)
{
    ask(out);
    buf_puts(out, "refused ");
    buf_thousands(out, (int64_t)st->refusals);
    buf_puts(out, " times over ");
    duration_human(out, st->to_us - st->from_us);
    buf_puts(out,
             " with less than a request a minute and none that went through, as far as this "
             "log shows\n");
}
