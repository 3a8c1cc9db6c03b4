/* record.c: see record.h. */
#include "record.h"
#include "relay.h"

#include "duration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- tallies ------------------------------------------------------------------------- */

static struct tally *tally_of(struct relay *r)
{
    return r->tally ? r->tally : &r->gateway->record.strays;
}

static void end_as(struct relay *r, enum tally_outcome outcome)
{
    struct tenant_totals *t = &r->tenant->totals;
    tally_of(r)->outcomes[outcome]++;
    t->answered += outcome == TALLY_OK;
    t->refused += outcome == TALLY_TURNED_AWAY || outcome == TALLY_INVALID;
    t->failed +=
        outcome == TALLY_PROVIDER_ERROR || outcome == TALLY_UNREACHED || outcome == TALLY_CUT;
}

static bool is_refusal(enum turn_away_kind kind)
{
    return kind == TURN_AWAY_WAIT || kind == TURN_AWAY_TOO_LARGE || kind == TURN_AWAY_SPEND;
}

static void tally_declined(struct relay *r, enum turn_away_kind kind)
{
    const struct flow *f = &r->job.flow;
    bool unreached = kind == TURN_AWAY_UNREACHED || kind == TURN_AWAY_TIMEOUT;
    bool large = kind == TURN_AWAY_TOO_LARGE;
    enum dimension dim = large ? (enum dimension)f->waited_for : r->promise.dim;
    bool own = large ? f->own : r->promise.own;
    bool invalid =
        kind == TURN_AWAY_BAD_REQUEST || kind == TURN_AWAY_CONTEXT || kind == TURN_AWAY_UPGRADE;
    end_as(r, unreached ? TALLY_UNREACHED : invalid ? TALLY_INVALID : TALLY_TURNED_AWAY);
    if (is_refusal(kind))
        tally_of(r)->refusals[own     ? TALLY_CAUSE_TENANT
                              : large ? TALLY_CAUSE_SIZE
                                      : TALLY_CAUSE_WAIT][dim]++;
}

void record_setback(struct relay *r, const struct ending *end)
{
    reckon_setback(&r->setbacks, end);
    reckon_refusal(r->tally, r->outlet->account->options.provider, &r->job.flow, end,
                   gateway_unix(r->gateway));
}

static enum tally_outcome outcome_of(const struct relay *r, const struct ending *end)
{
    if (!r->x)
        return TALLY_LEFT;
    if (end->outcome == OUTCOME_OK)
        return TALLY_OK;
    return r->job.committed ? TALLY_CUT : TALLY_PROVIDER_ERROR;
}

/* ---- those to look at ---------------------------------------------------------------- */

static struct scene_request notable(const struct relay *r, int status, struct str what)
{
    const struct flow *f = &r->job.flow;
    bool sent = r->in_flow_since && f->sent_us >= 0;
    return (struct scene_request){
        .unix_us = gateway_unix(r->gateway),
        .tenant = str_of(r->tenant->name),
        .model = r->ask.model,
        .account = str_of(r->outlet ? r->outlet->name : ""),
        .what = what,
        .status = status,
        .wait_us = sent ? f->sent_us - f->submitted_us : 0,
        .latency_us = sent ? gateway_now(r->gateway) - f->sent_us : 0,
    };
}

static void keep_refused(struct relay *r, int status, struct str what)
{
    struct scene_request one = notable(r, status, what);
    notables_refused(&r->gateway->record.notables, &one);
}

static void keep_if_slow(struct relay *r, int status)
{
    struct scene_request one = notable(r, status, STR("ok"));
    notables_ended(&r->gateway->record.notables, &one);
}

static void keep_bad_answer(struct relay *r, const struct ending *end)
{
    struct buf what = {0};
    reckon_diagnosis(end, &what);
    keep_refused(r, end->status, buf_str(&what));
    buf_free(&what);
}

/* ---- the log ------------------------------------------------------------------------- */

/* One line: what the two forms have in common. */
struct entry {
    int status;
    const char *verdict;
    struct usage usage;
    struct str provider_id;
};

/* The same for all of a second. */
static void stamp(struct record *k, struct buf *b, int64_t unix_us)
{
    int64_t second = unix_us / 1000000;
    if (!k->stamp.n || second != k->stamp_second) {
        buf_clear(&k->stamp);
        instant_write_rfc3339(&k->stamp, unix_us);
        k->stamp_second = second;
    }
    buf_add(b, buf_str(&k->stamp));
}

