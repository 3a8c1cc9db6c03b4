/* A server and its client in one loop, both misbehaving at random: every exchange and every
 * call ends exactly once, answers are whole or known to be cut, and nothing is left behind.
 * SEED=n repeats a run (the system's timing is its own). */
#include "check.h"
#include "random.h"
#include "server.h"
#include "upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "both.h"

enum { CALLS = 3000, AT_ONCE = 40 };

struct storm;

struct served { /* one exchange */
    struct storm *storm;
    struct exchange *x;
    size_t body;
    char kind;
    int pieces; /* of a streamed answer, to come */
    struct served *next;
};

struct asked { /* one call */
    struct storm *storm;
    struct call *call;
    size_t sent, got;
    char kind;
    bool open;
};

struct storm {
    uv_loop_t loop;
    struct random random;
    struct server *server;
    struct upstream *upstream;
    struct served *streaming;
    uv_idle_t turn;
    struct asked calls[AT_ONCE];
    int started, ended, cancelled, broken, whole;
    int exchanges, gone;
    char bytes[200000];
};

static bool chance(struct storm *s, uint64_t one_in)
{
    return random_below(&s->random, one_in) == 0;
}

/* ---- The server's side: the kind of misbehaviour is the first letter of the path. ----- */

static void on_start(void *ctx, struct exchange *x, const struct message *m)
{
    struct storm *s = ctx;
    struct served *e = calloc(1, sizeof *e);
    *e = (struct served){.storm = s, .x = x, .kind = m->target.p[1]};
    exchange_set(x, e);
    s->exchanges++;
    if (e->kind == 'e')
        server_answer(x, 429, NULL, 0, STR("early"));
    if (e->kind == 'r' && chance(s, 2))
        server_reset(x);
}

static void on_body(void *ctx, struct exchange *x, struct str bytes)
{
    struct served *e = exchange_user(x);
    e->body += bytes.n;
}

static void on_end(void *ctx, struct exchange *x)
{
    struct storm *s = ctx;
    struct served *e = exchange_user(x);
    struct header close = {STR("connection"), STR("close")};
    if (e->kind == 'r') {
        server_reset(x);
    } else if (e->kind == 's' || e->kind == 'c') {
        server_begin(x, 200, NULL, 0);
        e->pieces = 1 + (int)random_below(&s->random, 20);
        e->next = s->streaming;
        s->streaming = e;
    } else {
        server_answer(x, 200, &close, e->kind == 'x', (struct str){s->bytes, e->body});
    }
}

static void on_gone(void *ctx, struct exchange *x, bool complete)
{
    struct storm *s = ctx;
    struct served *e = exchange_user(x);
    for (struct served **at = &s->streaming; *at; at = &(*at)->next) {
        if (*at == e) {
            *at = e->next;
            break;
        }
    }
    s->gone++;
    free(e);
}

/* One more piece of every streamed answer; 'c' is cut in the middle. */
static void stream_on(struct storm *s)
{
    struct served **at = &s->streaming;
    while (*at) {
        struct served *e = *at;
        size_t piece = e->body / 20 + 1;
        if (e->pieces-- > 0) {
            server_write(e->x, (struct str){s->bytes, piece});
            at = &e->next;
            continue;
        }
        *at = e->next;
        if (e->kind == 'c')
            server_reset(e->x);
        else
            server_finish(e->x);
    }
}

/* ---- The client's side ---------------------------------------------------------------- */

static void start_call(struct asked *a);

static void end_call(struct asked *a)
{
    struct storm *s = a->storm;
    assert_true(a->open);
    a->open = false;
    a->call = NULL;
    s->ended++;
}

/* What a report may do: cancel, pause, or nothing. */
static void act(struct asked *a)
{
    struct storm *s = a->storm;
    if (chance(s, 40)) {
        call_cancel(&a->call);
        s->cancelled++;
        end_call(a);
    } else if (chance(s, 10)) {
        call_pause(a->call);
    }
}

/* May be said within upstream_call, when nobody knows the call yet. */
static void on_sent(void *ctx)
{
    struct asked *a = ctx;
    if (a->call)
        act(a);
}

static void on_head(void *ctx, const struct message *m)
{
    assert_true(m->status == 200 || m->status == 429);
    act(ctx);
}

