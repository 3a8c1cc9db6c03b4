/* decline.c: our own refusals of a request, with the figures that its client is owed: those of
 * its tenant's allowance where that is what refused, else the account's. */
#include "account.h"
#include "record.h"
#include "relay.h"

#include "duration.h"

static size_t quotas_of(const struct relay *r, bool own, struct quota *out)
{
    struct pool_view view;
    int64_t now_us = gateway_now(r->gateway);
    if (own)
        return quota_of_tenant(&r->tenant->allowance, now_us, out);
    if (!r->outlet || !r->job.flow.pool)
        return 0;
    pool_look(engine_account(r->outlet->door.engine), r->job.flow.pool, now_us, &view);
    return quota_of_pool(&view, out);
}

static void answer(struct relay *r, const struct refusal_words *words)
{
    struct turn_away t;
    r->state = RELAY_ANSWERED;
    turn_away_write(&t, words, &r->arena);
    record_declined(r, words->kind, t.status, words->what);
    if (!r->x)
        return;
    server_answer(r->x, t.status, t.headers, t.header_count, t.body);
}

void decline(struct relay *r, enum turn_away_kind kind, int64_t wait_us, struct str what)
{
    answer(r, &(struct refusal_words){
                  .kind = kind, .anthropic = r->anthropic, .what = what, .wait_us = wait_us});
}

/* The limit that binds; none of its requests is left for this one, since others wait before. */
static const struct quota *binding(struct quota *q, size_t n, enum dimension dim)
{
    for (size_t i = 0; i < n; i++) {
        if (q[i].dim != dim)
            continue;
        if (dim == DIM_RPM || dim == DIM_RPD)
            q[i].left = 0;
        return &q[i];
    }
    return NULL;
}

/* OpenAI's words for a limit, and what its error's type is then; programs look for both. */
static const struct {
    const char *words, *type;
} limits[] = {
    [DIM_RPM] = {"requests per min (RPM)", "requests"},
    [DIM_RPD] = {"requests per day (RPD)", "requests"},
    [DIM_TPM] = {"tokens per min (TPM)", "tokens"},
    [DIM_TPD] = {"tokens per day (TPD)", "tokens"},
    [DIM_ITPM] = {"input tokens per min (ITPM)", "tokens"},
    [DIM_OTPM] = {"output tokens per min (OTPM)", "tokens"},
    [DIM_IPM] = {"images per min (IPM)", "images"},
    [DIM_CONCURRENCY] = {"concurrent requests", NULL},
    [DIM_SPEND] = {"dollars spent", NULL},
    [DIM_UNKNOWN] = {NULL, NULL},
};

/* What it would take of that limit; -1: not to be told in units. */
static int64_t requested(const struct relay *r, enum dimension dim, bool own)
{
    struct bill bill = {.later = 0};
    if (dim == DIM_RPM || dim == DIM_RPD)
        return 1;
    if ((int)dim >= DIM_RATES || !r->job.flow.pool)
        return -1;
    if (own)
        return stake_tokens(&r->stake, &r->ask.demand);
    charge_expect(r->job.flow.pool, &r->ask.demand, &bill);
    return bill.units[dim];
}

/* "... for gpt-4o in organization shop on tokens per min (TPM): Limit 30000" */
static void put_limit(struct buf *text, const struct relay *r, const struct quota *q,
                      enum dimension dim, bool own)
{
    struct str model = r->ask.model.n ? str_cut(r->ask.model, 80) : STR("this request");
    buf_printf(text, " for %.*s", STR_ARG(model));
    if (own)
        buf_printf(text, " in organization %s", r->tenant->name);
    if (limits[dim].words)
        buf_printf(text, " on %s", limits[dim].words);
    if (q)
        buf_printf(text, ": Limit %lld", (long long)q->limit);
}

static void put_requested(struct buf *text, const struct relay *r, const struct quota *q,
                          enum dimension dim, bool own)
{
    int64_t units = requested(r, dim, own);
    if (q && units >= 0)
        buf_printf(text, ", Requested %lld", (long long)units);
    buf_puts(text, ". ");
}

static struct str words_of(struct relay *r, const struct quota *q, enum dimension dim,
                           int64_t wait_us, bool own)
{
    struct buf text = {0};
    buf_puts(&text, "Rate limit reached");
    put_limit(&text, r, q, dim, own);
    if (q)
        buf_printf(&text, ", Used %lld",
                   (long long)(q->left < q->limit ? q->limit - q->left : 0));
    put_requested(&text, r, q, dim, own);
    buf_puts(&text, "Please try again in ");
    duration_go(&text, wait_us);
    buf_puts(&text, ".");
    if (own)
        buf_puts(&text, " (a limit that sluice keeps for this key)");
    else
        buf_printf(&text, " (sluice: %zu requests are queued before this one)",
                   pool_waiting(r->job.flow.pool));
    struct str kept = arena_copy(&r->arena, buf_str(&text));
    buf_free(&text);
    return kept;
}

void decline_waiting(struct relay *r)
{
    const struct flow *f = &r->job.flow;
    struct quota quotas[QUOTAS];
    bool told = r->promise.dim != DIM_UNKNOWN; /* else it knows at least what it waited for */
    bool own = told ? r->promise.own : f->own;
    enum dimension dim = told ? r->promise.dim : (enum dimension)f->waited_for;
    bool spent = own && dim == DIM_SPEND;
    size_t n = quotas_of(r, own, quotas);
    int64_t wait_us = r->promise.wait_us;
    if (wait_us < RELAY_LATE_US / 1000)
        wait_us = RELAY_LATE_US; /* waits for a slot, and nobody knows how long */
    struct str what =
        spent ? arena_printf(&r->arena,
                             "The spend limit of %s is reached. (a limit that sluice keeps for "
                             "this key)",
                             r->tenant->name)
              : words_of(r, binding(quotas, n, dim), dim, wait_us, own);
    answer(r, &(struct refusal_words){.kind = spent ? TURN_AWAY_SPEND : TURN_AWAY_WAIT,
                                      .anthropic = r->anthropic,
                                      .type = limits[dim].type,
                                      .what = what,
                                      .wait_us = wait_us,
                                      .quotas = quotas,
                                      .quota_count = n,
                                      .unix_us = gateway_unix(r->gateway)});
}

void decline_too_large(struct relay *r)
{
    const struct flow *f = &r->job.flow;
    enum dimension dim = (enum dimension)f->waited_for;
    struct quota quotas[QUOTAS];
    size_t n = quotas_of(r, f->own, quotas);
    struct buf text = {0};
    buf_puts(&text, "Request too large");
    put_limit(&text, r, binding(quotas, n, dim), dim, f->own);
    put_requested(&text, r, binding(quotas, n, dim), dim, f->own);
    buf_puts(&text, "It would be charged more than the whole limit, and no wait can help. The "
                    "input or output tokens must be reduced in order to run successfully.");
    if (f->own)
        buf_puts(&text, " (a limit that sluice keeps for this key)");
    answer(r, &(struct refusal_words){.kind = TURN_AWAY_TOO_LARGE,
                                      .anthropic = r->anthropic,
                                      .type = limits[dim].type,
                                      .what = arena_copy(&r->arena, buf_str(&text)),
                                      .wait_us = -1});
    buf_free(&text);
}
