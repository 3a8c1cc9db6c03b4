/* batch.c: the driver of an engine whose requests are the rows of a file.
 *
 * A row: PENDING -> (drawn) OUT -> DONE | FAILED, or back to PENDING when it came back unsent.
 *
 * Invariants:
 * - A row's answer is on its way to the disk before the row is DONE, and it is DONE before
 * anything else is drawn: a killed run asks again only what was in flight.
 * - After STOP_DISK nothing is sent any more: an answer that cannot be kept must not be paid
 * for.
 * - A row that met an empty wallet or a refused key is neither done nor failed: it is asked
 * again when the account can go on. */
#include "batch.h"

#include "detour.h"
#include "receipt.h"
#include "remember.h"
#include "shipping.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 100,
    /* Until the first answer of all: an address that is wrong stays wrong. */
    FIRST_PATIENCE_US = 30 * 1000000,
    /* Connections opened ahead of the first burst: hides the handshakes, harms nobody. */
    WARM_CONNECTIONS = 16,
};

struct batch_job {
    struct job job; /* first: the engine hands it back */
    struct batch *batch;
    struct batch_job *prev, *next; /* in batch.job_list */
    size_t row;
    struct input_request request;
    bool loaded;
    bool counted;     /* its charge has left pool_state.remaining */
    char setback[24]; /* what broke its last attempt; "" if nothing did */
    struct setbacks setbacks;
};

static struct row *row_of(const struct batch_job *j)
{
    return &j->batch->input.rows.list[j->row];
}

static size_t pool_of(const struct batch_job *j)
{
    return j->batch->input.models.list[row_of(j)->model].pool;
}

void batch_stop(struct batch *b, enum stop stop, const char *where, const char *what)
{
    if (stop <= b->stop)
        return;
    b->stop = stop;
    diag_set(&b->why, SL_IO, where, "%s", what);
    if (b->shipping)
        shipping_stop(b->shipping);
    if (!b->door.engine)
        return; /* not begun yet */
    if (stop >= STOP_NETWORK) {
        engine_freeze(b->door.engine);
        uv_stop(&b->loop);
    } else {
        engine_drain(b->door.engine);
    }
}

/* --cancel asks nothing: what no batch has done is left. */
static bool anything_to_draw(const struct batch *b)
{
    if (b->settings->cancel)
        return false;
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        if (shuffle_left(&b->shuffle, p))
            return true;
    }
    return false;
}

void batch_end_when_done(struct batch *b)
{
    if (b->jobs || (b->shipping && shipping_is_busy(b->shipping)))
        return;
    if (b->stop != STOP_NONE || !anything_to_draw(b))
        uv_stop(&b->loop);
}

/* ---- jobs ---------------------------------------------------------------------------- */

static bool load(struct batch_job *j)
{
    if (j->loaded)
        return true;
    struct batch *b = j->batch;
    struct diag diag;
    if (input_read(&b->input, row_of(j), &j->request, &diag) != SL_OK) {
        batch_stop(b, STOP_DISK, input_name(&b->input.config), diag.what);
        return false;
    }
    j->loaded = true;
    j->job.path = request_line_path(&j->request.line, b->door.base_path[0] != 0);
    return true;
}

static void drop_job(struct batch_job *j)
{
    struct batch *b = j->batch;
    if (j->prev)
        j->prev->next = j->next;
    else
        b->job_list = j->next;
    if (j->next)
        j->next->prev = j->prev;
    input_request_free(&j->request);
    free(j);
    b->jobs--;
}

/* What its row is going to be charged, or is no longer. */
static void add_remaining(struct batch *b, const struct row *row, int sign)
{
    struct demand d = row_demand(row);
    struct pool_state *pool = &b->pools[b->input.models.list[row->model].pool];
    for (int dim = 0; dim < DIM_COUNT; dim++)
        pool->remaining[dim] +=
            sign * demand_charge(&d, b->settings->account.config.charge, (enum dimension)dim);
}

void batch_offer(struct batch *b, size_t row)
{
    const struct row *r = &b->input.rows.list[row];
    size_t pool = b->input.models.list[r->model].pool;
    if (b->pools[pool].remaining[DIM_RPM] == 0)
        b->pools[pool].since_us = engine_now(b->door.engine);
    shuffle_add(&b->shuffle, pool, row);
    add_remaining(b, r, 1);
}

