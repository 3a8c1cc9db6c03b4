/* remote.c: see remote.h.
 *
 * Invariants: time never goes backwards; at most one request is under way in each slot; memory
 * grows with the slots in use, not with the requests. */
#include "remote.h"
#include "arena.h"
#include "heap.h"
#include "random.h"

#include <stdlib.h>

enum { PRODUCE_STEPS = 4, TIMER_GRAIN_US = 1000 };

/* What is in the heap; from ALARMS on, the client's own kinds. */
enum { ARRIVE, PRODUCE, ANSWER, ALARMS };

struct slot {
    struct remote_request request;
    struct remote_answer answer; /* on its way back */
    bool under_way;
};

struct remote {
    enum gauge_charge charge;
    int64_t delay_us, jitter_us;
    bool late, stopped;
    struct gauge **gauges;
    size_t gauge_count;
    struct slot *slots;
    size_t slot_count;
    struct heap heap;
    struct random network;
    int64_t now_us, events;
};

struct remote *remote_new(const struct remote_config *c)
{
    struct remote *r = mem_zero(sizeof *r);
    r->charge = c->charge;
    r->delay_us = c->delay_us;
    r->jitter_us = c->jitter_us;
    r->late = c->late;
    r->network.state = c->seed;
    r->gauge_count = c->gauge_count;
    r->gauges = mem_zero(c->gauge_count * sizeof(struct gauge *));
    for (size_t i = 0; i < c->gauge_count; i++)
        r->gauges[i] = gauge_new(&c->gauges[i]);
    return r;
}

void remote_free(struct remote **r)
{
    for (size_t i = 0; i < (*r)->gauge_count; i++)
        gauge_free(&(*r)->gauges[i]);
    heap_free(&(*r)->heap);
    free((*r)->gauges);
    free((*r)->slots);
    free(*r);
    *r = NULL;
}

static void put(struct remote *r, int64_t at_us, int kind, uint32_t slot, uint32_t step)
{
    heap_put(&r->heap,
             (struct happening){.at_us = at_us, .kind = kind, .job = slot, .step = step});
}

static int64_t one_way_us(struct remote *r)
{
    return r->delay_us + (int64_t)random_below(&r->network, (uint64_t)r->jitter_us + 1);
}

void remote_send(struct remote *r, uint32_t slot, const struct remote_request *request)
{
    if (slot >= r->slot_count) {
        size_t n = slot < 64 ? 64 : (size_t)slot * 2;
        r->slots = mem_grow(r->slots, n * sizeof *r->slots);
        for (; r->slot_count < n; r->slot_count++)
            r->slots[r->slot_count].under_way = false;
    }
    struct slot *s = &r->slots[slot];
    sl_assert(!s->under_way && request->gauge < r->gauge_count);
    s->request = *request;
    s->under_way = true;
    put(r, r->now_us + one_way_us(r), ARRIVE, slot, 0);
}

void remote_alarm(struct remote *r, int64_t at_us, int kind, uint32_t slot)
{
    put(r, at_us, ALARMS + kind, slot, 0);
}

static void show(struct remote *r, const struct remote_client *c, enum remote_event event,
                 uint32_t slot, const int64_t charge[DIM_COUNT])
{
    if (c->saw)
        c->saw(c->self, r->now_us,
               &(struct remote_sight){event, slot, charge, &r->slots[slot].answer});
}

static void on_arrive(struct remote *r, const struct remote_client *c, uint32_t slot)
{
    struct slot *s = &r->slots[slot];
    int64_t charge[DIM_COUNT];
    gauge_cost(r->charge, &s->request.ask, charge);
    s->answer.said = gauge_arrive(r->gauges[s->request.gauge], r->now_us, charge);
    s->answer.headed_us = r->now_us;
    show(r, c, s->answer.said.admitted ? REMOTE_ADMITTED : REMOTE_REFUSED, slot, charge);
    if (s->answer.said.admitted)
        put(r, r->now_us + s->request.service_us / PRODUCE_STEPS, PRODUCE, slot, 1);
    else
        put(r, r->now_us + one_way_us(r), ANSWER, slot, 0);
}

