/* admin.c: see admin.h. */
#include "admin.h"

#include "page.h"
#include "prometheus.h"
#include "status_json.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* A watcher that takes nothing for so many bytes misses events instead of costing memory.
     */
    UNTAKEN_BYTES = 1 << 20,
};

/* One who listens to events. */
struct watcher {
    struct admin *admin;
    struct exchange *x;
    struct watcher *prev, *next;
    size_t untaken;
    int64_t next_step; /* of the history, that it has not been told yet */
};

struct admin {
    struct server *server;
    struct admin_config config;
    struct buf token;
    struct watcher *watchers;
};

/* ---- answers ------------------------------------------------------------------------------
 */

static void answer(struct exchange *x, int status, const char *type, struct str body)
{
    const struct header headers[] = {
        {STR("content-type"), str_of(type)},
        {STR("cache-control"), STR("no-store")},
        {STR("x-content-type-options"), STR("nosniff")},
    };
    server_answer(x, status, headers, sizeof headers / sizeof *headers, body);
}

static void answer_scene(struct admin *a, struct exchange *x, const char *type,
                         void (*write)(struct buf *out, const struct scene *s))
{
    struct buf body = {0};
    struct arena arena = {0};
    struct scene scene = {0};
    lookout_draw(a->config.lookout, &scene, &arena);
    write(&body, &scene);
    arena_free(&arena);
    answer(x, 200, type, buf_str(&body));
    buf_free(&body);
}

static void answer_page(struct exchange *x)
{
    const struct header headers[] = {
        {STR("content-type"), STR("text/html; charset=utf-8")},
        {STR("cache-control"), STR("no-cache")},
        {STR("content-security-policy"), str_of(page_policy)},
        {STR("x-content-type-options"), STR("nosniff")},
        {STR("referrer-policy"), STR("no-referrer")},
    };
    server_answer(x, 200, headers, sizeof headers / sizeof *headers,
                  (struct str){page_bytes, page_size});
}

/* ---- events -------------------------------------------------------------------------------
 */

static void send_event(struct watcher *w, const char *name, struct str data)
{
    struct buf event = {0};
    buf_printf(&event, "event: %s\ndata: ", name);
    buf_add(&event, str_trim(data));
    buf_puts(&event, "\n\n");
    w->untaken = server_write(w->x, buf_str(&event));
    buf_free(&event);
}

/* What has passed and what is. */
static void tell(struct watcher *w, struct str status)
{
    const struct history *h = lookout_history(w->admin->config.lookout);
    int64_t now = history_step_number(h);
    struct buf steps = {0};
    if (w->untaken > UNTAKEN_BYTES)
        return;
    if (w->next_step < now) {
        history_json(h, w->next_step, &steps);
        send_event(w, "steps", buf_str(&steps));
        w->next_step = now;
    }
    send_event(w, "status", status);
    buf_free(&steps);
}

static void on_seen(void *ctx, struct scene *scene, struct arena *arena)
{
    struct admin *a = ctx;
    struct buf body = {0};
    if (!a->watchers)
        return;
    scene_cut(scene, arena);
    status_json(&body, scene);
    for (struct watcher *w = a->watchers; w; w = w->next)
        tell(w, buf_str(&body));
    buf_free(&body);
}

static void tell_first(struct watcher *w)
{
    struct buf body = {0};
    struct arena arena = {0};
    struct scene scene = {0};
    lookout_draw(w->admin->config.lookout, &scene, &arena);
    scene_cut(&scene, &arena);
    status_json(&body, &scene);
    tell(w, buf_str(&body));
    arena_free(&arena);
    buf_free(&body);
}

static void watch(struct admin *a, struct exchange *x)
{
    const struct header headers[] = {{STR("content-type"), STR("text/event-stream")},
                                     {STR("cache-control"), STR("no-store")}};
    struct watcher *w = mem_zero(sizeof *w);
    *w = (struct watcher){.admin = a, .x = x, .next = a->watchers};
    if (w->next)
        w->next->prev = w;
    a->watchers = w;
    exchange_set(x, w);
    server_begin(x, 200, headers, 2);
    tell_first(w);
}

