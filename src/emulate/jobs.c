/* jobs.c: see jobs.h. What is queued is counted anew whenever it matters, so that no counter
 * can drift; there are some thousand batches at most. */
#include "jobs.h"
#include "member.h"

#include <stdlib.h>

static bool is_queued(const struct job *j)
{
    return !job_is_over(j) && j->state != JOB_VALIDATING && j->results;
}

static int64_t enqueued(const void *ctx, const struct roster_pool *pool)
{
    const struct jobs *s = ctx;
    int64_t tokens = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct job *j = s->items[i];
        tokens += j->pool == pool && is_queued(j) ? j->input_tokens : 0;
    }
    return tokens;
}

int64_t jobs_waiting(const struct jobs *s)
{
    int64_t requests = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct job *j = s->items[i];
        requests += j->anthropic && is_queued(j) ? (int64_t)(j->count - j->done) : 0;
    }
    return requests;
}

void jobs_open(struct jobs *s, const struct job_world *w)
{
    *s = (struct jobs){.world = *w};
    s->world.enqueued = enqueued;
    s->world.ctx = s;
}

void jobs_free(struct jobs *s)
{
    for (size_t i = 0; i < s->count; i++)
        job_free(&s->items[i]);
    free(s->items);
    seen_free(&s->world.seen);
    s->items = NULL;
    s->count = s->room = 0;
}

void jobs_add(struct jobs *s, struct job **j)
{
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 16;
        s->items = mem_grow(s->items, s->room * sizeof(void *));
    }
    s->items[s->count++] = *j;
    *j = NULL;
}

struct job *jobs_find(const struct jobs *s, bool anthropic, struct str id)
{
    for (size_t i = 0; i < s->count; i++) {
        struct job *j = s->items[i];
        if (j->anthropic == anthropic && !j->deleted && str_eq(j->id, id))
            return j;
    }
    return NULL;
}

int64_t jobs_work(struct jobs *s, int64_t now_us)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->count; i++) {
        int64_t due = job_work(s->items[i], &s->world, now_us);
        next = due < next ? due : next;
    }
    return next;
}

static void write_queues(const struct jobs *s, struct buf *out)
{
    const struct roster *r = s->world.roster;
    bool any = false;
    for (size_t i = 0; i < r->pool_count; i++) {
        const struct roster_pool *p = r->pools[i];
        if (!p->batch_limit)
            continue;
        buf_puts(out, any ? ",{\"model\":" : "{\"model\":");
        buf_json(out, p->name);
        buf_printf(out, ",\"limit\":%lld,\"enqueued\":%lld,\"most\":%lld}",
                   (long long)p->batch_limit, (long long)enqueued(s, p),
                   (long long)p->batch_most);
        any = true;
    }
}

void jobs_report(const struct jobs *s, struct buf *out)
{
    int64_t states[JOB_STATE_COUNT] = {0}, total = 0, succeeded = 0, failed = 0, expired = 0,
            cancelled = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct job *j = s->items[i];
        states[j->state]++;
        total += (int64_t)j->count;
        succeeded += j->succeeded;
        failed += j->failed;
        expired += j->expired;
        cancelled += j->cancelled;
    }
    buf_printf(out, "{\"created\":%zu", s->count);
    for (enum job_state k = JOB_VALIDATING; k <= JOB_CANCELLED; k++)
        member_count(out, job_state_name(k), states[k]);
    buf_printf(out, ",\"requests\":{\"distinct\":%zu", s->world.seen.count);
    member_count(out, "total", total);
    member_count(out, "succeeded", succeeded);
    member_count(out, "failed", failed);
    member_count(out, "expired", expired);
    member_count(out, "cancelled", cancelled);
    member_count(out, "carried_out_again", s->world.seen.admitted_again);
    member_count(out, "answered_again", s->world.seen.answered_again);
    buf_puts(out, "},\"queues\":[");
    write_queues(s, out);
    buf_puts(out, "]}");
}
