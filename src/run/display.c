/* display.c: see display.h. */
#include "display.h"

#include "admin.h"
#include "batch.h"
#include "beacon.h"
#include "portrait.h"
#include "shipping.h"
#include "state.h"
#include "ui.h"
#include "wall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct display {
    struct lookout *lookout;
    struct admin *admin;
    struct beacon *beacon;
    int64_t started_unix_us;
};

/* ---- counting ---------------------------------------------------------------------------- */

static struct str account_name(const struct batch *b)
{
    return buf_str(&b->settings->account.name);
}

static struct scene_request notable(const struct batch *b, size_t pool, const struct job *j,
                                    const struct ending *end)
{
    const struct flow *f = &j->flow;
    bool sent = f->sent_us >= 0;
    return (struct scene_request){
        .unix_us = wall_unix_us(),
        .tenant = STR(""),
        .model = b->input.models.pools[pool].name,
        .account = account_name(b),
        .what = STR("ok"),
        .status = end->answered ? end->status : 0,
        .wait_us = sent ? f->sent_us - f->submitted_us : 0,
        .latency_us = sent ? engine_now(b->door.engine) - f->sent_us : 0,
    };
}

static void keep_failed(struct batch *b, size_t pool, const struct job *j,
                        const struct ending *end)
{
    struct buf what = {0};
    struct scene_request one = notable(b, pool, j, end);
    if (end->outcome == OUTCOME_TOO_LARGE)
        buf_puts(&what, "larger than a limit of the account: it can never be admitted");
    else if (end->answered)
        reckon_diagnosis(end, &what);
    else
        buf_puts(&what, end->why);
    one.what = buf_str(&what);
    notables_refused(&b->notables, &one);
    buf_free(&what);
}

void display_setback(struct batch *b, size_t pool, struct setbacks *s, const struct job *j,
                     const struct ending *end)
{
    reckon_setback(s, end);
    reckon_refusal(&b->pools[pool].tally, b->settings->account.provider, &j->flow, end,
                   wall_unix_us());
}

static enum tally_outcome outcome_of(const struct ending *end)
{
    if (end->outcome == OUTCOME_OK)
        return TALLY_OK;
    if (end->outcome == OUTCOME_TOO_LARGE)
        return TALLY_TURNED_AWAY;
    return end->answered ? TALLY_PROVIDER_ERROR : TALLY_UNREACHED;
}

void display_over(struct batch *b, size_t pool, const struct setbacks *s, const struct job *j,
                  const struct ending *end)
{
    struct tally *t = &b->pools[pool].tally;
    const struct flow *f = &j->flow;
    if (end->outcome == OUTCOME_UNSENT)
        return;
    t->outcomes[outcome_of(end)]++;
    reckon_retries(t, s, end);
    if (end->outcome == OUTCOME_TOO_LARGE)
        t->refusals[TALLY_CAUSE_SIZE][f->waited_for]++;
    if (f->sent_us >= 0) {
        histogram_add(&t->wait, f->sent_us - f->submitted_us);
        reckon_used(t, f, end);
    }
    if (end->outcome == OUTCOME_OK) {
        struct scene_request one = notable(b, pool, j, end);
        notables_ended(&b->notables, &one);
    } else {
        keep_failed(b, pool, j, end);
    }
}

/* ---- the scene --------------------------------------------------------------------------- */

/* The rows of a pool that are not drawn yet wait too. */
static void draw_pool(struct batch *b, size_t i, int64_t now_us, struct scene_pool *out)
{
    struct pool_view view;
    pool_look(engine_account(b->door.engine), b->input.models.pools[i].pool, now_us, &view);
    portrait_pool(account_name(b), &view, &b->pools[i].tally, out);
    out->queued += shuffle_left(&b->shuffle, i);
}

static struct scene_account *draw_account(struct batch *b, struct arena *arena)
{
    struct scene_account *a = arena_alloc(arena, sizeof *a);
    portrait_account(account_name(b), &b->settings->account, b->door.engine, arena, a);
    return a;
}

