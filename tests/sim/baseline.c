/* baseline.c: the peers; see baseline.h. Written as a user would write them. */
#include "baseline.h"
#include "arena.h"
#include "heap.h"
#include "random.h"

#include <stdlib.h>

enum { WORKERS = 512, SDK_RETRIES = 2 };
static const int64_t HONOURED_US = 60 * 1000 * 1000, FIRST_US = 500 * 1000,
                     MOST_US = 8000 * 1000;

struct sent {
    int64_t at_us, tokens;
};

struct baseline {
    struct cell cell;
    const struct work *work;
    struct world *world;
    struct random random;
    struct heap later; /* jobs to be sent again, by time */
    uint32_t offered, begun;
    int64_t busy; /* jobs in a worker's hands */
    uint8_t *tries;
    /* WINDOW90: all that was sent, and where the moving window begins */
    struct sent *sent;
    size_t sent_n, sent_cap, from;
    int64_t window_tokens;
    /* EVEN */
    int64_t free_us;
};

struct baseline *baseline_new(const struct cell *c, const struct work *work,
                              struct world *world)
{
    struct baseline *b = mem_zero(sizeof *b);
    b->cell = *c;
    b->work = work;
    b->world = world;
    b->random.state = cell_stream(c, "client");
    b->tries = mem_zero(work->n);
    return b;
}

void baseline_free(struct baseline **b)
{
    heap_free(&(*b)->later);
    free((*b)->tries);
    free((*b)->sent);
    free(*b);
    *b = NULL;
}

static int64_t tokens_of(const struct baseline *b, uint32_t job)
{
    enum sim_charge rule = b->cell.charge;
    return job_tokens(&b->work->jobs[job], rule == SIM_CHARGE_ACTUAL ? SIM_CHARGE_SUM : rule);
}

/* When the moving window has room for the job: now_us if it has. */
static int64_t window_time(struct baseline *b, int64_t now_us, uint32_t job)
{
    while (b->from < b->sent_n && b->sent[b->from].at_us <= now_us - SIM_MINUTE_US)
        b->window_tokens -= b->sent[b->from++].tokens;
    bool full = (int64_t)(b->sent_n - b->from) + 1 > b->work->rpm * 9 / 10 ||
                b->window_tokens + tokens_of(b, job) > b->work->tpm * 9 / 10;
    return full ? b->sent[b->from].at_us + SIM_MINUTE_US : now_us;
}

static int64_t clear_time(struct baseline *b, int64_t now_us, uint32_t job)
{
    if (b->cell.client == SIM_WINDOW90)
        return window_time(b, now_us, job);
    return b->cell.client == SIM_EVEN && b->free_us > now_us ? b->free_us : now_us;
}

static void send_it(struct baseline *b, int64_t now_us, uint32_t job)
{
    int64_t tokens = tokens_of(b, job);
    if (b->cell.client == SIM_WINDOW90) {
        if (b->sent_n == b->sent_cap) {
            b->sent_cap = b->sent_cap ? 2 * b->sent_cap : 1024;
            b->sent = mem_grow(b->sent, b->sent_cap * sizeof *b->sent);
        }
        b->sent[b->sent_n++] = (struct sent){now_us, tokens};
        b->window_tokens += tokens;
    } else if (b->cell.client == SIM_EVEN) {
        int64_t by_count = SIM_MINUTE_US / b->work->rpm;
        int64_t by_tokens = tokens * SIM_MINUTE_US / b->work->tpm;
        int64_t from_us = b->free_us > now_us - SIM_SLICE_US ? b->free_us : now_us;
        b->free_us = from_us + (by_count > by_tokens ? by_count : by_tokens);
    }
    world_send(b->world, job);
}

static void on_offer(void *self, int64_t now_us, uint32_t job)
{
    struct baseline *b = self;
    (void)now_us;
    (void)job;
    b->offered++;
}

static int64_t sdk_pause_us(struct baseline *b, uint32_t job, int64_t advice_us)
{
    if (b->tries[job] == SDK_RETRIES) {
        b->tries[job] = 0;
        return 0;
    }
    int64_t backoff_us = FIRST_US << b->tries[job]++;
    if (advice_us > 0 && advice_us <= HONOURED_US)
        return advice_us;
    backoff_us = backoff_us > MOST_US ? MOST_US : backoff_us;
    return backoff_us - (int64_t)((double)backoff_us * 0.25 * random_unit(&b->random));
}

static void on_answer(void *self, int64_t now_us, uint32_t job, const struct remote_answer *a)
{
    struct baseline *b = self;
    if (a->said.admitted) {
        b->busy--;
        return;
    }
    int64_t advice_us = a->said.retry_us;
    int64_t pause_us = b->cell.client == SIM_SDK ? sdk_pause_us(b, job, advice_us) : advice_us;
    heap_put(&b->later, (struct happening){.at_us = now_us + pause_us, .job = job});
}

static int64_t on_due(void *self, int64_t now_us)
{
    struct baseline *b = self;
    for (;;) {
        bool again = heap_next_us(&b->later) <= now_us;
        bool idle = b->cell.client != SIM_SDK || b->busy < WORKERS;
        if (!again && (b->begun == b->offered || !idle))
            return heap_next_us(&b->later);
        uint32_t job = again ? b->later.list[0].job : b->begun;
        int64_t clear_us = clear_time(b, now_us, job);
        if (clear_us > now_us)
            return clear_us;
        if (again)
            heap_take(&b->later);
        else
            b->begun++, b->busy++;
        send_it(b, now_us, job);
    }
}

struct client baseline_face(struct baseline *b)
{
    return (struct client){.self = b, .offer = on_offer, .answer = on_answer, .due = on_due};
}
