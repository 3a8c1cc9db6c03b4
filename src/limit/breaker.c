/* breaker.c: see breaker.h. */
#include "breaker.h"

enum {
    PAUSE_FIRST_US = 1000000,
    PAUSE_MOST_US = 60000000,
    RETRY_SHARE = 5,  /* answers that earn one retry */
    RETRY_FLOOR = 64, /* retries that need no answers before them */
    RETRY_MOST = 1024,
    RETRY_PACE_US = 1000000,
};

void breaker_init(struct breaker *b)
{
    *b = (struct breaker){.earned = RETRY_FLOOR * RETRY_SHARE, .retried_us = INT64_MIN / 2};
}

void breaker_answer(struct breaker *b)
{
    b->state = BREAKER_CLOSED;
    b->faults = 0;
    b->pause_us = 0;
    if (b->earned < RETRY_MOST * RETRY_SHARE)
        b->earned++;
}

bool breaker_fault(struct breaker *b, int64_t now_us)
{
    bool opens = b->state == BREAKER_PROBING ||
                 (b->state == BREAKER_CLOSED && ++b->faults >= BREAKER_FAULTS);
    if (!opens)
        return false;
    bool outage = b->state == BREAKER_CLOSED;
    b->pause_us = b->pause_us ? 2 * b->pause_us : PAUSE_FIRST_US;
    if (b->pause_us > PAUSE_MOST_US)
        b->pause_us = PAUSE_MOST_US;
    b->open_us = now_us + b->pause_us;
    b->state = BREAKER_OPEN;
    return outage;
}

int64_t breaker_wait_us(const struct breaker *b, int64_t now_us)
{
    if (b->state == BREAKER_CLOSED)
        return 0;
    if (b->state == BREAKER_PROBING)
        return INT64_MAX;
    return b->open_us > now_us ? b->open_us - now_us : 0;
}

void breaker_send(struct breaker *b)
{
    if (b->state == BREAKER_OPEN)
        b->state = BREAKER_PROBING;
}

void breaker_forget(struct breaker *b)
{
    if (b->state == BREAKER_PROBING)
        b->state = BREAKER_OPEN;
}

int64_t breaker_retry_us(struct breaker *b, int64_t now_us)
{
    if (b->earned >= RETRY_SHARE) {
        b->earned -= RETRY_SHARE;
        return 0;
    }
    int64_t wait_us = b->retried_us + RETRY_PACE_US - now_us;
    if (wait_us > 0)
        return wait_us;
    b->retried_us = now_us;
    return 0;
}
