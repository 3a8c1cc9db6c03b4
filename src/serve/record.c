/* record.c: see record.h. */
#include "record.h"
#include "relay.h"

#include "duration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { READINGS = 16, TEN_MINUTES_US = 600000000 };

/* ---- tallies ------------------------------------------------------------------------------
 */

static struct tally *tally_of(struct relay *r)
{
    return r->tally ? r->tally : &r->gateway->record.strays;
}

static bool is_refusal(enum turn_away_kind kind)
{
    return kind == TURN_AWAY_WAIT || kind == TURN_AWAY_TOO_LARGE || kind == TURN_AWAY_SPEND;
}

/* A refusal that tells how an attempt ended: record_over has told that. */
static bool was_sent_for(const struct relay *r, enum turn_away_kind kind)
{
    return (kind == TURN_AWAY_UNREACHED || kind == TURN_AWAY_TIMEOUT) &&
           r->job.flow.sent_us >= 0;
}

static void tally_declined(struct relay *r, enum turn_away_kind kind)
{
    struct tally *t = tally_of(r);
    const struct flow *f = &r->job.flow;
    bool large = kind == TURN_AWAY_TOO_LARGE;
    enum dimension dim = large ? (enum dimension)f->waited_for : r->promise.dim;
    bool own = large ? f->own : r->promise.own;
    bool invalid =
        kind == TURN_AWAY_BAD_REQUEST || kind == TURN_AWAY_CONTEXT || kind == TURN_AWAY_UPGRADE;
    if (was_sent_for(r, kind))
        return;
    if (kind == TURN_AWAY_UNREACHED || kind == TURN_AWAY_TIMEOUT) {
        t->outcomes[TALLY_UNREACHED]++;
        return;
    }
    t->outcomes[invalid ? TALLY_INVALID : TALLY_TURNED_AWAY]++;
    if (is_refusal(kind))
        t->refusals[own     ? TALLY_CAUSE_TENANT
                    : large ? TALLY_CAUSE_SIZE
                            : TALLY_CAUSE_WAIT][dim]++;
}

/* Whether the provider's own headers showed room when it refused. */
static bool had_headroom(const struct relay *r, const struct ending *end)
{
    struct reading readings[READINGS];
    const struct provider *p = r->outlet->account->options.provider;
    if (!end->head)
        return false;
    size_t n = headers_read(p, end->head, gateway_unix(r->gateway), readings, READINGS);
    for (size_t i = 0; i < n; i++) {
        if (readings[i].limit <= 0 || !readings[i].has_remaining ||
            readings[i].remaining < readings[i].limit / 5)
            return false;
    }
    return n > 0;
}

static void tally_refused(struct relay *r, const struct ending *end)
{
    bool room = had_headroom(r, end);
    r->tally->refusals[room ? TALLY_CAUSE_HEADROOM : TALLY_CAUSE_PROVIDER][end->verdict.dim]++;
}

static enum tally_retry retry_of(const struct ending *end)
{
    if (!end->answered)
        return end->err == SL_TIMEOUT ? TALLY_RETRY_TIMEOUT : TALLY_RETRY_CONNECTION;
    if (end->verdict.kind == VERDICT_RATE_LIMIT)
        return TALLY_RETRY_RATE_LIMIT;
    return end->verdict.kind == VERDICT_OVERLOADED ? TALLY_RETRY_OVERLOADED : TALLY_RETRY_ERROR;
}

void record_setback(struct relay *r, const struct ending *end)
{
    if (end->answered && end->verdict.kind == VERDICT_RATE_LIMIT)
        tally_refused(r, end);
    r->tally->wallet_empty += end->answered && end->verdict.kind == VERDICT_QUOTA;
    r->tally->key_refused += end->answered && end->verdict.kind == VERDICT_AUTH;
    r->setbacks[retry_of(end)]++;
}

/* Setbacks were retries, but for the last one of a request that failed by it. */
static void tally_retries(struct relay *r, const struct ending *end)
{
    bool failed = end->outcome == OUTCOME_FAILED;
    for (int i = 0; i < TALLY_RETRY_COUNT; i++)
        r->tally->retries[i] += r->setbacks[i];
    if (failed && r->setbacks[retry_of(end)] > 0)
        r->tally->retries[retry_of(end)]--;
}

static enum tally_outcome outcome_of(const struct relay *r, const struct ending *end)
{
    if (!r->x)
        return TALLY_LEFT;
    if (end->outcome == OUTCOME_OK)
        return TALLY_OK;
    if (r->job.committed)
        return TALLY_CUT;
    return end->answered ? TALLY_PROVIDER_ERROR : TALLY_UNREACHED;
}

/* Units of tokens that were reserved, whichever limits there are. */
static int64_t reserved(const struct flow *f)
{
    int64_t tokens = f->bill.units[DIM_TPM];
    return tokens > 0 ? tokens : f->bill.units[DIM_ITPM] + f->bill.units[DIM_OTPM];
}