static void number(struct buf *b, struct str key, int64_t n)
{
    char room[STR_DECIMAL];
    struct str digits = str_decimal(n, room);
    buf_reserve(b, key.n + digits.n);
    memcpy(b->p + b->n, key.p, key.n);
    memcpy(b->p + b->n + key.n, digits.p, digits.n);
    b->n += key.n + digits.n;
}

/* Without printf: it would cost as much as all the rest of being seen. */
static void entry_json(struct buf *b, const struct relay *r, const struct entry *e)
{
    const struct flow *f = &r->job.flow;
    bool sent = r->in_flow_since && f->sent_us >= 0;
    buf_puts(b, "{\"time\":\"");
    stamp(&r->gateway->record, b, gateway_unix(r->gateway));
    number(b, STR("\",\"request\":"), (int64_t)f->id);
    buf_puts(b, ",\"tenant\":");
    buf_json(b, str_of(r->tenant->name));
    buf_puts(b, ",\"account\":");
    buf_json(b, str_of(r->outlet ? r->outlet->name : ""));
    buf_puts(b, ",\"model\":");
    buf_json(b, r->ask.model);
    number(b, STR(",\"status\":"), e->status);
    buf_puts(b, ",\"verdict\":\"");
    buf_puts(b, e->verdict);
    number(b, STR("\",\"counted_tokens\":"), r->ask.demand.input_tokens);
    number(b, STR(",\"reserved_tokens\":"), sent ? reckon_reserved(f) : 0);
    number(b, STR(",\"charged_tokens\":"), f->charged_tokens);
    number(b, STR(",\"input_tokens\":"), e->usage.input_tokens);
    number(b, STR(",\"output_tokens\":"), e->usage.output_tokens);
    number(b, STR(",\"wait_ms\":"), sent ? (f->sent_us - f->submitted_us) / 1000 : 0);
    number(b, STR(",\"latency_ms\":"),
           sent ? (gateway_now(r->gateway) - f->sent_us) / 1000 : 0);
    number(b, STR(",\"attempts\":"), f->attempts);
    number(b, STR(",\"refused\":"), f->refusals);
    if (f->waited_for != DIM_UNKNOWN && r->in_flow_since)
        buf_printf(b, ",\"waited_for\":\"%s%s\"", f->own ? "tenant-" : "",
                   dimension_name((enum dimension)f->waited_for));
    buf_puts(b, ",\"provider_request\":");
    buf_json(b, e->provider_id);
    buf_puts(b, "}\n");
}

/* One word of a line, whoever chose it: it begins no other line, and moves no cursor. */
static void put_word(struct buf *b, struct str word)
{
    struct str rest = str_cut(word, 60);
    buf_char(b, ' ');
    if (!rest.n)
        buf_char(b, '-');
    while (rest.n) {
        size_t n = str_utf8(rest);
        unsigned char first = (unsigned char)rest.p[0];
        bool control = n == 2 && first == 0xc2 && (unsigned char)rest.p[1] < 0xa0;
        if (n == 0 || first <= ' ' || first == 127 || control)
            buf_char(b, '_');
        else
            buf_add(b, str_cut(rest, n));
        rest = str_from(rest, n ? n : 1);
    }
}

static void entry_text(struct buf *b, const struct relay *r, const struct entry *e)
{
    const struct flow *f = &r->job.flow;
    bool sent = r->in_flow_since && f->sent_us >= 0;
    stamp(&r->gateway->record, b, gateway_unix(r->gateway));
    put_word(b, str_of(r->tenant->name));
    put_word(b, r->ask.model);
    buf_printf(b, " %d %s", e->status, e->verdict);
    buf_printf(b, " in %lld out %lld", (long long)e->usage.input_tokens,
               (long long)e->usage.output_tokens);
    buf_printf(b, " counted %lld", (long long)r->ask.demand.input_tokens);
    if (sent)
        buf_printf(b, " reserved %lld charged %lld waited %lld ms took %lld ms attempts %d",
                   (long long)reckon_reserved(f), (long long)f->charged_tokens,
                   (long long)((f->sent_us - f->submitted_us) / 1000),
                   (long long)((gateway_now(r->gateway) - f->sent_us) / 1000), f->attempts);
    if (f->refusals)
        buf_printf(b, " refused %d", f->refusals);
    buf_printf(b, " request %llu", (unsigned long long)f->id);
    if (f->waited_for != DIM_UNKNOWN && r->in_flow_since)
        buf_printf(b, " for %s%s", f->own ? "tenant-" : "",
                   dimension_name((enum dimension)f->waited_for));
    buf_puts(b, "\n");
}

