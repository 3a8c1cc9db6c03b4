/* gateway.c: see gateway.h. Opening, renewing, ending; health; the clocks of deadlines and of
 * the calendar. */
#include "gateway.h"

#include "daybook.h"
#include "herald.h"
#include "pass.h"
#include "relay.h"
#include "scenery.h"
#include "setting_check.h"
#include "state.h"
#include "ui.h"
#include "wall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What a crash may forget of a day's budgets. */
enum { BOOK_MS = 10000, LAST_LINES_MS = 1000 };

int64_t gateway_now(const struct gateway *g)
{
    (void)g; /* every engine reads the same clock */
    return (int64_t)(uv_hrtime() / 1000);
}

int64_t gateway_unix(const struct gateway *g)
{
    (void)g;
    return wall_unix_us();
}

struct tenant *gateway_tenant(const struct gateway *g, struct str key)
{
    if (!g->keys)
        return g->everybody;
    const struct key_entry *e = keys_find(g->keys, key);
    struct tenant *t = e ? g->owners[e - keys_at(g->keys, 0)] : NULL;
    return t && !t->gone ? t : NULL;
}

/* ---- the server's handler ---------------------------------------------------------------- */

static void answer_text(struct exchange *x, int status, const char *text)
{
    struct header plain = {STR("content-type"), STR("text/plain")};
    server_answer(x, status, &plain, 1, str_of(text));
}

static bool answers_itself(struct gateway *g, struct exchange *x, const struct message *m)
{
    if (str_eq(m->target, STR("/healthz")))
        answer_text(x, 200, "ok\n");
    else if (str_eq(m->target, STR("/readyz")))
        answer_text(x, g->ending ? 503 : 200, g->ending ? "ending\n" : "ready\n");
    else
        return false;
    return true;
}

static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    struct gateway *g = ctx;
    if (!answers_itself(g, x, m))
        relay_start(g, x, m);
}

static bool on_streams(void *ctx, const struct message *m)
{
    (void)ctx;
    return relay_streams(m);
}

static void on_body(void *ctx, struct exchange *x, struct str bytes)
{
    relay_body(exchange_user(x), bytes);
}

static void on_end(void *ctx, struct exchange *x)
{
    relay_end(exchange_user(x));
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    if (exchange_user(x))
        relay_gone(exchange_user(x));
}

static void on_drained(void *ctx, struct exchange *x)
{
    if (exchange_user(x))
        relay_drained(exchange_user(x));
}

/* What the server refuses by itself, before anybody knows whose language the client speaks: in
 * OpenAI's shape, unless the account is Anthropic's. */
static void on_refused(void *ctx, int status, const char *why, struct buf *body,
                       const char **content_type)
{
    const struct gateway *g = ctx;
    struct arena arena = {0};
    bool anthropic = g->setting->accounts[0].options.provider->id == PROVIDER_ANTHROPIC;
    const char *type =
        status >= 500 ? anthropic ? "api_error" : "server_error" : "invalid_request_error";
    buf_add(body, turn_away_body(anthropic, type, "invalid_request", str_of(why), &arena));
    *content_type = "application/json";
    arena_free(&arena);
}

/* ---- clocks ------------------------------------------------------------------------------ */

