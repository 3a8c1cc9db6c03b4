/* threads.c: see threads.h. Invariant: a thread's `active` run is the only one of its runs that
 * is not over. */
#include "threads.h"
#include "answer.h"
#include "denial.h"

#include <stdlib.h>

const char *run_state_name(enum run_state s)
{
    static const char *const names[] = {
#define X(name, text) text,
        RUN_STATES(X)
#undef X
    };
    return names[s];
}

/* ---- keeping ---- */

/* An array that grows by doubling: its room is the power of two at or above its count. */
static void *push(void *array, size_t *count, void *item)
{
    void **list = array;
    if ((*count & (*count - 1)) == 0)
        list = mem_grow(list, (*count ? *count * 2 : 1) * sizeof *list);
    list[(*count)++] = item;
    return list;
}

static void forget(struct thread *t)
{
    for (size_t i = 0; i < t->message_count; i++)
        free(t->messages[i]);
    for (size_t i = 0; i < t->run_count; i++)
        free(t->runs[i]);
    free(t->messages);
    free(t->runs);
    arena_free(&t->arena);
    *t = (struct thread){.gone = true};
}

void threads_free(struct threads *s)
{
    for (size_t i = 0; i < s->count; i++) {
        forget(s->items[i]);
        free(s->items[i]);
    }
    free(s->items);
    s->items = NULL;
    s->count = s->room = 0;
    s->fails = 0;
}

struct thread *threads_find(const struct threads *s, struct str id)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!s->items[i]->gone && str_eq(s->items[i]->id, id))
            return s->items[i];
    }
    return NULL;
}

struct thread_message *thread_find_message(const struct thread *t, struct str id)
{
    for (size_t i = 0; i < t->message_count; i++) {
        if (!t->messages[i]->gone && str_eq(t->messages[i]->id, id))
            return t->messages[i];
    }
    return NULL;
}

struct thread_run *thread_find_run(const struct thread *t, struct str id)
{
    for (size_t i = 0; i < t->run_count; i++) {
        if (str_eq(t->runs[i]->id, id))
            return t->runs[i];
    }
    return NULL;
}

struct thread *threads_add(struct threads *s, int64_t now_us)
{
    if (s->count == THREADS_MAX)
        return NULL;
    struct thread *t = mem_zero(sizeof *t);
    t->id = registry_id(s->registry, &t->arena, "thread_");
    t->created_us = now_us;
    t->metadata = STR("{}");
    s->items = push(s->items, &s->count, t);
    return t;
}

struct thread_message *thread_add_message(struct threads *s, struct thread *t, int64_t now_us)
{
    if (t->message_count == THREAD_ITEMS_MAX)
        return NULL;
    struct thread_message *m = mem_zero(sizeof *m);
    m->id = registry_id(s->registry, &t->arena, "msg_");
    m->created_us = now_us;
    m->metadata = STR("{}");
    t->messages = push(t->messages, &t->message_count, m);
    return m;
}

struct thread_run *thread_add_run(struct threads *s, struct thread *t, int64_t now_us)
{
    if (t->run_count == THREAD_ITEMS_MAX)
        return NULL;
    struct thread_run *r = mem_zero(sizeof *r);
    int64_t life_us = spread_draw(&s->config->run_latency_us, s->luck);
    r->thread = t;
    r->id = registry_id(s->registry, &t->arena, "run_");
    for (size_t i = 0; i < RUN_STATE_COUNT; i++)
        r->at_us[i] = -1;
    r->at_us[RUN_QUEUED] = now_us;
    r->begins_us = now_us + life_us / 10;
    r->ends_us = now_us + life_us;
    r->metadata = STR("{}");
    t->active = r;
    t->runs = push(t->runs, &t->run_count, r);
    return r;
}

/* ---- runs in time ---- */

static bool is_over(enum run_state s)
{
    return s == RUN_COMPLETED || s == RUN_INCOMPLETE || s == RUN_FAILED || s == RUN_CANCELLED;
}

/* What it drew on counts it no longer. */
static void release(struct thread_run *r)
{
    if (r->pool && r->generation == r->pool->generation) {
        gauge_release(r->pool->gauge);
        logbook_done(&r->pool->book);
    }
    r->pool = NULL;
}

static void enter(struct thread_run *r, enum run_state state, int64_t now_us)
{
    r->state = state;
    r->at_us[state] = now_us;
    if (!is_over(state))
        return;
    release(r);
    r->thread->active = NULL;
}

void thread_cancel_run(struct thread_run *r, int64_t now_us)
{
    int64_t life_us = r->ends_us - r->at_us[RUN_QUEUED];
    if (r->state != RUN_QUEUED && r->state != RUN_IN_PROGRESS)
        return;
    r->cancelled_us = now_us + life_us / 10;
    enter(r, RUN_CANCELLING, now_us);
}

void thread_delete(struct thread *t)
{
    if (t->active)
        release(t->active);
    forget(t);
}

static void fail(struct thread_run *r, const struct denial *no, int64_t now_us)
{
    struct buf text = {0}, message = {0};
    denial_message(no, &message);
    buf_printf(&text, "{\"code\":\"%s\",\"message\":",
               no->kind == DENIAL_SERVER_ERROR ? "server_error" : "rate_limit_exceeded");
    buf_json(&text, buf_str(&message));
    buf_char(&text, '}');
    r->last_error = arena_copy(&r->thread->arena, buf_str(&text));
    buf_free(&text);
    buf_free(&message);
    enter(r, RUN_FAILED, now_us);
}