void batch_withdraw(struct batch *b, const struct row *row)
{
    add_remaining(b, row, -1);
}

static void count_out(struct batch_job *j)
{
    if (j->counted)
        return;
    j->counted = true;
    struct batch *b = j->batch;
    struct pool_state *pool = &b->pools[pool_of(j)];
    for (int d = 0; d < DIM_COUNT; d++)
        pool->remaining[d] -= demand_charge(
            &j->job.flow.demand, b->settings->account.config.charge, (enum dimension)d);
}

static struct str on_body(void *ctx, struct job *job)
{
    (void)ctx;
    struct batch_job *j = (struct batch_job *)job;
    if (!load(j))
        return (struct str){NULL, 0};
    count_out(j);
    if (j->setback[0])
        kinds_add(&j->batch->totals.retries, str_of(j->setback));
    j->setback[0] = 0;
    return j->request.line.body;
}

static void on_release(void *ctx, struct job *job)
{
    (void)ctx;
    (void)job; /* kept until the job is over: its custom_id is still needed */
}

static void on_setback(void *ctx, struct job *job, const struct ending *end)
{
    struct batch *b = ctx;
    struct batch_job *j = (struct batch_job *)job;
    bool refused = end->answered && end->verdict.kind == VERDICT_RATE_LIMIT;
    display_setback(b, pool_of(j), &j->setbacks, job, end);
    if (refused)
        totals_refusal(&b->totals, row_of(j)->model, end->verdict.dim);
    else if (end->answered)
        snprintf(j->setback, sizeof j->setback, "%d", end->status);
    else
        snprintf(j->setback, sizeof j->setback, "%.*s", STR_ARG(failure_code(end)));
}

/* ---- ends ---------------------------------------------------------------------------- */

static void count_answer(struct batch_job *j, const struct ending *end)
{
    const struct receipt a = {.model = j->batch->input.models.list[row_of(j)->model].known,
                              .route = j->request.line.route,
                              .usage = &end->usage,
                              .service_us = end->service_us};
    int64_t paid = receipt_add(&j->batch->totals, &a);
    allot_settle(j->batch, row_of(j), false, paid);
}

static struct result result_of(const struct batch_job *j, const struct ending *end)
{
    return (struct result){.id = row_of(j)->id,
                           .custom_id = j->request.line.custom_id,
                           .answered = end->answered,
                           .status = end->status,
                           .request_id = end->request_id,
                           .body = end->body};
}

static void write_answer(struct batch_job *j, const struct ending *end)
{
    struct diag diag;
    struct result r = result_of(j, end);
    if (results_answer(j->batch->results, &r, &diag) != SL_OK) {
        batch_stop(j->batch, STOP_DISK, diag.where, diag.what);
        return;
    }
    row_of(j)->state = ROW_DONE;
    count_answer(j, end);
}

static void failure_message(const struct batch_job *j, const struct ending *end,
                            struct buf *out)
{
    if (end->outcome == OUTCOME_TOO_LARGE)
        buf_puts(out, "larger than a limit of the account: it can never be admitted");
    else if (!end->answered)
        buf_puts(out, end->why);
    else if (end->verdict.message.n)
        buf_add(out, end->verdict.message);
    else
        buf_printf(out, "HTTP status %d", end->status);
    if (j->job.flow.attempts > 1)
        buf_printf(out, " (after %d attempts)", j->job.flow.attempts);
}

static void write_failure(struct batch_job *j, const struct ending *end)
{
    struct diag diag;
    struct buf message = {0};
    struct result r = result_of(j, end);
    struct str code = failure_code(end);
    failure_message(j, end, &message);
    enum sl_err err = results_failure(j->batch->results, &r, code, buf_str(&message), &diag);
    buf_free(&message);
    if (err != SL_OK) {
        batch_stop(j->batch, STOP_DISK, diag.where, diag.what);
        return;
    }
    row_of(j)->state = ROW_FAILED;
    j->batch->totals.failed++;
    kinds_add(&j->batch->totals.failures, code);
}

/* Was it the account that failed, not this row? */
static bool account_failed(const struct ending *end)
{
    return end->answered &&
           (end->verdict.kind == VERDICT_QUOTA || end->verdict.kind == VERDICT_AUTH);
}

