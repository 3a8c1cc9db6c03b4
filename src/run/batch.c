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
    if (stop >= STOP_NETWORK) {
        engine_freeze(b->door.engine);
        uv_stop(&b->loop);
    } else {
        engine_drain(b->door.engine);
    }
}

static void end_when_done(struct batch *b)
{
    if (b->jobs)
        return;
    if (b->stop == STOP_NONE) {
        for (size_t p = 0; p < b->input.models.pool_count; p++) {
            if (shuffle_left(&b->shuffle, p))
                return;
        }
    }
    uv_stop(&b->loop);
}

/* ---- jobs ----------------------------------------------------------------------------------
 */

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

/* ---- ends ----------------------------------------------------------------------------------
 */

static int64_t price(int64_t tokens, int64_t pusd)
{
    return tokens > 0 && pusd > 0 ? tokens * pusd : 0;
}

static void add_cost(struct totals *t, const struct model *m, const struct batch_job *j,
                     const struct usage *u)
{
    if (!m || m->input_pusd < 0 || t->cost_pusd < 0 || u->input_tokens < 0) {
        t->cost_pusd = -1;
        return;
    }
    int64_t cached = u->cached_tokens > 0 ? u->cached_tokens : 0, fresh = u->input_tokens;
    if (j->request.line.route != ROUTE_MESSAGES) /* there, input comes without cached reads */
        fresh -= cached;
    int64_t cost =
        price(fresh, m->input_pusd) + price(u->output_tokens, m->output_pusd) +
        price(cached, m->cached_input_pusd < 0 ? m->input_pusd : m->cached_input_pusd);
    t->cost_pusd += cost;
    t->cost_batch_pusd += m->batch_percent > 0 ? cost / 100 * m->batch_percent : cost;
}

static void count_answer(struct batch_job *j, const struct ending *end)
{
    struct totals *t = &j->batch->totals;
    t->ok++;
    t->service_us += end->service_us;
    t->served++;
    t->input_tokens += end->usage.input_tokens > 0 ? end->usage.input_tokens : 0;
    t->output_tokens += end->usage.output_tokens > 0 ? end->usage.output_tokens : 0;
    t->cached_tokens += end->usage.cached_tokens > 0 ? end->usage.cached_tokens : 0;
    totals_output(t, end->usage.output_tokens);
    add_cost(t, j->batch->input.models.list[row_of(j)->model].known, j, &end->usage);
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
    end_when_done(b);
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

/* ---- drawing
 * --------------------------------------------------------------------------------- */

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
        while (want-- && b->stop == STOP_NONE && shuffle_next(&b->shuffle, p, &row))
            submit(b, row);
    }
    end_when_done(b);
}

/* ---- the outside
 * ------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    struct batch *b = handle->data;
    if (b->stop == STOP_NONE)
        batch_stop(b, STOP_INTERRUPT, "", "interrupted");
    else
        batch_stop(b, STOP_NOW, "", "interrupted");
    end_when_done(b);
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
    bool troubled = look.trouble != SL_OK || totals.paused;
    if (troubled && out_us > patience_us)
        batch_stop(b, STOP_NETWORK, "", look.why[0] ? look.why : "the provider is overloaded");
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
    watch_tick(b, now);
    watch_patience(b, now);
}

static void count_remaining(struct batch *b)
{
    const struct rows *rows = &b->input.rows;
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->list[i].state != ROW_PENDING)
            continue;
        struct demand d = row_demand(&rows->list[i]);
        struct pool_state *pool = &b->pools[b->input.models.list[rows->list[i].model].pool];
        for (int dim = 0; dim < DIM_COUNT; dim++)
            pool->remaining[dim] +=
                demand_charge(&d, b->settings->account.config.charge, (enum dimension)dim);
    }
}

static enum sl_err start_engine(struct batch *b, struct diag *diag)
{
    struct engine_config wiring = {
        .driver = {on_hungry, on_body, on_release, on_setback, on_over, on_halted, b}};
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
        pool->pool = account_pool(account, pool->name, pool->limits, pool->limit_count);
        for (int d = 0; d < DIM_COUNT; d++)
            b->pools[p].edge_us[d] = -1;
    }
    count_remaining(b);
    shuffle_init(&b->shuffle, &b->input.rows, models, b->settings->account.config.seed);
    b->alive_us = engine_now(b->door.engine);
    err = display_open(b, diag);
    if (err != SL_OK)
        return err;
    start_watching(b);
    engine_warm(b->door.engine, WARM_CONNECTIONS);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    stop_watching(b);
    display_close(b);
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
    door_close(&b->door);
    batch_settle(b);
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
    free(b->pools);
}
