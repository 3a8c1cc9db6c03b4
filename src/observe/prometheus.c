/* prometheus.c: see prometheus.h. One function a family; a family without a sample is left out.
 */
#include "prometheus.h"

#include "alerts.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const double MICRO = 1e-6;

static void family(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped; other control characters, which a
 * model's name may hold since clients write it, become question marks. */
static void label(struct buf *b, char open, const char *name, struct str value)
{
    buf_printf(b, "%c%s=\"", open, name);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\n')
            buf_puts(b, "\\n");
        else if (c == '\\' || c == '"')
            buf_printf(b, "\\%c", c);
        else if ((unsigned char)c < ' ' || c == 127)
            buf_char(b, '?');
        else
            buf_add(b, (struct str){&c, 1});
    }
    buf_puts(b, "\"");
}

static void pool_labels(struct buf *b, const char *name, const struct scene_pool *p)
{
    buf_puts(b, name);
    label(b, '{', "account", p->account);
    label(b, ',', "model", p->model);
}

static void whole(struct buf *b, int64_t n)
{
    buf_printf(b, "} %lld\n", (long long)n);
}

/* ---- of pools ---------------------------------------------------------------------------- */

static void outcomes(struct buf *b, const struct scene *s)
{
    family(b, "sluice_requests_total", "counter", "Requests that have ended, by outcome.");
    for (size_t i = 0; i < s->pool_count; i++) {
        for (int o = 0; o < TALLY_OUTCOME_COUNT; o++) {
            pool_labels(b, "sluice_requests_total", &s->pools[i]);
            label(b, ',', "outcome", str_of(tally_outcome_name((enum tally_outcome)o)));
            whole(b, s->pools[i].tally->outcomes[o]);
        }
    }
}

static void tokens(struct buf *b, const struct scene *s)
{
    static const char *const directions[] = {"input", "output", "cached"};
    family(b, "sluice_tokens_total", "counter", "Tokens that answers used, by direction.");
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct tally *t = s->pools[i].tally;
        const int64_t used[] = {t->input_tokens, t->output_tokens, t->cached_tokens};
        for (size_t d = 0; d < 3; d++) {
            pool_labels(b, "sluice_tokens_total", &s->pools[i]);
            label(b, ',', "direction", str_of(directions[d]));
            whole(b, used[d]);
        }
    }
}

/* Those of interest are there from the start, as zeros. */
static void refusals_of(struct buf *b, const struct scene_pool *p, enum tally_cause cause)
{
    for (int d = 0; d <= DIM_COUNT; d++) {
        int64_t n = p->tally->refusals[cause][d];
        if (n == 0 && !(cause == TALLY_CAUSE_PROVIDER && d <= DIM_TPM))
            continue;
        pool_labels(b, "sluice_refusals_total", p);
        label(b, ',', "dimension", str_of(dimension_name((enum dimension)d)));
        label(b, ',', "cause", str_of(tally_cause_name(cause)));
        whole(b, n);
    }
}

static void refusals(struct buf *b, const struct scene *s)
{
    family(b, "sluice_refusals_total", "counter",
           "Refused requests by the limit that refused and by who enforced it.");
    for (size_t i = 0; i < s->pool_count; i++) {
        for (int c = 0; c < TALLY_CAUSE_COUNT; c++)
            refusals_of(b, &s->pools[i], (enum tally_cause)c);
    }
}

static void retries(struct buf *b, const struct scene *s)
{
    family(b, "sluice_retries_total", "counter", "Attempts that another one followed.");
    for (size_t i = 0; i < s->pool_count; i++) {
        for (int r = 0; r < TALLY_RETRY_COUNT; r++) {
            pool_labels(b, "sluice_retries_total", &s->pools[i]);
            label(b, ',', "cause", str_of(tally_retry_name((enum tally_retry)r)));
            whole(b, s->pools[i].tally->retries[r]);
        }
    }
}

static void one_of_pools(struct buf *b, const struct scene *s, const char *name,
                         const char *type, const char *help,
                         int64_t (*get)(const struct scene_pool *p))
{
    family(b, name, type, help);
    for (size_t i = 0; i < s->pool_count; i++) {
        pool_labels(b, name, &s->pools[i]);
        whole(b, get(&s->pools[i]));
    }
}

static int64_t get_queued(const struct scene_pool *p)
{
    return (int64_t)p->queued;
}

static int64_t get_in_flight(const struct scene_pool *p)
{
    return (int64_t)p->in_flight;
}

