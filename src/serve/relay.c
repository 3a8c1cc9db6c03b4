/* relay.c: what comes back: answers passed on or read first, waits that became too long; see
 * relay.h for the states. */
#include "relay.h"

#include "pass.h"
#include "record.h"

#include <stdlib.h>
#include <string.h>

/* Bytes a client has not taken yet at which the provider is held back. */
enum { UNTAKEN_BYTES = 256 << 10 };

/* ---- life -------------------------------------------------------------------------------- */

void relay_drop(struct relay *r)
{
    struct gateway *g = r->gateway;
    if (r->x || r->in_flow || r->counting)
        return;
    *(r->prev ? &r->prev->next : &g->relays) = r->next;
    if (r->next)
        r->next->prev = r->prev;
    g->relay_count--;
    g->held_bytes -= r->body.n + r->lent.n;
    r->tenant->held--;
    r->tenant->held_bytes -= r->body.n + r->lent.n;
    if (r->reads)
        stream_free(&r->stream);
    setting_drop(&r->setting);
    buf_free(&r->held);
    buf_free(&r->body);
    buf_free(&r->lent);
    arena_free(&r->arena);
    free(r);
    if (g->ending && !g->relays && g->idle)
        g->idle(g->ctx);
}

/* ---- out --------------------------------------------------------------------------------- */

/* "tpm", or for a limit of the tenant's own "tenant-tpm". */
static struct str waited_for(struct relay *r)
{
    const struct flow *f = &r->job.flow;
    const char *name = dimension_name((enum dimension)f->waited_for);
    return f->own ? arena_printf(&r->arena, "tenant-%s", name) : str_of(name);
}

/* What its allowance leaves a tenant, instead of what the account has left: that is not its. */
static size_t quotas_instead(struct relay *r, struct header *out, size_t n)
{
    struct quota quotas[QUOTAS];
    size_t kept = 0;
    size_t count = quota_of_tenant(&r->tenant->allowance, gateway_now(r->gateway), quotas);
    if (count == 0)
        return n;
    for (size_t i = 0; i < n; i++) {
        if (!quota_is_header(out[i].name))
            out[kept++] = out[i];
    }
    return kept + quota_headers(quotas, count, r->anthropic, gateway_unix(r->gateway),
                                out + kept, &r->arena);
}

/* The provider's headers, ours, and for an empty wallet the word that keeps SDKs from asking
 * again. `out` has room for BOUND_HEADERS + RELAY_OWN_HEADERS. */
static size_t answer_headers(struct relay *r, const struct message *m, bool hopeless,
                             struct header *out)
{
    const struct flow *f = &r->job.flow;
    size_t n = quotas_instead(r, out, pass_answer(m, out));
    int64_t waited_us = r->in_flow_since && f->sent_us >= 0 ? f->sent_us - f->submitted_us : 0;
    if (!r->in_flow_since) /* held for another's answer */
        waited_us = gateway_now(r->gateway) - r->poll_since_us;
    out[n++] = (struct header){STR("x-sluice-wait-ms"), arena_int(&r->arena, waited_us / 1000)};
    if (r->in_flow_since && f->waited_for != DIM_UNKNOWN)
        out[n++] = (struct header){STR("x-sluice-limit"), waited_for(r)};
    if (r->asked_model.n)
        out[n++] = (struct header){STR("x-sluice-model"), r->ask.model};
    if (r->setting->account_count > 1)
        out[n++] = (struct header){STR("x-sluice-account"), str_of(r->outlet->name)};
    if (hopeless && !message_header(m, "x-should-retry").p)
        out[n++] = (struct header){STR("x-should-retry"), STR("false")};
    return n;
}

static void begin_passing(struct relay *r)
{
    struct header headers[BOUND_HEADERS + RELAY_OWN_HEADERS];
    r->state = RELAY_PASSING;
    r->job.committed = true;
    size_t n = answer_headers(r, r->head, false, headers);
    int64_t length = r->reads || r->head->chunked ? -1 : r->head->content_length;
    server_begin_sized(r->x, r->head->status, headers, n, length);
}

/* Whole in memory, and JSON: what else a poll's answer may be goes on as it comes. */
static bool is_shareable(const struct message *m)
{
    enum { SHARED_BYTES = 1 << 20 };
    struct str type = message_header(m, "content-type");
    return str_starts_nocase(type, STR("application/json")) &&
           m->content_length <= SHARED_BYTES;
}

static bool on_begun(void *ctx, struct job *j, const struct message *m)
{
    struct relay *r = (struct relay *)j;
    struct outlet *o = ctx;
    bool events =
        str_starts_nocase(message_header(m, "content-type"), STR("text/event-stream"));
    if (r->metered && !events)
        return false;
    if (r->poll && is_shareable(m))
        return false;
    if (r->poll)
        polls_part(r);
    if (!r->x) /* it went on for the others, who go their own way: over with its first piece */
        return true;
    r->head = m;
    if (!events) {
        begin_passing(r);
        return true;
    }
    if (r->reads)
        stream_free(&r->stream); /* of an attempt before this one */
    r->reads = true;
    buf_clear(&r->held);
    stream_open(&r->stream, o->account->options.provider, &r->ask, &r->gateway->scratch);
    return true;
}

