/* limits_json.c: the limits report for programs: see docs/limits.md. */
#include "duration.h"
#include "limits_report.h"

static void number(struct buf *out, const char *name, int64_t n)
{
    if (n < 0)
        buf_printf(out, ", \"%s\": null", name);
    else
        buf_printf(out, ", \"%s\": %lld", name, (long long)n);
}

static void text(struct buf *out, const char *name, struct str s)
{
    buf_printf(out, ", \"%s\": ", name);
    if (s.n)
        buf_json(out, s);
    else
        buf_puts(out, "null");
}

/* "tiers": {"1": 500, "2": 5000}: those that the catalogue knows. */
static void json_tiers(struct buf *out, const struct limits_view *v, struct str model,
                       enum dimension dim)
{
    bool any = false;
    buf_puts(out, ", \"tiers\": {");
    for (size_t t = 0; t < v->fit.score_count; t++) {
        const struct tier *tier = v->fit.scores[t].tier;
        int64_t limit = tier_limit_of(v->standing->catalogue, v->provider, tier, model, dim);
        if (limit < 0)
            continue;
        buf_printf(out, "%s\"%.*s\": %lld", any ? ", " : "", STR_ARG(tier->name),
                   (long long)limit);
        any = true;
    }
    buf_char(out, '}');
}

static void json_probe(struct buf *out, const struct limits_view *v, const struct probe *p)
{
    bool refused = p->answered && p->status >= 300;
    buf_puts(out, "{\"model\": ");
    buf_json(out, p->model);
    number(out, "status", p->answered ? p->status : -1);
    text(out, "refused", refused ? str_of(verdict_name(p->verdict.kind)) : (struct str){0});
    text(out, "dimension",
         refused && p->verdict.dim != DIM_UNKNOWN ? str_of(dimension_name(p->verdict.dim))
                                                  : (struct str){0});
    number(out, "retry_after_ms", p->verdict.retry_us < 0 ? -1 : p->verdict.retry_us / 1000);
    text(out, "why", str_of(p->why));
    buf_puts(out, ", \"limits\": [");
    for (size_t i = 0; i < p->reading_count; i++) {
        const struct reading *r = &p->readings[i];
        buf_printf(out, "%s{\"dimension\": \"%s\"", i ? ", " : "", dimension_name(r->dim));
        number(out, "limit", r->limit);
        if (r->has_remaining)
            buf_printf(out, ", \"remaining\": %lld", (long long)r->remaining);
        else
            buf_puts(out, ", \"remaining\": null");
        number(out, "reset_ms", r->reset_us < 0 ? -1 : r->reset_us / 1000);
        json_tiers(out, v, p->model, r->dim);
        buf_char(out, '}');
    }
    buf_puts(out, "]}");
}

static void json_fit(struct buf *out, const struct tier_fit *f)
{
    static const char *const kinds[] = {"unknown", "one",    "several", "but_for",
                                        "between", "higher", "lower",   "custom"};
    buf_printf(out, ", \"looks_like\": {\"kind\": \"%s\", \"tiers\": [", kinds[f->kind]);
    for (size_t i = 0; i < f->n; i++) {
        buf_puts(out, i ? ", " : "");
        buf_json(out, f->tiers[i]->name);
    }
    buf_puts(out, "], \"scores\": [");
    for (size_t i = 0; i < f->score_count; i++) {
        const struct tier_score *s = &f->scores[i];
        buf_printf(out, "%s{\"tier\": \"%.*s\"", i ? ", " : "", STR_ARG(s->tier->name));
        text(out, "programme", s->tier->programme);
        buf_printf(out, ", \"equal\": %zu, \"below\": %zu, \"above\": %zu}", s->equal, s->below,
                   s->above);
    }
    buf_puts(out, "]}");
}

static void json_changes(struct buf *out, const struct limits_view *v, const struct tier *t)
{
    bool any = false;
    for (size_t i = 0; t && i < v->seen_count; i++) {
        const struct seen_limit *s = &v->seen[i];
        int64_t other = tier_limit_of(v->standing->catalogue, v->provider, t, s->model, s->dim);
        if (other < 0 || other == s->limit)
            continue;
        buf_puts(out, any ? ", {\"model\": " : "{\"model\": ");
        buf_json(out, s->model);
        buf_printf(out, ", \"dimension\": \"%s\", \"now\": %lld, \"tier\": %lld}",
                   dimension_name(s->dim), (long long)s->limit, (long long)other);
        any = true;
    }
}

static void json_next(struct buf *out, const struct limits_view *v)
{
    const struct tier *t = v->next;
    if (!t) {
        buf_puts(out, ", \"next\": null");
        return;
    }
    buf_printf(out, ", \"next\": {\"tier\": \"%.*s\"", STR_ARG(t->name));
    text(out, "programme", t->programme);
    number(out, "paid_usd", t->paid_usd);
    number(out, "wait_days", t->wait_days);
    number(out, "monthly_cap_usd", t->monthly_cap_usd);
    number(out, "former_paid_usd", t->former_paid_usd);
    number(out, "former_wait_days", t->former_wait_days);
    text(out, "former_until", t->former_until);
    text(out, "date", t->date);
    text(out, "source", t->source);
    buf_puts(out, ", \"brings\": [");
    json_changes(out, v, t);
    buf_puts(out, "]}");
}

static void json_learned(struct buf *out, const struct limits_view *v)
{
    const struct memory_entry *e;
    buf_puts(out, ", \"learned\": [");
    for (size_t i = 0; (e = memory_entry_of(v->memory, v->known_as, i)); i++) {
        buf_puts(out, i ? ", {\"pool\": " : "{\"pool\": ");
        buf_json(out, e->pool);
        buf_printf(out, ", \"dimension\": \"%s\", \"limit\": %lld, \"window\": \"%s\"",
                   dimension_name(DIM_RPM), (long long)e->lesson.limit,
                   window_name(e->lesson.window));
        buf_puts(out, ", \"at\": \"");
        instant_write_rfc3339(out, e->at_us);
        buf_puts(out, "\"}");
    }
    buf_char(out, ']');
}

void limits_json(struct buf *out, const struct limits_view *v)
{
    buf_puts(out, "{\"account\": ");
    buf_json(out, v->account);
    text(out, "provider", v->provider);
    buf_puts(out, ", \"asked_at\": \"");
    instant_write_rfc3339(out, v->asked_us);
    buf_puts(out, "\", \"models\": [");
    for (size_t i = 0; i < v->n; i++) {
        buf_puts(out, i ? ", " : "");
        json_probe(out, v, &v->probes[i]);
    }
    buf_char(out, ']');
    json_learned(out, v);
    json_fit(out, &v->fit);
    text(out, "tier", v->in ? v->in->name : (struct str){0});
    buf_puts(out, ", \"unlike_tier\": [");
    json_changes(out, v, v->in);
    buf_char(out, ']');
    json_next(out, v);
    buf_puts(out, "}\n");
}
