/* bucket.c: see bucket.h. */
#include "bucket.h"
#include "err.h"

void bucket_init(struct bucket *b, int64_t limit, int64_t period_us, int64_t slack_us)
{
    sl_assert(limit > 0 && period_us > 0 && slack_us >= 0);
    *b = (struct bucket){.limit = limit, .period_us = period_us, .slack_us = slack_us};
    b->debt = -(__int128)limit * slack_us;
}

/* The debt at now; below zero it tells for how long the bucket has been full. */
static __int128 debt_at(const struct bucket *b, int64_t now_us)
{
    return b->debt - (__int128)b->limit * (now_us - b->at_us);
}

int64_t bucket_wait_us(const struct bucket *b, int64_t now_us, int64_t held, int64_t cost)
{
    __int128 debt = debt_at(b, now_us);
    __int128 after = (debt > 0 ? debt : 0) + (__int128)(held + cost) * b->period_us;
    __int128 room = (__int128)b->limit * (b->period_us - b->slack_us);
    if (after <= room)
        return 0;
    /* A cost within slack of the limit never finds that room: it goes alone, once the
     * provider's bucket is surely full, which is slack_us after ours is. */
    __int128 brim = -(__int128)b->limit * b->slack_us;
    __int128 excess = after - room;
    if ((__int128)cost * b->period_us > room) {
        if (held > 0 && debt < 0) /* what is promised will end its having been full */
            debt = 0;
        excess = debt - brim + (__int128)held * b->period_us;
    }
    if (excess <= 0)
        return 0;
    return (int64_t)((excess + b->limit - 1) / b->limit);
}

void bucket_debit(struct bucket *b, int64_t now_us, int64_t units)
{
    __int128 debt = debt_at(b, now_us);
    b->debt = (debt > 0 ? debt : 0) + (__int128)units * b->period_us;
    b->at_us = now_us;
}

void bucket_credit(struct bucket *b, int64_t now_us, int64_t units)
{
    __int128 brim = -(__int128)b->limit * b->slack_us;
    b->debt = debt_at(b, now_us) - (__int128)units * b->period_us;
    if (b->debt < brim)
        b->debt = brim;
    b->at_us = now_us;
}

int64_t bucket_level(const struct bucket *b, int64_t now_us)
{
    __int128 debt = debt_at(b, now_us);
    if (debt <= 0)
        return b->limit;
    return b->limit - (int64_t)((debt + b->period_us - 1) / b->period_us);
}

void bucket_clamp(struct bucket *b, int64_t now_us, int64_t lo, int64_t hi)
{
    int64_t level = bucket_level(b, now_us);
    if (level > hi)
        bucket_debit(b, now_us, level - hi);
    else if (level < lo)
        bucket_credit(b, now_us, (lo < b->limit ? lo : b->limit) - level);
}
