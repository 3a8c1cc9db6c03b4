/* kind.h: kinds of requests that have a limit of their own, whatever the model: the catalogue's
 * classes of routes, found by method and path as logs write them. Pure. */
#ifndef SLUICE_KIND_H
#define SLUICE_KIND_H

#include "catalogue.h"

/* A path as logs and clients write it, with its version and without host or query:
 * "https://host/openai/threads?limit=2" is "/v1/threads". Lent from *out. */
struct str kind_path(struct str path, struct buf *out);
/* The kind of a request whose path may have a host, lack its version and carry a query; NULL if
 * it has no limit of its own. Of several the one spelt out furthest. */
const struct route_class *kind_of(const struct catalogue *c, struct str provider,
                                  struct str method, struct str path);
/* The same on a tier, which may have kinds of its own. */
const struct route_class *kind_on_tier(const struct catalogue *c, struct str provider,
                                       struct str tier, struct str method, struct str path);
/* What requests of one kind have in common where no catalogue knows it: "GET /v1/things/x1/y"
 * is one of all those with another part for "x1", which becomes a star. A part of the path that
 * has a digit, or more than 24 characters, is taken for an id. */
void kind_shape(struct str method, struct str path, struct buf *out);
/* Those of the provider's Assistants-shaped API, or whatever else holds on every tier. */
size_t kinds_list(const struct catalogue *c, struct str provider,
                  const struct route_class **out, size_t max);
/* Requests a minute, rounded down; -1: its limit is not known. */
int64_t kind_rpm(const struct route_class *k);

#endif
