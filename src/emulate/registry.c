/* registry.c: see registry.h. */
#include "registry.h"
#include "duration.h"
#include "member.h"
#include "random.h"

struct str registry_id(struct registry *r, struct arena *a, const char *prefix)
{
    struct random noise = {r->seed ^ ++r->made};
    /* the number itself stands in the name, so that no two are the same */
    return arena_printf(a, "%s%016llx%08llx", prefix, (unsigned long long)random_next(&noise),
                        (unsigned long long)r->made);
}

void registry_write_time(const struct registry *r, struct buf *out, const char *key, int64_t us)
{
    member_count(out, key, us < 0 ? -1 : (r->epoch_us + us) / 1000000);
}

void registry_write_instant(const struct registry *r, struct buf *out, const char *key,
                            int64_t us)
{
    struct buf text = {0};
    if (us >= 0)
        instant_write_rfc3339(&text, r->epoch_us + us);
    member_text(out, key, buf_str(&text));
    buf_free(&text);
}

int64_t registry_span_us(const struct registry *r, int64_t seconds)
{
    return (int64_t)((__int128)seconds * r->minute_us / 60);
}
