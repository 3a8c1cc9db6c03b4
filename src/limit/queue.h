/* queue.h: whose turn it is, where several wait.
 *
 * First come first served within a tenant and priority. Between tenants start-time fair: each
 * has a tag that grows with the tokens it was served, divided by its weight, and the least tag
 * goes next; a tenant that comes back from idling starts at the tag being served, so it can
 * neither save up nor be made to pay. A higher priority goes first, but ten seconds of waiting
 * raise a request by one. A tenant that a limit of its own holds back is parked: it has no turn
 * until then, and saves nothing up meanwhile. Source: Goyal, Vin, Cheng, Start-time Fair
 * Queueing, SIGCOMM 1996.
 *
 * Items are lent to the queue from push to take. */
#ifndef SLUICE_QUEUE_H
#define SLUICE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUEUE_PRIORITIES = 4, QUEUE_AGE_US = 10000000, QUEUE_WEIGHT = 100 };

struct queue_item {
    struct queue_item *prev, *next;
    int64_t since_us; /* waiting since */
    int64_t cost;     /* what its turn costs its tenant: tokens */
    uint32_t tenant;
    uint8_t priority; /* 0 normal, up to QUEUE_PRIORITIES - 1 */
};

struct queue_tenant;

struct queue {
    struct queue_tenant *tenants; /* by index */
    uint32_t tenant_count;
    uint32_t *active; /* tenants that have something waiting */
    uint32_t active_count;
    uint32_t *parked; /* those that have, and are held back */
    uint32_t parked_count;
    int64_t wake_us; /* no parked tenant is due before */
    int64_t served;  /* tag of the turn last taken */
    size_t n;
};

void queue_free(struct queue *q); /* zero-initialise before use */
/* Share of a tenant, QUEUE_WEIGHT by default; more than 0. */
void queue_weight(struct queue *q, uint32_t tenant, int64_t weight);
void queue_push(struct queue *q, struct queue_item *item);
/* Back to where it was: before all others of its tenant and priority. */
void queue_push_head(struct queue *q, struct queue_item *item);
/* Whose turn it is; NULL if none waits. */
struct queue_item *queue_next(const struct queue *q, int64_t now_us);
/* The i-th of the requests that stand first with their tenants, whoever's turn it is; NULL
 * beyond the last. */
struct queue_item *queue_head(const struct queue *q, size_t i, int64_t now_us);
/* The first of a tenant's with that priority, or NULL; the others follow by `next`. */
const struct queue_item *queue_first(const struct queue *q, uint32_t tenant, int priority);
/* It leaves without its turn. */
void queue_take(struct queue *q, struct queue_item *item);
/* It has its turn: taken, and its tenant pays. */
void queue_serve(struct queue *q, struct queue_item *item);
/* A turn turned out to cost `delta` more, or less. */
void queue_correct(struct queue *q, uint32_t tenant, int64_t delta);

/* An active tenant has no turn before until_us (INT64_MAX: not until it is woken). */
void queue_park(struct queue *q, uint32_t tenant, int64_t until_us);
/* It may have its turn again. false: it is not parked. */
bool queue_wake(struct queue *q, uint32_t tenant);
/* Wakes those whose time has come; when the next one's comes, or INT64_MAX. */
int64_t queue_wake_due(struct queue *q, int64_t now_us);

/* A fork tells what would be: it has the queue's turns and lends its items, which it never
 * writes to. A guest is an item that waits in the fork alone, last of its tenant and priority.
 * queue_next, queue_park and queue_wake_due work on it; queue_pass stands for queue_serve. */
struct queue_fork {
    struct queue queue;
    struct queue_item *guest; /* NULL: none, or it has its place already */
};
void queue_fork(struct queue_fork *f, const struct queue *q, struct queue_item *guest);
void queue_fork_free(struct queue_fork *f);
void queue_pass(struct queue_fork *f, struct queue_item *item);

#endif