static void pass(struct relay *r, struct str bytes)
{
    if (server_write(r->x, bytes) <= UNTAKEN_BYTES || r->slow)
        return;
    r->slow = true;
    engine_hold(&r->job, true);
}

static void on_piece(void *ctx, struct job *j, struct str bytes)
{
    struct relay *r = (struct relay *)j;
    if (!r->x) {
        engine_cancel(r->outlet->door.engine, j);
        return;
    }
    /* An event too long to be read passes all the same. */
    bool readable = r->reads && stream_feed(&r->stream, bytes) == SL_OK;
    if (r->state == RELAY_PASSING) {
        pass(r, bytes);
        return;
    }
    buf_add(&r->held, bytes);
    if (readable && (r->stream.error.n || r->stream.events == 0))
        return;
    begin_passing(r);
    pass(r, buf_str(&r->held));
    buf_free(&r->held);
}

static void on_judge(void *ctx, struct job *j, struct verdict *v, struct usage *u)
{
    struct relay *r = (struct relay *)j;
    *v = verdict_good(200);
    if (!r->reads)
        return;
    *v = stream_verdict(&r->stream);
    *u = stream_usage(&r->stream);
}

/* The provider's whole answer, good or bad. */
static void answer(struct relay *r, const struct ending *end)
{
    struct header headers[BOUND_HEADERS + RELAY_OWN_HEADERS];
    bool hopeless = end->verdict.kind == VERDICT_QUOTA;
    size_t n = answer_headers(r, end->head, hopeless, headers);
    struct str body = r->reads && r->held.n ? buf_str(&r->held) : end->body;
    r->state = RELAY_ANSWERED;
    server_answer(r->x, end->status, headers, n, body);
}

/* How old it is, and was before it came here. */
static size_t age_headers(struct relay *r, int64_t age_us, struct header *out, size_t n)
{
    enum { SECOND_US = 1000000 };
    int64_t before_s = 0, said_s;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!str_eq_nocase(out[i].name, STR("age")))
            out[kept++] = out[i];
        else if (str_int(str_trim(out[i].value), false, &said_s) == SL_OK && said_s >= 0 &&
                 said_s <= INT32_MAX)
            before_s = said_s;
    }
    out[kept++] =
        (struct header){STR("x-sluice-shared-ms"), arena_int(&r->arena, age_us / 1000)};
    out[kept++] =
        (struct header){STR("age"), arena_int(&r->arena, before_s + age_us / SECOND_US)};
    return kept;
}

void relay_share(struct relay *r, const struct message *m, struct str body, int64_t sent_us)
{
    struct header headers[BOUND_HEADERS + RELAY_OWN_HEADERS];
    size_t n = answer_headers(r, m, false, headers);
    n = age_headers(r, gateway_now(r->gateway) - sent_us, headers, n);
    r->state = RELAY_ANSWERED;
    record_shared(r, m->status);
    server_answer(r->x, m->status, headers, n, body);
}

static void fail(struct relay *r, const struct ending *end)
{
    bool late = end->err == SL_TIMEOUT;
    decline(r, late ? TURN_AWAY_TIMEOUT : TURN_AWAY_UNREACHED, -1,
            arena_printf(&r->arena, "sluice could not get an answer from the provider: %s",
                         end->why));
}

/* An answer of which something has reached the client. */
static void end_passing(struct relay *r, const struct ending *end)
{
    r->state = RELAY_ANSWERED;
    if (end->answered)
        server_finish(r->x);
    else
        server_reset(r->x); /* cut short: never to be taken for whole */
}

static void answer_or_decline(struct relay *r, const struct ending *end)
{
    /* Held until its time was over; what the provider said meanwhile is its last word. */
    bool last_word = end->answered && end->verdict.kind != VERDICT_RATE_LIMIT;
    if (r->too_long && end->err == SL_OK && !last_word) {
        decline_waiting(r);
    } else if (end->outcome == OUTCOME_TOO_LARGE) {
        decline_too_large(r);
    } else if (end->outcome == OUTCOME_UNSENT && !r->too_long) {
        decline(r, TURN_AWAY_ENDING, -1, STR("sluice is shutting down"));
    } else if (end->answered) {
        record_over(r, end);
        answer(r, end);
    } else {
        fail(r, end);
    }
}

static void on_over(void *ctx, struct job *j, const struct ending *end)
{
    struct relay *r = (struct relay *)j;
    r->in_flow = false;
    record_spent(r, end);
    gateway_wake(r->gateway, r->outlet, r->tenant->index);
    if (!r->metered && !str_eq(str_of(r->job.method), STR("GET")))
        polls_forget(r->gateway, r);
    if (r->poll)
        polls_over(r, end);
    if (!r->x) {
        record_over(r, end);
        relay_drop(r);
    } else if (r->state == RELAY_PASSING) {
        record_over(r, end);
        end_passing(r, end);
    } else {
        answer_or_decline(r, end);
    }
}

