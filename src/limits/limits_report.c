/* limits_report.c: see limits_report.h.
 *
 *   what was learned      by model or kind of request, where nobody tells
 *   what is in force      by model: limit, remaining, when it is full again; or why there is
 * none which tier            that is, and what does not fit it the catalogue's       limits of
 * each tier beside those in force the tier above        what it would bring, and what it asks
 * for payments              whether a tier is owed
 *
 * Each is a function from the view to text: `sections` lists them in their order. */
#include "limits_report.h"

#include "duration.h"
#include "limits_words.h"
#include "support.h"

static void find_next(struct limits_view *v)
{
    const struct tier_fit *f = &v->fit;
    struct str provider = v->provider;
    const struct catalogue *c = v->standing->catalogue;
    if (v->standing->tier.n)
        v->in = catalogue_tier(c, provider, v->standing->tier);
    else if (f->n && f->kind != FIT_LOWER && f->kind != FIT_CUSTOM)
        v->in = f->tiers[0];
    if (f->kind == FIT_LOWER && !v->in)
        v->next = f->tiers[0];
    else if (v->in)
        v->next = catalogue_tier_above(c, provider, v->in);
}

void limits_look(struct limits_view *v)
{
    v->seen_count = 0;
    for (size_t i = 0; i < v->n; i++) {
        const struct probe *p = &v->probes[i];
        for (size_t r = 0; r < p->reading_count; r++) {
            if (p->readings[r].limit >= 0 && v->seen_count < SEEN_MAX)
                v->seen[v->seen_count++] =
                    (struct seen_limit){p->model, p->readings[r].dim, p->readings[r].limit};
        }
    }
    v->fit = tier_fit(v->standing->catalogue, v->provider, v->seen, v->seen_count);
    find_next(v);
}

static int64_t of_tier(const struct limits_view *v, const struct tier *t,
                       const struct seen_limit *s)
{
    return tier_limit_of(v->standing->catalogue, v->provider, t, s->model, s->dim);
}

/* ---- what is in force ---------------------------------------------------------------- */

enum { MODEL = 22, UNIT = 24 };

static void write_reading(struct buf *out, const struct reading *r)
{
    words_cell(out, str_of(dimension_unit(r->dim)), UNIT);
    words_number(out, r->limit, 11);
    if (r->has_remaining)
        words_number(out, r->remaining, 12);
    else
        buf_puts(out, "           -");
    buf_puts(out, "  ");
    if (r->reset_us >= 0)
        duration_human(out, r->reset_us);
    words_end(out);
}

/* "no access (404): The model ..." */
static void write_failure(struct buf *out, const struct probe *p)
{
    enum { SHOWN = 52 };
    struct str words = str_of(p->why);
    buf_puts(out, words_failure(p));
    if (p->status)
        buf_printf(out, " (%d)", p->status);
    if (p->verdict.kind == VERDICT_RATE_LIMIT && p->verdict.dim != DIM_UNKNOWN)
        buf_printf(out, ", %s", dimension_unit(p->verdict.dim));
    if (p->verdict.kind == VERDICT_RATE_LIMIT && p->verdict.retry_us >= 0) {
        buf_puts(out, ", retry in ");
        duration_human(out, p->verdict.retry_us);
    }
    words_end(out);
    if (!words.n)
        return;
    words_pad(out, out->n, MODEL + 1);
    buf_add(out, str_cut(words, SHOWN));
    buf_puts(out, words.n > SHOWN ? "..." : "");
    words_end(out);
}

static void write_model(struct buf *out, const struct probe *p)
{
    bool refused = !p->answered || p->status >= 300;
    words_model(out, p->model, MODEL);
    if (refused)
        write_failure(out, p);
    for (size_t i = 0; i < p->reading_count; i++) {
        if (i || refused)
            words_pad(out, out->n, MODEL + 1);
        write_reading(out, &p->readings[i]);
    }
    if (!refused && !p->reading_count)
        buf_puts(out, "answered, and sent no header that tells a limit\n");
}

static void write_now(struct buf *out, const struct limits_view *v)
{
    buf_add(out, v->account);
    buf_puts(out, ", one request per model, ");
    words_instant(out, v->asked_us);
    buf_puts(out, " UTC\n\n");
    words_cell(out, STR("model"), MODEL);
    words_cell(out, STR("limit"), UNIT);
    words_right(out, STR("now"), 11);
    words_right(out, STR("remaining"), 12);
    buf_puts(out, "  full in\n");
    for (size_t i = 0; i < v->n; i++)
        write_model(out, &v->probes[i]);
}

/* ---- what was learned -----------------------------------------------------------------------
 */

static void write_learned(struct buf *out, const struct limits_view *v)
{
    const struct memory_entry *e;
    for (size_t i = 0; (e = memory_entry_of(v->memory, v->known_as, i)); i++) {
        if (i == 0)
            buf_puts(out, "\nLearned from refusals, told by nobody\n");
        words_model(out, e->pool, MODEL);
        words_cell(out, str_of(dimension_unit(DIM_RPM)), UNIT);
        words_number(out, e->lesson.limit, 11);
        buf_printf(out, "  %s, ", window_name(e->lesson.window));
        words_instant(out, e->at_us);
        words_end(out);
    }
}

/* ---- which tier -----------------------------------------------------------------------------
 */

static const struct tier_score *score_of(const struct limits_view *v, const struct tier *t)
{
    const struct tier_score *s = v->fit.scores;
    while (s->tier != t)
        s++;
    return s;
}

static size_t compared(const struct tier_score *s)
{
    return s->equal + s->below + s->above;
}

