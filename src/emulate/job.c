/* job.c: see job.h. Invariant: done <= count; every line is written once, to one of the two
 * spools; a job that is over holds neither lines nor input. */
#include "job.h"
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLICE_LINES = 128,       /* a few milliseconds: others wait meanwhile */
    SLICE_BYTES = 256 << 10, /* of results */
    STEPS = 256,             /* looks at a run's progress */
    MONTH_S = 30 * 86400,
};

const char *job_state_name(enum job_state s)
{
    static const char *const names[] = {
#define X(name, text) text,
        JOB_STATES(X)
#undef X
    };
    return names[s];
}

bool job_is_over(const struct job *j)
{
    return j->state == JOB_FAILED || j->state == JOB_COMPLETED || j->state == JOB_EXPIRED ||
           j->state == JOB_CANCELLED;
}

static void let_go(struct job *j)
{
    free(j->lines);
    free(j->order);
    j->lines = NULL;
    j->order = NULL;
    spool_free(&j->input);
    job_check_free(j);
}

static void enter(struct job *j, enum job_state state, int64_t now_us)
{
    j->state = state;
    j->at_us[state] = now_us;
    if (job_is_over(j))
        let_go(j);
}

struct job *job_new(const struct job_world *w, const char *prefix, int64_t now_us)
{
    const struct emulate_config *c = w->config;
    struct job *j = mem_zero(sizeof *j);
    int64_t life_us = spread_draw(&c->batch_latency_us, w->luck);
    j->id = registry_id(w->registry, &j->arena, prefix);
    j->metadata = STR("null");
    for (size_t s = 0; s < JOB_STATE_COUNT; s++)
        j->at_us[s] = -1;
    j->created_us = j->at_us[JOB_VALIDATING] = now_us;
    j->expires_us = now_us + registry_span_us(w->registry, c->batch_window_us / 1000000);
    j->check_us = j->finish_us = life_us / 10;
    j->run_us = life_us - j->check_us - j->finish_us;
    j->run_us = j->run_us < 1 ? 1 : j->run_us;
    j->cancel_us = spread_draw(&c->batch_cancel_us, w->luck);
    j->output_lives_s = MONTH_S;
    return j;
}

void job_free(struct job **j)
{
    let_go(*j);
    spool_free(&(*j)->results);
    spool_free(&(*j)->failures);
    arena_free(&(*j)->arena);
    free(*j);
    *j = NULL;
}

void job_add_line(struct job *j, int64_t offset, size_t length)
{
    if (j->count == j->room) {
        j->room = j->room ? j->room * 2 : 64;
        j->lines = mem_grow(j->lines, j->room * sizeof *j->lines);
    }
    j->lines[j->count++] = (struct job_line){offset, (uint32_t)length};
}

void job_complain(struct job *j, const char *code, const char *param, int64_t line,
                  const char *fmt, ...)
{
    char text[400];
    va_list args;
    if (j->error_count == JOB_ERRORS)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    j->errors[j->error_count++] =
        (struct job_error){.code = code,
                           .param = param,
                           .line = line,
                           .message = arena_copy(&j->arena, str_of(text))};
}

void job_fail(struct job *j, int64_t now_us)
{
    enter(j, JOB_FAILED, now_us);
}

/* An order in which requests come to their ends, by the seed and the batch's name. */
static void shuffle(struct job *j, struct random *r)
{
    j->order = mem_alloc((j->count + 1) * sizeof *j->order);
    for (size_t i = 0; i < j->count; i++)
        j->order[i] = (uint32_t)i;
    for (size_t i = j->count; i > 1; i--) {
        size_t k = random_below(r, i);
        uint32_t held = j->order[i - 1];
        j->order[i - 1] = j->order[k];
        j->order[k] = held;
    }
}

void job_begin(struct job *j, struct job_world *w, int64_t now_us)
{
    struct random r = {w->config->seed ^ answer_hash(w->config->seed, j->id)};
    shuffle(j, &r);
    j->results = spool_new();
    j->failures = spool_new();
    j->stop_after = j->count;
    if (rate_happens(w->config->snags.ppm[SNAG_EXPIRE], &r)) {
        w->snags[SNAG_EXPIRE]++;
        j->stop_after = random_below(&r, j->count);
    }
    enter(j, JOB_IN_PROGRESS, now_us);
}

void job_cancel(struct job *j, int64_t now_us)
{
    if (!job_is_over(j) && j->state != JOB_CANCELLING)
        enter(j, JOB_CANCELLING, now_us);
}

/* ---- work ---- */

/* The emulator's own trouble: the disk takes no more. */
static int64_t break_down(struct job *j, const char *why, int64_t now_us)
{
    job_complain(j, "emulator_storage", NULL, 0, "The emulator cannot keep results: %s", why);
    job_fail(j, now_us);
    return INT64_MAX;
}

