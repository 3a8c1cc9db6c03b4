/* makespan.c: see makespan.h.
 *
 * For each pool: survey all rows (sums of what they will be charged) -> which limits may bind,
 * and how many rows show it -> rehearse those -> stretch what was seen to the whole. */
#include "makespan.h"

#include "bound.h"
#include "inflight.h"

#include <stdlib.h>

enum {
    /* So many periods of each limit that may bind are run: what a bucket holds at the start is
     * gone after the first; windows give in bursts, and may waste a part of each. */
    PERIODS_BUCKET = 3,
    PERIODS_WINDOW = 6,
    ROWS_LEAST = 4000, /* are run in any case */
};

/* A limit of a pool. As a budget, or (period_us 0) on how many are in flight. */
struct weir {
    enum dimension dim;
    struct budget_use use; /* but for what is charged */
};

struct yard {
    struct weir weirs[BOUND_BUDGETS + 1];
    size_t n;
    int64_t service_us; /* mean */
    int64_t requests, too_large, weight[DIM_RATES];
};

/* ---- what the limits allow --------------------------------------------------------------- */

/* The least time for `weight`, and what sets it. */
struct least {
    int64_t us;
    const struct weir *binds; /* NULL: nothing does */
};

static int64_t weir_us(const struct yard *y, const struct weir *w, const int64_t *weight)
{
    int64_t more = weight[DIM_RPM] - w->use.limit;
    if (w->dim == DIM_CONCURRENCY)
        return more <= 0 || w->use.limit <= 0
                   ? 0
                   : (int64_t)((__int128)more * y->service_us / w->use.limit);
    struct budget_use use = w->use;
    use.charged = weight[w->dim];
    int64_t us = bound_us(&use);
    return us > 0 ? us : 0;
}

static struct least least_of(const struct yard *y, const int64_t weight[DIM_RATES])
{
    struct least l = {0, NULL};
    for (size_t i = 0; i < y->n; i++) {
        int64_t us = weir_us(y, &y->weirs[i], weight);
        if (us > l.us)
            l = (struct least){us, &y->weirs[i]};
    }
    return l;
}

static int64_t most_in_flight(const struct scenario *s, const struct batch_pool *p)
{
    int64_t most = INFLIGHT_CEILING;
    if (s->account.concurrency > 0)
        most = s->account.concurrency;
    for (size_t i = 0; i < p->limit_count; i++) {
        if (p->limits[i].dim == DIM_CONCURRENCY && p->limits[i].limit < most)
            most = p->limits[i].limit;
    }
    return most;
}

/* The limits as the machine itself counts them. */
static void find_weirs(const struct scenario *s, const struct batch_pool *p, struct yard *y)
{
    struct account *account = account_new(&s->account);
    struct pool *pool = account_pool(account, p->name, p->limits, p->limit_count);
    struct pool_view view;
    pool_look(account, pool, 0, &view);
    for (size_t i = 0; i < view.budget_count; i++) {
        const struct budget_view *b = &view.budgets[i];
        bool known = b->window != WINDOW_AUTO;
        y->weirs[y->n++] = (struct weir){
            b->dim,
            {.window = known ? b->window : WINDOW_BUCKET,
             .limit = b->limit,
             .period_us = b->period_us,
             .start_level = b->limit,
             .first_reset_us = b->period_us ? scenario_phase_us(s) % b->period_us : 0}};
    }
    y->weirs[y->n++] = (struct weir){DIM_CONCURRENCY, {.limit = most_in_flight(s, p)}};
    y->service_us = (s->service_us.low + s->service_us.high) / 2;
    account_free(&account);
}

static void survey(const struct scenario *s, struct yard *yards)
{
    for (size_t p = 0; p < s->models->pool_count; p++)
        find_weirs(s, &s->models->pools[p], &yards[p]);
    for (size_t i = 0; i < s->rows->n; i++) {
        const struct row *row = &s->rows->list[i];
        if (row->state != ROW_PENDING)
            continue;
        struct yard *y = &yards[s->models->list[row->model].pool];
        bool fits = scenario_fits(s, row);
        y->requests += fits;
        y->too_large += !fits;
        if (fits)
            scenario_weigh(s, row, y->weight);
    }
}

/* ---- how many are run -------------------------------------------------------------------- */

/* Rows that are charged so many periods of a limit. */
static int64_t rows_for(const struct yard *y, const struct weir *w)
{
    int64_t all = w->dim == DIM_CONCURRENCY ? y->requests : y->weight[w->dim];
    if (all <= 0)
        return 0;
    bool refills = w->dim == DIM_CONCURRENCY || w->use.window == WINDOW_BUCKET;
    int periods = refills ? PERIODS_BUCKET : PERIODS_WINDOW;
    __int128 rows = (__int128)periods * w->use.limit * y->requests / all + 1;
    return rows < y->requests ? (int64_t)rows : y->requests;
}

