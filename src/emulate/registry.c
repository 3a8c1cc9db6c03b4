/* registry.c: see registry.h. */
#include "registry.h"
#include "duration.h"
#include "random.h"

struct str registry_id(struct registry *r, struct arena *a, const char *prefix)
{
    struct random noise = {r->seed ^ ++r->made};
    /* the number itself stands in the name, so that no two are the same */
    return arena_printf(a, "%s%016llx%08llx", prefix, (unsigned long long)random_next(&noise),
                        (unsigned long long)r->made);
}

long long registry_unix_s(const struct registry *r, int64_t now_us)
{
    return (long long)((r->epoch_us + now_us) / 1000000);
}

void registry_write_instant(const struct registry *r, int64_t now_us, struct buf *out)
{
    instant_write_rfc3339(out, r->epoch_us + now_us);
}

int64_t registry_span_us(const struct registry *r, int64_t seconds)
{
    return (int64_t)((__int128)seconds * r->minute_us / 60);
}
