/* status_json.c: see status_json.h. */
#include "status_json.h"

static const double MICRO = 1e-6;

static void text(struct buf *b, const char *key, struct str value)
{
    buf_printf(b, "\"%s\":", key);
    buf_json(b, value.p ? value : STR(""));
    buf_puts(b, ",");
}

static void count(struct buf *b, const char *key, int64_t n)
{
    buf_printf(b, "\"%s\":%lld,", key, (long long)n);
}

static void seconds(struct buf *b, const char *key, int64_t us)
{
    if (us < 0)
        buf_printf(b, "\"%s\":null,", key);
    else
        buf_printf(b, "\"%s\":%.6f,", key, (double)us * MICRO);
}

static void flag(struct buf *b, const char *key, bool set)
{
    buf_printf(b, "\"%s\":%s,", key, set ? "true" : "false");
}

/* A member that has closed takes the place of the comma before it. */
static void close_with(struct buf *b, const char *bracket)
{
    if (b->n && b->p[b->n - 1] == ',')
        b->n--;
    buf_puts(b, bracket);
}

static void budget(struct buf *b, const struct scene_budget *v)
{
    buf_puts(b, "{");
    text(b, "dimension", str_of(dimension_name(v->dim)));
    text(b, "unit", str_of(dimension_unit(v->dim)));
    text(b, "window", str_of(v->window));
    count(b, "limit", v->limit);
    count(b, "left", v->level);
    count(b, "used", v->used);
    seconds(b, "period", v->period_us);
    count(b, "charged", v->charged);
    count(b, "refusals", v->refusals);
    flag(b, "binds", v->binds);
    flag(b, "learned", v->learned);
    seconds(b, "wait", v->wait_us);
    close_with(b, "},");
}

static void duration(struct buf *b, const char *key, const struct histogram *h)
{
    buf_printf(b, "\"%s\":{", key);
    count(b, "count", (int64_t)h->n);
    seconds(b, "sum", h->sum_us);
    seconds(b, "p50", histogram_quantile_us(h, 50));
    seconds(b, "p95", histogram_quantile_us(h, 95));
    seconds(b, "p99", histogram_quantile_us(h, 99));
    close_with(b, "},");
}

static void refusals(struct buf *b, const struct tally *t)
{
    buf_puts(b, "\"refusals\":[");
    for (int c = 0; c < TALLY_CAUSE_COUNT; c++) {
        for (int d = 0; d <= DIM_COUNT; d++) {
            if (t->refusals[c][d] == 0)
                continue;
            buf_puts(b, "{");
            text(b, "cause", str_of(tally_cause_name((enum tally_cause)c)));
            text(b, "dimension", str_of(dimension_name((enum dimension)d)));
            count(b, "count", t->refusals[c][d]);
            close_with(b, "},");
        }
    }
    close_with(b, "],");
}

static void tally(struct buf *b, const struct tally *t)
{
    buf_puts(b, "\"outcomes\":{");
    for (int o = 0; o < TALLY_OUTCOME_COUNT; o++)
        count(b, tally_outcome_name((enum tally_outcome)o), t->outcomes[o]);
    close_with(b, "},");
    buf_puts(b, "\"retries\":{");
    for (int r = 0; r < TALLY_RETRY_COUNT; r++)
        count(b, tally_retry_name((enum tally_retry)r), t->retries[r]);
    close_with(b, "},");
    refusals(b, t);
    count(b, "input_tokens", t->input_tokens);
    count(b, "output_tokens", t->output_tokens);
    count(b, "cached_tokens", t->cached_tokens);
    count(b, "reserved_tokens", t->reserved_tokens);
    count(b, "used_tokens", t->used_tokens);
    count(b, "wallet_empty", t->wallet_empty);
    count(b, "key_refused", t->key_refused);
    count(b, "shared", t->shared);
    duration(b, "queue_wait", &t->wait);
    duration(b, "first_byte", &t->first_byte);
    duration(b, "latency", &t->latency);
}

static void pool(struct buf *b, const struct scene_pool *p)
{
    buf_puts(b, "{");
    text(b, "account", p->account);
    text(b, "model", p->model);
    count(b, "queued", (int64_t)p->queued);
    count(b, "in_flight", (int64_t)p->in_flight);
    buf_puts(b, "\"budgets\":[");
    for (size_t i = 0; i < p->budget_count; i++)
        budget(b, &p->budgets[i]);
    close_with(b, "],");
    tally(b, p->tally);
    close_with(b, "},");
}

static void account(struct buf *b, const struct scene_account *a)
{
    buf_puts(b, "{");
    text(b, "name", a->name);
    text(b, "provider", a->provider);
    text(b, "tier", a->tier);
    flag(b, "paused", a->paused);
    flag(b, "retired", a->retired);
    count(b, "keys", (int64_t)a->keys);
    count(b, "keys_refused", (int64_t)a->keys_refused);
    count(b, "outages", a->outages);
    text(b, "trouble", a->trouble);
    close_with(b, "},");
}

