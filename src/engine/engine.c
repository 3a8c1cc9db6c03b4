/* engine.c: the one place where the pure machine meets the world.
 *
 * Exists so that flow can stay pure: every clock reading, timer and socket of a run stands
 * here.
 *
 * Turn of the loop:
 *
 *   callbacks of upstream --event--> flow_step --actions--> carried out at once
 *   prepare (before the loop sleeps): driver.hungry, account_due until nothing is due, timer
 * set
 *
 * Invariants:
 * - Time is sampled once per callback of the loop and handed on; it never goes backwards. Not
 * once per turn: a turn that handles many answers takes milliseconds, and an EVENT_SENT that is
 * too early lets a sliding window refuse the request which takes its place.
 * - Actions are carried out in the order in which flow gave them, by one loop (`carry`), also
 * when carrying one out steps flow again.
 * - A job has at most one attempt; the last one is kept until its job is over or sent again, so
 *   that the ending can tell what came back. */
#include "engine.h"
#include "credentials.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    /* The engine's own headers: key, version, content-type, accept, user-agent. */
    ENGINE_HEADERS = 8,
    /* Readings of one answer: two per dimension are the most seen (Anthropic: 4, priority 2).
     */
    ENGINE_READINGS = 16,
};

struct engine {
    uv_loop_t *loop;
    const struct provider *provider;
    struct engine_driver driver;
    struct engine_tap tap;
    struct account *account;
    struct upstream *upstream;
    uv_prepare_t prepare;
    uv_timer_t timer;
    struct actions actions;
    struct arena scratch; /* an answer parsed, until the next one is */
    bool carrying;        /* an outer call is working through `actions` */
    bool dirty;           /* flow was stepped since account_due was last asked */
    bool halt_told;
    bool frozen; /* nothing is carried out any more */
    int64_t now_us, due_us;
    uint64_t heads; /* answers begun */
    struct credentials credentials;
    struct header headers[ENGINE_HEADERS];
    size_t header_count;
    struct attempt *attempts; /* all of them, so that close can drop them */
    struct engine_look look;
    char why[256];
};

/* One sending of a job. Once `call` is NULL the answer (or the breaking) is complete. */
struct attempt {
    struct engine *engine;
    struct job *job;
    struct call *call;
    struct attempt *prev, *next;
    struct arena arena; /* of an answer that was none: its head, parsed body */
    struct buf body;
    struct ending end;
    int64_t sent_us, unix_us;
    size_t credential; /* it was sent with */
    bool body_lent;
    bool headed; /* the answer has begun; it may before the request is out */
    bool handed; /* ... and its driver takes the body in pieces */
    char why[256];
};

int64_t engine_now(struct engine *e)
{
    int64_t now = (int64_t)(uv_hrtime() / 1000);
    sl_assert(now >= e->now_us);
    e->now_us = now;
    return now;
}

static int64_t unix_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void carry(struct engine *e);

static void step(struct engine *e, const struct event *ev)
{
    flow_step(e->account, ev, &e->actions);
    e->dirty = true;
    carry(e);
}

/* ---- attempts
 * --------------------------------------------------------------------------------- */

static void attempt_release(struct attempt *a)
{
    if (!a->body_lent)
        return;
    a->body_lent = false;
    a->engine->driver.release(a->engine->driver.ctx, a->job);
}

static void attempt_free(struct attempt **pa)
{
    struct attempt *a = *pa;
    *pa = NULL;
    if (!a)
        return;
    if (a->call)
        call_cancel(&a->call);
    attempt_release(a);
    if (a->prev)
        a->prev->next = a->next;
    else
        a->engine->attempts = a->next;
    if (a->next)
        a->next->prev = a->prev;
    buf_free(&a->body);
    arena_free(&a->arena);
    free(a);
}

static struct attempt *attempt_new(struct engine *e, struct job *j)
{
    struct attempt *a = mem_zero(sizeof *a);
    a->engine = e;
    a->job = j;
    a->sent_us = -1;
    a->end.why = "";
    a->next = e->attempts;
    if (a->next)
        a->next->prev = a;
    e->attempts = a;
    return a;
}

