/* relay.c: one request through the gateway.
 *
 *   READING ---> COUNTING ---> WAITING ------------> PASSING ------> ANSWERED
 *   (body)       (ask_parse)   (flow: queue, sent)   (committed)
 *      |             |             |                    |
 *      +--- turn_away (our own refusal) ----------------+---> ANSWERED
 *
 * Invariants:
 * - A relay lives until its job is over and its exchange is gone, in whichever order.
 * - Nothing of an answer reaches the client before it is known to be one: a stream is held
 * until its first event is no refusal. From then on (committed) the request is never sent
 * again.
 * - Bodies go up and answers come down byte for byte.
 * - A large body is counted by a thread of the pool, so that streams go on. */
#include "gateway.h"

#include "duration.h"
#include "pass.h"
#include "stream.h"
#include "turn_away.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* A body above this is counted off the loop: below it that takes less than a millisecond.
     */
    COUNTED_HERE_BYTES = 64 << 10,
    /* Bytes a client has not taken yet at which the provider is held back. */
    UNTAKEN_BYTES = 256 << 10,
    OWN_HEADERS = 4,
    /* By this much a wait may exceed what a client would have, before it is ended: promises are
     * good, not perfect, and concurrency is not promised. */
    LATE_US = 1000000,
};

enum relay_state {
    RELAY_READING,
    RELAY_COUNTING,
    RELAY_WAITING,
    RELAY_PASSING,
    RELAY_ANSWERED
};

struct relay {
    struct job job; /* first: the engine hands it back */
    struct gateway *gateway;
    struct outlet *outlet;
    struct exchange *x; /* NULL: the client has left, or has its answer */
    struct relay *prev, *next;
    enum relay_state state;
    enum route route;
    bool metered;  /* counted as a request of its model; else as a request alone */
    bool in_flow;  /* submitted and not over */
    bool counting; /* a thread is at it */
    bool reads;    /* the answer's events are read on their way */
    bool slow;     /* the provider is held back */
    bool too_long; /* its wait has become longer than it may be */
    struct buf body;
    struct ask ask;
    struct promise promise;
    int64_t max_wait_us, deadline_us;
    struct stream stream;
    struct buf held;            /* of a stream: what came before its first event was whole */
    const struct message *head; /* of the answer while it is passed on; lent */
    struct arena arena;
    uv_work_t work;
    enum sl_err err; /* of the counting */
    struct diag diag;
};

/* ---- life ---------------------------------------------------------------------------------
 */

static void relay_drop(struct relay *r)
{
    struct gateway *g = r->gateway;
    if (r->x || r->in_flow || r->counting)
        return;
    *(r->prev ? &r->prev->next : &g->relays) = r->next;
    if (r->next)
        r->next->prev = r->prev;
    g->relay_count--;
    g->held_bytes -= r->body.n;
    if (r->reads)
        stream_free(&r->stream);
    buf_free(&r->held);
    buf_free(&r->body);
    arena_free(&r->arena);
    free(r);
    if (g->ending && !g->relays && g->idle)
        g->idle(g->ctx);
}

static bool speaks_anthropic(const struct relay *r)
{
    return r->outlet->anthropic || r->route == ROUTE_MESSAGES;
}

static void turn_away(struct relay *r, enum turn_away_kind kind, int64_t wait_us,
                      struct str what)
{
    struct turn_away t;
    struct pool_view view;
    struct engine *e = r->outlet->door.engine;
    bool budgets = kind == TURN_AWAY_WAIT && r->job.flow.pool;
    r->state = RELAY_ANSWERED;
    if (!r->x)
        return;
    if (budgets)
        pool_look(engine_account(e), r->job.flow.pool, engine_now(e), &view);
    turn_away_write(&t, kind, speaks_anthropic(r), what, wait_us, budgets ? &view : NULL,
                    &r->arena);
    server_answer(r->x, t.status, t.headers, t.header_count, t.body);
}

/* In the provider's own grammar, so that what reads its refusals reads ours. */
static void turn_away_waiting(struct relay *r)
{
    struct pool_view view;
    struct engine *e = r->outlet->door.engine;
    struct buf wait = {0};
    enum dimension dim = r->promise.dim;
    int64_t limit = -1, level = -1;
    pool_look(engine_account(e), r->job.flow.pool, engine_now(e), &view);
    for (size_t i = 0; i < view.budget_count; i++) {
        if (view.budgets[i].dim == dim) {
            limit = view.budgets[i].limit;
            level = view.budgets[i].level;
        }
    }
    if (r->promise.wait_us < LATE_US / 1000)
        r->promise.wait_us = LATE_US; /* waits for a slot, and nobody knows how long */
    duration_go(&wait, r->promise.wait_us);
    struct str what = arena_printf(
        &r->arena,
        "Rate limit reached for %.*s on %s (%s): Limit %lld, Used %lld. Please try again in "
        "%s. (sluice: %zu requests are queued before this one)",
        STR_ARG(str_cut(view.name, 80)), dimension_unit(dim), dimension_name(dim),
        (long long)limit, (long long)(level < limit ? limit - level : 0), buf_cstr(&wait),
        view.queued);
    buf_free(&wait);
    turn_away(r, TURN_AWAY_WAIT, r->promise.wait_us, what);
}

