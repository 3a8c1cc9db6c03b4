/* rehearsal.c: see rehearsal.h.
 *
 * Invariant: memory grows with what is in flight, never with the rows: a seat (flow and
 * request) is used again as soon as its request is over. */
#include "rehearsal.h"

#include "pilot.h"
#include "shuffle.h"

#include <stdlib.h>

/* Where a request sits until it is over. Its number is its slot at the provider. */
struct seat {
    struct flow flow; /* first: the machine hands it back */
    struct seat *next_free;
    uint32_t number;
    const struct row *row;
    size_t pool;
    int64_t output_tokens, service_us;
};

struct stage {
    const struct scenario *scenario;
    struct part *parts;
    struct account *account;
    struct pool **pools;
    struct remote *remote;
    struct pilot pilot;
    struct shuffle shuffle;
    struct random random; /* of lengths and service times */
    struct seat **seats;
    size_t seat_count, seat_cap;
    struct seat *free;
    int64_t first_us; /* -1 before the first send */
    int64_t left;     /* requests that are not over */
};

/* ---- the provider ------------------------------------------------------------------------ */

static enum gauge_window window_of(enum window_kind w)
{
    static const enum gauge_window windows[] = {[WINDOW_AUTO] =
                                                    GAUGE_BUCKET, /* not known: as OpenAI's */
                                                [WINDOW_BUCKET] = GAUGE_BUCKET,
                                                [WINDOW_FIXED] = GAUGE_FIXED,
                                                [WINDOW_SLIDING] = GAUGE_SLIDING,
                                                [WINDOW_SLICES] = GAUGE_SLICES};
    return windows[w];
}

static struct gauge_config gauge_of(const struct scenario *s, const struct batch_pool *pool)
{
    struct gauge_config g = {.window = window_of(s->account.window),
                             .slice_us = s->account.slice_us,
                             .minute_us = s->account.minute_us,
                             .phase_us = scenario_phase_us(s),
                             .refusals_drain = s->account.refusals_drain,
                             .fill_percent = 100};
    for (size_t i = 0; i < pool->limit_count && g.limit_count < GAUGE_LIMITS; i++)
        g.limits[g.limit_count++] =
            (struct gauge_limit){pool->limits[i].dim, pool->limits[i].limit};
    return g;
}

static struct remote *provider_of(const struct scenario *s)
{
    static const enum gauge_charge rules[] = {
        [CHARGE_MAX] = GAUGE_MAX, [CHARGE_SUM] = GAUGE_SUM, [CHARGE_ACTUAL] = GAUGE_ACTUAL};
    size_t n = s->models->pool_count;
    struct gauge_config *gauges = mem_alloc((n + 1) * sizeof *gauges);
    for (size_t p = 0; p < n; p++)
        gauges[p] = gauge_of(s, &s->models->pools[p]);
    struct remote *r = remote_new(&(struct remote_config){.gauges = gauges,
                                                          .gauge_count = n,
                                                          .charge = rules[s->account.charge],
                                                          .delay_us = s->delay_us,
                                                          .jitter_us = s->jitter_us,
                                                          .seed = s->account.seed});
    free(gauges);
    return r;
}

/* ---- seats ------------------------------------------------------------------------------- */

static struct seat *take_seat(struct stage *t)
{
    struct seat *seat = t->free;
    if (seat) {
        t->free = seat->next_free;
        return seat;
    }
    if (t->seat_count == t->seat_cap) {
        t->seat_cap = t->seat_cap ? 2 * t->seat_cap : 64;
        t->seats = mem_grow(t->seats, t->seat_cap * sizeof(struct seat *));
    }
    seat = mem_zero(sizeof *seat);
    seat->number = (uint32_t)t->seat_count;
    t->seats[t->seat_count++] = seat;
    return seat;
}

static void submit(struct stage *t, int64_t now_us, size_t pool, const struct row *row)
{
    const struct scenario *s = t->scenario;
    struct seat *seat = take_seat(t);
    struct demand d = scenario_demand(s, row);
    seat->row = row;
    seat->pool = pool;
    seat->output_tokens = outputs_draw(s->outputs, d.max_output_tokens, &t->random);
    seat->service_us = spread_draw(&s->service_us, &t->random);
    seat->flow = (struct flow){.id = row->number, .pool = t->pools[pool], .demand = d};
    pilot_submit(&t->pilot, now_us, &seat->flow);
}

/* The next row of a pool that fits; NULL when as many as wanted are drawn. */
static const struct row *draw(struct stage *t, size_t pool)
{
    size_t index;
    struct part *part = &t->parts[pool];
    while (part->drawn < part->wanted && shuffle_next(&t->shuffle, pool, &index)) {
        const struct row *row = &t->scenario->rows->list[index];
        if (!scenario_fits(t->scenario, row))
            continue;
        part->drawn++;
        return row;
    }
    return NULL;
}

