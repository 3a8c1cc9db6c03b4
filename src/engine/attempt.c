/* attempt.c: one sending of a job: a call of upstream, and what comes back of it as events. */
#include "engine_state.h"
#include "wall.h"

#include <stdlib.h>
#include <string.h>

/* Readings of one answer: two per dimension are the most seen (Anthropic: 4, priority 2). */
enum { ENGINE_READINGS = 16 };

static void attempt_release(struct attempt *a)
{
    if (!a->body_lent)
        return;
    a->body_lent = false;
    a->engine->driver.release(a->engine->driver.ctx, a->job);
}

void attempt_free(struct attempt **pa)
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
        engine_step(e, &ev);
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
    enum { EVERY_US = 1000000, DEVIATIONS = 4 };
    if (e->now_us < e->felt_us + EVERY_US)
        return;
    e->felt_us = e->now_us;
    account_jitter(e->account, DEVIATIONS * upstream_rttvar_us(e->upstream));
}

static void on_head(void *ctx, const struct message *m)
{
    struct attempt *a = ctx;
    struct engine *e = a->engine;
    struct reading readings[ENGINE_READINGS];
    a->headed = true;
    feel_jitter(e);
    a->unix_us = wall_unix_us();
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
    engine_step(e, &ev);
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
    engine_step(e, &ev);
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
            end->verdict = verdict_good(end->status);
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
    engine_step(e, &ev);
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

void attempt_send(struct engine *e, struct job *j)
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

struct usage attempt_cancel(struct attempt *a)
{
    if (!a || !a->call)
        return unknown_usage;
    judge_pieces(a);
    if (a->end.head)
        keep_head(a);
    call_cancel(&a->call);
    a->engine->look.in_flight--;
    attempt_release(a);
    return a->end.usage;
}