/* ---- in -----------------------------------------------------------------------------------
 */

static struct outlet *choose(struct gateway *g, const struct message *m)
{
    bool anthropic = pass_to_anthropic(m);
    for (size_t i = 0; i < g->outlet_count; i++) {
        if (g->outlets[i].anthropic == anthropic)
            return &g->outlets[i];
    }
    return &g->outlets[0];
}

static int64_t max_wait_of(const struct gateway *g, const struct message *m)
{
    int64_t asked_us;
    struct str text = message_header(m, "x-sluice-max-wait");
    if (text.n && duration_parse(text, &asked_us) == SL_OK && asked_us >= 0)
        return asked_us;
    return g->config.max_wait_us;
}

/* What is counted by its body: a JSON request of a known route. */
static bool is_metered(enum route route, const struct message *m)
{
    struct str type = message_header(m, "content-type");
    return route != ROUTE_OTHER && str_eq(m->method, STR("POST")) &&
           str_find_nocase(type, STR("multipart/"), 0) != 0;
}

void relay_start(struct gateway *g, struct exchange *x, const struct message *m)
{
    struct relay *r = mem_zero(sizeof *r);
    r->gateway = g;
    r->outlet = choose(g, m);
    r->x = x;
    r->next = g->relays;
    if (r->next)
        r->next->prev = r;
    g->relays = r;
    g->relay_count++;
    exchange_set(x, r);
    r->route = route_of(m->target);
    r->metered = is_metered(r->route, m);
    r->max_wait_us = max_wait_of(g, m);
    struct header *headers = arena_alloc(&r->arena, (m->header_count + 1) * sizeof *headers);
    r->job.flow.id = ++g->requests;
    r->job.path = pass_path(m->target, r->outlet->door.base_path);
    r->job.method = arena_copy(&r->arena, m->method).p;
    r->job.headers = headers;
    r->job.header_count = pass_request(m, headers);
    if (m->upgrade && message_header(m, "upgrade").p)
        turn_away(r, TURN_AWAY_UPGRADE, -1,
                  STR("WebSocket and other upgrades are not passed on; use HTTP streaming"));
    else if (g->ending)
        turn_away(r, TURN_AWAY_ENDING, -1, STR("sluice is shutting down"));
    else if (g->relay_count > g->config.queue_max)
        turn_away(r, TURN_AWAY_FULL, 1000000, STR("sluice holds as many requests as it may"));
}

void relay_body(struct relay *r, struct str bytes)
{
    struct gateway *g = r->gateway;
    if (r->state != RELAY_READING)
        return;
    if (g->held_bytes + bytes.n > g->config.queue_bytes) {
        turn_away(r, TURN_AWAY_FULL, 1000000, STR("sluice holds as many bytes as it may"));
        return;
    }
    g->held_bytes += bytes.n;
    buf_add(&r->body, bytes);
}

/* ---- counted ------------------------------------------------------------------------------
 */

/* Azure's paths name the deployment, and the body need not name a model: the tree that is
 * counted is given one. The bytes that are sent stay as they are. */
static void name_deployment(struct relay *r, struct json *root)
{
    struct str name = pass_deployment(r->job.path);
    if (!name.n || root->type != JSON_OBJECT || json_get(root, "model"))
        return;
    struct json *model = arena_alloc(&r->arena, sizeof *model);
    *model = (struct json){
        .type = JSON_STRING, .text = name, .key = STR("model"), .next = root->first};
    root->first = model;
    root->count++;
}

/* Runs on a thread of the pool for large bodies: touches this relay and what never changes. */
static void count(struct relay *r)
{
    const struct account_options *o = &r->outlet->options;
    struct json *root = json_parse(&r->arena, buf_str(&r->body), &r->diag);
    if (root)
        name_deployment(r, root);
    r->err = root ? ask_parse(o->provider, o->catalogue, r->route, root, &r->ask, &r->diag)
                  : SL_SYNTAX;
}

/* The pool of a model; one that the account's tier does not know has a pool without limits,
 * which its answers' headers teach; models beyond all bounds share one. */