static void on_answer(void *ctx, struct str bytes)
{
    struct asked *a = ctx;
    a->got += bytes.n;
    act(a);
}

static void on_done(void *ctx, enum sl_err err, const char *why)
{
    struct asked *a = ctx;
    struct storm *s = a->storm;
    bool may_break = a->kind == 'r' || a->kind == 'c' || a->kind == 'e';
    if (err == SL_OK && a->kind != 's' && a->kind != 'e')
        assert_int_equal(a->got, a->sent);
    if (err != SL_OK && (!may_break || err != SL_CLOSED))
        fail_msg("%c: %s: %s", a->kind, sl_err_text(err), why);
    assert_true(err != SL_OK || (a->kind != 'r' && a->kind != 'c'));
    s->broken += err != SL_OK;
    s->whole += err == SL_OK;
    end_call(a);
    if (chance(s, 2) && s->started < CALLS)
        start_call(a);
}

static void start_call(struct asked *a)
{
    static const char kinds[] = "nnnnsssxcre";
    struct storm *s = a->storm;
    char path[3] = {'/', kinds[random_below(&s->random, sizeof kinds - 1)], 0};
    size_t size = chance(s, 10) ? sizeof s->bytes : 2000;
    a->kind = path[1];
    a->sent = (size_t)random_below(&s->random, size);
    a->got = 0;
    a->open = true;
    a->call = NULL;
    s->started++;
    struct call_request r = {
        .method = "POST", .path = str_of(path), .body = {s->bytes, a->sent}};
    a->call = upstream_call(
        s->upstream, &r, (struct call_handler){on_sent, on_head, on_answer, on_done, a, NULL});
}

static void on_turn(uv_idle_t *idle)
{
    struct storm *s = idle->data;
    stream_on(s);
    for (size_t i = 0; i < AT_ONCE; i++) {
        struct asked *a = &s->calls[i];
        if (!a->open && s->started < CALLS)
            start_call(a);
        else if (a->open && chance(s, 3))
            call_resume(a->call);
        if (a->open && chance(s, 2000)) {
            call_cancel(&a->call);
            s->cancelled++;
            end_call(a);
        }
    }
}

static void everything_ends_exactly_once(void **state)
{
    const char *told = getenv("SEED");
    uint64_t seed = told ? strtoull(told, NULL, 10) : (uint64_t)time(NULL);
    struct storm *s = calloc(1, sizeof *s);
    struct diag d;
    char url[64];
    print_message("# SEED=%llu\n", (unsigned long long)seed);
    s->random.state = seed;
    memset(s->bytes, 'x', sizeof s->bytes);
    uv_loop_init(&s->loop);
    struct server_config sc = both_config();
    struct server_handler h = {
        .start = on_start, .body = on_body, .end = on_end, .gone = on_gone, .ctx = s};
    assert_int_equal(server_new(&s->loop, &sc, h, &s->server, &d), SL_OK);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d", both.tls ? "https" : "http",
             server_port(s->server));
    struct upstream_config uc = upstream_defaults();
    uc.base_url = url;
    uc.ca_file = both.tls ? both.identity.authority : NULL;
    uc.connections_max = 1 + (size_t)random_below(&s->random, 2 * AT_ONCE);
    assert_int_equal(upstream_new(&s->loop, &uc, &s->upstream, &d), SL_OK);
    upstream_warm(s->upstream, (size_t)random_below(&s->random, AT_ONCE));
    uv_idle_init(&s->loop, &s->turn);
    s->turn.data = s;
    uv_idle_start(&s->turn, on_turn);
    for (size_t i = 0; i < AT_ONCE; i++)
        s->calls[i].storm = s;
    while (s->ended < CALLS) {
        uv_run(&s->loop, UV_RUN_ONCE);
        assert_true(upstream_connections(s->upstream) <= uc.connections_max);
    }
    assert_int_equal(s->ended, s->started);
    assert_int_equal(s->whole + s->broken + s->cancelled, CALLS);
    assert_true(s->whole > CALLS / 3);
    uv_close((uv_handle_t *)&s->turn, NULL);
    upstream_free(&s->upstream);
    server_free(&s->server);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->gone, s->exchanges);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BOTH(everything_ends_exactly_once)};
    return cmocka_run_group_tests(tests, both_setup, both_teardown);
}
