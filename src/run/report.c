/* report.c: see report.h. Words and shape are those of design/experience.md. */
#include "report.h"

#include "duration.h"
#include "money.h"

static int64_t succeeded(const struct report *r)
{
    return r->totals->before_ok + r->totals->ok;
}

static int64_t failed(const struct report *r)
{
    return r->totals->before_failed + r->totals->failed;
}

int64_t report_efficiency_ppm(const struct report *r)
{
    bool waited = r->batches && r->batches->returned > 0; /* for batches, not for limits */
    if (r->bound_us <= 0 || r->paced_us <= 0 || waited)
        return -1;
    return (int64_t)((__int128)r->bound_us * 1000000 / r->paced_us);
}

/* ---- for people ---------------------------------------------------------------------- */

static void label(struct buf *b, const char *name)
{
    buf_printf(b, "%-17s", name);
}

static void requests_line(const struct report *r, struct buf *b)
{
    size_t from = b->n;
    buf_thousands(b, r->totals->total);
    buf_puts(b, " requests");
    while (b->n < from + 16)
        buf_char(b, ' ');
    buf_char(b, ' ');
    buf_thousands(b, succeeded(r));
    buf_puts(b, " ok");
    if (r->totals->before_ok) {
        buf_puts(b, " (");
        buf_thousands(b, r->totals->before_ok);
        buf_puts(b, " of them before)");
    }
    if (failed(r)) {
        buf_puts(b, "   ");
        buf_thousands(b, failed(r));
        buf_puts(b, " failed (");
        kinds_write(&r->totals->failures, b);
        buf_printf(b, ") -> %s", r->errors_path);
    }
    if (r->left) {
        buf_puts(b, "   ");
        buf_thousands(b, r->left);
        buf_puts(b, " left");
    }
    buf_char(b, '\n');
}

static void refused_line(const struct report *r, struct buf *b)
{
    size_t from = b->n;
    buf_puts(b, "refused ");
    buf_thousands(b, r->totals->refused);
    while (b->n < from + 16)
        buf_char(b, ' ');
    for (size_t i = 0; i < r->totals->refusal_count; i++) {
        const struct refusal *x = &r->totals->refusals[i];
        buf_printf(b, "%s%.*s %s x", i ? ", " : " (", STR_ARG(r->models->list[x->model].name),
                   dimension_name(x->dim));
        buf_thousands(b, x->count);
    }
    buf_puts(b, r->totals->refusal_count ? ")   " : " ");
    buf_puts(b, "retried ");
    buf_thousands(b, kinds_total(&r->totals->retries));
    if (r->totals->retries.n) {
        buf_puts(b, " (");
        kinds_write(&r->totals->retries, b);
        buf_char(b, ')');
    }
    buf_char(b, '\n');
}

static void tokens_line(const struct report *r, struct buf *b)
{
    static const char *const rule[] = {"max_tokens counts, not what was used",
                                       "input and max_tokens count, not what was used",
                                       "what was used"};
    label(b, "tokens");
    buf_thousands(b, r->totals->input_tokens);
    buf_puts(b, " in + ");
    buf_thousands(b, r->totals->output_tokens);
    buf_puts(b, " out");
    if (r->charged) {
        buf_puts(b, "; charged ");
        buf_thousands(b, r->charged);
        buf_printf(b, " (%s)", rule[r->charge]);
    }
    buf_char(b, '\n');
}

static void batches_line(const struct report_batches *x, struct buf *b)
{
    label(b, "batches");
    buf_thousands(b, x->created);
    buf_puts(b, "   answered ");
    buf_thousands(b, x->answered);
    buf_puts(b, "   given back ");
    buf_thousands(b, x->returned);
    buf_char(b, '\n');
}

static void time_line(const struct report *r, struct buf *b)
{
    int64_t ppm = report_efficiency_ppm(r);
    label(b, "time");
    if (r->batches) {
        duration_human(b, r->batches->elapsed_us);
        buf_puts(b, r->makespan_us ? ", of which live " : "\n");
    }
    if (r->batches && !r->makespan_us)
        return;
    duration_human(b, r->makespan_us);
    if (r->bound_us > 0) {
        buf_puts(b, "   the quota allows no less than ");
        duration_human(b, r->bound_us);
    } else if (r->bound_us == 0) {
        buf_puts(b, "   all of it fitted into the quota at once");
    }
    if (ppm >= 0)
        buf_printf(b, "   efficiency %lld.%lld %%", (long long)(ppm / 10000),
                   (long long)(ppm / 1000 % 10));
    buf_char(b, '\n');
}

static void deadline_line(const struct report *r, struct buf *b)
{
    if (!r->timed)
        return;
    label(b, "deadline");
    buf_puts(b, r->ahead_us < 0 ? "missed by " : r->left ? "still " : "kept, ");
    duration_human(b, r->ahead_us < 0 ? -r->ahead_us : r->ahead_us);
    buf_puts(b, r->ahead_us < 0 ? "\n" : r->left ? " to go\n" : " before it\n");
}

static void cost_line(const struct report *r, struct buf *b)
{
    label(b, "cost");
    if (r->totals->cost_pusd < 0) {
        buf_puts(b, "not known: the catalogue has no price for every model used\n");
        return;
    }
    money_write(b, r->totals->cost_pusd);
    buf_puts(b, " USD");
    if (r->totals->cost_batch_pusd > 0 && r->totals->cost_batch_pusd < r->totals->cost_pusd) {
        buf_puts(b, "  (");
        money_write(b, r->totals->cost_batch_pusd);
        buf_puts(b, " USD through the Batch API)");
    }
    buf_char(b, '\n');
}