static void write_looks(struct buf *out, const struct limits_view *v)
{
    const struct tier_fit *f = &v->fit;
    buf_char(out, '\n');
    words_fit(out, f);
    if (f->kind == FIT_UNKNOWN)
        buf_printf(out, ": %s",
                   v->seen_count ? "the catalogue knows no limits of these models"
                                 : "no answer's headers told a limit");
    else if (f->n && f->kind <= FIT_BUT_FOR) {
        const struct tier_score *s = score_of(v, f->tiers[0]);
        buf_printf(out, ": %zu of %zu limits compared are its own", s->equal, compared(s));
    }
    buf_char(out, '\n');
}

/* What is not the tier's, line by line. */
static void write_odd(struct buf *out, const struct limits_view *v)
{
    bool lower = false;
    for (size_t i = 0; v->in && i < v->seen_count; i++) {
        const struct seen_limit *s = &v->seen[i];
        int64_t promised = of_tier(v, v->in, s);
        if (promised < 0 || promised == s->limit)
            continue;
        lower |= s->limit < promised;
        buf_printf(out, "  %.*s, %s: ", STR_ARG(s->model), dimension_unit(s->dim));
        buf_thousands(out, s->limit);
        buf_printf(out, ", %s than tier %.*s's ", s->limit < promised ? "lower" : "higher",
                   STR_ARG(v->in->name));
        buf_thousands(out, promised);
        buf_char(out, '\n');
    }
    if (lower)
        buf_puts(out,
                 "  lower limits may be the project's or workspace's own: look there first, "
                 "then write\n  to the provider's support\n");
}

static void write_tier(struct buf *out, const struct limits_view *v)
{
    write_looks(out, v);
    if (v->standing->tier.n || v->fit.kind == FIT_BUT_FOR)
        write_odd(out, v);
}

/* ---- the catalogue's ----------------------------------------------------------------- */

enum { CELL = 7, COLUMNS = 6 };

static void write_columns(struct buf *out, const struct tier *const *tiers, size_t n)
{
    struct str programme = tiers[0]->programme;
    size_t from = out->n;
    buf_char(out, '\n');
    from++;
    buf_add(out, programme);
    words_pad(out, from, MODEL + 6);
    words_right(out, STR("now"), CELL);
    for (size_t t = 0; t < n; t++)
        words_right(out, tiers[t]->name, CELL);
    buf_char(out, '\n');
}

static void write_values(struct buf *out, const struct limits_view *v,
                         const struct seen_limit *s, const struct tier *const *tiers, size_t n)
{
    size_t from = out->n;
    dimension_write(out, s->dim);
    words_pad(out, from, 5);
    words_short(out, s->limit, false, CELL);
    for (size_t t = 0; t < n; t++) {
        int64_t limit = of_tier(v, tiers[t], s);
        words_short(out, limit, limit == s->limit, CELL);
    }
    words_end(out);
}

/* One table of a programme: the limits seen that any of its tiers has. */
static void write_programme(struct buf *out, const struct limits_view *v,
                            const struct tier *const *tiers, size_t n)
{
    struct str before = {0};
    bool begun = false;
    n = n > COLUMNS ? COLUMNS : n;
    for (size_t i = 0; i < v->seen_count; i++) {
        const struct seen_limit *s = &v->seen[i];
        bool known = false;
        for (size_t t = 0; t < n; t++)
            known |= of_tier(v, tiers[t], s) >= 0;
        if (!known)
            continue;
        if (!begun)
            write_columns(out, tiers, n);
        begun = true;
        words_model(out, str_eq(s->model, before) ? (struct str){0} : s->model, MODEL);
        before = s->model;
        write_values(out, v, s, tiers, n);
    }
}

static void write_catalogue(struct buf *out, const struct limits_view *v)
{
    const struct tier *tiers[TIERS_MAX];
    size_t n = catalogue_tier_list(v->standing->catalogue, v->provider, tiers, TIERS_MAX);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && str_eq(tiers[end]->programme, tiers[i]->programme))
            end++;
        write_programme(out, v, tiers + i, end - i);
        i = end;
    }
}

/* ---- the tier above ------------------------------------------------------------------ */

static void write_brings(struct buf *out, const struct limits_view *v)
{
    for (size_t i = 0; i < v->seen_count; i++) {
        const struct seen_limit *s = &v->seen[i];
        int64_t then = of_tier(v, v->next, s);
        if (then < 0 || then == s->limit)
            continue;
        buf_puts(out, "  ");
        words_model(out, s->model, MODEL);
        words_cell(out, str_of(dimension_unit(s->dim)), UNIT);
        words_number(out, s->limit, 11);
        buf_puts(out, " -> ");
        buf_thousands(out, then);
        buf_char(out, '\n');
    }
}

static void write_next(struct buf *out, const struct limits_view *v)
{
    const struct tier *t = v->next;
    if (!t) {
        if (v->in)
            buf_printf(out, "\nNo tier of \"%.*s\" stands above tier %.*s.\n",
                       STR_ARG(v->in->programme), STR_ARG(v->in->name));
        return;
    }
    buf_printf(out, "\nTier %.*s would bring\n", STR_ARG(t->name));
    write_brings(out, v);
    words_terms(out, t);
}

static void write_payments(struct buf *out, const struct limits_view *v)
{
    if (v->standing->paid_cents < 0 || !v->in)
        return;
    buf_char(out, '\n');
    (void)support_write_tier(out, v->standing, v->provider, v->in);
}

/* ---- the whole ----------------------------------------------------------------------- */

static void (*const sections[])(struct buf *out, const struct limits_view *v) = {
    write_now, write_learned, write_tier, write_catalogue, write_next, write_payments};

void limits_write(struct buf *out, const struct limits_view *v)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        sections[i](out, v);
}