static void on_sent(void *ctx)
{
    struct attempt *a = ctx;
    struct engine *e = a->engine;
    struct event ev = {.kind = EVENT_SENT, .now_us = engine_now(e), .flow = &a->job->flow};
    a->sent_us = ev.now_us;
    e->look.last_sent_us = ev.now_us;
    if (e->look.first_sent_us < 0)
        e->look.first_sent_us = ev.now_us;
    if (!a->headed)
        step(e, &ev);
}

/* A head is lent until its call is done, and so is what an ending tells of it. */
static void tell_head(struct ending *end, const struct message *m)
{
    struct str id = message_header(m, "x-request-id");
    end->head = m;
    end->status = m->status;
    end->request_id = id.n ? id : message_header(m, "request-id");
}

/* An attempt that outlives its call, for its ending may be told later, keeps the head. */
static void keep_head(struct attempt *a)
{
    const struct message *m = a->end.head;
    struct arena *arena = &a->arena;
    struct message *copy = arena_alloc(arena, sizeof *copy);
    copy->minor = m->minor;
    copy->status = m->status;
    copy->content_length = m->content_length;
    copy->header_count = m->header_count;
    for (size_t i = 0; i < m->header_count; i++) {
        copy->headers[i].name = arena_copy(arena, m->headers[i].name);
        copy->headers[i].value = arena_copy(arena, m->headers[i].value);
    }
    tell_head(&a->end, copy);
}

/* J from the connections themselves, now and then. TCP's estimate is the mean deviation of the
 * way there and back; four of them, as RFC 6298 has it, are a bound of both. */
static void feel_jitter(struct engine *e)
{
    enum { EVERY = 64, DEVIATIONS = 4 };
    if (e->heads++ % EVERY == 0)
        account_jitter(e->account, DEVIATIONS * upstream_rttvar_us(e->upstream));
}

static void on_head(void *ctx, const struct message *m)
{
    struct attempt *a = ctx;
    struct engine *e = a->engine;
    struct reading readings[ENGINE_READINGS];
    a->headed = true;
    feel_jitter(e);
    a->unix_us = unix_now_us();
    tell_head(&a->end, m);
    struct event ev = {
        .kind = EVENT_HEAD,
        .now_us = engine_now(e),
        .flow = &a->job->flow,
        .status = m->status,
        .readings = readings,
        .reading_count = headers_read(e->provider, m, a->unix_us, readings, ENGINE_READINGS),
        .retry_us = headers_retry_us(m, a->unix_us),
    };
    step(e, &ev);
    if (e->tap.begun && m->status / 100 == 2)
        a->handed = e->tap.begun(e->driver.ctx, a->job, m);
}

static void on_body(void *ctx, struct str bytes)
{
    struct attempt *a = ctx;
    if (a->handed)
        a->engine->tap.piece(a->engine->driver.ctx, a->job, bytes);
    else
        buf_add(&a->body, bytes);
}

static enum fault fault_of(enum sl_err err)
{
    if (err == SL_CONNECT || err == SL_RESOLVE || err == SL_TLS || err == SL_IO)
        return FAULT_CONNECT; /* IO: the driver could not read the request */
    if (err == SL_TIMEOUT)
        return FAULT_TIMEOUT;
    if (err == SL_SYNTAX || err == SL_TOO_LARGE)
        return FAULT_PROTOCOL;
    return FAULT_RESET;
}

static void setback(struct attempt *a)
{
    const struct engine_driver *d = &a->engine->driver;
    if (d->setback && !a->engine->frozen)
        d->setback(d->ctx, a->job, &a->end);
}

static const struct usage unknown_usage = {-1, -1, -1};

/* What an answer meant and used as far as it came, if its driver took it in pieces. */
static void judge_pieces(struct attempt *a)
{
    struct engine *e = a->engine;
    a->end.usage = unknown_usage;
    if (a->handed)
        e->tap.judge(e->driver.ctx, a->job, &a->end.verdict, &a->end.usage);
}

