/* route_limit.h: limits by request type: how many requests of a class an organisation may send,
 * whatever the model. Pure: the clock is an argument.
 *
 * Of the classes that mean a request, the one spelt out furthest counts it (http's pattern.h),
 * and beside it, likewise, one hidden class. Both are debited, or none. */
#ifndef SLUICE_ROUTE_LIMIT_H
#define SLUICE_ROUTE_LIMIT_H

#include "emulate.h"
#include "logbook.h"

struct route_limit {
    const struct emulate_route *route;
    struct gauge_config config; /* its minute is the class's period */
    struct gauge *gauge;
    struct logbook book;
};

struct route_limits {
    struct route_limit items[EMULATE_ROUTES];
    size_t count;
};

/* The configuration is lent for the life of the limits. */
void route_limits_open(struct route_limits *r, const struct emulate_config *c);
void route_limits_reset(struct route_limits *r);
void route_limits_free(struct route_limits *r);

/* Whether any class means this request. */
bool route_limits_know(const struct route_limits *r, struct str method, struct str path);
struct route_answer {
    const struct emulate_route *refused_by; /* NULL: admitted */
    struct gauge_figure why;
    int64_t retry_us; /* -1: cannot be said, or is not: of a hidden class */
};
struct route_answer route_limits_arrive(struct route_limits *r, struct str method,
                                        struct str path, int64_t now_us);
/* The classes as the report has them: a JSON array. */
void route_limits_report(const struct route_limits *r, struct buf *out);

#endif