/* It goes on for others: what its client's message lends it goes with that. */
static void keep_headers(struct relay *r)
{
    size_t n = r->job.header_count;
    struct header *own = arena_alloc(&r->arena, (n + 1) * sizeof *own);
    for (size_t i = 0; i < n; i++)
        own[i] = (struct header){arena_copy(&r->arena, r->job.headers[i].name),
                                 arena_copy(&r->arena, r->job.headers[i].value)};
    r->job.headers = own;
}

void relay_gone(struct relay *r)
{
    r->x = NULL;
    if (r->in_flow && polls_serves(r)) {
        keep_headers(r);
        return;
    }
    if (r->in_flow) {
        engine_cancel(r->outlet->door.engine, &r->job);
        return;
    }
    if (r->state < RELAY_WAITING || r->poll)
        record_left(r);
    if (r->poll)
        polls_leave(r);
    relay_drop(r);
}

void relay_drained(struct relay *r)
{
    if (!r->slow)
        return;
    r->slow = false;
    engine_hold(&r->job, false);
}

void relay_cancel_all(struct gateway *g)
{
    for (struct relay *r = g->relays; r;) {
        bool going = r->in_flow;
        if (going)
            engine_cancel(r->outlet->door.engine, &r->job);
        r = going ? g->relays : r->next; /* others may have gone with it */
    }
}

/* ---- promises that no longer hold ---------------------------------------------------- */

static bool waits(const struct relay *r)
{
    return r->in_flow &&
           (r->job.flow.state == FLOW_QUEUED || r->job.flow.state == FLOW_BACKOFF);
}

/* Polls that are held have no promise but their own time. A leader without a client may end
 * with the last of them, but not the one that is looked at. */
static void refuse_held(struct gateway *g, int64_t now_us)
{
    for (struct relay *r = g->relays; r; r = r->next) {
        if (!r->poll || r->in_flow || r->deadline_us > now_us)
            continue;
        polls_leave(r);
        r->promise = (struct promise){.dim = DIM_RPM};
        decline_waiting(r);
    }
}

static void refuse_waiting(struct gateway *g)
{
    for (struct relay *r = g->relays, *next; r; r = next) {
        next = r->next;
        if (r->too_long && waits(r))
            engine_cancel(r->outlet->door.engine, &r->job);
    }
}

static void promise_again(void *ctx, struct flow *f, struct promise promise)
{
    struct relay *r = (struct relay *)f;
    int64_t left_us = r->deadline_us - *(int64_t *)ctx;
    r->promise = promise;
    r->too_long = promise.wait_us > left_us;
}

static void promise_all(struct gateway *g)
{
    for (size_t i = 0; i < g->outlets.n; i++) {
        struct outlet *o = g->outlets.list[i];
        struct account *account = engine_account(o->door.engine);
        int64_t now_us = engine_now(o->door.engine);
        for (size_t k = 0; k < o->models.pool_count; k++) {
            if (o->models.pools[k].pool)
                pool_promises(account, o->models.pools[k].pool, now_us, promise_again, &now_us);
        }
    }
}

void relay_look_again(struct gateway *g)
{
    promise_all(g);
    refuse_waiting(g);
}

int64_t relay_overdue(struct gateway *g, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    promise_all(g);
    for (struct relay *r = g->relays; r; r = r->next) {
        if (r->poll && !r->in_flow && r->deadline_us > now_us && r->deadline_us < next_us)
            next_us = r->deadline_us;
        if (!waits(r))
            continue;
        r->too_long |= r->deadline_us <= now_us;
        if (!r->too_long && r->deadline_us < next_us)
            next_us = r->deadline_us;
    }
    refuse_waiting(g);
    refuse_held(g, now_us);
    return next_us;
}

/* ---- the engine's driver ------------------------------------------------------------- */

static void on_hungry(void *ctx)
{
    struct outlet *o = ctx;
    if (!o->gateway->look_again)
        return;
    o->gateway->look_again = false;
    relay_look_again(o->gateway);
}

static struct str on_request_body(void *ctx, struct job *j)
{
    struct relay *r = (struct relay *)j;
    return r->body.n && !r->streams ? buf_str(&r->body) : STR("");
}

static void on_release(void *ctx, struct job *j)
{
    (void)ctx; /* a body is kept until its relay ends */
}

/* It goes back into the queue, and may hold up what is behind it. */
static void on_setback(void *ctx, struct job *j, const struct ending *end)
{
    struct outlet *o = ctx;
    record_setback((struct relay *)j, end);
    if (!end->answered || end->verdict.kind != VERDICT_RATE_LIMIT)
        return;
    o->gateway->look_again = true;
}

static struct str on_more(void *ctx, struct job *j)
{
    (void)ctx;
    return relay_more((struct relay *)j);
}

static void on_halted(void *ctx, struct job *j, const struct ending *end)
{
    (void)ctx; /* never: a gateway's account does not halt */
}

struct engine_config relay_wiring(struct outlet *o)
{
    return (struct engine_config){
        .driver = {on_hungry, on_request_body, on_release, on_setback, on_over, on_halted, o,
                   on_more},
        .tap = {on_begun, on_piece, on_judge},
    };
}