/* The last step of an attempt that brought no whole answer. */
static void broken(struct attempt *a, enum sl_err err, const char *why)
{
    struct engine *e = a->engine;
    judge_pieces(a);
    a->end.answered = false;
    a->end.head = NULL;
    a->end.request_id = (struct str){0};
    a->end.err = err;
    snprintf(a->why, sizeof a->why, "%s", why && *why ? why : sl_err_text(err));
    a->end.why = a->why;
    e->look.trouble = err;
    memcpy(e->why, a->why, sizeof e->why);
    setback(a);
    struct event ev = {.kind = EVENT_BROKEN,
                       .now_us = engine_now(e),
                       .flow = &a->job->flow,
                       .fault = fault_of(err),
                       .last = a->job->committed || a->job->taken,
                       .usage = a->end.usage};
    step(e, &ev);
}

/* Fills verdict and usage. false: a success whose body is not JSON is no answer. */
static bool judge(struct attempt *a)
{
    struct ending *end = &a->end;
    end->body = buf_str(&a->body);
    judge_pieces(a);
    if (a->handed) {
        if (end->verdict.kind != VERDICT_OK)
            keep_head(a);
        return true;
    }
    if (end->status / 100 == 2) {
        struct arena *scratch = &a->engine->scratch;
        arena_reset(scratch);
        struct json *root = json_parse(scratch, end->body, NULL);
        if (!root)
            return false;
        end->usage = usage_of(root);
        const struct json *error = json_get(root, "error");
        if (!error || error->type == JSON_NULL) {
            end->verdict = (struct verdict){.kind = VERDICT_OK,
                                            .dim = DIM_UNKNOWN,
                                            .limit = -1,
                                            .used = -1,
                                            .requested = -1,
                                            .retry_us = -1,
                                            .status = end->status};
            return true;
        }
    }
    keep_head(a);
    end->verdict = verdict_of(a->engine->provider, end->status, end->head, end->body,
                              a->unix_us, &a->arena);
    return true;
}

/* A key that the provider does not know is left out as long as there is another; the request is
 * sent again with that one. */
static void hear_of_key(struct attempt *a)
{
    struct credentials *c = &a->engine->credentials;
    struct verdict *v = &a->end.verdict;
    if (a->job->own_key || c->n == 0)
        return;
    bool refused = v->kind == VERDICT_AUTH && a->end.status == 401;
    v->retryable |= credentials_hear(c, a->credential, refused);
}

static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct attempt *a = ctx;
    struct engine *e = a->engine;
    a->call = NULL;
    e->look.in_flight--;
    attempt_release(a);
    if (err != SL_OK) {
        broken(a, err, why);
        return;
    }
    if (!judge(a)) {
        broken(a, SL_SYNTAX, "the answer is not JSON");
        return;
    }
    a->end.answered = true;
    hear_of_key(a);
    e->look.trouble = SL_OK;
    e->why[0] = 0;
    struct event ev = {.kind = EVENT_END,
                       .now_us = engine_now(e),
                       .flow = &a->job->flow,
                       .verdict = a->end.verdict,
                       .last = a->job->committed || a->job->taken,
                       .usage = a->end.usage};
    e->look.last_answer_us = ev.now_us;
    a->end.service_us = a->sent_us < 0 ? 0 : ev.now_us - a->sent_us;
    if (a->end.verdict.kind != VERDICT_OK)
        setback(a);
    step(e, &ev);
}

/* The job's headers take the place of the engine's, but for the key. */
static size_t assemble_headers(struct engine *e, struct attempt *a,
                               struct header out[BOUND_HEADERS + ENGINE_HEADERS])
{
    const struct job *j = a->job;
    size_t n = j->headers ? j->header_count : e->header_count;
    sl_assert(n <= BOUND_HEADERS);
    memcpy(out, j->headers ? j->headers : e->headers, n * sizeof *out);
    if (e->credentials.n && !j->own_key) {
        a->credential = credentials_next(&e->credentials);
        out[n++] = credentials_header(&e->credentials, a->credential);
    }
    return n;
}