static void on_over(void *ctx, struct job *job, const struct ending *end)
{
    struct batch *b = ctx;
    struct batch_job *j = (struct batch_job *)job;
    row_of(j)->state = ROW_PENDING;
    count_out(j);
    if (b->stop < STOP_NOW && end->outcome != OUTCOME_UNSENT && load(j)) {
        if (end->outcome == OUTCOME_OK)
            write_answer(j, end);
        else if (!account_failed(end))
            write_failure(j, end);
    }
    if (end->answered) {
        b->totals.last_byte_us = engine_now(b->door.engine);
        b->reached = true;
        if (end->verdict.kind != VERDICT_OVERLOADED)
            b->alive_us = b->totals.last_byte_us;
    }
    display_over(b, pool_of(j), &j->setbacks, job, end);
    drop_job(j);
    batch_end_when_done(b);
}

static void on_halted(void *ctx, struct job *job, const struct ending *end)
{
    (void)job;
    struct batch *b = ctx;
    struct buf what = {0};
    struct str name =
        end->verdict.code.n ? end->verdict.code : str_of(verdict_name(end->verdict.kind));
    buf_printf(&what, "%.*s: %.*s", STR_ARG(str_cut(name, 80)),
               STR_ARG(str_cut(end->verdict.message, 300)));
    batch_stop(b, STOP_ACCOUNT, end->verdict.kind == VERDICT_AUTH ? "key" : "wallet",
               buf_cstr(&what));
    buf_free(&what);
}

/* ---- drawing ------------------------------------------------------------------------- */

static void submit(struct batch *b, size_t row_index)
{
    struct row *row = &b->input.rows.list[row_index];
    struct batch_job *j = mem_zero(sizeof *j);
    j->batch = b;
    j->row = row_index;
    j->next = b->job_list;
    if (j->next)
        j->next->prev = j;
    b->job_list = j;
    row->state = ROW_OUT;
    j->job.flow.id = row->number;
    j->job.flow.pool = b->input.models.pools[b->input.models.list[row->model].pool].pool;
    j->job.flow.demand = row_demand(row);
    b->jobs++;
    engine_submit(b->door.engine, &j->job);
}

static void on_hungry(void *ctx)
{
    struct batch *b = ctx;
    size_t row;
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        size_t want = pool_appetite(b->input.models.pools[p].pool);
        while (want-- && b->stop == STOP_NONE && !b->settings->cancel &&
               shuffle_next(&b->shuffle, p, &row))
            submit(b, row);
    }
    batch_end_when_done(b);
}

/* ---- the outside --------------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    struct batch *b = handle->data;
    if (b->stop == STOP_NONE)
        batch_stop(b, STOP_INTERRUPT, "", "interrupted");
    else
        batch_stop(b, STOP_NOW, "", "interrupted");
    batch_end_when_done(b);
}

static void watch_patience(struct batch *b, int64_t now_us)
{
    struct engine_look look = engine_look(b->door.engine);
    struct account_totals totals = account_look(engine_account(b->door.engine));
    int64_t out_us = now_us - b->alive_us;
    int64_t patience_us = b->settings->patience_us;
    bool reached = b->reached || look.last_answer_us >= 0;
    if (!reached && look.trouble == SL_TLS)
        patience_us = 0; /* a certificate does not mend while we wait */
    if (!reached && patience_us > FIRST_PATIENCE_US)
        patience_us = FIRST_PATIENCE_US;
    const char *why = look.why[0] ? look.why : "the provider is overloaded";
    bool troubled = look.trouble != SL_OK || totals.paused;
    if (!troubled && b->shipping && b->shipping->troubled) {
        troubled = true;
        why = b->shipping->why;
    }
    if (troubled && out_us > patience_us)
        batch_stop(b, STOP_NETWORK, "", why);
}

/* Edges are kept as they become known: towards the end, with few answers, flow may lose them.
 */
