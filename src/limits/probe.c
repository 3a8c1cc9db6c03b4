/* probe.c: see probe.h. Nothing is sent again, but for one thing: providers and models differ
 * in how they name the bound of an answer, and a request refused for that name is sent with the
 * other. A refusal for a rate is an answer like any: its headers show the limits too. */
#include "probe.h"

#include "diagnosis.h"
#include "wall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_HEADERS = 4 };

struct asking {
    struct probe *probe;
    struct asking_all *all;
    struct message head; /* copied into the arena */
    struct arena arena;
    struct buf request, answer;
    bool completion, again;
};

struct asking_all {
    struct upstream *upstream;
    const struct account_options *account;
    struct header headers[PROBE_HEADERS];
    size_t header_count;
    bool base_has_path;
    size_t open;
};

/* ---- requests ------------------------------------------------------------------------ */

static bool named(struct str model, const char *const *marks)
{
    for (; *marks; marks++) {
        if (str_find_nocase(model, str_of(*marks), 0) >= 0)
            return true;
    }
    return false;
}

bool probe_request(const struct provider *p, struct str model, bool completion,
                   const char **path, struct buf *body)
{
    static const char *const embeddings[] = {"embedding", NULL};
    static const char *const others[] = {"dall-e",     "image", "whisper", "tts-",
                                         "transcribe", "sora",  NULL};
    bool anthropic = p->id == PROVIDER_ANTHROPIC;
    if (named(model, others))
        return false;
    buf_puts(body, "{\"model\":");
    buf_json(body, model);
    if (named(model, embeddings)) {
        *path = "/v1/embeddings";
        buf_puts(body, ",\"input\":\"Hi\"}");
        return true;
    }
    *path = anthropic ? "/v1/messages" : "/v1/chat/completions";
    buf_printf(body, ",\"%s\":1,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
               completion ? "max_completion_tokens" : "max_tokens");
    return true;
}

static void add_header(struct asking_all *all, struct str name, struct str value)
{
    sl_assert(all->header_count < PROBE_HEADERS);
    all->headers[all->header_count++] = (struct header){name, value};
}

/* ---- answers ------------------------------------------------------------------------- */

static void on_sent(void *ctx)
{
    (void)ctx; /* when it left does not matter */
}

static void on_head(void *ctx, const struct message *m)
{
    struct asking *a = ctx;
    a->head.status = m->status;
    a->head.header_count = m->header_count;
    for (size_t i = 0; i < m->header_count; i++) {
        a->head.headers[i].name = arena_copy(&a->arena, m->headers[i].name);
        a->head.headers[i].value = arena_copy(&a->arena, m->headers[i].value);
    }
}

static void on_body(void *ctx, struct str bytes)
{
    struct asking *a = ctx;
    buf_add(&a->answer, bytes);
}

/* "Unsupported parameter: 'max_tokens' is not supported with this model." */
static bool is_about_the_bound(const struct asking *a)
{
    const struct verdict *v = &a->probe->verdict;
    return a->probe->status == 400 && !a->again &&
           str_find_nocase(v->message,
                           a->completion ? STR("max_completion_tokens") : STR("max_tokens"),
                           0) >= 0;
}

static void send_request(struct asking *a);

static void judge_answer(struct asking *a)
{
    struct probe *p = a->probe;
    const struct provider *provider = a->all->account->provider;
    int64_t now_us = wall_unix_us();
    p->answered = true;
    p->status = a->head.status;
    p->reading_count = headers_read(provider, &a->head, now_us, p->readings, BOUND_BUDGETS);
    if (p->status < 300)
        return;
    p->verdict =
        verdict_of(provider, p->status, &a->head, buf_str(&a->answer), now_us, &a->arena);
    struct buf words = {0};
    diagnosis_quote(&words, p->verdict.message);
    snprintf(p->why, sizeof p->why, "%s", buf_cstr(&words));
    buf_free(&words);
}

static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct asking *a = ctx;
    struct probe *p = a->probe;
    if (err == SL_OK) {
        judge_answer(a);
    } else {
        p->err = err;
        snprintf(p->why, sizeof p->why, "%s", why && *why ? why : sl_err_text(err));
    }
    if (err == SL_OK && is_about_the_bound(a)) {
        a->again = true;
        a->completion = !a->completion;
        send_request(a);
        return;
    }
    p->verdict.code = p->verdict.message = p->verdict.bucket = (struct str){0};
    arena_free(&a->arena);
    buf_free(&a->request);
    buf_free(&a->answer);
    a->all->open--;
}

static void send_request(struct asking *a)
{
    const char *path = NULL;
    struct asking_all *all = a->all;
    buf_clear(&a->request);
    buf_clear(&a->answer);
    bool can = probe_request(all->account->provider, a->probe->model, a->completion, &path,
                             &a->request);
    sl_assert(can);
    struct str below = str_of(path);
    if (all->base_has_path)
        below = str_from(below, sizeof "/v1" - 1);
    struct call_request r = {.method = "POST",
                             .path = below,
                             .headers = all->headers,
                             .header_count = all->header_count,
                             .body = buf_str(&a->request)};
    (void)upstream_call(all->upstream, &r,
                        (struct call_handler){on_sent, on_head, on_body, on_done, a, NULL});
}

static void begin(struct asking_all *all, struct asking *a, struct probe *p)
{
    const char *path;
    struct buf body = {0};
    const struct provider *provider = all->account->provider;
    *a = (struct asking){.probe = p, .all = all};
    a->completion = provider->id == PROVIDER_OPENAI;
    p->verdict = (struct verdict){.dim = DIM_UNKNOWN, .limit = -1, .retry_us = -1};
    if (probe_request(provider, p->model, a->completion, &path, &body)) {
        all->open++;
        send_request(a);
    } else {
        p->err = SL_RANGE;
        snprintf(p->why, sizeof p->why,
                 "not asked: pictures and speech cost more than a token");
    }
    buf_free(&body);
}

void probes_run(uv_loop_t *loop, struct upstream *u, const struct door *d,
                const struct account_options *a, struct probe *list, size_t n)
{
    struct asking_all all = {
        .upstream = u, .account = a, .base_has_path = d->base_path[0] != 0};
    struct asking *asked = mem_zero((n ? n : 1) * sizeof *asked);
    struct buf key = {0};
    buf_puts(&key, a->provider->key_prefix);
    if (a->keys.n)
        buf_add(&key, a->keys.lent[0]);
    add_header(&all, STR("content-type"), STR("application/json"));
    if (a->provider->version_header)
        add_header(&all, str_of(a->provider->version_header), str_of(a->provider->version));
    if (a->keys.n) /* of one organisation: any of them tells its limits */
        add_header(&all, str_of(a->provider->key_header), buf_str(&key));
    for (size_t i = 0; i < n; i++)
        begin(&all, &asked[i], &list[i]);
    while (all.open)
        uv_run(loop, UV_RUN_ONCE);
    if (key.p)
        explicit_bzero(key.p, key.cap);
    buf_free(&key);
    free(asked);
}