/* Limits that come within half of the one that binds may bind too. */
static int64_t rows_to_run(const struct yard *y)
{
    struct least all = least_of(y, y->weight);
    int64_t rows = ROWS_LEAST;
    for (size_t i = 0; i < y->n; i++) {
        int64_t us = weir_us(y, &y->weirs[i], y->weight);
        int64_t want = us > 0 && us >= all.us / 2 ? rows_for(y, &y->weirs[i]) : 0;
        rows = want > rows ? want : rows;
    }
    return rows < y->requests ? rows : y->requests;
}

/* ---- from what was run to the whole ------------------------------------------------------ */

/* What was taken, and what the limit would have allowed at its steady rate. */
struct pace {
    int64_t taken_us, least_us;
};

static struct pace pace_seen(const struct yard *y, const struct weir *w,
                             const struct part *part)
{
    bool seats = w->dim == DIM_CONCURRENCY;
    enum dimension dim = seats ? DIM_RPM : w->dim;
    int64_t sent = part->late.weight[dim] - part->middle.weight[dim];
    int64_t period_us = seats ? y->service_us : w->use.period_us;
    struct pace seen = {part->late.at_us - part->middle.at_us,
                        (int64_t)((__int128)sent * period_us / w->use.limit)};
    if (seen.least_us <= 0 || seen.taken_us < seen.least_us || part->middle.at_us == 0)
        return (struct pace){1, 1}; /* nobody is faster than the limits allow */
    return seen;
}

/* As if requests were larger by what their pace lacks of the steady rate. */
static int64_t slower_us(const struct yard *y, const struct pace *p,
                         const int64_t weight[DIM_RATES])
{
    int64_t larger[DIM_RATES];
    for (int d = 0; d < DIM_RATES; d++)
        larger[d] = (int64_t)((__int128)weight[d] * p->taken_us / p->least_us);
    return least_of(y, larger).us;
}

/* How long the rows that were not run take beyond those that were. */
static int64_t rest_us(const struct yard *y, const struct part *part)
{
    struct least all = least_of(y, y->weight);
    if (part->wanted == y->requests || !all.binds)
        return 0;
    struct pace seen = pace_seen(y, all.binds, part);
    return slower_us(y, &seen, y->weight) - slower_us(y, &seen, part->weight);
}

/* Returns when its last answer has come. */
static int64_t take_part(struct makespan *m, const struct yard *y, const struct part *part,
                         size_t pool)
{
    int64_t rest = rest_us(y, part);
    struct least least = least_of(y, y->weight);
    int64_t paced_us = part->last_sent_us + rest, end_us = part->last_answer_us + rest;
    m->paced_us = paced_us > m->paced_us ? paced_us : m->paced_us;
    m->makespan_us = end_us > m->makespan_us ? end_us : m->makespan_us;
    m->requests += y->requests;
    m->too_large += y->too_large;
    m->rehearsed += part->sent;
    m->refused += part->refused;
    m->charged += y->weight[DIM_TPM];
    if (!least.binds || least.us <= m->bound_us)
        return end_us;
    m->bound_us = least.us;
    m->binds = least.binds->dim;
    m->pool = pool;
    m->limit = least.binds->use.limit;
    return end_us;
}

/* Whether a pool in use has no known limit at all. */
static bool any_unknown(const struct scenario *s, const struct yard *yards)
{
    for (size_t p = 0; p < s->models->pool_count; p++) {
        if (s->models->pools[p].limit_count == 0 && yards[p].requests > 0)
            return true;
    }
    return false;
}

struct makespan makespan_by_pool(const struct scenario *s, int64_t *pool_us)
{
    size_t n = s->models->pool_count;
    struct makespan m = {.binds = DIM_UNKNOWN};
    struct yard *yards = mem_zero((n + 1) * sizeof *yards);
    struct part *parts = mem_zero((n + 1) * sizeof *parts);
    survey(s, yards);
    for (size_t p = 0; p < n; p++)
        parts[p].wanted = rows_to_run(&yards[p]);
    m.known = !any_unknown(s, yards) && rehearse(s, parts);
    for (size_t p = 0; p < n && m.known; p++)
        pool_us[p] = take_part(&m, &yards[p], &parts[p], p);
    free(yards);
    free(parts);
    return m;
}

struct makespan makespan_of(const struct scenario *s)
{
    int64_t *pool_us = mem_zero((s->models->pool_count + 1) * sizeof *pool_us);
    struct makespan m = makespan_by_pool(s, pool_us);
    free(pool_us);
    return m;
}