static void tally_used(struct relay *r, const struct ending *end)
{
    struct tally *t = r->tally;
    const struct flow *f = &r->job.flow;
    const struct usage *u = &end->usage;
    int64_t input = u->input_tokens > 0 ? u->input_tokens : 0;
    int64_t output = u->output_tokens > 0 ? u->output_tokens : 0;
    t->input_tokens += input;
    t->output_tokens += output;
    t->cached_tokens += u->cached_tokens > 0 ? u->cached_tokens : 0;
    t->reserved_tokens += reserved(f);
    t->used_tokens += input + output;
    if (f->head_us >= 0)
        histogram_add(&t->first_byte, f->head_us - f->sent_us);
    if (end->answered)
        histogram_add(&t->latency, end->service_us);
}

/* ---- those to look at ---------------------------------------------------------------------
 */

static void keep_text(char *out, size_t size, struct str text, struct str *kept)
{
    int n = snprintf(out, size, "%.*s", STR_ARG(str_cut(text, size - 1)));
    *kept = (struct str){out, n > 0 ? (size_t)n : 0};
}

static void fill(struct notable *n, const struct relay *r, int status, struct str what)
{
    const struct flow *f = &r->job.flow;
    bool sent = r->in_flow_since && f->sent_us >= 0;
    int64_t now_us = gateway_now(r->gateway);
    n->request = (struct scene_request){
        .unix_us = gateway_unix(r->gateway),
        .status = status,
        .wait_us = sent ? f->sent_us - f->submitted_us : 0,
        .latency_us = sent ? now_us - f->sent_us : 0,
    };
    keep_text(n->tenant, sizeof n->tenant, str_of(r->tenant->name), &n->request.tenant);
    keep_text(n->model, sizeof n->model, r->ask.model, &n->request.model);
    keep_text(n->account, sizeof n->account, str_of(r->outlet ? r->outlet->name : ""),
              &n->request.account);
    keep_text(n->what, sizeof n->what, what, &n->request.what);
}

static void keep_refused(struct relay *r, int status, struct str what)
{
    struct record *k = &r->gateway->record;
    struct notable *n = &k->refused[k->refused_count++ % RECORD_REFUSED];
    fill(n, r, status, what);
    n->request.refused = true;
}

static int64_t took_us(const struct scene_request *r)
{
    return r->wait_us + r->latency_us;
}

static void keep_if_slow(struct relay *r, int status)
{
    struct record *k = &r->gateway->record;
    struct notable *quickest = &k->slowest[0];
    int64_t now_us = gateway_unix(r->gateway);
    for (size_t i = 0; i < RECORD_SLOWEST; i++) {
        struct notable *n = &k->slowest[i];
        if (now_us - n->request.unix_us > TEN_MINUTES_US)
            n->request.wait_us = n->request.latency_us = 0; /* long ago */
        if (took_us(&n->request) < took_us(&quickest->request))
            quickest = n;
    }
    struct notable one;
    fill(&one, r, status, STR("ok"));
    if (took_us(&one.request) > took_us(&quickest->request))
        fill(quickest, r, status, STR("ok"));
}

size_t record_notables(const struct record *k, int64_t unix_us,
                       struct scene_request out[RECORD_REFUSED + RECORD_SLOWEST])
{
    size_t n = 0;
    for (size_t i = 0; i < RECORD_REFUSED && i < k->refused_count; i++)
        out[n++] = k->refused[(k->refused_count - 1 - i) % RECORD_REFUSED].request;
    for (size_t i = 0; i < RECORD_SLOWEST; i++) {
        const struct scene_request *r = &k->slowest[i].request;
        if (took_us(r) > 0 && unix_us - r->unix_us <= TEN_MINUTES_US)
            out[n++] = *r;
    }
    return n;
}

/* ---- the log ------------------------------------------------------------------------------
 */

enum sl_err record_open(struct record *k, const char *path, bool json, struct diag *diag)
{
    FILE *f = NULL;
    if (path && strcmp(path, "-") == 0)
        f = stdout;
    else if (path)
        f = fopen(path, "ae");
    if (path && !f)
        return diag_set(diag, SL_IO, path, "%s", strerror(errno));
    record_close(k);
    k->log = f;
    k->json = json;
    return SL_OK;
}

void record_flush(struct record *k)
{
    if (!k->unflushed)
        return;
    k->unflushed = false;
    if (fflush(k->log) != 0)
        clearerr(k->log); /* a full disk costs lines, not requests */
}

void record_close(struct record *k)
{
    if (!k->log)
        return;
    if (k->log == stdout)
        fflush(stdout);
    else
        fclose(k->log);
    k->log = NULL;
    k->unflushed = false;
}

/* One line: what the two forms have in common. */
struct entry {
    int status;
    const char *verdict;
    struct usage usage;
    struct str provider_id;
};