static void tenant(struct buf *b, const struct scene_tenant *t)
{
    buf_puts(b, "{");
    text(b, "name", t->name);
    text(b, "priority", str_of(t->priority));
    count(b, "weight", t->weight);
    count(b, "held", (int64_t)t->held);
    buf_puts(b, "\"waiting\":{");
    for (size_t rank = 0; rank < SCENE_PRIORITIES; rank++)
        count(b, scene_priority(rank), (int64_t)t->waiting[rank]);
    close_with(b, "},");
    flag(b, "gone", t->gone);
    count(b, "requests", t->requests);
    count(b, "answered", t->answered);
    count(b, "refused", t->refused);
    count(b, "failed", t->failed);
    count(b, "input_tokens", t->input_tokens);
    count(b, "output_tokens", t->output_tokens);
    buf_printf(b, "\"spent_usd\":%.6f,\"limits\":[", (double)t->spent * MICRO);
    for (size_t i = 0; i < t->limit_count; i++) {
        buf_puts(b, "{");
        text(b, "dimension", str_of(dimension_name(t->limits[i].dim)));
        count(b, "limit", t->limits[i].limit);
        count(b, "left", t->limits[i].left);
        close_with(b, "},");
    }
    close_with(b, "],");
    close_with(b, "},");
}

static void request(struct buf *b, const struct scene_request *r)
{
    buf_puts(b, "{");
    seconds(b, "time", r->unix_us);
    text(b, "tenant", r->tenant);
    text(b, "account", r->account);
    text(b, "model", r->model);
    count(b, "status", r->status);
    text(b, "what", r->what);
    flag(b, "refused", r->refused);
    seconds(b, "wait", r->wait_us);
    seconds(b, "latency", r->latency_us);
    close_with(b, "},");
}

static void batch(struct buf *b, const struct scene_batch *r)
{
    buf_puts(b, "\"batch\":{");
    text(b, "input", r->input);
    text(b, "output", r->output);
    text(b, "state", r->state);
    count(b, "total", r->total);
    count(b, "done", r->done);
    count(b, "failed", r->failed);
    seconds(b, "eta", r->eta_us);
    close_with(b, "},");
}

static void totals(struct buf *b, const struct scene *s)
{
    const struct scene_totals *t = &s->totals;
    buf_puts(b, "\"totals\":{");
    count(b, "queued", t->queued);
    count(b, "in_flight", t->in_flight);
    count(b, "requests", t->requests);
    count(b, "refused_there", t->refused_there);
    count(b, "refused_here", t->refused_here);
    count(b, "input_tokens", t->input_tokens);
    count(b, "output_tokens", t->output_tokens);
    close_with(b, "},");
}

static void alert(struct buf *b, const struct scene_alert *a)
{
    buf_puts(b, "{");
    text(b, "alert", str_of(a->kind));
    text(b, "severity", str_of(a->severity));
    text(b, "account", a->account);
    text(b, "model", a->model);
    text(b, "dimension", str_of(a->dim == DIM_UNKNOWN ? "" : dimension_name(a->dim)));
    seconds(b, "since", a->since_unix_us);
    text(b, "text", a->text);
    text(b, "advice", a->advice);
    close_with(b, "},");
}

static void channel(struct buf *b, const struct scene_channel *c)
{
    buf_puts(b, "{");
    text(b, "channel", str_of(c->name));
    count(b, "delivered", c->delivered);
    count(b, "retried", c->retried);
    count(b, "failed", c->failed);
    count(b, "left_out", c->left_out);
    count(b, "pending", (int64_t)c->pending);
    text(b, "trouble", str_of(c->trouble));
    close_with(b, "},");
}

void status_json(struct buf *out, const struct scene *s)
{
    buf_puts(out, "{");
    text(out, "verb", str_of(s->verb));
    text(out, "version", str_of(s->version));
    seconds(out, "time", s->unix_us);
    seconds(out, "started", s->started_unix_us);
    count(out, "connections", (int64_t)s->connections);
    count(out, "held", (int64_t)s->held);
    count(out, "held_max", (int64_t)s->held_max);
    if (s->batch)
        batch(out, s->batch);
    totals(out, s);
    count(out, "pools_left_out", (int64_t)s->pools_left_out);
    count(out, "tenants_left_out", (int64_t)s->tenants_left_out);
    count(out, "alerts_left_out", s->alerts_left_out);
    buf_puts(out, "\"alerts\":[");
    for (size_t i = 0; i < s->alert_count; i++)
        alert(out, &s->alerts[i]);
    close_with(out, "],\"channels\":[");
    for (size_t i = 0; i < s->channel_count; i++)
        channel(out, &s->channels[i]);
    close_with(out, "],\"accounts\":[");
    for (size_t i = 0; i < s->account_count; i++)
        account(out, &s->accounts[i]);
    close_with(out, "],\"pools\":[");
    for (size_t i = 0; i < s->pool_count; i++)
        pool(out, &s->pools[i]);
    close_with(out, "],\"tenants\":[");
    for (size_t i = 0; i < s->tenant_count; i++)
        tenant(out, &s->tenants[i]);
    close_with(out, "],\"requests\":[");
    for (size_t i = 0; i < s->request_count; i++)
        request(out, &s->requests[i]);
    close_with(out, "]}\n");
}
