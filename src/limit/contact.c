/* contact.c: see contact.h. */
#include "contact.h"
#include "bucket.h"
#include "edges.h"
#include "err.h"

enum { LIMIT_MOST = 1 << 30 /* requests a period */ };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A span of the trail, and whether a bucket was full when it began. */
struct stretch {
    int64_t from_us, upto_us;
    bool full;
};

/* What a bucket of that limit would hold at its end. */
static int64_t bucket_left(const struct trail *t, const struct stretch *s, int64_t limit)
{
    struct bucket b;
    bucket_init(&b, limit, t->period_us, 0);
    b.at_us = s->from_us;
    if (!s->full)
        bucket_debit(&b, s->from_us, limit);
    for (uint64_t i = t->tail; i < t->head; i++) {
        const struct trail_cell *c = trail_at(t, i);
        if (c->at_us >= s->from_us && c->at_us < s->upto_us && c->n > 0)
            bucket_debit(&b, c->at_us, c->n);
    }
    return bucket_level(&b, s->upto_us);
}

/* The least limit that allows all that went. */
static int64_t bucket_limit(const struct trail *t, const struct stretch *s)
{
    int64_t low = 1, high = LIMIT_MOST;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (bucket_left(t, s, mid) >= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

struct contact contact_make(const struct trail *t, int64_t at_us, int64_t end_us,
                            const struct contact *before)
{
    struct contact c = {.at_us = at_us, .end_us = end_us};
    struct stretch s = {.from_us = at_us, .upto_us = end_us + 1, .full = !before};
    if (before)
        s.from_us = before->end_us;
    else if (t->tail < t->head)
        s.from_us = min64(at_us, trail_at(t, t->tail)->at_us);
    c.sliding = trail_count(t, at_us - t->period_us + 1, end_us + 1);
    c.bucket = bucket_limit(t, &s);
    return c;
}

/* How well two kinds fit: by how much the contacts' limits differ, and may. */
struct fit {
    int64_t limit;
    int64_t off, may_be_off;
    bool good;
};

static int64_t tolerance(int64_t limit, int64_t parts)
{
    return min64(2, limit / 8) + limit / parts;
}

static struct fit fit_sliding(const struct contact *list, size_t n)
{
    enum { PARTS = 100 };
    int64_t least = INT64_MAX, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = min64(least, list[i].sliding);
        most = max64(most, list[i].sliding);
    }
    struct fit f = {.limit = least, .off = most - least, .may_be_off = tolerance(least, PARTS)};
    f.good = least > 0 && f.off <= f.may_be_off;
    return f;
}

/* Each contact's is a lower bound, because a request is whole. At the first of several the
 * bucket may not have been full. */
static struct fit fit_bucket(const struct contact *list, size_t n)
{
    enum { PARTS = 24 };
    int64_t least = INT64_MAX, most = 0;
    for (size_t i = n > 2; i < n; i++) {
        least = min64(least, list[i].bucket);
        most = max64(most, list[i].bucket);
    }
    struct fit f = {.limit = most, .off = most - least, .may_be_off = tolerance(most, PARTS)};
    f.good = least > 1 && f.off <= f.may_be_off;
    return f;
}

/* So few went between the last two that a bucket may fit them by chance. */
static bool by_chance(const struct trail *t, const struct contact *list, size_t n)
{
    enum { FEW = 16 };
    return trail_count(t, list[n - 2].end_us + 1, list[n - 1].at_us) < FEW;
}

struct lesson contact_explain(const struct trail *t, const struct contact *list, size_t n,
                              int64_t slack_us, bool but_sliding)
{
    sl_assert(n >= 2);
    struct fit slides = fit_sliding(list, n), drains = fit_bucket(list, n);
    slides.good = slides.good && !but_sliding;
    /* Of two that fit, the one that fits closer. */
    if (slides.good &&
        (!drains.good || slides.off * drains.may_be_off <= drains.off * slides.may_be_off)) {
        struct lesson l = {.window = WINDOW_SLIDING, .limit = slides.limit};
        edges_zone(t, list, n, slack_us, &l);
        return l;
    }
    struct lesson by_edges = edges_explain(t, list, n, slack_us);
    if (!drains.good)
        return by_edges;
    if (by_edges.window == WINDOW_SLICES &&
        by_chance(t, list, n)) /* if wrong, it is soon told */
        return n == 2 ? (struct lesson){.window = WINDOW_AUTO} : by_edges;
    return (struct lesson){.window = WINDOW_BUCKET, .limit = drains.limit};
}
