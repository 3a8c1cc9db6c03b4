/* remote.h: a provider at the end of a network, in virtual time; whoever sends is a client.
 *
 * A request takes a one-way delay uniform in [delay_us, delay_us + jitter_us], drawn anew for
 * each, so it may overtake an earlier one; the emulated provider's gauge decides on arrival.
 * Refusals leave at once, answers after their service time, each with a delay of its own on the
 * way back. Where output is charged as it is produced, input and one token are charged on
 * arrival, the rest of the output in four equal parts over the service time. Headers are
 * computed at the decision (or when the answer leaves: `late`) and travel with the answer, so
 * they are as old as the answer is slow. A client's timers are whole milliseconds, as libuv's
 * are. The same seed gives the same run, event for event. */
#ifndef SLUICE_REMOTE_H
#define SLUICE_REMOTE_H

#include "gauge.h"

struct remote_config {
    const struct gauge_config *gauges; /* one for each pool of models */
    size_t gauge_count;
    enum gauge_charge charge;
    int64_t delay_us, jitter_us;
    bool late;
    uint64_t seed; /* of the delays */
};

/* A request as the provider meets it, and the answer it will have. */
struct remote_request {
    size_t gauge;
    struct gauge_ask ask;
    int64_t output_tokens;
    int64_t service_us; /* from the decision to the answer */
};

struct remote_answer {
    struct gauge_answer said; /* figures: the headers, before any rounding */
    int64_t headed_us;        /* when they were computed */
};

/* What happens at the provider. */
enum remote_event { REMOTE_ADMITTED, REMOTE_REFUSED, REMOTE_PRODUCED };
struct remote_sight {
    enum remote_event event;
    uint32_t slot;
    const int64_t *charge;              /* by dimension, DIM_COUNT of them */
    const struct remote_answer *answer; /* as far as it is known */
};

/* Who sends. All are called with the world's time. */
struct remote_client {
    void *self;
    /* The answer to remote_send arrived, whole; its slot is free again. */
    void (*answer)(void *self, int64_t now_us, uint32_t slot, const struct remote_answer *a);
    /* After all that happened at one instant: send what may be sent. Returns when to be called
     * again if nothing happens before; INT64_MAX never. */
    int64_t (*due)(void *self, int64_t now_us);
    /* What remote_alarm asked for; true: `due` is to be called. NULL where nothing does. */
    bool (*alarm)(void *self, int64_t now_us, int kind, uint32_t slot);
    /* Sees what no client could. May be NULL. */
    void (*saw)(void *self, int64_t now_us, const struct remote_sight *s);
};

struct remote;

struct remote *remote_new(const struct remote_config *c);
void remote_free(struct remote **r);
/* Puts a request on the wire now. Its slot, a small number, names it until its answer: one
 * request at a time in each. */
void remote_send(struct remote *r, uint32_t slot, const struct remote_request *request);
/* The client's `alarm` is called at that time. */
void remote_alarm(struct remote *r, int64_t at_us, int kind, uint32_t slot);
/* Until remote_stop. false: until_us has come, or nothing is left to happen. */
bool remote_run(struct remote *r, const struct remote_client *client, int64_t until_us);
/* The run ends with this instant. */
void remote_stop(struct remote *r);
int64_t remote_now_us(const struct remote *r);
int64_t remote_events(const struct remote *r); /* how many things happened so far */
/* The provider's own limiter: for what comes another way than over this network. */
struct gauge *remote_gauge(struct remote *r, size_t index);

#endif