static int64_t get_reserved(const struct scene_pool *p)
{
    return p->tally->reserved_tokens;
}

static int64_t get_used(const struct scene_pool *p)
{
    return p->tally->used_tokens;
}

static int64_t get_wallet(const struct scene_pool *p)
{
    return p->tally->wallet_empty;
}

static int64_t get_key(const struct scene_pool *p)
{
    return p->tally->key_refused;
}

static int64_t get_shared(const struct scene_pool *p)
{
    return p->tally->shared;
}

static void budgets(struct buf *b, const struct scene *s, const char *name, const char *help,
                    int64_t (*get)(const struct scene_budget *v))
{
    family(b, name, "gauge", help);
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct scene_pool *p = &s->pools[i];
        for (size_t k = 0; k < p->budget_count; k++) {
            pool_labels(b, name, p);
            label(b, ',', "dimension", str_of(dimension_name(p->budgets[k].dim)));
            whole(b, get(&p->budgets[k]));
        }
    }
}

static int64_t get_limit(const struct scene_budget *v)
{
    return v->limit;
}

static int64_t get_level(const struct scene_budget *v)
{
    return v->level;
}

static int64_t get_in_use(const struct scene_budget *v)
{
    return v->used;
}

static const struct histogram *get_wait(const struct tally *t)
{
    return &t->wait;
}

static const struct histogram *get_first_byte(const struct tally *t)
{
    return &t->first_byte;
}

static const struct histogram *get_latency(const struct tally *t)
{
    return &t->latency;
}

static void durations(struct buf *b, const struct scene *s, const char *name, const char *help,
                      const struct histogram *(*get)(const struct tally *t))
{
    char part[96];
    family(b, name, "histogram", help);
    for (size_t i = 0; i < s->pool_count; i++) {
        const struct histogram *h = get(s->pools[i].tally);
        uint64_t below = 0;
        snprintf(part, sizeof part, "%s_bucket", name);
        for (size_t c = 0; c < HISTOGRAM_CELLS; c++) {
            below += h->cells[c];
            pool_labels(b, part, &s->pools[i]);
            if (c < HISTOGRAM_BOUNDED)
                buf_printf(b, ",le=\"%g\"", (double)histogram_bounds_us[c] * MICRO);
            else
                buf_puts(b, ",le=\"+Inf\"");
            whole(b, (int64_t)below);
        }
        snprintf(part, sizeof part, "%s_sum", name);
        pool_labels(b, part, &s->pools[i]);
        buf_printf(b, "} %.6f\n", (double)h->sum_us * MICRO);
        snprintf(part, sizeof part, "%s_count", name);
        pool_labels(b, part, &s->pools[i]);
        whole(b, (int64_t)h->n);
    }
}

static void pools(struct buf *b, const struct scene *s)
{
    if (!s->pool_count)
        return;
    outcomes(b, s);
    tokens(b, s);
    refusals(b, s);
    retries(b, s);
    one_of_pools(b, s, "sluice_queued_requests", "gauge", "Requests that wait.", get_queued);
    one_of_pools(b, s, "sluice_in_flight_requests", "gauge", "Requests with the provider.",
                 get_in_flight);
    one_of_pools(b, s, "sluice_reserved_tokens_total", "counter",
                 "Tokens reserved for requests that have ended.", get_reserved);
    one_of_pools(b, s, "sluice_used_tokens_total", "counter",
                 "Tokens the same requests used; the difference is the reserve's error.",
                 get_used);
    one_of_pools(b, s, "sluice_wallet_empty_total", "counter",
                 "Answers that said that the wallet is empty.", get_wallet);
    one_of_pools(b, s, "sluice_key_refused_total", "counter", "Answers that refused the key.",
                 get_key);
    one_of_pools(b, s, "sluice_polls_shared_total", "counter",
                 "Polls answered with another's answer: nothing was sent for them.",
                 get_shared);
    budgets(b, s, "sluice_budget_limit", "A limit of the account, units per period.",
            get_limit);
    budgets(b, s, "sluice_budget_remaining", "What is believed to be left of it now.",
            get_level);
    budgets(b, s, "sluice_budget_used",
            "Charged during the last period, or what is not left, whichever is more.",
            get_in_use);
    durations(b, s, "sluice_queue_wait_seconds", "From the queue's door to the wire.",
              get_wait);
    durations(b, s, "sluice_time_to_first_byte_seconds",
              "From the wire to the answer's first byte; of a stream, its first token.",
              get_first_byte);
    durations(b, s, "sluice_upstream_latency_seconds", "From the wire to the answer's end.",
              get_latency);
}

