/* watch.c: what people see while a run goes on: a block redrawn on a terminal, a plain line
 * every ten seconds elsewhere, nothing with --quiet. Only standard error is written. */
#include "batch.h"

#include "progress.h"
#include "shipping.h"

#include <stdio.h>
#include <time.h>

enum { LINE_EVERY_US = 10 * 1000000 };

static bool is_tokens(enum dimension d)
{
    return d == DIM_TPM || d == DIM_ITPM || d == DIM_OTPM || d == DIM_TPD;
}

/* The budget to show of its kind: the one that binds, else the first with the shortest period.
 */
static const struct budget_view *tightest(const struct pool_view *v, bool tokens)
{
    const struct budget_view *best = NULL;
    for (size_t i = 0; i < v->budget_count; i++) {
        const struct budget_view *x = &v->budgets[i];
        bool kind = tokens ? is_tokens(x->dim) : x->dim == DIM_RPM || x->dim == DIM_RPD;
        if (!kind)
            continue;
        if (!best || (x->binds && !best->binds) ||
            (x->binds == best->binds && x->period_us < best->period_us))
            best = x;
    }
    return best;
}

static void show_budget(const struct budget_view *v, struct recent *recent, int64_t now_us,
                        int64_t minute_us, struct progress_budget *out)
{
    out->dim = DIM_UNKNOWN;
    if (!v)
        return;
    int64_t period = dimension_period_s(v->dim) / 60 * minute_us;
    out->dim = v->dim;
    out->limit = v->limit;
    out->binds = v->binds;
    out->used = recent_growth(recent, now_us, period, v->charged);
}

/* When the last request will have been admitted, and the mean time to answer it; -1 unknown. */
static int64_t live_eta_us(struct batch *b, int64_t now_us)
{
    int64_t latest = now_us;
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        int64_t t =
            pool_forecast_us(engine_account(b->door.engine), b->input.models.pools[p].pool,
                             now_us, b->pools[p].remaining);
        if (t == INT64_MAX)
            return -1;
        latest = t > latest ? t : latest;
    }
    int64_t mean = b->totals.served ? b->totals.service_us / b->totals.served : 0;
    return latest - now_us + mean;
}

int64_t watch_eta_us(struct batch *b, int64_t now_us)
{
    struct progress_batches x;
    int64_t live_us = live_eta_us(b, now_us);
    if (!b->shipping || !shipping_look(b->shipping, &x))
        return live_us;
    return live_us < 0 || x.eta_us < 0 ? -1 : x.eta_us > live_us ? x.eta_us : live_us;
}

void watch_state(struct batch *b, struct buf *out)
{
    struct engine_look look = engine_look(b->door.engine);
    if (b->stop == STOP_INTERRUPT)
        buf_puts(out, "finishing what is in flight; Ctrl-C again to stop now");
    else if (b->stop == STOP_ACCOUNT)
        buf_puts(out, "the account cannot go on; finishing what is in flight");
    else if (account_look(engine_account(b->door.engine)).paused)
        buf_printf(out, "provider out, probing%s%s", look.why[0] ? ": " : "", look.why);
}

static void clock_at(int64_t ahead_us, char out[16])
{
    time_t t = time(NULL) + (time_t)(ahead_us / 1000000);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(out, 16, "%H:%M:%S", &tm);
}

/* Batches end when they end; and where all is theirs, the live budgets say nothing. */
static void look_at_batches(struct batch *b, struct progress *p, struct progress_batches *out)
{
    if (!b->shipping)
        return;
    int64_t shipped = shipping_look(b->shipping, out);
    out->due_us = b->deadline.due_us;
    p->batches = b->shipping->parcels.n ? out : NULL;
    p->waiting -= shipped;
    p->eta_live = shipped && p->waiting + p->in_flight > 0;
    p->eta_rough = shipped && !p->eta_live;
    if (p->eta_rough) {
        p->eta_us = out->eta_us;
        out->eta_us = -1; /* said once */
        p->pool_count = 0;
    }
}

static void look(struct batch *b, int64_t now_us, struct progress *p)
{
    const struct totals *t = &b->totals;
    p->input = input_name(&b->input.config);
    p->output = b->settings->output;
    p->account = b->settings->account.name.p;
    p->done = t->before_ok + t->before_failed + t->ok + t->failed;
    p->total = t->total;
    p->eta_us = live_eta_us(b, now_us);
    p->in_flight = (int64_t)engine_look(b->door.engine).in_flight;
    p->waiting = p->total - p->done - p->in_flight;
    p->refused = t->refused;
    p->retries = &t->retries;
    p->pool_count = b->input.models.pool_count;
    for (size_t i = 0; i < p->pool_count && i < PROGRESS_POOLS; i++) {
        struct pool_view view;
        pool_look(engine_account(b->door.engine), b->input.models.pools[i].pool, now_us, &view);
        p->pools[i].name = view.name;
        show_budget(tightest(&view, true), &b->pools[i].tokens, now_us,
                    b->settings->account.minute_us, &p->pools[i].tokens);
        show_budget(tightest(&view, false), &b->pools[i].requests, now_us,
                    b->settings->account.minute_us, &p->pools[i].requests);
    }
}

static void erase(struct batch *b, struct buf *out)
{
    if (b->drawn_lines)
        buf_printf(out, "\033[%dA\r\033[J", b->drawn_lines);
    b->drawn_lines = 0;
}

static void print(const struct buf *out)
{
    if (!out->n)
        return;
    fwrite(out->p, 1, out->n, stderr);
    fflush(stderr);
}

static void draw(struct batch *b, const struct progress *p)
{
    struct progress_style style = {b->term.width, b->term.utf8, b->term.color};
    struct buf out = {0};
    int lines;
    erase(b, &out);
    progress_block(p, &style, &out, &lines);
    b->drawn_lines = lines;
    print(&out);
    buf_free(&out);
}

void watch_start(struct batch *b)
{
    b->line_due_us = engine_now(b->door.engine) + LINE_EVERY_US;
}

void watch_tick(struct batch *b, int64_t now_us)
{
    if (b->settings->quiet)
        return;
    struct progress p = {0};
    char at[16] = "";
    struct buf state = {0};
    struct progress_batches batches = {.status = ""};
    look(b, now_us, &p); /* also where nothing is shown yet: it samples the rates */
    look_at_batches(b, &p, &batches);
    if (!b->term.interactive && now_us < b->line_due_us)
        return;
    if (p.eta_us >= 0)
        clock_at(p.eta_us, at);
    p.eta_at = at;
    watch_state(b, &state);
    p.state = buf_cstr(&state);
    if (b->term.interactive) {
        b->term.width = term_look().width;
        draw(b, &p);
    } else {
        struct buf line = {0};
        progress_line(&p, &line);
        buf_char(&line, '\n');
        print(&line);
        buf_free(&line);
        b->line_due_us += LINE_EVERY_US;
    }
    buf_free(&state);
}

void watch_note(struct batch *b, const char *text)
{
    struct buf out = {0};
    if (b->settings->quiet)
        return;
    erase(b, &out);
    buf_printf(&out, "sluice run: %s\n", text);
    print(&out);
    buf_free(&out);
}

void watch_end(struct batch *b)
{
    struct buf out = {0};
    erase(b, &out);
    print(&out);
    buf_free(&out);
}
