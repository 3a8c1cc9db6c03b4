/* allowance.c: see allowance.h. A request takes its share of all limits, or of none. */
#include "allowance.h"
#include "err.h"

enum { LOT = 64, TIMES_THE_LONGEST = 2, MILLION = 1000000 };

static const enum dimension rates[] = {DIM_RPM, DIM_TPM, DIM_RPD, DIM_TPD};
enum { RATES = sizeof rates / sizeof *rates };

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool of_tokens(enum dimension dim)
{
    return dim == DIM_TPM || dim == DIM_TPD;
}

static int64_t limit_of(const struct allowance_limits *l, enum dimension dim)
{
    const int64_t limits[DIM_RATES] = {
        [DIM_RPM] = l->rpm, [DIM_TPM] = l->tpm, [DIM_RPD] = l->rpd, [DIM_TPD] = l->tpd};
    return limits[dim];
}

void allowance_init(struct allowance *a, const struct allowance_limits *limits,
                    int64_t minute_us)
{
    *a = (struct allowance){.limits = *limits};
    for (size_t i = 0; i < RATES; i++) {
        enum dimension dim = rates[i];
        int64_t limit = limit_of(limits, dim);
        int64_t period_us = dimension_period_s(dim) / 60 * minute_us;
        bucket_init(&a->buckets[dim], max64(1, limit), period_us, 0);
    }
    a->purses[PURSE_DAY].limit = limits->spend_day;
    a->purses[PURSE_MONTH].limit = limits->spend_month;
}

void allowance_relimit(struct allowance *a, int64_t now_us,
                       const struct allowance_limits *limits)
{
    for (size_t i = 0; i < RATES; i++) {
        struct bucket *b = &a->buckets[rates[i]];
        bucket_debit(b, now_us, 0); /* what drained so far drained at the old rate */
        b->limit = max64(1, limit_of(limits, rates[i]));
    }
    a->limits = *limits;
    a->purses[PURSE_DAY].limit = limits->spend_day;
    a->purses[PURSE_MONTH].limit = limits->spend_month;
}

void purse_refill(struct purse *p, int64_t ends_us)
{
    p->used = p->held = 0;
    p->ends_us = ends_us;
    p->turn++;
}

/* ---- what a request comes to ------------------------------------------------------------- */

/* The output it may have, as long as it has not said so itself. */
static int64_t output_of(const struct allowance *a, const struct demand *d)
{
    int64_t longest = max64(a->longest.now, a->longest.before);
    if (d->max_output_given || longest == 0)
        return d->max_output_tokens;
    return min64(d->max_output_tokens, TIMES_THE_LONGEST * longest);
}

int64_t stake_tokens(const struct stake *s, const struct demand *d)
{
    return d->input_tokens + output_of(s->allowance, d);
}

static int64_t cost_of(const struct price *p, int64_t input_tokens, int64_t output_tokens)
{
    __int128 cost = (__int128)max64(0, p->input) * input_tokens +
                    (__int128)max64(0, p->output) * output_tokens;
    return (int64_t)((cost + MILLION - 1) / MILLION);
}

static int64_t spend_of(const struct stake *s, const struct demand *d)
{
    return cost_of(&s->price, d->input_tokens, output_of(s->allowance, d));
}

/* What it would take of a limit of that size: a guess is no reason for never. */
static int64_t at_most(int64_t units, int64_t limit, const struct demand *d)
{
    return d->max_output_given ? units : min64(units, limit);
}

/* ---- asking ------------------------------------------------------------------------------ */

/* The hardest of several answers. */
static void harder(struct allowed *a, struct allowed b)
{
    if (b.take > a->take || (b.take == a->take && b.wait_us > a->wait_us))
        *a = b;
}

static void ask_rate(const struct stake *s, int64_t now_us, const struct demand *d,
                     enum dimension dim, struct allowed *out)
{
    const struct allowance *a = s->allowance;
    const struct bucket *b = &a->buckets[dim];
    int64_t limit = limit_of(&a->limits, dim), units = 1, held = 0;
    if (limit <= 0)
        return;
    if (of_tokens(dim)) {
        units = at_most(stake_tokens(s, d), limit, d);
        held = a->held_tokens;
    }
    if (units > limit || (of_tokens(dim) && d->input_tokens > limit)) {
        harder(out, (struct allowed){.take = TAKE_NEVER, .dim = dim});
        return;
    }
    int64_t wait_us = bucket_wait_us(b, now_us, 0, units);
    if (wait_us > 0)
        harder(out, (struct allowed){.take = TAKE_LATER,
                                     .wait_us = wait_us,
                                     .dim = dim,
                                     .until_ends = bucket_level(b, now_us) + held >= units});
}

static void ask_purse(const struct stake *s, int64_t now_us, const struct demand *d,
                      const struct purse *p, struct allowed *out)
{
    int64_t cost = at_most(spend_of(s, d), p->limit, d);
    bool over = now_us >= p->ends_us && cost <= p->limit; /* about to be refilled */
    if (p->limit <= 0 || p->used + cost <= p->limit || over)
        return;
    bool until_ends = p->used - p->held + cost <= p->limit;
    harder(out, (struct allowed){.take = cost > p->limit ? TAKE_NEVER : TAKE_LATER,
                                 .wait_us = max64(1, p->ends_us - now_us),
                                 .dim = DIM_SPEND,
                                 .until_ends = until_ends});
}

