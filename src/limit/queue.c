/* queue.c: see queue.h.
 *
 * Invariants: a tenant is in `active` or in `parked`, at the place it remembers, exactly if one
 * of its lists holds an item; n is the sum of all lists. Finding a turn looks at every active
 * tenant: gateways have hundreds of them, not hundreds of thousands. */
#include "queue.h"
#include "arena.h"
#include "err.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_SCALE = 1024, IDLE = -1 };

struct queue_list {
    struct queue_item *head, *tail;
};

struct queue_tenant {
    struct queue_list lists[QUEUE_PRIORITIES];
    int64_t tag, weight;
    int64_t place;    /* in active, or in parked; IDLE if in neither */
    int64_t until_us; /* parked until then */
    bool parked;
    size_t n;
};

void queue_free(struct queue *q)
{
    free(q->tenants);
    free(q->active);
    free(q->parked);
    *q = (struct queue){0};
}

static struct queue_tenant *tenant_at(struct queue *q, uint32_t tenant)
{
    if (tenant < q->tenant_count)
        return &q->tenants[tenant];
    uint32_t count = q->tenant_count ? q->tenant_count : 1;
    while (count <= tenant)
        count *= 2;
    q->tenants = mem_grow(q->tenants, count * sizeof *q->tenants);
    q->active = mem_grow(q->active, count * sizeof *q->active);
    q->parked = mem_grow(q->parked, count * sizeof *q->parked);
    for (uint32_t i = q->tenant_count; i < count; i++)
        q->tenants[i] = (struct queue_tenant){.weight = QUEUE_WEIGHT, .place = IDLE};
    q->tenant_count = count;
    return &q->tenants[tenant];
}

void queue_weight(struct queue *q, uint32_t tenant, int64_t weight)
{
    sl_assert(weight > 0);
    tenant_at(q, tenant)->weight = weight;
}

static struct queue_list *list_of(struct queue_tenant *t, const struct queue_item *item)
{
    sl_assert(item->priority < QUEUE_PRIORITIES);
    return &t->lists[item->priority];
}

static void enter_active(struct queue *q, struct queue_tenant *t)
{
    t->parked = false;
    t->place = q->active_count;
    q->active[q->active_count++] = (uint32_t)(t - q->tenants);
    if (t->tag < q->served)
        t->tag = q->served;
}

static void leave(struct queue *q, struct queue_tenant *t)
{
    uint32_t *list = t->parked ? q->parked : q->active;
    uint32_t *count = t->parked ? &q->parked_count : &q->active_count;
    uint32_t last = list[--*count];
    list[t->place] = last;
    q->tenants[last].place = t->place;
    t->place = IDLE;
    t->parked = false;
}

static struct queue_tenant *arrive(struct queue *q, const struct queue_item *item)
{
    struct queue_tenant *t = tenant_at(q, item->tenant);
    if (t->n++ == 0)
        enter_active(q, t);
    q->n++;
    return t;
}

void queue_push(struct queue *q, struct queue_item *item)
{
    struct queue_list *l = list_of(arrive(q, item), item);
    item->prev = l->tail;
    item->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = item;
    l->tail = item;
}

void queue_push_head(struct queue *q, struct queue_item *item)
{
    struct queue_list *l = list_of(arrive(q, item), item);
    item->prev = NULL;
    item->next = l->head;
    *(l->head ? &l->head->prev : &l->tail) = item;
    l->head = item;
}

void queue_take(struct queue *q, struct queue_item *item)
{
    struct queue_tenant *t = &q->tenants[item->tenant];
    struct queue_list *l = list_of(t, item);
    sl_assert(t->n > 0 && q->n > 0);
    *(item->prev ? &item->prev->next : &l->head) = item->next;
    *(item->next ? &item->next->prev : &l->tail) = item->prev;
    item->prev = item->next = NULL;
    q->n--;
    if (--t->n == 0)
        leave(q, t);
}

static void pay(struct queue_tenant *t, int64_t tokens)
{
    t->tag += (int64_t)((__int128)tokens * TAG_SCALE * QUEUE_WEIGHT / t->weight);
}

void queue_serve(struct queue *q, struct queue_item *item)
{
    struct queue_tenant *t = &q->tenants[item->tenant];
    q->served = t->tag;
    pay(t, item->cost);
    queue_take(q, item);
}

void queue_correct(struct queue *q, uint32_t tenant, int64_t delta)
{
    pay(tenant_at(q, tenant), delta);
}