static void unwatch(struct watcher *w)
{
    struct admin *a = w->admin;
    *(w->prev ? &w->prev->next : &a->watchers) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    free(w);
}

/* ---- the server's handler -----------------------------------------------------------------
 */

static bool is_allowed(const struct admin *a, const struct message *m)
{
    const struct str bearer = STR("Bearer ");
    struct str shown = message_header(m, "authorization");
    if (!a->token.n)
        return true;
    if (!str_eq_nocase(str_cut(shown, bearer.n), bearer))
        return false;
    shown = str_trim(str_from(shown, bearer.n));
    return shown.n == a->token.n && CRYPTO_memcmp(shown.p, a->token.p, shown.n) == 0;
}

static void refuse(struct exchange *x)
{
    const struct header headers[] = {{STR("content-type"), STR("text/plain")},
                                     {STR("www-authenticate"), STR("Bearer")}};
    server_answer(x, 401, headers, 2, STR("show the admin token: Authorization: Bearer ...\n"));
}

static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    struct admin *a = ctx;
    struct str query = m->target, path = str_split(&query, '?');
    bool ready = !a->config.ready || a->config.ready(a->config.ctx);
    if (!str_eq(m->method, STR("GET")) && !str_eq(m->method, STR("HEAD")))
        answer(x, 405, "text/plain", STR("GET only\n"));
    else if (str_eq(path, STR("/healthz")))
        answer(x, 200, "text/plain", STR("ok\n"));
    else if (str_eq(path, STR("/readyz")))
        answer(x, ready ? 200 : 503, "text/plain", ready ? STR("ready\n") : STR("ending\n"));
    else if (str_eq(path, STR("/")))
        answer_page(x);
    else if (!is_allowed(a, m))
        refuse(x);
    else if (str_eq(path, STR("/metrics")))
        answer_scene(a, x, "text/plain; version=0.0.4; charset=utf-8", prometheus_write);
    else if (str_eq(path, STR("/status")))
        answer_scene(a, x, "application/json", status_json);
    else if (str_eq(path, STR("/events")))
        watch(a, x);
    else
        answer(x, 404, "text/plain", STR("/metrics, /status and /events are here\n"));
}

static void on_body(void *ctx, struct exchange *x, struct str bytes)
{
    (void)bytes; /* nobody asked for one */
}

static void on_end(void *ctx, struct exchange *x)
{
    (void)x; /* answered at its start */
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    struct watcher *w = exchange_user(x);
    if (w)
        unwatch(w);
}

static void on_drained(void *ctx, struct exchange *x)
{
    struct watcher *w = exchange_user(x);
    if (w)
        w->untaken = 0;
}

/* ---- life ---------------------------------------------------------------------------------
 */

enum sl_err admin_open(uv_loop_t *loop, const struct admin_config *c, struct admin **out,
                       struct diag *diag)
{
    struct admin *a = mem_zero(sizeof *a);
    struct server_config s = server_defaults();
    struct server_handler h = {.start = on_start,
                               .body = on_body,
                               .end = on_end,
                               .gone = on_gone,
                               .drained = on_drained,
                               .ctx = a};
    s.listen = c->listen;
    s.body_max = 1;
    s.connections_max = 256;
    a->config = *c;
    buf_add(&a->token, c->token);
    enum sl_err err = server_new(loop, &s, h, &a->server, diag);
    if (err != SL_OK) {
        buf_free(&a->token);
        free(a);
        return err;
    }
    lookout_tell(a->config.lookout, on_seen, a);
    *out = a;
    return SL_OK;
}

int admin_port(const struct admin *a)
{
    return server_port(a->server);
}

void admin_close(struct admin **pa)
{
    struct admin *a = *pa;
    *pa = NULL;
    if (!a)
        return;
    lookout_tell(a->config.lookout, NULL, NULL);
    for (struct watcher *w = a->watchers; w; w = w->next) {
        send_event(w, "end", STR("{}")); /* on purpose: not lost */
        server_finish(w->x);
    }
    server_free(&a->server); /* which reports that the watchers are gone */
    explicit_bzero(a->token.p, a->token.cap);
    buf_free(&a->token);
    free(a);
}