/* ---- of accounts and tenants ------------------------------------------------------------- */

static void accounts(struct buf *b, const struct scene *s)
{
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        {"sluice_account_paused", "gauge", "1 while the provider is out and only probed."},
        {"sluice_account_outages_total", "counter", "Outages met."},
        {"sluice_account_keys", "gauge", "API keys of the account."},
        {"sluice_account_keys_refused", "gauge", "API keys that the provider refuses."},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families && s->account_count; f++) {
        family(b, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < s->account_count; i++) {
            const struct scene_account *a = &s->accounts[i];
            const int64_t values[] = {a->paused, a->outages, (int64_t)a->keys,
                                      (int64_t)a->keys_refused};
            buf_puts(b, families[f].name);
            label(b, '{', "account", a->name);
            whole(b, values[f]);
        }
    }
}

static void tenant_figures(struct buf *b, const struct scene *s)
{
    static const struct {
        const char *name, *type, *help;
    } families[] = {
        {"sluice_tenant_requests_total", "counter", "Requests that came from the tenant."},
        {"sluice_tenant_refused_total", "counter", "... of which were refused here."},
        {"sluice_tenant_input_tokens_total", "counter", "Input tokens that its answers used."},
        {"sluice_tenant_output_tokens_total", "counter", "Output tokens."},
        {"sluice_tenant_held_requests", "gauge", "Its requests that wait or are in flight."},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        family(b, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < s->tenant_count; i++) {
            const struct scene_tenant *t = &s->tenants[i];
            const int64_t values[] = {t->requests, t->refused, t->input_tokens,
                                      t->output_tokens, (int64_t)t->held};
            buf_puts(b, families[f].name);
            label(b, '{', "tenant", t->name);
            whole(b, values[f]);
        }
    }
    family(b, "sluice_tenant_waiting_requests", "gauge",
           "Its requests that wait, by their own priority.");
    for (size_t i = 0; i < s->tenant_count; i++) {
        for (size_t rank = 0; rank < SCENE_PRIORITIES; rank++) {
            buf_puts(b, "sluice_tenant_waiting_requests");
            label(b, '{', "tenant", s->tenants[i].name);
            label(b, ',', "priority", str_of(scene_priority(rank)));
            whole(b, (int64_t)s->tenants[i].waiting[rank]);
        }
    }
    family(b, "sluice_tenant_spend_dollars_total", "counter",
           "What its answers cost, as far as prices are known.");
    for (size_t i = 0; i < s->tenant_count; i++) {
        buf_puts(b, "sluice_tenant_spend_dollars_total");
        label(b, '{', "tenant", s->tenants[i].name);
        buf_printf(b, "} %.6f\n", (double)s->tenants[i].spent * MICRO);
    }
}

static void tenant_limits(struct buf *b, const struct scene *s, bool left)
{
    const char *name = left ? "sluice_tenant_remaining" : "sluice_tenant_limit";
    bool any = false;
    for (size_t i = 0; i < s->tenant_count; i++) {
        const struct scene_tenant *t = &s->tenants[i];
        for (size_t k = 0; k < t->limit_count; k++) {
            if (!any)
                family(b, name, "gauge",
                       left ? "What the tenant has left of it now."
                            : "A limit of the tenant's own, units per period.");
            any = true;
            buf_puts(b, name);
            label(b, '{', "tenant", t->name);
            label(b, ',', "dimension", str_of(dimension_name(t->limits[k].dim)));
            whole(b, left ? t->limits[k].left : t->limits[k].limit);
        }
    }
}

/* ---- of a batch, and of alerts -----------------------------------------------------------
 */

static void batch(struct buf *b, const struct scene_batch *r)
{
    static const char *const states[] = {"done", "failed", "left"};
    const int64_t rows[] = {r->done - r->failed, r->failed, r->total - r->done};
    family(b, "sluice_batch_rows", "gauge", "Rows of the batch, by what became of them.");
    for (size_t i = 0; i < 3; i++) {
        buf_puts(b, "sluice_batch_rows");
        label(b, '{', "state", str_of(states[i]));
        whole(b, rows[i]);
    }
    if (r->eta_us < 0)
        return;
    family(b, "sluice_batch_eta_seconds", "gauge", "Until the batch is expected to be done.");
    buf_printf(b, "sluice_batch_eta_seconds %.3f\n", (double)r->eta_us * MICRO);
}