/* A quarter of the answer has been written: tokens that count only now. */
static void produce(struct remote *r, const struct remote_client *c, uint32_t slot,
                    uint32_t step)
{
    const struct remote_request *q = &r->slots[slot].request;
    int64_t rest = q->output_tokens - 1; /* one was charged on arrival */
    int64_t part = rest * step / PRODUCE_STEPS - rest * (step - 1) / PRODUCE_STEPS;
    if (r->charge != GAUGE_ACTUAL || part <= 0)
        return;
    int64_t charge[DIM_COUNT] = {[DIM_TPM] = part, [DIM_OTPM] = part, [DIM_TPD] = part};
    for (int d = 0; d < DIM_COUNT; d++) {
        if (charge[d])
            gauge_produce(r->gauges[q->gauge], r->now_us, (enum dimension)d, part);
    }
    show(r, c, REMOTE_PRODUCED, slot, charge);
}

/* After the last quarter the answer leaves. */
static void on_produce(struct remote *r, const struct remote_client *c, uint32_t slot,
                       uint32_t step)
{
    struct slot *s = &r->slots[slot];
    struct gauge *g = r->gauges[s->request.gauge];
    produce(r, c, slot, step);
    if (step < PRODUCE_STEPS) {
        put(r, r->now_us + s->request.service_us / PRODUCE_STEPS, PRODUCE, slot, step + 1);
        return;
    }
    gauge_release(g);
    if (r->late) {
        struct gauge_answer now = gauge_look(g, r->now_us);
        memcpy(s->answer.said.figures, now.figures, sizeof now.figures);
        s->answer.headed_us = r->now_us;
    }
    put(r, r->now_us + one_way_us(r), ANSWER, slot, 0);
}

static void on_answer(struct remote *r, const struct remote_client *c, uint32_t slot)
{
    struct remote_answer a = r->slots[slot].answer; /* the slot may be used again at once */
    r->slots[slot].under_way = false;
    c->answer(c->self, r->now_us, slot, &a);
}

/* Whether the client can notice it: nothing it could act upon happens inside the provider. */
static bool happen(struct remote *r, const struct remote_client *c, struct happening h)
{
    switch (h.kind) {
    case ARRIVE:
        on_arrive(r, c, h.job);
        return false;
    case PRODUCE:
        on_produce(r, c, h.job, h.step);
        return false;
    case ANSWER:
        on_answer(r, c, h.job);
        return true;
    default:
        return c->alarm(c->self, r->now_us, h.kind - ALARMS, h.job);
    }
}

static int64_t grain_up(int64_t at_us)
{
    if (at_us > INT64_MAX - TIMER_GRAIN_US)
        return INT64_MAX;
    return (at_us + TIMER_GRAIN_US - 1) / TIMER_GRAIN_US * TIMER_GRAIN_US;
}

bool remote_run(struct remote *r, const struct remote_client *client, int64_t until_us)
{
    int64_t wake_us = r->now_us;
    while (!r->stopped) {
        int64_t next_us = heap_next_us(&r->heap);
        int64_t at_us = next_us < wake_us ? next_us : wake_us;
        if (at_us > until_us || at_us == INT64_MAX)
            return false;
        sl_assert(at_us >= r->now_us);
        bool call = wake_us <= at_us;
        r->now_us = at_us;
        while (heap_next_us(&r->heap) == at_us) {
            call |= happen(r, client, heap_take(&r->heap));
            r->events++;
        }
        if (call) {
            int64_t asked_us = client->due(client->self, at_us);
            wake_us = grain_up(asked_us > at_us ? asked_us : at_us + 1);
        }
    }
    return true;
}

void remote_stop(struct remote *r)
{
    r->stopped = true;
}

int64_t remote_now_us(const struct remote *r)
{
    return r->now_us;
}

int64_t remote_events(const struct remote *r)
{
    return r->events;
}

struct gauge *remote_gauge(struct remote *r, size_t index)
{
    sl_assert(index < r->gauge_count);
    return r->gauges[index];
}