static void entry_json(struct buf *b, const struct relay *r, const struct entry *e)
{
    const struct flow *f = &r->job.flow;
    bool sent = r->in_flow_since && f->sent_us >= 0;
    buf_puts(b, "{\"time\":\"");
    instant_write_rfc3339(b, gateway_unix(r->gateway));
    buf_printf(b, "\",\"request\":%llu,\"tenant\":", (unsigned long long)f->id);
    buf_json(b, str_of(r->tenant->name));
    buf_puts(b, ",\"account\":");
    buf_json(b, str_of(r->outlet ? r->outlet->name : ""));
    buf_puts(b, ",\"model\":");
    buf_json(b, r->ask.model);
    buf_printf(b, ",\"status\":%d,\"verdict\":\"%s\"", e->status, e->verdict);
    buf_printf(b, ",\"counted_tokens\":%lld,\"reserved_tokens\":%lld",
               (long long)r->ask.demand.input_tokens, (long long)(sent ? reserved(f) : 0));
    buf_printf(b, ",\"input_tokens\":%lld,\"output_tokens\":%lld",
               (long long)e->usage.input_tokens, (long long)e->usage.output_tokens);
    buf_printf(b, ",\"wait_ms\":%lld,\"latency_ms\":%lld,\"attempts\":%d,\"refused\":%d",
               (long long)(sent ? (f->sent_us - f->submitted_us) / 1000 : 0),
               (long long)(sent ? (gateway_now(r->gateway) - f->sent_us) / 1000 : 0),
               f->attempts, f->refusals);
    if (f->waited_for != DIM_UNKNOWN && r->in_flow_since)
        buf_printf(b, ",\"waited_for\":\"%s%s\"", f->own ? "tenant-" : "",
                   dimension_name((enum dimension)f->waited_for));
    buf_puts(b, ",\"provider_request\":");
    buf_json(b, e->provider_id);
    buf_puts(b, "}\n");
}

static void entry_text(struct buf *b, const struct relay *r, const struct entry *e)
{
    const struct flow *f = &r->job.flow;
    bool sent = r->in_flow_since && f->sent_us >= 0;
    instant_write_rfc3339(b, gateway_unix(r->gateway));
    buf_printf(b, " %s %.*s %d %s", r->tenant->name,
               STR_ARG(str_cut(r->ask.model.n ? r->ask.model : STR("-"), 60)), e->status,
               e->verdict);
    buf_printf(b, " in %lld out %lld", (long long)e->usage.input_tokens,
               (long long)e->usage.output_tokens);
    if (sent)
        buf_printf(b, " waited %lld ms took %lld ms attempts %d",
                   (long long)((f->sent_us - f->submitted_us) / 1000),
                   (long long)((gateway_now(r->gateway) - f->sent_us) / 1000), f->attempts);
    if (f->waited_for != DIM_UNKNOWN && r->in_flow_since)
        buf_printf(b, " for %s%s", f->own ? "tenant-" : "",
                   dimension_name((enum dimension)f->waited_for));
    buf_puts(b, "\n");
}

static void write_entry(struct relay *r, const struct entry *e)
{
    struct record *k = &r->gateway->record;
    struct buf line = {0};
    if (!k->log)
        return;
    (k->json ? entry_json : entry_text)(&line, r, e);
    if (fwrite(line.p, 1, line.n, k->log) != line.n)
        clearerr(k->log);
    k->unflushed = true;
    buf_free(&line);
}

static const struct usage nothing = {0, 0, 0};

/* ---- told ---------------------------------------------------------------------------------
 */

void record_declined(struct relay *r, enum turn_away_kind kind, int status, struct str what)
{
    tally_declined(r, kind);
    keep_refused(r, status, what);
    if (!was_sent_for(r, kind))
        write_entry(r, &(struct entry){.status = status,
                                       .verdict = turn_away_name(kind),
                                       .usage = nothing});
}

void record_left(struct relay *r)
{
    tally_of(r)->outcomes[TALLY_LEFT]++;
    write_entry(r, &(struct entry){.verdict = "left", .usage = nothing});
}

void record_shared(struct relay *r, int status)
{
    bool ok = status / 100 == 2;
    tally_of(r)->outcomes[ok ? TALLY_OK : TALLY_PROVIDER_ERROR]++;
    write_entry(
        r, &(struct entry){.status = status, .verdict = ok ? "ok" : "other", .usage = nothing});
}

void record_over(struct relay *r, const struct ending *end)
{
    const struct flow *f = &r->job.flow;
    bool sent = f->sent_us >= 0;
    enum tally_outcome outcome = outcome_of(r, end);
    if (!sent && r->x)
        return; /* refused after all: record_declined tells */
    if (sent)
        histogram_add(&r->tally->wait, f->sent_us - f->submitted_us);
    if (r->x && end->outcome == OUTCOME_UNSENT)
        return;
    tally_retries(r, end);
    r->tally->outcomes[outcome]++;
    if (sent)
        tally_used(r, end);
    if (outcome == TALLY_OK)
        keep_if_slow(r, end->status);
    else if (outcome == TALLY_PROVIDER_ERROR)
        keep_refused(r, end->status, end->verdict.message);
    bool ok = outcome == TALLY_OK;
    write_entry(r, &(struct entry){.status = end->answered ? end->status : 0,
                                   .verdict = ok ? "ok"
                                              : end->answered && r->x
                                                  ? verdict_name(end->verdict.kind)
                                                  : tally_outcome_name(outcome),
                                   .usage = end->usage,
                                   .provider_id = end->request_id});
}