static void remember_edges(struct batch *b, int64_t now_us)
{
    for (size_t p = 0; p < b->input.models.pool_count; p++) {
        struct pool_view view;
        pool_look(engine_account(b->door.engine), b->input.models.pools[p].pool, now_us, &view);
        for (size_t i = 0; i < view.budget_count; i++) {
            if (view.budgets[i].edge_us >= 0)
                b->pools[p].edge_us[view.budgets[i].dim] = view.budgets[i].edge_us;
        }
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct batch *b = timer->data;
    int64_t now = engine_now(b->door.engine);
    remember_edges(b, now);
    remember_note(b, false);
    detour_look(b, now);
    deadline_look(b, now);
    batch_end_when_done(b);
    watch_tick(b, now);
    watch_patience(b, now);
}

static void count_remaining(struct batch *b)
{
    const struct rows *rows = &b->input.rows;
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state == ROW_PENDING && !b->settings->cancel)
            add_remaining(b, &rows->list[i], 1);
    }
}

static enum sl_err start_engine(struct batch *b, struct diag *diag)
{
    struct engine_config wiring = {
        .driver = {on_hungry, on_body, on_release, on_setback, on_over, on_halted, b, NULL}};
    return door_open(&b->door, &b->settings->account, &b->loop, &wiring, diag);
}

static void start_watching(struct batch *b)
{
    uv_timer_init(&b->loop, &b->tick);
    uv_signal_init(&b->loop, &b->sigint);
    uv_signal_init(&b->loop, &b->sigterm);
    b->tick.data = b->sigint.data = b->sigterm.data = b;
    uv_timer_start(&b->tick, on_tick, TICK_MS, TICK_MS);
    uv_signal_start(&b->sigint, on_signal, SIGINT);
    uv_signal_start(&b->sigterm, on_signal, SIGTERM);
    watch_start(b);
}

static void stop_watching(struct batch *b)
{
    watch_end(b);
    uv_close((uv_handle_t *)&b->tick, NULL);
    uv_close((uv_handle_t *)&b->sigint, NULL);
    uv_close((uv_handle_t *)&b->sigterm, NULL);
}

enum sl_err batch_run(struct batch *b, struct diag *diag)
{
    enum sl_err err = start_engine(b, diag);
    if (err != SL_OK)
        return err;
    struct account *account = engine_account(b->door.engine);
    struct models *models = &b->input.models;
    b->pools = mem_zero((models->pool_count + 1) * sizeof *b->pools);
    for (size_t p = 0; p < models->pool_count; p++) {
        struct batch_pool *pool = &models->pools[p];
        b->pools[p].since_us = engine_now(b->door.engine);
        pool->pool = account_pool(account, pool->name, pool->limits, pool->limit_count);
        for (int d = 0; d < DIM_COUNT; d++)
            b->pools[p].edge_us[d] = -1;
    }
    remember_open(b);
    count_remaining(b);
    shuffle_init(&b->shuffle, &b->input.rows, models, b->settings->account.config.seed);
    b->alive_us = engine_now(b->door.engine);
    detour_look(b, b->alive_us);
    if (b->shipping)
        err = shipping_start(b->shipping, diag);
    if (err == SL_OK)
        err = display_open(b, diag);
    if (err != SL_OK)
        return err;
    start_watching(b);
    if (anything_to_draw(b))
        engine_warm(b->door.engine, WARM_CONNECTIONS);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    stop_watching(b);
    display_close(b);
    remember_note(b, true);
    return SL_OK;
}

void batch_settle(struct batch *b)
{
    struct diag diag;
    if (b->results && results_close(&b->results, &diag) != SL_OK && b->stop != STOP_DISK) {
        b->stop = STOP_DISK;
        b->why = diag;
    }
}

void batch_free(struct batch *b)
{
    display_close(b); /* of one that did not begin */
    remember_close(b);
    if (b->shipping)
        shipping_close(b->shipping);
    door_close(&b->door);
    batch_settle(b);
    if (b->shipping)
        shipping_free(&b->shipping);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    door_free(&b->door);
    for (struct batch_job *j = b->job_list, *next; j; j = next) {
        next = j->next;
        drop_job(j);
    }
    int busy = uv_loop_close(&b->loop);
    sl_assert(busy == 0);
    buf_free(&b->errors_path);
    shuffle_free(&b->shuffle);
    totals_free(&b->totals);
    input_close(&b->input);
    allot_free(&b->allot);
    deadline_free(&b->deadline);
    free(b->pools);
}