static void write_entry(struct relay *r, const struct entry *e)
{
    struct record *k = &r->gateway->record;
    if (k->log.fd < 0)
        return;
    (k->log.json ? entry_json : entry_text)(&k->log.lines, r, e);
    log_sink_added(&k->log);
}

static const struct usage nothing = {0, 0, 0};

/* ---- told ---------------------------------------------------------------------------- */

/* What its client was told, in fewer words; the figures of a limit stand in the metrics. */
static struct str diagnosis(struct relay *r, enum turn_away_kind kind, struct str what)
{
    if (kind == TURN_AWAY_BAD_REQUEST) /* why not may name what is in it */
        return STR("not a request that can be sent; its client was told why");
    if (kind != TURN_AWAY_WAIT)
        return what;
    struct buf wait = {0};
    enum dimension dim = r->promise.dim;
    if (r->in_flow_since &&
        r->promise.wait_us <= r->max_wait_us) { /* none was foreseen: an outage, or all slots */
        duration_human(&wait, gateway_now(r->gateway) - r->job.flow.submitted_us);
        what = arena_printf(&r->arena, "waited %s, as long as it may", buf_cstr(&wait));
        buf_free(&wait);
        return what;
    }
    duration_human(&wait, r->promise.wait_us);
    what = arena_printf(&r->arena, "would wait %s, longer than it may%s%s%s%s", buf_cstr(&wait),
                        dim == DIM_UNKNOWN ? "" : ", for ",
                        dim == DIM_UNKNOWN ? "" : dimension_unit(dim),
                        dim == DIM_UNKNOWN ? ""
                        : r->promise.own   ? ": its tenant's limit"
                                           : "",
                        dim == DIM_UNKNOWN || r->promise.own ? "" : ": the account's limit");
    buf_free(&wait);
    return what;
}

void record_declined(struct relay *r, enum turn_away_kind kind, int status, struct str what)
{
    tally_declined(r, kind);
    keep_refused(r, status, diagnosis(r, kind, what));
    write_entry(r, &(struct entry){
                       .status = status, .verdict = turn_away_name(kind), .usage = nothing});
}

void record_left(struct relay *r)
{
    end_as(r, TALLY_LEFT);
    write_entry(r, &(struct entry){.verdict = "left", .usage = nothing});
}

void record_shared(struct relay *r, int status)
{
    bool ok = status / 100 == 2;
    end_as(r, ok ? TALLY_OK : TALLY_PROVIDER_ERROR);
    tally_of(r)->shared++;
    write_entry(
        r, &(struct entry){.status = status, .verdict = ok ? "ok" : "other", .usage = nothing});
}

void record_spent(struct relay *r, const struct ending *end)
{
    struct tenant_totals *t = &r->tenant->totals;
    const struct flow *f = &r->job.flow;
    reckon_retries(r->tally, &r->setbacks, end);
    if (f->sent_us < 0)
        return;
    histogram_add(&r->tally->wait, f->sent_us - f->submitted_us);
    reckon_used(r->tally, f, end);
    t->waited_us += f->sent_us - f->submitted_us;
    t->input_tokens += end->usage.input_tokens > 0 ? end->usage.input_tokens : 0;
    t->output_tokens += end->usage.output_tokens > 0 ? end->usage.output_tokens : 0;
}

void record_over(struct relay *r, const struct ending *end)
{
    enum tally_outcome outcome = outcome_of(r, end);
    end_as(r, outcome);
    if (outcome == TALLY_OK)
        keep_if_slow(r, end->status);
    else if (outcome == TALLY_PROVIDER_ERROR)
        keep_bad_answer(r, end);
    bool ok = outcome == TALLY_OK;
    write_entry(r, &(struct entry){.status = end->answered ? end->status : 0,
                                   .verdict = ok ? "ok"
                                              : end->answered && r->x
                                                  ? verdict_name(end->verdict.kind)
                                                  : tally_outcome_name(outcome),
                                   .usage = end->usage,
                                   .provider_id = end->request_id});
}