static struct pool *pool_of(struct outlet *o, struct str model)
{
    size_t index;
    struct diag diag = {{0}, {0}};
    struct account *account = engine_account(o->door.engine);
    enum sl_err err = models_index(&o->models, &o->options.limits, model, &index, &diag);
    if (err == SL_UNKNOWN) {
        struct limit_source untold = o->options.limits;
        untold.tier = (struct str){0};
        err = models_index(&o->models, &untold, model, &index, &diag);
    }
    if (err != SL_OK)
        return account_pool(account, STR("(other models)"), NULL, 0);
    struct batch_pool *p = &o->models.pools[o->models.list[index].pool];
    if (!p->pool)
        p->pool = account_pool(account, p->name, p->limits, p->limit_count);
    return p->pool;
}

static void queue_up(struct relay *r)
{
    struct engine *e = r->outlet->door.engine;
    struct flow *f = &r->job.flow;
    int64_t now_us = engine_now(e);
    f->pool = pool_of(r->outlet, r->metered ? r->ask.model : STR("(other requests)"));
    f->demand = r->ask.demand;
    if (r->route == ROUTE_IMAGES && !r->metered)
        f->demand.images = 1;
    if (pool_wait_most_us(engine_account(e), f->pool, now_us, f) > r->max_wait_us)
        r->promise = pool_promise(engine_account(e), f->pool, now_us, f);
    if (r->promise.wait_us != INT64_MAX && r->promise.wait_us > r->max_wait_us) {
        turn_away_waiting(r);
        return;
    }
    r->deadline_us = now_us + r->max_wait_us + LATE_US;
    r->state = RELAY_WAITING;
    r->in_flow = true;
    gateway_deadline(r->gateway, now_us, r->deadline_us);
    engine_submit(e, &r->job);
}

static void counted(struct relay *r)
{
    if (r->err != SL_OK)
        turn_away(r, TURN_AWAY_BAD_REQUEST, -1,
                  arena_printf(&r->arena, "%s%s%s", r->diag.where, r->diag.where[0] ? ": " : "",
                               r->diag.what));
    else if (ask_check(&r->ask, &r->diag) != SL_OK)
        turn_away(r, TURN_AWAY_CONTEXT, -1,
                  arena_printf(&r->arena, "This request is too long: %s", r->diag.what));
    else
        queue_up(r);
}

static void on_count(uv_work_t *work)
{
    count(work->data);
}

static void on_counted(uv_work_t *work, int status)
{
    struct relay *r = work->data;
    r->counting = false;
    if (r->x)
        counted(r);
    else
        relay_drop(r);
}

void relay_end(struct relay *r)
{
    if (r->state != RELAY_READING)
        return;
    if (!r->metered) {
        queue_up(r);
        return;
    }
    r->state = RELAY_COUNTING;
    if (r->body.n <= COUNTED_HERE_BYTES) {
        count(r);
        counted(r);
        return;
    }
    r->work.data = r;
    r->counting = true;
    int rc = uv_queue_work(r->gateway->loop, &r->work, on_count, on_counted);
    sl_assert(rc == 0);
}

/* ---- out ----------------------------------------------------------------------------------
 */

/* "tpm", or for a limit of the tenant's own "tenant-tpm". */
static struct str waited_for(struct relay *r)
{
    const struct flow *f = &r->job.flow;
    const char *name = dimension_name((enum dimension)f->waited_for);
    return f->own ? arena_printf(&r->arena, "tenant-%s", name) : str_of(name);
}

/* The provider's headers, ours, and for an empty wallet the word that keeps SDKs from asking
 * again. `out` has room for BOUND_HEADERS + OWN_HEADERS. */
static size_t answer_headers(struct relay *r, const struct message *m, bool hopeless,
                             struct header *out)
{
    const struct flow *f = &r->job.flow;
    size_t n = pass_answer(m, out);
    int64_t waited_us = f->sent_us >= 0 ? f->sent_us - f->submitted_us : 0;
    out[n++] = (struct header){STR("x-sluice-wait-ms"),
                               arena_printf(&r->arena, "%lld", (long long)(waited_us / 1000))};
    if (f->waited_for != DIM_UNKNOWN)
        out[n++] = (struct header){STR("x-sluice-limit"), waited_for(r)};
    if (hopeless && !message_header(m, "x-should-retry").p)
        out[n++] = (struct header){STR("x-should-retry"), STR("false")};
    return n;
}

static void begin_passing(struct relay *r)
{
    struct header headers[BOUND_HEADERS + OWN_HEADERS];
    r->state = RELAY_PASSING;
    r->job.committed = true;
    size_t n = answer_headers(r, r->head, false, headers);
    server_begin(r->x, r->head->status, headers, n);
}

