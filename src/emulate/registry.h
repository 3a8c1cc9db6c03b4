/* registry.h: the names and dates that an emulated account gives to what it keeps. Pure: the
 * clock is an argument. */
#ifndef SLUICE_REGISTRY_H
#define SLUICE_REGISTRY_H

#include "arena.h"

struct registry {
    uint64_t seed;
    uint64_t made;     /* names so far */
    int64_t epoch_us;  /* the wall clock when now_us was 0 */
    int64_t minute_us; /* 60 s or shortened: hours and days shrink alike */
};

/* "file-" and 24 digits that no other name of this registry has. */
struct str registry_id(struct registry *r, struct arena *a, const char *prefix);
/* A date as a member of a JSON object: seconds since 1970, or RFC 3339; null for -1. */
void registry_write_time(const struct registry *r, struct buf *out, const char *key,
                         int64_t us);
void registry_write_instant(const struct registry *r, struct buf *out, const char *key,
                            int64_t us);
/* So many seconds of the provider's, in microseconds of this clock. */
int64_t registry_span_us(const struct registry *r, int64_t seconds);

#endif