static void alert(struct buf *b, const char *kind, const struct scene_alert *a)
{
    bool of_one = a && a->dim != DIM_UNKNOWN;
    buf_puts(b, "sluice_alert_active");
    label(b, '{', "alert", str_of(kind));
    label(b, ',', "account", a ? a->account : STR(""));
    label(b, ',', "model", a ? a->model : STR(""));
    label(b, ',', "dimension", str_of(of_one ? dimension_name(a->dim) : ""));
    whole(b, a != NULL);
}

/* Of a kind that is not on there is one sample, 0: so that it can be seen that it is watched.
 */
static void alerts(struct buf *b, const struct scene *s)
{
    family(b, "sluice_alert_active", "gauge", "1 while the alert is on.");
    for (int k = 0; k < ALERT_KIND_COUNT; k++) {
        const char *kind = alert_kind_name((enum alert_kind)k);
        bool any = false;
        for (size_t i = 0; i < s->alert_count; i++) {
            if (!str_eq(str_of(s->alerts[i].kind), str_of(kind)))
                continue;
            alert(b, kind, &s->alerts[i]);
            any = true;
        }
        if (!any)
            alert(b, kind, NULL);
    }
    family(b, "sluice_alerts_left_out", "gauge", "Alerts for which there was no room.");
    buf_printf(b, "sluice_alerts_left_out %lld\n", (long long)s->alerts_left_out);
}

static void channels(struct buf *b, const struct scene *s)
{
    static const char *const results[] = {"delivered", "retried", "failed", "left_out"};
    family(b, "sluice_alert_deliveries_total", "counter",
           "Letters by what became of them; left_out: changes that no letter had room for.");
    for (size_t i = 0; i < s->channel_count; i++) {
        const struct scene_channel *c = &s->channels[i];
        const int64_t counts[] = {c->delivered, c->retried, c->failed, c->left_out};
        for (size_t k = 0; k < 4; k++) {
            buf_puts(b, "sluice_alert_deliveries_total");
            label(b, '{', "channel", str_of(c->name));
            label(b, ',', "result", str_of(results[k]));
            whole(b, counts[k]);
        }
    }
}

/* ---- of the process ---------------------------------------------------------------------- */

static int64_t resident_bytes(void)
{
    long long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return 0;
    int got = fscanf(f, "%lld %lld", &pages, &resident);
    fclose(f);
    return got == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_descriptors(void)
{
    int64_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (!d)
        return 0;
    closedir(d);
    return n - 3; /* ".", ".." and the one that looked */
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * MICRO;
}

static void process(struct buf *b, const struct scene *s)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    family(b, "sluice_build_info", "gauge", "Always 1; the version stands in its label.");
    buf_puts(b, "sluice_build_info");
    label(b, '{', "version", str_of(s->version));
    label(b, ',', "verb", str_of(s->verb));
    whole(b, 1);
    family(b, "sluice_connections", "gauge", "Connections of clients.");
    buf_printf(b, "sluice_connections %zu\n", s->connections);
    family(b, "sluice_held_requests", "gauge", "Requests that are here now.");
    buf_printf(b, "sluice_held_requests %zu\n", s->held);
    if (s->held_max) {
        family(b, "sluice_held_requests_max", "gauge", "Requests that may be here at once.");
        buf_printf(b, "sluice_held_requests_max %zu\n", s->held_max);
    }
    family(b, "process_cpu_seconds_total", "counter", "User and system CPU time.");
    buf_printf(b, "process_cpu_seconds_total %.6f\n",
               seconds(u.ru_utime) + seconds(u.ru_stime));
    family(b, "process_resident_memory_bytes", "gauge", "Resident memory.");
    buf_printf(b, "process_resident_memory_bytes %lld\n", (long long)resident_bytes());
    family(b, "process_open_fds", "gauge", "Open file descriptors.");
    buf_printf(b, "process_open_fds %lld\n", (long long)open_descriptors());
    family(b, "process_start_time_seconds", "gauge", "Since 1970.");
    buf_printf(b, "process_start_time_seconds %.3f\n", (double)s->started_unix_us * MICRO);
}

void prometheus_write(struct buf *out, const struct scene *s)
{
    process(out, s);
    pools(out, s);
    accounts(out, s);
    alerts(out, s);
    if (s->channel_count)
        channels(out, s);
    if (s->batch)
        batch(out, s->batch);
    if (!s->tenant_count)
        return;
    tenant_figures(out, s);
    tenant_limits(out, s, false);
    tenant_limits(out, s, true);
}