static bool on_begun(void *ctx, struct job *j, const struct message *m)
{
    struct relay *r = (struct relay *)j;
    struct outlet *o = ctx;
    bool events =
        str_find_nocase(message_header(m, "content-type"), STR("text/event-stream"), 0) == 0;
    if (r->metered && !events)
        return false;
    r->head = m;
    if (!events) {
        begin_passing(r);
        return true;
    }
    if (r->reads)
        stream_free(&r->stream); /* of an attempt before this one */
    r->reads = true;
    buf_clear(&r->held);
    stream_open(&r->stream, o->options.provider, &r->ask);
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
    *v =
        (struct verdict){.kind = VERDICT_OK, .dim = DIM_UNKNOWN, .retry_us = -1, .status = 200};
    if (!r->reads)
        return;
    *v = stream_verdict(&r->stream);
    *u = stream_usage(&r->stream);
}

/* The provider's whole answer, good or bad. */
static void answer(struct relay *r, const struct ending *end)
{
    struct header headers[BOUND_HEADERS + OWN_HEADERS];
    bool hopeless = end->verdict.kind == VERDICT_QUOTA;
    size_t n = answer_headers(r, end->head, hopeless, headers);
    struct str body = r->reads && r->held.n ? buf_str(&r->held) : end->body;
    r->state = RELAY_ANSWERED;
    server_answer(r->x, end->status, headers, n, body);
}

static void fail(struct relay *r, const struct ending *end)
{
    bool late = end->err == SL_TIMEOUT;
    turn_away(r, late ? TURN_AWAY_TIMEOUT : TURN_AWAY_UNREACHED, -1,
              arena_printf(&r->arena, "sluice could not get an answer from the provider: %s",
                           end->why));
}

static void on_over(void *ctx, struct job *j, const struct ending *end)
{
    struct relay *r = (struct relay *)j;
    r->in_flow = false;
    if (!r->x) {
        relay_drop(r);
        return;
    }
    /* Held until its time was over; what the provider said meanwhile is its last word. */
    bool last_word = end->answered && end->verdict.kind != VERDICT_RATE_LIMIT;
    bool held_too_long = r->too_long && end->err == SL_OK && !last_word;
    if (r->state == RELAY_PASSING) {
        r->state = RELAY_ANSWERED;
        if (end->answered)
            server_finish(r->x);
        else
            server_reset(r->x); /* cut short: never to be taken for whole */
    } else if (held_too_long) {
        turn_away_waiting(r);
    } else if (end->outcome == OUTCOME_TOO_LARGE) {
        turn_away(r, TURN_AWAY_TOO_LARGE, -1,
                  arena_printf(&r->arena,
                               "Request too large for %.*s: it would be charged more than the "
                               "whole limit (%s), so no wait can help. The input or output "
                               "tokens must be reduced in order to run successfully.",
                               STR_ARG(str_cut(r->ask.model, 80)),
                               dimension_unit((enum dimension)r->job.flow.waited_for)));
    } else if (end->outcome == OUTCOME_UNSENT && !r->too_long) {
        turn_away(r, TURN_AWAY_ENDING, -1, STR("sluice is shutting down"));
    } else if (end->answered) {
        answer(r, end);
    } else {
        fail(r, end);
    }
}

void relay_gone(struct relay *r)
{
    r->x = NULL;
    if (r->in_flow)
        engine_cancel(r->outlet->door.engine, &r->job);
    else
        relay_drop(r);
}

void relay_drained(struct relay *r)
{
    if (!r->slow)
        return;
    r->slow = false;
    engine_hold(&r->job, false);
}

/* ---- promises that no longer hold ---------------------------------------------------------
 */

static bool waits(const struct relay *r)
{
    return r->in_flow &&
           (r->job.flow.state == FLOW_QUEUED || r->job.flow.state == FLOW_BACKOFF);
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
    for (size_t i = 0; i < g->outlet_count; i++) {
        struct outlet *o = &g->outlets[i];
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
        if (!waits(r))
            continue;
        r->too_long |= r->deadline_us <= now_us;
        if (!r->too_long && r->deadline_us < next_us)
            next_us = r->deadline_us;
    }
    refuse_waiting(g);
    return next_us;
}

/* ---- the engine's driver ------------------------------------------------------------------
 */

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
    return r->body.n ? buf_str(&r->body) : STR("");
}

static void on_release(void *ctx, struct job *j)
{
    (void)ctx; /* a body is kept until its relay ends */
}

/* It goes back into the queue, and may hold up what is behind it. */
static void on_setback(void *ctx, struct job *j, const struct ending *end)
{
    struct outlet *o = ctx;
    if (!end->answered || end->verdict.kind != VERDICT_RATE_LIMIT)
        return;
    o->gateway->look_again = true;
}

static void on_halted(void *ctx, struct job *j, const struct ending *end)
{
    (void)ctx; /* never: a gateway's account does not halt */
}

struct engine_config relay_wiring(struct outlet *o)
{
    return (struct engine_config){
        .driver = {on_hungry, on_request_body, on_release, on_setback, on_over, on_halted, o},
        .tap = {on_begun, on_piece, on_judge},
    };
}