/* How urgent: priority, raised by waiting. */
static int64_t rank_of(const struct queue_item *item, int64_t now_us)
{
    return item->priority + (now_us - item->since_us) / QUEUE_AGE_US;
}

/* The most urgent of a tenant's first ones. */
static struct queue_item *first_of(const struct queue_tenant *t, int64_t now_us)
{
    struct queue_item *first = NULL;
    for (int p = QUEUE_PRIORITIES - 1; p >= 0; p--) {
        struct queue_item *item = t->lists[p].head;
        if (item && (!first || rank_of(item, now_us) > rank_of(first, now_us)))
            first = item;
    }
    return first;
}

const struct queue_item *queue_first(const struct queue *q, uint32_t tenant, int priority)
{
    return tenant < q->tenant_count ? q->tenants[tenant].lists[priority].head : NULL;
}

struct queue_item *queue_head(const struct queue *q, size_t i, int64_t now_us)
{
    return i < q->active_count ? first_of(&q->tenants[q->active[i]], now_us) : NULL;
}

struct queue_item *queue_next(const struct queue *q, int64_t now_us)
{
    struct queue_item *next = NULL;
    int64_t next_rank = 0, next_tag = 0;
    for (uint32_t i = 0; i < q->active_count; i++) {
        const struct queue_tenant *t = &q->tenants[q->active[i]];
        struct queue_item *item = first_of(t, now_us);
        int64_t rank = rank_of(item, now_us);
        if (next && (rank < next_rank || (rank == next_rank && t->tag >= next_tag)))
            continue;
        next = item;
        next_rank = rank;
        next_tag = t->tag;
    }
    return next;
}

void queue_park(struct queue *q, uint32_t tenant, int64_t until_us)
{
    struct queue_tenant *t = &q->tenants[tenant];
    sl_assert(t->n > 0 && !t->parked);
    leave(q, t);
    t->parked = true;
    t->until_us = until_us;
    t->place = q->parked_count;
    if (q->parked_count == 0 || until_us < q->wake_us)
        q->wake_us = until_us;
    q->parked[q->parked_count++] = tenant;
}

bool queue_wake(struct queue *q, uint32_t tenant)
{
    struct queue_tenant *t = tenant < q->tenant_count ? &q->tenants[tenant] : NULL;
    if (!t || !t->parked)
        return false;
    leave(q, t);
    enter_active(q, t);
    return true;
}

int64_t queue_wake_due(struct queue *q, int64_t now_us)
{
    if (q->parked_count == 0)
        return INT64_MAX;
    if (now_us < q->wake_us)
        return q->wake_us;
    q->wake_us = INT64_MAX;
    for (uint32_t i = 0; i < q->parked_count;) {
        struct queue_tenant *t = &q->tenants[q->parked[i]];
        if (t->until_us <= now_us) {
            queue_wake(q, q->parked[i]); /* another takes its place */
            continue;
        }
        if (t->until_us < q->wake_us)
            q->wake_us = t->until_us;
        i++;
    }
    return q->wake_us;
}

static void *copy_of(const void *from, size_t size)
{
    void *copy = mem_alloc(size ? size : 1);
    if (size)
        memcpy(copy, from, size);
    return copy;
}

void queue_fork(struct queue_fork *f, const struct queue *q, struct queue_item *guest)
{
    f->queue = *q;
    f->queue.tenants = copy_of(q->tenants, q->tenant_count * sizeof *q->tenants);
    f->queue.active = copy_of(q->active, q->tenant_count * sizeof *q->active);
    f->queue.parked = copy_of(q->parked, q->tenant_count * sizeof *q->parked);
    f->guest = guest;
    if (!guest)
        return;
    struct queue_list *l = list_of(arrive(&f->queue, guest), guest);
    if (l->head)
        return;
    l->head = l->tail = guest;
    f->guest = NULL;
}

void queue_fork_free(struct queue_fork *f)
{
    queue_free(&f->queue);
}

void queue_pass(struct queue_fork *f, struct queue_item *item)
{
    struct queue *q = &f->queue;
    struct queue_tenant *t = &q->tenants[item->tenant];
    struct queue_list *l = list_of(t, item);
    bool guest_waits = f->guest && l == list_of(&q->tenants[f->guest->tenant], f->guest);
    sl_assert(l->head == item);
    q->served = t->tag;
    pay(t, item->cost);
    l->head = item == l->tail ? NULL : item->next;
    if (!l->head && guest_waits) {
        l->head = l->tail = f->guest;
        f->guest = NULL;
    }
    q->n--;
    if (--t->n == 0)
        leave(q, t);
}