static struct scene_batch *draw_batch(struct batch *b, int64_t now_us, struct arena *arena)
{
    struct scene_batch *r = arena_alloc(arena, sizeof *r);
    const struct totals *t = &b->totals;
    struct buf state = {0};
    struct progress_batches x;
    watch_state(b, &state);
    if (!state.n && b->shipping && shipping_look(b->shipping, &x))
        buf_printf(&state, "batches: %zu at work, %zu waiting, %zu done", x.at_work, x.waiting,
                   x.over);
    *r = (struct scene_batch){.input = str_of(input_name(&b->input.config)),
                              .output = str_of(b->settings->output),
                              .state = arena_copy(arena, buf_str(&state)),
                              .total = t->total,
                              .done = t->before_ok + t->before_failed + t->ok + t->failed,
                              .failed = t->before_failed + t->failed,
                              .eta_us = watch_eta_us(b, now_us)};
    buf_free(&state);
    return r;
}

static void draw(void *ctx, struct scene *out, struct arena *arena)
{
    struct batch *b = ctx;
    int64_t now_us = engine_now(b->door.engine);
    size_t n = b->input.models.pool_count;
    struct scene_pool *pools = arena_alloc(arena, (n + 1) * sizeof *pools);
    struct scene_request *requests = arena_alloc(arena, NOTABLES_MAX * sizeof *requests);
    for (size_t i = 0; i < n; i++)
        draw_pool(b, i, now_us, &pools[i]);
    *out = (struct scene){.verb = "run",
                          .version = SLUICE_VERSION,
                          .unix_us = wall_unix_us(),
                          .started_unix_us = b->display->started_unix_us,
                          .accounts = draw_account(b, arena),
                          .account_count = 1,
                          .pools = pools,
                          .pool_count = n,
                          .requests = requests,
                          .batch = draw_batch(b, now_us, arena),
                          .held = b->jobs};
    out->request_count = notables_list(&b->notables, out->unix_us, requests);
}

/* ---- the listener ------------------------------------------------------------------------ */

/* For `sluice status`; what cannot be written there does no harm. */
static void light_beacon(struct display *d, struct str url)
{
    struct arena arena = {0};
    struct diag diag;
    const struct beacon_word word = {
        .verb = STR("run"), .url = url, .pid = getpid(), .started_unix_us = d->started_unix_us};
    if (beacon_light(state_directory(&arena), &word, &d->beacon, &diag) != SL_OK)
        d->beacon = NULL;
    arena_free(&arena);
}

enum sl_err display_open(struct batch *b, struct diag *diag)
{
    struct buf token = {0}, url = {0};
    if (!b->settings->ui)
        return SL_OK;
    const char *listen = ui_listen(b->settings->ui);
    struct display *d = b->display = mem_zero(sizeof *d);
    struct lookout_config look = {.view = {draw, b}, .rules = alert_rules_defaults()};
    d->started_unix_us = wall_unix_us();
    bool random = ui_token(&token);
    look.rules.off[ALERT_SATURATION] = true; /* a batch is meant to use all there is */
    lookout_open(&b->loop, &look, &d->lookout);
    const struct admin_config c = {
        .listen = listen, .token = buf_str(&token), .lookout = d->lookout};
    enum sl_err err = admin_open(&b->loop, &c, &d->admin, diag);
    if (err == SL_OK) {
        ui_url(listen, admin_port(d->admin), &url);
        ui_tell(buf_str(&url), buf_str(&token), random);
        light_beacon(d, buf_str(&url));
    }
    explicit_bzero(token.p, token.cap);
    buf_free(&token);
    buf_free(&url);
    return err;
}

void display_close(struct batch *b)
{
    struct display *d = b->display;
    if (!d)
        return;
    lookout_now(d->lookout);
    beacon_douse(&d->beacon);
    admin_close(&d->admin);
    lookout_close(&d->lookout);
    b->display = NULL;
    free(d);
}
