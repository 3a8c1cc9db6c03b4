/* decline.c: our own refusals of a request, with the figures that its client is owed: those of
 * its tenant's allowance where that is what refused, else the account's. */
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

static struct str words_of(struct relay *r, const struct quota *q, int64_t wait_us, bool own)
{
    struct buf text = {0}, wait = {0};
    enum dimension dim = r->promise.dim;
    struct str model = r->ask.model.n ? str_cut(r->ask.model, 80) : STR("this request");
    duration_go(&wait, wait_us);
    buf_printf(&text, "Rate limit reached for %.*s", STR_ARG(model));
    if (own)
        buf_printf(&text, " in organization %s", r->tenant->name);
    buf_printf(&text, " on %s (%s)", dimension_unit(dim), dimension_name(dim));
    if (q)
        buf_printf(&text, ": Limit %lld, Used %lld", (long long)q->limit,
                   (long long)(q->left < q->limit ? q->limit - q->left : 0));
    buf_printf(&text, ". Please try again in %s.", buf_cstr(&wait));
    if (own)
        buf_puts(&text, " (a limit that sluice keeps for this key)");
    else
        buf_printf(&text, " (sluice: %zu requests are queued before this one)",
                   pool_waiting(r->job.flow.pool));
    struct str kept = arena_copy(&r->arena, buf_str(&text));
    buf_free(&text);
    buf_free(&wait);
    return kept;
}

void decline_waiting(struct relay *r)
{
    struct quota quotas[QUOTAS];
    bool own = r->promise.own, spent = own && r->promise.dim == DIM_SPEND;
    size_t n = quotas_of(r, own, quotas);
    int64_t wait_us = r->promise.wait_us;
    if (wait_us < RELAY_LATE_US / 1000)
        wait_us = RELAY_LATE_US; /* waits for a slot, and nobody knows how long */
    struct str what =
        spent ? arena_printf(&r->arena,
                             "The spend limit of %s is reached. (a limit that sluice keeps for "
                             "this key)",
                             r->tenant->name)
              : words_of(r, binding(quotas, n, r->promise.dim), wait_us, own);
    answer(r, &(struct refusal_words){.kind = spent ? TURN_AWAY_SPEND : TURN_AWAY_WAIT,
                                      .anthropic = r->anthropic,
                                      .what = what,
                                      .wait_us = wait_us,
                                      .quotas = quotas,
                                      .quota_count = n,
                                      .unix_us = gateway_unix(r->gateway)});
}

void decline_too_large(struct relay *r)
{
    const struct flow *f = &r->job.flow;
    decline(r, TURN_AWAY_TOO_LARGE, -1,
            arena_printf(&r->arena,
                         "Request too large for %.*s: it would be charged more than the whole "
                         "limit (%s%s), so no wait can help. The input or output tokens must "
                         "be reduced in order to run successfully.",
                         STR_ARG(str_cut(r->ask.model, 80)),
                         dimension_unit((enum dimension)f->waited_for),
                         f->own ? ", of this key" : ""));
}