struct allowed stake_ask(const struct stake *s, int64_t now_us, const struct demand *d)
{
    const struct allowance *a = s->allowance;
    struct allowed out = {.take = TAKE_OK, .dim = DIM_UNKNOWN};
    for (size_t i = 0; i < RATES; i++)
        ask_rate(s, now_us, d, rates[i], &out);
    for (int p = 0; p < PURSES; p++)
        ask_purse(s, now_us, d, &a->purses[p], &out);
    if (a->limits.concurrency > 0 && a->in_flight >= a->limits.concurrency)
        harder(&out, (struct allowed){.take = TAKE_LATER,
                                      .wait_us = INT64_MAX,
                                      .dim = DIM_CONCURRENCY,
                                      .until_ends = true});
    return out;
}

/* ---- taking and giving back -------------------------------------------------------------- */

static void debit(struct bucket *b, int64_t now_us, int64_t units)
{
    if (units > 0)
        bucket_debit(b, now_us, units);
    else if (units < 0)
        bucket_credit(b, now_us, -units);
}

/* Only what is limited is counted, or a limit set later would begin with the past. */
static void debit_rates(struct allowance *a, int64_t now_us, int64_t requests, int64_t tokens)
{
    for (size_t i = 0; i < RATES; i++) {
        if (limit_of(&a->limits, rates[i]) > 0)
            debit(&a->buckets[rates[i]], now_us, of_tokens(rates[i]) ? tokens : requests);
    }
}

/* What was held in a purse that was refilled since is no longer in it. */
static void settle_purses(struct stake *s, int64_t spent)
{
    for (int p = 0; p < PURSES; p++) {
        struct purse *purse = &s->allowance->purses[p];
        int64_t held = purse->turn == s->turns[p] ? s->spend : 0;
        purse->held -= held;
        purse->used += spent - held;
    }
}

/* The smaller of two limits, of which 0 is none. */
static int64_t smaller(int64_t a, int64_t b)
{
    return min64(a > 0 ? a : INT64_MAX, b > 0 ? b : INT64_MAX);
}

void stake_hold(struct stake *s, int64_t now_us, const struct demand *d)
{
    struct allowance *a = s->allowance;
    sl_assert(!s->held);
    s->held = true;
    s->tokens = at_most(stake_tokens(s, d), smaller(a->limits.tpm, a->limits.tpd), d);
    s->spend = at_most(spend_of(s, d), smaller(a->limits.spend_day, a->limits.spend_month), d);
    for (int p = 0; p < PURSES; p++) {
        s->turns[p] = a->purses[p].turn;
        a->purses[p].used += s->spend;
        a->purses[p].held += s->spend;
    }
    debit_rates(a, now_us, 1, s->tokens);
    a->held_tokens += s->tokens;
    a->in_flight++;
}

static void let_go(struct stake *s)
{
    sl_assert(s->held && s->allowance->in_flight > 0);
    s->held = false;
    s->allowance->in_flight--;
    s->allowance->held_tokens -= s->tokens;
}

void stake_release(struct stake *s, int64_t now_us)
{
    let_go(s);
    debit_rates(s->allowance, now_us, -1, -s->tokens);
    settle_purses(s, 0);
}

static void learn(struct longest *l, int64_t tokens)
{
    l->now = max64(l->now, tokens);
    if (++l->n < LOT)
        return;
    *l = (struct longest){.before = l->now};
}

void stake_settle(struct stake *s, int64_t now_us, const struct demand *d, int64_t input_tokens,
                  int64_t output_tokens)
{
    struct allowance *a = s->allowance;
    int64_t cost = cost_of(&s->price, input_tokens, output_tokens);
    let_go(s);
    debit_rates(a, now_us, 0, input_tokens + output_tokens - s->tokens);
    settle_purses(s, cost);
    a->requests++;
    a->tokens += input_tokens + output_tokens;
    a->spent += cost;
    if (!d->max_output_given && output_tokens > 0)
        learn(&a->longest, output_tokens);
}

/* ---- looking ----------------------------------------------------------------------------- */

bool allowance_look(const struct allowance *a, int64_t now_us, enum dimension dim,
                    int64_t *limit, int64_t *left, int64_t *reset_us)
{
    *limit = dim == DIM_CONCURRENCY ? a->limits.concurrency : limit_of(&a->limits, dim);
    if (*limit <= 0)
        return false;
    *reset_us = 0;
    *left = *limit - a->in_flight;
    if (dim == DIM_CONCURRENCY)
        return true;
    const struct bucket *b = &a->buckets[dim];
    *left = bucket_level(b, now_us);
    *reset_us = (int64_t)((__int128)(*limit - *left) * b->period_us / *limit);
    return true;
}

void allowance_restore(struct allowance *a, int64_t now_us, enum dimension dim, int64_t left)
{
    if (limit_of(&a->limits, dim) > 0)
        bucket_clamp(&a->buckets[dim], now_us, left, left);
}
