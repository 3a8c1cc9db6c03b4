/* traffic.h: the requests a log shows, counted by the limit they draw on, and the busiest
 * minute of each. Pure, bounded.
 *
 * A class is a kind of request that has a limit of its own (Assistants: by method and path),
 * else a model, else a method and route. A minute is any 60 seconds, not the clock's. */
#ifndef SLUICE_TRAFFIC_H
#define SLUICE_TRAFFIC_H

#include "arena.h"
#include "catalogue.h"
#include "logged.h"

enum {
    TRAFFIC_CLASSES = 64, /* more than any account's models and request types in one log */
    TRAFFIC_ROUTES = 128,
    TRAFFIC_SECONDS = 128, /* a minute and the lateness of lines that are written late */
};

struct traffic_class {
    struct str name;
    const struct route_class *type; /* NULL: a model or a route */
    bool model;
    int64_t total, peak;
    int64_t peak_us; /* when the busiest minute begins; -1: lines without a time */
    int64_t first_s, newest_s, sum;
    uint32_t seconds[TRAFFIC_SECONDS];
};

struct traffic_route {
    struct str name; /* method and route, as logged_route has it */
    int64_t total;
};

struct traffic {
    struct arena names;
    struct traffic_class *classes;
    size_t n;
    struct traffic_route routes[TRAFFIC_ROUTES];
    size_t route_count;
    int64_t total;
    int64_t others;            /* requests of classes beyond the bound */
    int64_t first_us, last_us; /* of all stamps given; -1 none */
};

void traffic_init(struct traffic *t);
void traffic_free(struct traffic *t);
/* `provider`: whose kinds of requests; the line is one of a request. */
void traffic_add(struct traffic *t, const struct catalogue *c, struct str provider,
                 const struct logged *l);
/* A line that carries this stamp, of whatever it tells; -1 is none. */
void traffic_date(struct traffic *t, int64_t at_us);
/* The class's limit of requests a minute where the catalogue has one for its kind; else -1. */
int64_t traffic_limit(const struct traffic_class *c);
/* The route with most requests, or NULL. */
const struct traffic_route *traffic_busiest(const struct traffic *t);

#endif