static struct str on_more(void *ctx)
{
    struct attempt *a = ctx;
    struct str piece = a->engine->driver.more(a->engine->driver.ctx, a->job);
    a->job->taken |= piece.p != NULL;
    return piece;
}

static void dispatch(struct engine *e, struct job *j)
{
    attempt_free(&j->last);
    struct attempt *a = attempt_new(e, j);
    j->last = a;
    struct str body = e->driver.body(e->driver.ctx, j);
    if (!body.p) {
        broken(a, SL_IO, "the request could not be read again");
        return;
    }
    a->body_lent = true;
    struct header headers[BOUND_HEADERS + ENGINE_HEADERS];
    struct call_request r = {.method = j->method ? j->method : "POST",
                             .path = j->path,
                             .headers = headers,
                             .header_count = assemble_headers(e, a, headers),
                             .body = body,
                             .streams = j->streams,
                             .length = j->length};
    struct call_handler h = {on_sent, on_head, on_body, on_done, a, on_more};
    e->look.in_flight++;
    a->call = upstream_call(e->upstream, &r, h);
}

/* ---- actions
 * ------------------------------------------------------------------------------------ */

static bool met_halt(const struct ending *end)
{
    return end->answered &&
           (end->verdict.kind == VERDICT_QUOTA || end->verdict.kind == VERDICT_AUTH);
}

static void finish(struct engine *e, struct job *j, enum outcome outcome)
{
    static const struct ending unsent = {.why = ""};
    struct ending end = j->last ? j->last->end : unsent;
    end.outcome = outcome;
    struct attempt *a = j->last;
    j->last = NULL;
    if (!e->halt_told && account_look(e->account).halted && met_halt(&end)) {
        e->halt_told = true;
        e->driver.halted(e->driver.ctx, j, &end);
    }
    e->driver.over(e->driver.ctx, j, &end);
    attempt_free(&a);
}

static void carry(struct engine *e)
{
    if (e->carrying)
        return;
    e->carrying = true;
    for (size_t i = 0; i < e->actions.n && !e->frozen; i++) {
        struct action act = e->actions.list[i];
        struct job *j = (struct job *)act.flow;
        switch (act.kind) {
        case ACT_SEND:
            dispatch(e, j);
            break;
        case ACT_FINISH:
            finish(e, j, act.outcome);
            break;
        case ACT_HALT:
            break; /* told when the job that met it ends: it has the provider's words */
        }
    }
    e->actions.n = 0;
    e->carrying = false;
}

/* ---- the loop
 * -------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *t)
{
    (void)t; /* waking the loop was the point: on_prepare does the work */
}

static void set_timer(struct engine *e)
{
    uv_timer_stop(&e->timer);
    if (e->due_us == INT64_MAX)
        return;
    int64_t wait_us = e->due_us - e->now_us;
    uint64_t wait_ms = wait_us <= 0 ? 0 : (uint64_t)(wait_us + 999) / 1000;
    uv_update_time(e->loop);
    uv_timer_start(&e->timer, on_timer, wait_ms, 0);
}

static void on_prepare(uv_prepare_t *p)
{
    struct engine *e = p->data;
    if (e->frozen)
        return;
    if (e->driver.hungry)
        e->driver.hungry(e->driver.ctx);
    if (!e->dirty && engine_now(e) < e->due_us) {
        /* libuv counts whole milliseconds, so the timer may have fired a little early. */
        if (!uv_is_active((uv_handle_t *)&e->timer))
            set_timer(e);
        return;
    }
    do {
        e->dirty = false;
        account_due(e->account, engine_now(e), &e->actions, &e->due_us);
        carry(e);
        if (e->dirty && e->driver.hungry)
            e->driver.hungry(e->driver.ctx);
    } while (e->dirty && !e->frozen);
    if (!e->frozen)
        set_timer(e);
}

static void add_header(struct engine *e, const char *name, struct str value)
{
    sl_assert(e->header_count < ENGINE_HEADERS);
    e->headers[e->header_count++] = (struct header){str_of(name), value};
}