/* ---- the pilot's driver ------------------------------------------------------------------ */

static void on_hungry(void *ctx, int64_t now_us)
{
    struct stage *t = ctx;
    for (size_t p = 0; p < t->scenario->models->pool_count; p++) {
        const struct row *row = NULL;
        while (pool_appetite(t->pools[p]) > 0 && (row = draw(t, p)) != NULL)
            submit(t, now_us, p, row);
    }
}

/* Windows give in bursts: only over whole minutes can a pace be told. */
static void mark_minute(struct part *part, int64_t minute_us)
{
    int64_t whole_us = part->last_sent_us / minute_us * minute_us;
    if (whole_us <= part->late.at_us)
        return;
    part->late.at_us = whole_us;
    memcpy(part->late.weight, part->weight, sizeof part->weight);
    if (part->middle.at_us == 0 && part->sent * 2 >= part->wanted)
        part->middle = part->late;
}

static void count_sent(struct stage *t, struct seat *seat, int64_t now_us)
{
    struct part *part = &t->parts[seat->pool];
    if (t->first_us < 0)
        t->first_us = now_us;
    part->last_sent_us = now_us - t->first_us;
    if (seat->flow.attempts > 1)
        return;
    mark_minute(part, t->scenario->account.minute_us);
    part->sent++;
    scenario_weigh(t->scenario, seat->row, part->weight);
}

static void on_send(void *ctx, int64_t now_us, struct flow *f)
{
    struct stage *t = ctx;
    struct seat *seat = (struct seat *)f;
    const struct demand *d = &f->demand;
    bool exact = t->scenario->account.charge == CHARGE_ACTUAL;
    count_sent(t, seat, now_us);
    remote_send(t->remote, seat->number,
                &(struct remote_request){
                    .gauge = seat->pool,
                    .ask = {.input_tokens = exact ? d->input_tokens : d->char_tokens,
                            .max_tokens = d->max_output_given ? d->max_output_tokens : 0,
                            .images = d->images},
                    .output_tokens = seat->output_tokens,
                    .service_us = seat->service_us});
}

static void on_over(void *ctx, int64_t now_us, struct flow *f, enum outcome outcome)
{
    struct stage *t = ctx;
    struct seat *seat = (struct seat *)f;
    (void)now_us;
    (void)outcome;
    seat->next_free = t->free;
    t->free = seat;
    if (--t->left == 0)
        remote_stop(t->remote);
}

static void on_answer(void *self, int64_t now_us, uint32_t slot, const struct remote_answer *a)
{
    struct stage *t = self;
    struct seat *seat = t->seats[slot];
    struct part *part = &t->parts[seat->pool];
    struct usage usage = {seat->flow.demand.input_tokens, seat->output_tokens, -1};
    part->refused += !a->said.admitted;
    part->last_answer_us = now_us - t->first_us;
    pilot_answer(&t->pilot, now_us, &seat->flow, a, &usage);
}

static int64_t on_due(void *self, int64_t now_us)
{
    struct stage *t = self;
    return pilot_due(&t->pilot, now_us);
}

/* ---- the run ----------------------------------------------------------------------------- */

static void open_stage(struct stage *t)
{
    const struct scenario *s = t->scenario;
    const struct models *models = s->models;
    t->account = account_new(&s->account);
    t->pools = mem_alloc((models->pool_count + 1) * sizeof(struct pool *));
    for (size_t p = 0; p < models->pool_count; p++) {
        const struct batch_pool *pool = &models->pools[p];
        t->pools[p] = account_pool(t->account, pool->name, pool->limits, pool->limit_count);
        t->left += t->parts[p].wanted;
    }
    t->remote = provider_of(s);
    t->pilot = (struct pilot){.account = t->account,
                              .headers = s->headers,
                              .driver = {on_hungry, on_send, on_over, t}};
    shuffle_init(&t->shuffle, s->rows, models, s->account.seed);
}

static void close_stage(struct stage *t)
{
    account_free(&t->account);
    remote_free(&t->remote);
    pilot_free(&t->pilot);
    shuffle_free(&t->shuffle);
    for (size_t i = 0; i < t->seat_count; i++)
        free(t->seats[i]);
    free(t->seats);
    free(t->pools);
}

bool rehearse(const struct scenario *s, struct part *parts)
{
    struct stage t = {
        .scenario = s, .parts = parts, .random = {s->account.seed}, .first_us = -1};
    struct remote_client face = {&t, on_answer, on_due, NULL, NULL};
    open_stage(&t);
    bool ended = t.left == 0 || remote_run(t.remote, &face, INT64_MAX - 1);
    close_stage(&t);
    return ended;
}
