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
#include "engine_state.h"

#include <stdlib.h>

int64_t engine_now(struct engine *e)
{
    int64_t now = (int64_t)(uv_hrtime() / 1000);
    sl_assert(now >= e->now_us);
    e->now_us = now;
    return now;
}

static void carry(struct engine *e);

void engine_step(struct engine *e, const struct event *ev)
{
    flow_step(e->account, ev, &e->actions);
    e->dirty = true;
    carry(e);
}

/* ---- actions ------------------------------------------------------------------------- */

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
            attempt_send(e, j);
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

/* ---- the loop ------------------------------------------------------------------------ */

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
    engine_step(e, &ev);
}

void engine_cancel(struct engine *e, struct job *j)
{
    struct event ev = {
        .kind = EVENT_CANCEL, .flow = &j->flow, .usage = attempt_cancel(j->last)};
    ev.now_us = engine_now(e);
    engine_step(e, &ev);
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