/* All messages so far are read by the model. */
static int64_t input_of(const struct thread_run *r)
{
    int64_t characters = r->characters;
    for (size_t i = 0; i < r->thread->message_count; i++) {
        const struct thread_message *m = r->thread->messages[i];
        characters += m->gone ? 0 : m->characters;
    }
    return (characters + 3) / 4;
}

/* The run comes before its model's limits. */
static void begin(struct threads *s, struct thread_run *r, int64_t now_us)
{
    r->input_tokens = input_of(r);
    const struct gauge_ask ask = {.input_tokens = r->input_tokens, .max_tokens = r->max_tokens};
    struct roster_pool *pool = roster_find(s->roster, r->model);
    int64_t charge[DIM_COUNT];
    sl_assert(pool); /* the model was known when the run was made */
    gauge_cost(s->config->charge, &ask, charge);
    struct gauge_answer a = gauge_arrive(pool->gauge, now_us, charge);
    logbook_arrival(&pool->book, now_us, charge, &a);
    bool azure = s->config->dialect == EMULATE_AZURE;
    struct denial no = {.kind = a.too_large ? DENIAL_TOO_LARGE : DENIAL_RATE,
                        .dialect = azure ? EMULATE_AZURE : EMULATE_OPENAI,
                        .api = API_RUNS,
                        .model = r->model,
                        .pool = pool->name,
                        .why = a.why,
                        .retry_us = a.too_large ? -1 : a.retry_us};
    if (a.admitted) {
        r->pool = pool;
        r->generation = pool->generation;
        enter(r, RUN_IN_PROGRESS, now_us);
        if (!rate_happens(s->config->snags.ppm[SNAG_FAIL], s->luck))
            return;
        s->fails++;
        no.kind = DENIAL_SERVER_ERROR;
    }
    fail(r, &no, now_us);
}

static void complete(struct threads *s, struct thread_run *r, int64_t now_us)
{
    static const enum dimension drawn[] = {DIM_TPM, DIM_OTPM, DIM_TPD};
    struct thread *t = r->thread;
    const struct query q = {.api = API_CHAT,
                            .model = r->model,
                            .input_tokens = r->input_tokens,
                            .max_tokens = r->max_tokens,
                            .choices = 1};
    uint64_t hash = answer_hash(s->config->seed + t->message_count, t->id);
    struct answer a = answer_draw(&q, hash, &s->config->output_tokens);
    struct thread_message *m = thread_add_message(s, t, now_us);
    struct buf text = {0};
    buf_puts(&text, "[{\"type\":\"text\",\"text\":{\"value\":\"");
    answer_text(&a, 0, 0, a.output_tokens, &text);
    buf_puts(&text, "\",\"annotations\":[]}}]");
    r->output_tokens = a.output_tokens;
    if (m) {
        m->role = "assistant";
        m->content = arena_copy(&t->arena, buf_str(&text));
        m->characters = a.output_tokens * 4;
        m->run_id = r->id;
        m->assistant_id = r->assistant_id;
    }
    buf_free(&text);
    bool counts = r->pool && r->generation == r->pool->generation;
    for (size_t i = 0; counts && s->config->charge == GAUGE_ACTUAL && i < 3; i++) {
        gauge_produce(r->pool->gauge, now_us, drawn[i], a.output_tokens - 1);
        logbook_produced(&r->pool->book, drawn[i], a.output_tokens - 1);
    }
    enter(r, a.cut ? RUN_INCOMPLETE : RUN_COMPLETED, now_us);
}

static int64_t work_on(struct threads *s, struct thread_run *r, int64_t now_us)
{
    if (r->state == RUN_QUEUED && now_us >= r->begins_us)
        begin(s, r, now_us);
    if (r->state == RUN_IN_PROGRESS && now_us >= r->ends_us)
        complete(s, r, now_us);
    if (r->state == RUN_CANCELLING && now_us >= r->cancelled_us)
        enter(r, RUN_CANCELLED, now_us);
    if (is_over(r->state))
        return INT64_MAX;
    return r->state == RUN_QUEUED        ? r->begins_us
           : r->state == RUN_IN_PROGRESS ? r->ends_us
                                         : r->cancelled_us;
}

int64_t threads_work(struct threads *s, int64_t now_us)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->count; i++) {
        struct thread_run *r = s->items[i]->active;
        int64_t due = r ? work_on(s, r, now_us) : INT64_MAX;
        next = due < next ? due : next;
    }
    return next;
}

void threads_report(const struct threads *s, struct buf *out)
{
    int64_t threads = 0, messages = 0, runs[RUN_STATE_COUNT] = {0};
    for (size_t i = 0; i < s->count; i++) {
        const struct thread *t = s->items[i];
        threads += !t->gone;
        for (size_t k = 0; k < t->message_count; k++)
            messages += !t->messages[k]->gone;
        for (size_t k = 0; k < t->run_count; k++)
            runs[t->runs[k]->state]++;
    }
    buf_printf(out, "{\"created\":%zu,\"there\":%lld,\"messages\":%lld,\"runs\":{", s->count,
               (long long)threads, (long long)messages);
    for (enum run_state k = RUN_QUEUED; k <= RUN_CANCELLED; k++)
        buf_printf(out, "%s\"%s\":%lld", k == RUN_QUEUED ? "" : ",", run_state_name(k),
                   (long long)runs[k]);
    buf_puts(out, "}}");
}
