/* api_call.c: see api_call.h. A call is over once: by `done` of the upstream, by enough pieces,
 * or by api_cancel; whatever ends it frees it. One that is cancelled from within its own report
 * is `dead` until that returns; from within `more` until its upstream ends. */
#include "api_call.h"
#include "wall.h"

#include <stdio.h>
#include <stdlib.h>

enum { API_HEADERS = 4 };

struct api_call {
    struct api *api;
    struct api_request request;
    struct call *call;
    struct message head; /* in the arena */
    struct arena arena;
    struct buf body;
    bool in_piece, in_more, dead;
};

void api_open(struct api *a, struct upstream *u, const struct provider *p, struct str key)
{
    *a = (struct api){.upstream = u, .provider = p};
    if (!key.n)
        return;
    buf_puts(&a->key, p->key_prefix);
    buf_add(&a->key, key);
}

void api_close(struct api *a)
{
    if (a->upstream)
        upstream_free(&a->upstream);
    if (a->key.p)
        explicit_bzero(a->key.p, a->key.cap);
    buf_free(&a->key);
}

static void call_free(struct api_call *c)
{
    arena_free(&c->arena);
    buf_free(&c->body);
    free(c);
}

void api_cancel(struct api_call **pc)
{
    struct api_call *c = *pc;
    *pc = NULL;
    if (!c)
        return;
    c->dead = true;
    if (c->in_more)
        return;
    call_cancel(&c->call);
    if (!c->in_piece)
        call_free(c);
}

/* ---- what became of it ---- */

static enum api_outcome outcome_of(const struct verdict *v, int status)
{
    switch (v->kind) {
    case VERDICT_OK:
    case VERDICT_RATE_LIMIT:
    case VERDICT_OVERLOADED:
        return API_LATER;
    case VERDICT_QUOTA:
    case VERDICT_AUTH:
        return v->retryable ? API_LATER : API_ACCOUNT;
    case VERDICT_CONTEXT_LENGTH:
    case VERDICT_TOO_LARGE:
        return API_REFUSED;
    case VERDICT_OTHER:
        break;
    }
    if (status == 404)
        return API_ABSENT;
    return v->retryable || status / 100 != 4 ? API_LATER : API_REFUSED;
}

static void say(struct api_call *c, struct api_answer *a)
{
    const struct verdict *v = &a->verdict;
    struct str name = v->code.n ? v->code : str_of(verdict_name(v->kind));
    a->why = arena_printf(&c->arena, "%d %.*s%s%.*s", a->status, STR_ARG(str_cut(name, 80)),
                          v->message.n ? ": " : "", STR_ARG(str_cut(v->message, 300)))
                 .p;
}

static void judge(struct api_call *c, struct api_answer *a)
{
    a->status = c->head.status;
    a->unsure = a->status >= 500; /* an edge may have lost the answer of who carried it out */
    if (a->status / 100 == 2 && c->request.piece)
        return;
    if (a->status / 100 == 2) {
        a->root = json_parse(&c->arena, buf_str(&c->body), NULL);
        a->outcome = a->root ? API_OK : API_LATER;
        a->unsure = !a->root;
        a->why = "the answer is not JSON";
        return;
    }
    a->verdict = verdict_of(c->api->provider, a->status, &c->head, buf_str(&c->body),
                            wall_unix_us(), &c->arena);
    a->outcome = outcome_of(&a->verdict, a->status);
    say(c, a);
}

static void finish(struct api_call *c, const struct api_answer *a)
{
    c->request.done(c->request.ctx, a);
    call_free(c);
}

static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct api_call *c = ctx;
    struct api_answer a = {.outcome = API_OK, .why = ""};
    c->call = NULL;
    if (c->dead) {
        call_free(c);
        return;
    }
    if (err == SL_OK) {
        judge(c, &a);
    } else {
        a.outcome = API_LATER;
        a.unsure = err != SL_CONNECT && err != SL_RESOLVE;
        a.why = arena_printf(&c->arena, "%s", why && *why ? why : sl_err_text(err)).p;
    }
    finish(c, &a);
}

/* ---- reports ---- */

static void on_sent(void *ctx)
{
    (void)ctx; /* when it left does not matter */
}

static void on_head(void *ctx, const struct message *m)
{
    struct api_call *c = ctx;
    c->head.status = m->status;
    c->head.header_count = m->header_count;
    for (size_t i = 0; i < m->header_count; i++) {
        c->head.headers[i].name = arena_copy(&c->arena, m->headers[i].name);
        c->head.headers[i].value = arena_copy(&c->arena, m->headers[i].value);
    }
}

static void on_body(void *ctx, struct str bytes)
{
    struct api_call *c = ctx;
    if (c->head.status / 100 != 2 || !c->request.piece) {
        if (c->body.n + bytes.n <= BOUND_RESPONSE_BYTES)
            buf_add(&c->body, bytes);
        return;
    }
    c->in_piece = true;
    bool more = c->request.piece(c->request.ctx, bytes);
    c->in_piece = false;
    if (c->dead) {
        call_free(c);
        return;
    }
    if (more)
        return;
    const struct api_answer enough = {.outcome = API_OK, .status = c->head.status, .why = ""};
    call_cancel(&c->call);
    finish(c, &enough);
}

static struct str on_more(void *ctx)
{
    struct api_call *c = ctx;
    if (c->dead)
        return (struct str){NULL, 0};
    c->in_more = true;
    struct str piece = c->request.more(c->request.ctx);
    c->in_more = false;
    return piece;
}

struct api_call *api_start(struct api *a, const struct api_request *r)
{
    struct header headers[API_HEADERS];
    size_t n = 0;
    const struct provider *p = a->provider;
    headers[n++] = (struct header){STR("accept"), STR("*/*")};
    if (r->type.n)
        headers[n++] = (struct header){STR("content-type"), r->type};
    if (p->version_header)
        headers[n++] = (struct header){str_of(p->version_header), str_of(p->version)};
    if (a->key.n)
        headers[n++] = (struct header){str_of(p->key_header), buf_str(&a->key)};
    struct api_call *c = mem_zero(sizeof *c);
    c->api = a;
    c->request = *r;
    struct call_request call = {.method = r->method,
                                .path = r->path,
                                .headers = headers,
                                .header_count = n,
                                .body = r->body,
                                .streams = r->more != NULL,
                                .length = r->length,
                                .any_length = r->piece != NULL};
    c->call = upstream_call(
        a->upstream, &call,
        (struct call_handler){on_sent, on_head, on_body, on_done, c, r->more ? on_more : NULL});
    return c;
}
