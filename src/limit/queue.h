/* queue.h: whose turn it is, where several wait.
 *
 * First come first served within a tenant and priority. Between tenants start-time fair: each
 * has a tag that grows with the tokens it was served, divided by its weight, and the least tag
 * goes next; a tenant that comes back from idling starts at the tag being served, so it can
 * neither save up nor be made to pay. A higher priority goes first, but ten seconds of waiting
 * raise a request by one. Source: Goyal, Vin, Cheng, Start-time Fair Queueing, SIGCOMM 1996.
 *
 * Items are lent to the queue from push to take. */
#ifndef SLUICE_QUEUE_H
#define SLUICE_QUEUE_H

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
    int64_t served; /* tag of the turn last taken */
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
/* It leaves without its turn. */
void queue_take(struct queue *q, struct queue_item *item);
/* It has its turn: taken, and its tenant pays. */
void queue_serve(struct queue *q, struct queue_item *item);
/* A turn turned out to cost `delta` more, or less. */
void queue_correct(struct queue *q, uint32_t tenant, int64_t delta);

#endif