/* Lines up to `target` in the run's order; true when they are all done, or the job broke. */
static bool carry_out(struct job *j, struct job_world *w, size_t target, enum job_fate fate,
                      int64_t now_us)
{
    struct diag diag = {{0}, {0}};
    if (!j->results) /* cancelled before anything was known of it */
        return true;
    int64_t before = spool_size(j->results) + spool_size(j->failures);
    for (size_t n = 0; j->done < target; n++) {
        int64_t written = spool_size(j->results) + spool_size(j->failures) - before;
        if (n == SLICE_LINES || written > SLICE_BYTES)
            return false;
        if (job_line_done(j, w, j->order[j->done], fate, &diag) != SL_OK) {
            break_down(j, diag.what, now_us);
            return true;
        }
        j->done++;
    }
    return true;
}

/* One of the two files of an OpenAI batch; its id, or an empty str for an empty one. */
static enum sl_err publish_one(struct job *j, struct job_world *w, struct spool **spool,
                               const char *what, struct str *id, int64_t now_us)
{
    if (!*spool || spool_size(*spool) == 0)
        return SL_OK;
    const struct store_file like = {
        .filename = arena_printf(&j->arena, "%.*s_%s.jsonl", STR_ARG(j->id), what),
        .purpose = STR("batch_output"),
        .bytes = *spool};
    const struct store_file *f =
        store_add(w->store, w->registry, &like, now_us, j->output_lives_s);
    if (!f)
        return SL_FULL;
    *id = arena_copy(&j->arena, f->id);
    spool_free(spool);
    return SL_OK;
}

static int64_t end(struct job *j, struct job_world *w, enum job_state state, int64_t now_us)
{
    if (!j->anthropic &&
        (publish_one(j, w, &j->results, "output", &j->output_file_id, now_us) != SL_OK ||
         publish_one(j, w, &j->failures, "error", &j->error_file_id, now_us) != SL_OK))
        return break_down(j, "the account has no room for more files", now_us);
    enter(j, state, now_us);
    return INT64_MAX;
}

/* What was not carried out by now never will be. */
static int64_t give_up(struct job *j, struct job_world *w, enum job_fate fate,
                       enum job_state state, int64_t now_us)
{
    if (!carry_out(j, w, j->count, fate, now_us))
        return now_us;
    return job_is_over(j) ? INT64_MAX : end(j, w, state, now_us);
}

static int64_t work_on_check(struct job *j, struct job_world *w, int64_t now_us)
{
    if (j->input && !job_check_slice(j, w))
        return now_us;
    if (now_us < j->created_us + j->check_us)
        return j->created_us + j->check_us;
    int64_t limit = j->pool ? j->pool->batch_limit : 0;
    if (!j->error_count && limit) {
        int64_t queued = w->enqueued(w->ctx, j->pool) + j->input_tokens;
        struct buf text = {0};
        buf_thousands(&text, limit);
        if (queued > limit)
            job_complain(j, "token_limit_exceeded", NULL, 0,
                         "Enqueued token limit reached for %.*s in organization org-emulated. "
                         "Limit: %s enqueued tokens. Please try again once some in_progress "
                         "batches have been completed.",
                         STR_ARG(j->model), buf_cstr(&text));
        else if (queued > j->pool->batch_most)
            j->pool->batch_most = queued;
        buf_free(&text);
    }
    if (j->error_count) {
        job_fail(j, now_us);
        return INT64_MAX;
    }
    job_check_free(j);
    job_begin(j, w, now_us);
    return now_us;
}

static int64_t work_on_run(struct job *j, struct job_world *w, int64_t now_us)
{
    if (now_us >= j->expires_us)
        return give_up(j, w, JOB_EXPIRE, JOB_EXPIRED, now_us);
    int64_t start = j->at_us[JOB_IN_PROGRESS], ran = now_us - start;
    ran = ran > j->run_us ? j->run_us : ran;
    size_t target = (size_t)((__int128)j->count * ran / j->run_us);
    target = target > j->stop_after ? j->stop_after : target;
    if (!carry_out(j, w, target, JOB_RUN, now_us))
        return now_us;
    if (job_is_over(j))
        return INT64_MAX;
    if (j->done == j->count) {
        enter(j, JOB_FINALIZING, now_us);
        return now_us + j->finish_us;
    }
    if (j->done == j->stop_after)
        return j->expires_us;
    int64_t step = (int64_t)((__int128)ran * STEPS / j->run_us) + 1;
    int64_t next = start + (int64_t)(((__int128)j->run_us * step + STEPS - 1) / STEPS);
    return next < j->expires_us ? next : j->expires_us;
}

int64_t job_work(struct job *j, struct job_world *w, int64_t now_us)
{
    int64_t due = 0;
    switch (j->state) {
    case JOB_VALIDATING:
        return work_on_check(j, w, now_us);
    case JOB_IN_PROGRESS:
        return work_on_run(j, w, now_us);
    case JOB_FINALIZING:
        due = j->at_us[JOB_FINALIZING] + j->finish_us;
        return now_us < due ? due : end(j, w, JOB_COMPLETED, now_us);
    case JOB_CANCELLING:
        due = j->at_us[JOB_CANCELLING] + j->cancel_us;
        return now_us < due ? due : give_up(j, w, JOB_CANCEL, JOB_CANCELLED, now_us);
    case JOB_FAILED:
    case JOB_COMPLETED:
    case JOB_EXPIRED:
    case JOB_CANCELLED:
        break;
    }
    return INT64_MAX;
}