static void start_timer(uv_timer_t *timer, uv_timer_cb then, int64_t in_us)
{
    int64_t ms = in_us > 0 ? (in_us + 999) / 1000 : 0;
    uv_timer_start(timer, then, (uint64_t)ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    int64_t now_us = gateway_now(g);
    g->timer_due_us = relay_overdue(g, now_us);
    if (g->timer_due_us != INT64_MAX)
        start_timer(timer, on_timer, g->timer_due_us - now_us);
}

/* To the tenth of a second: looking at every queue once serves all that end in it. */
void gateway_deadline(struct gateway *g, int64_t now_us, int64_t due_us)
{
    enum { TENTH_US = 100000 };
    due_us = (due_us / TENTH_US + 1) * TENTH_US;
    if (due_us >= g->timer_due_us)
        return;
    g->timer_due_us = due_us;
    start_timer(&g->timer, on_timer, due_us - now_us);
}

void gateway_wake(struct gateway *g, const struct outlet *but, uint32_t tenant)
{
    for (size_t i = 0; i < g->outlets.n; i++) {
        struct outlet *o = g->outlets.list[i];
        if (o != but)
            engine_wake(o->door.engine, tenant);
    }
}

/* Days and months end by the wall clock, which may be set: looked at once a minute at least. */
static void on_calendar(uv_timer_t *timer)
{
    enum { MINUTE_US = 60000000 };
    struct gateway *g = timer->data;
    int64_t now_us = gateway_now(g);
    int64_t next_us = tenants_turn(&g->tenants, now_us, gateway_unix(g));
    int64_t in_us = next_us - now_us < MINUTE_US ? next_us - now_us : MINUTE_US;
    for (uint32_t i = 0; i < g->tenants.n; i++) {
        if (g->tenants.list[i]->held)
            gateway_wake(g, NULL, i);
    }
    start_timer(timer, on_calendar, in_us);
}

/* ---- life -------------------------------------------------------------------------------- */

/* Finds the owners of the keys by name, once instead of for every request. */
static void find_owners(struct gateway *g)
{
    size_t n = 0;
    free(g->owners);
    g->owners = NULL;
    while (g->keys && keys_at(g->keys, n))
        n++;
    g->owners = mem_zero((n + 1) * sizeof(struct tenant *));
    for (size_t i = 0; i < n; i++)
        g->owners[i] = tenants_find(&g->tenants, keys_at(g->keys, i)->tenant);
}

static enum sl_err open_keys(const struct setting *s, struct keys **out, struct diag *diag)
{
    *out = NULL;
    return s->tenant_count ? keys_open(s->state, out, diag) : SL_OK;
}

static void take_keys(struct gateway *g, struct keys *keys)
{
    keys_close(&g->keys);
    g->keys = keys;
    find_owners(g);
}

enum sl_err gateway_read_keys(struct gateway *g, struct diag *diag)
{
    struct keys *keys;
    enum sl_err err = open_keys(g->setting, &keys, diag);
    if (err == SL_OK)
        take_keys(g, keys);
    return err;
}

static const struct tenant_setting anybody = {.name = "everybody",
                                              .weight = QUEUE_WEIGHT,
                                              .priority = PRIORITY_NORMAL,
                                              .max_wait_us = -1};

static void take_tenants(struct gateway *g)
{
    const struct setting *s = g->setting;
    bool alone = s->tenant_count == 0;
    uint32_t before = g->tenants.n;
    tenants_apply(&g->tenants, alone ? &anybody : s->tenants, alone ? 1 : s->tenant_count,
                  gateway_now(g), s->accounts[0].options.minute_us);
    g->everybody = alone ? tenants_find(&g->tenants, str_of(anybody.name)) : NULL;
    find_owners(g);
    on_calendar(&g->calendar);
    for (uint32_t i = before; i < g->tenants.n; i++)
        daybook_tell_tenant(g->book, g->tenants.list[i], gateway_now(g), gateway_unix(g));
}

static void on_lines(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    log_sink_flush(&g->record.log);
}

/* Lines of several turns are written at once: a call of the system each would cost more than
 * they do. */
static void on_turn(uv_check_t *turn)
{
    enum { LINES_MS = 20 };
    struct gateway *g = turn->data;
    if (g->record.log.lines.n && !uv_is_active((uv_handle_t *)&g->flusher))
        uv_timer_start(&g->flusher, on_lines, LINES_MS, 0);
}

static void keep_book(struct gateway *g)
{
    struct diag diag;
    if (g->book && daybook_write(g->book, &g->outlets, &g->tenants, gateway_now(g),
                                 gateway_unix(g), &diag) != SL_OK)
        fprintf(stderr, "sluice serve: %s: %s\n", diag.where, diag.what);
}

static void keep_lessons(struct gateway *g, bool last)
{
    struct diag diag;
    outlets_note(&g->outlets, g->memory, gateway_now(g), gateway_unix(g));
    if (memory_write(g->memory, last, &diag) != SL_OK)
        fprintf(stderr, "sluice serve: %s: %s\n", diag.where, diag.what);
}

static void on_bookkeeping(uv_timer_t *timer)
{
    keep_book(timer->data);
    keep_lessons(timer->data, false);
}

/* What cannot be read is learned anew: no reason not to serve. */
static void open_memory(struct gateway *g, const struct setting *s)
{
    struct arena arena = {0};
    struct diag diag;
    if (memory_open(s->state ? s->state : state_directory(&arena), &g->memory, &diag) != SL_OK)
        fprintf(stderr, "warning: %s: %s\n", diag.where, diag.what);
    arena_free(&arena);
}

/* All of it, or nothing. */
static enum sl_err take_setting(struct gateway *g, struct setting *s, struct diag *diag)
{
    struct setting *before = g->setting;
    struct keys *keys;
    enum sl_err err = open_keys(s, &keys, diag);
    if (err == SL_OK)
        err = outlets_apply(&g->outlets, g, s, diag);
    if (err != SL_OK) {
        keys_close(&keys);
        return err;
    }
    g->setting = setting_hold(s);
    take_keys(g, keys);
    take_tenants(g);
    setting_drop(&before);
    return SL_OK;
}

static struct server_config server_of(const struct setting *s)
{
    struct server_config c = server_defaults();
    c.listen = NULL;
    for (size_t i = 0; i < s->listen_count; i++)
        c.places[c.place_count++] =
            (struct server_place){.address = s->listen[i], .tls = setting_has_tls(s, i)};
    c.tls = (struct tls_files){s->certificate, s->certificate_key};
    return c;
}

static bool is_ready(void *ctx)
{
    const struct gateway *g = ctx;
    return !g->ending;
}

/* Who looks at the gateway: nobody, unless somebody wants to. */
static void open_lookout(struct gateway *g)
{
    const struct lookout_config c = {.view = {scenery_draw, g},
                                     .rules = g->setting->alerts.rules};
    const struct setting *s = g->setting;
    if (!g->lookout && (s->admin_listen || s->ui || s->alerts.given))
        lookout_open(g->loop, &c, &g->lookout);
}

static enum sl_err open_courier(struct gateway *g, const struct setting *s,
                                struct courier **out, struct diag *diag)
{
    const struct herald_manner manner = {.once = false};
    return herald_open(g->loop, &s->alerts, &manner, out, diag);
}

/* Rules and courier of the setting in force, instead of those there were. */
static void take_courier(struct gateway *g, struct courier *courier)
{
    open_lookout(g);
    if (g->lookout) {
        lookout_rule(g->lookout, &g->setting->alerts.rules);
        lookout_courier(g->lookout, courier);
    }
    courier_close(&g->courier);
    g->courier = courier;
}

/* So that `sluice status` finds it; that it cannot be found is no reason not to serve. */
static void light_beacon(struct gateway *g, struct str url)
{
    struct arena arena = {0};
    struct diag diag;
    const struct setting *s = g->setting;
    const struct beacon_word word = {.verb = STR("serve"),
                                     .url = url,
                                     .pid = getpid(),
                                     .started_unix_us = g->started_unix_us};
    if (beacon_light(s->state ? s->state : state_directory(&arena), &word, &g->beacon, &diag) !=
        SL_OK)
        fprintf(stderr, "warning: %s: %s: `sluice status` will not find it\n", diag.where,
                diag.what);
    arena_free(&arena);
}

static enum sl_err listen_to_admins(struct gateway *g, const char *listen, struct str token,
                                    struct diag *diag)
{
    struct admin_config c = {
        .listen = listen, .token = token, .lookout = g->lookout, .ready = is_ready, .ctx = g};
    struct buf url = {0};
    enum sl_err err = admin_open(g->loop, &c, &g->admin, diag);
    if (err == SL_OK && strncmp(listen, "unix:", 5) != 0) {
        ui_url(listen, admin_port(g->admin), &url);
        light_beacon(g, buf_str(&url));
    }
    buf_free(&url);
    return err;
}

static enum sl_err open_ui(struct gateway *g, struct diag *diag)
{
    const char *listen = ui_listen(g->setting->ui);
    struct buf token = {0}, url = {0};
    bool random = ui_token(&token);
    enum sl_err err = listen_to_admins(g, listen, buf_str(&token), diag);
    if (err == SL_OK) {
        ui_url(listen, admin_port(g->admin), &url);
        ui_tell(buf_str(&url), buf_str(&token), random);
    }
    explicit_bzero(token.p, token.cap);
    buf_free(&token);
    buf_free(&url);
    return err;
}

static enum sl_err open_admin(struct gateway *g, struct diag *diag)
{
    const struct setting *s = g->setting;
    struct keyring token = {.n = 0};
    if (s->ui)
        return open_ui(g, diag);
    if (!s->admin_listen)
        return SL_OK;
    enum sl_err err = setting_admin_token(s, &token, diag);
    if (err == SL_OK)
        err = listen_to_admins(g, s->admin_listen, token.lent[0], diag);
    keyring_wipe(&token);
    return err;
}

static enum sl_err open_views(struct gateway *g, struct diag *diag)
{
    struct courier *courier;
    enum sl_err err = open_courier(g, g->setting, &courier, diag);
    if (err != SL_OK)
        return err;
    take_courier(g, courier);
    return open_admin(g, diag);
}

static enum sl_err open_log(struct log_sink *log, const struct setting *s, struct diag *diag)
{
    bool json = s->log_format && strcmp(s->log_format, "json") == 0;
    return log_sink_open(log, s->log, json, diag);
}

enum sl_err gateway_open(struct gateway *g, uv_loop_t *loop, struct setting *s,
                         struct diag *diag)
{
    static char nameless[] = "";
    struct server_handler h = {.start = on_start,
                               .body = on_body,
                               .end = on_end,
                               .gone = on_gone,
                               .drained = on_drained,
                               .refused = on_refused,
                               .streams = on_streams,
                               .ctx = g};
    struct server_config c = server_of(s);
    g->record.log.fd = -1;
    g->loop = loop;
    g->timer_due_us = INT64_MAX;
    g->started_unix_us = gateway_unix(g);
    g->stranger = (struct tenant){.name = nameless, .setting = &anybody};
    uv_timer_init(loop, &g->timer);
    uv_timer_init(loop, &g->calendar);
    uv_timer_init(loop, &g->bookkeeping);
    g->timer.data = g->calendar.data = g->bookkeeping.data = g;
    uv_unref((uv_handle_t *)&g->calendar);
    uv_unref((uv_handle_t *)&g->bookkeeping);
    uv_check_init(loop, &g->turn);
    g->turn.data = g;
    uv_check_start(&g->turn, on_turn);
    uv_unref((uv_handle_t *)&g->turn);
    uv_timer_init(loop, &g->flusher);
    g->flusher.data = g;
    uv_timer_start(&g->bookkeeping, on_bookkeeping, BOOK_MS, BOOK_MS);
    enum sl_err err = SL_OK;
    open_memory(g, s);
    if (s->state)
        err = daybook_open(s->state, &g->book, diag);
    if (err == SL_OK)
        err = take_setting(g, s, diag);
    if (err == SL_OK)
        err = open_log(&g->record.log, s, diag);
    if (err == SL_OK)
        err = server_new(loop, &c, h, &g->server, diag);
    return err == SL_OK ? open_views(g, diag) : err;
}

enum sl_err gateway_renew(struct gateway *g, struct setting *s, struct diag *diag)
{
    const struct tls_files files = {s->certificate, s->certificate_key};
    struct courier *courier = NULL;
    struct log_sink log; /* another file, or the same begun anew */
    enum sl_err err = open_log(&log, s, diag);
    if (err == SL_OK)
        err = open_courier(g, s, &courier, diag);
    if (err == SL_OK && g->setting->certificate && s->certificate)
        err = server_tls_reload(g->server, &files, diag);
    if (err == SL_OK)
        err = take_setting(g, s, diag);
    if (err != SL_OK) {
        courier_close(&courier);
        log_sink_close(&log, 0);
        return err;
    }
    take_courier(g, courier);
    log_sink_close(&g->record.log, 0);
    g->record.log = log;
    return SL_OK;
}

void gateway_drain(struct gateway *g)
{
    g->ending = true;
    server_drain(g->server);
    if (!g->relays)
        g->idle(g->ctx);
}

void gateway_close(struct gateway *g)
{
    g->ending = true;
    g->idle = NULL; /* its owner waits for the loop alone now */
    keep_book(g);
    keep_lessons(g, true);
    beacon_douse(&g->beacon);
    admin_close(&g->admin);
    lookout_close(&g->lookout);
    courier_close(&g->courier);
    if (g->server)
        server_free(&g->server);
    relay_cancel_all(g);
    outlets_close(&g->outlets);
    uv_close((uv_handle_t *)&g->timer, NULL);
    uv_close((uv_handle_t *)&g->calendar, NULL);
    uv_close((uv_handle_t *)&g->bookkeeping, NULL);
    uv_close((uv_handle_t *)&g->turn, NULL);
    uv_close((uv_handle_t *)&g->flusher, NULL);
}

void gateway_free(struct gateway *g)
{
    sl_assert(!g->relays);
    polls_free(&g->polls);
    outlets_free(&g->outlets);
    tenants_free(&g->tenants);
    keys_close(&g->keys);
    free(g->owners);
    daybook_close(&g->book);
    memory_close(&g->memory);
    log_sink_close(&g->record.log, LAST_LINES_MS);
    buf_free(&g->record.stamp);
    setting_drop(&g->setting);
    arena_free(&g->scratch);
}
