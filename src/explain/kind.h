/* kind.h: kinds of requests that have a limit of their own, whatever the model: the catalogue's
 * classes of routes, found by method and path as logs write them. Pure. */
#ifndef SLUICE_KIND_H
#define SLUICE_KIND_H

#include "catalogue.h"

/* The kind of a request whose path may have a host, lack its version and carry a query; NULL if
 * it has no limit of its own. Of several the one spelt out furthest. */
const struct route_class *kind_of(const struct catalogue *c, struct str provider,
                                  struct str method, struct str path);
/* Those of the provider's Assistants-shaped API, or whatever else holds on every tier. */
size_t kinds_list(const struct catalogue *c, struct str provider,
                  const struct route_class **out, size_t max);
/* Requests a minute, rounded down. */
int64_t kind_rpm(const struct route_class *k);

#endif