enum sl_err engine_new(uv_loop_t *loop, const struct engine_config *c, struct engine **out,
                       struct diag *diag)
{
    struct upstream *upstream;
    enum sl_err err = upstream_new(loop, &c->upstream, &upstream, diag);
    if (err != SL_OK)
        return err;
    struct engine *e = mem_zero(sizeof *e);
    e->loop = loop;
    e->provider = c->provider;
    e->driver = c->driver;
    e->tap = c->tap;
    e->upstream = upstream;
    e->account = account_new(&c->account);
    e->due_us = INT64_MAX;
    e->look =
        (struct engine_look){.first_sent_us = -1, .last_sent_us = -1, .last_answer_us = -1};
    add_header(e, "content-type", STR("application/json"));
    add_header(e, "accept", STR("application/json"));
    add_header(e, "user-agent", STR("sluice/" SLUICE_VERSION));
    if (c->provider->version_header)
        add_header(e, c->provider->version_header, str_of(c->provider->version));
    engine_rekey(e, c->keys, c->key_count);
    uv_prepare_init(loop, &e->prepare);
    uv_timer_init(loop, &e->timer);
    e->prepare.data = e->timer.data = e;
    uv_prepare_start(&e->prepare, on_prepare);
    *out = e;
    return SL_OK;
}

void engine_close(struct engine *e)
{
    sl_assert(e->upstream);
    e->frozen = true;
    for (struct attempt *a = e->attempts, *next; a; a = next) {
        next = a->next;
        a->job->last = NULL;
        attempt_free(&a);
    }
    upstream_free(&e->upstream);
    uv_close((uv_handle_t *)&e->prepare, NULL);
    uv_close((uv_handle_t *)&e->timer, NULL);
}

void engine_free(struct engine **pe)
{
    struct engine *e = *pe;
    *pe = NULL;
    if (!e)
        return;
    sl_assert(!e->upstream);
    account_free(&e->account);
    actions_free(&e->actions);
    arena_free(&e->scratch);
    credentials_wipe(&e->credentials);
    free(e);
}

void engine_rekey(struct engine *e, const struct str *keys, size_t n)
{
    credentials_set(&e->credentials, e->provider, keys, n);
}

struct account *engine_account(struct engine *e)
{
    return e->account;
}

void engine_submit(struct engine *e, struct job *j)
{
    struct event ev = {.kind = EVENT_SUBMIT, .now_us = engine_now(e), .flow = &j->flow};
    step(e, &ev);
}

void engine_cancel(struct engine *e, struct job *j)
{
    struct usage usage = unknown_usage;
    if (j->last && j->last->call) {
        judge_pieces(j->last);
        usage = j->last->end.usage;
        call_cancel(&j->last->call);
        e->look.in_flight--;
        attempt_release(j->last);
    }
    struct event ev = {
        .kind = EVENT_CANCEL, .now_us = engine_now(e), .flow = &j->flow, .usage = usage};
    step(e, &ev);
}

void engine_hold(struct job *j, bool hold)
{
    if (j->last && j->last->call)
        (hold ? call_pause : call_resume)(j->last->call);
}

void engine_wake(struct engine *e, uint32_t tenant)
{
    if (!account_wake(e->account, tenant))
        return;
    e->dirty = true;
    uv_timer_start(&e->timer, on_timer, 0, 0); /* or the loop might sleep before it looks */
}

void engine_more(struct job *j)
{
    if (j->last && j->last->call)
        call_more(j->last->call);
}

void engine_drain(struct engine *e)
{
    account_drain(e->account, engine_now(e), &e->actions);
    e->dirty = true;
    carry(e);
}

void engine_freeze(struct engine *e)
{
    e->frozen = true;
}

void engine_warm(struct engine *e, size_t connections)
{
    upstream_warm(e->upstream, connections);
}

struct engine_look engine_look(const struct engine *e)
{
    struct engine_look look = e->look;
    look.why = e->why;
    look.keys = e->credentials.n;
    look.keys_refused = credentials_refused(&e->credentials);
    return look;
}