void report_table(const struct report *r, struct buf *b)
{
    requests_line(r, b);
    refused_line(r, b);
    tokens_line(r, b);
    if (r->totals->downgraded) {
        label(b, "downgraded");
        buf_thousands(b, r->totals->downgraded);
        buf_puts(b, " asked another model, as --over-limit says\n");
    }
    if (r->batches)
        batches_line(r->batches, b);
    time_line(r, b);
    deadline_line(r, b);
    if (r->binding_dim != DIM_UNKNOWN) {
        buf_printf(b, "limit that binds %s (%.*s, ", dimension_unit(r->binding_dim),
                   STR_ARG(r->models->pools[r->binding_pool].name));
        buf_thousands(b, r->binding_limit);
        buf_puts(b, ")\n");
    }
    if (r->totals->ok)
        cost_line(r, b);
    if (r->tip_advised) {
        label(b, "tip");
        buf_printf(b, "max_tokens %lld is more than answers use; %lld would have covered 99 %%",
                   (long long)r->tip_max_tokens, (long long)r->tip_advised);
        buf_puts(b, " and taken ");
        duration_human(b, r->tip_us);
        buf_char(b, '\n');
    }
}

/* ---- for programs -------------------------------------------------------------------- */

static void json_count(struct buf *b, const char *key, int64_t n)
{
    buf_printf(b, "  \"%s\": %lld,\n", key, (long long)n);
}

/* Microseconds as seconds; null below 0. */
static void json_seconds(struct buf *b, const char *key, int64_t us)
{
    if (us < 0)
        buf_printf(b, "  \"%s\": null,\n", key);
    else
        buf_printf(b, "  \"%s\": %lld.%06lld,\n", key, (long long)(us / 1000000),
                   (long long)(us % 1000000));
}

static void json_millionths(struct buf *b, const char *key, int64_t ppm)
{
    json_seconds(b, key, ppm);
}

static void json_kinds(struct buf *b, const char *key, const struct kinds *k)
{
    buf_printf(b, "  \"%s\": {", key);
    for (size_t i = 0; i < k->n; i++) {
        buf_puts(b, i ? ", " : "");
        buf_json(b, str_of(k->list[i].name));
        buf_printf(b, ": %lld", (long long)k->list[i].count);
    }
    buf_puts(b, "},\n");
}

static void json_binding(const struct report *r, struct buf *b)
{
    if (r->binding_dim == DIM_UNKNOWN) {
        buf_puts(b, "  \"binding_budget\": null,\n");
        return;
    }
    buf_puts(b, "  \"binding_budget\": {\"model\": ");
    buf_json(b, r->models->pools[r->binding_pool].name);
    buf_printf(b, ", \"dimension\": \"%s\", \"limit\": %lld},\n",
               dimension_name(r->binding_dim), (long long)r->binding_limit);
}

static void json_refusals(const struct report *r, struct buf *b)
{
    buf_puts(b, "  \"refusals\": [");
    for (size_t i = 0; i < r->totals->refusal_count; i++) {
        const struct refusal *x = &r->totals->refusals[i];
        buf_puts(b, i ? ", {\"model\": " : "{\"model\": ");
        buf_json(b, r->models->list[x->model].name);
        buf_printf(b, ", \"dimension\": \"%s\", \"count\": %lld}", dimension_name(x->dim),
                   (long long)x->count);
    }
    buf_puts(b, "],\n");
}

void report_json(const struct report *r, struct buf *b)
{
    const struct totals *t = r->totals;
    buf_puts(b, "{\n");
    json_count(b, "requests", t->total);
    json_count(b, "succeeded", succeeded(r));
    json_count(b, "failed", failed(r));
    json_count(b, "rate_limited", t->refused);
    json_count(b, "input_tokens", t->input_tokens);
    json_count(b, "output_tokens", t->output_tokens);
    json_seconds(b, "makespan_s", r->makespan_us);
    json_seconds(b, "bound_s", r->bound_us);
    json_millionths(b, "efficiency", report_efficiency_ppm(r));
    json_binding(r, b);
    json_refusals(r, b);
    json_kinds(b, "failures", &t->failures);
    json_kinds(b, "retries", &t->retries);
    json_count(b, "succeeded_before", t->before_ok);
    json_count(b, "failed_before", t->before_failed);
    json_count(b, "left", r->left);
    json_count(b, "downgraded", r->totals->downgraded);
    json_count(b, "cached_tokens", t->cached_tokens);
    json_count(b, "charged_tokens", r->charged);
    json_seconds(b, "paced_s", r->paced_us);
    json_millionths(b, "cost_usd", t->cost_pusd < 0 ? -1 : t->cost_pusd / 1000000);
    if (r->batches)
        buf_printf(b,
                   "  \"batches\": {\"created\": %lld, \"answered\": %lld, "
                   "\"given_back\": %lld},\n",
                   (long long)r->batches->created, (long long)r->batches->answered,
                   (long long)r->batches->returned);
    else
        buf_puts(b, "  \"batches\": null,\n");
    buf_printf(b, "  \"choice\": %s,\n", r->choice && r->choice[0] ? r->choice : "null");
    buf_puts(b, "  \"stopped\": ");
    if (r->stopped[0])
        buf_json(b, str_of(r->stopped));
    else
        buf_puts(b, "null");
    buf_puts(b, "\n}\n");
}
