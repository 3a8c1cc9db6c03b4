/* remote: delays within their bounds, decisions by the gauge, output charged in quarters, slots
 * used again, and the same run for the same seed. */
#include "check.h"
#include "remote.h"

enum { MS = 1000, S = 1000000, MINUTE = 60 * S, SLOTS = 4 };

/* A client that keeps SLOTS requests under way until `left` of them are answered. */
struct caller {
    struct remote *remote;
    struct remote_request request;
    int left, refused, due;
    int64_t sent_us[SLOTS], least_us, most_us, produced, parts, last_us;
    uint64_t trace; /* of all that happened */
    int alarms;
};

static void send_in(struct caller *c, uint32_t slot)
{
    c->sent_us[slot] = remote_now_us(c->remote);
    remote_send(c->remote, slot, &c->request);
}

static void on_answer(void *self, int64_t now_us, uint32_t slot, const struct remote_answer *a)
{
    struct caller *c = self;
    int64_t took_us = now_us - c->sent_us[slot];
    c->least_us = took_us < c->least_us ? took_us : c->least_us;
    c->most_us = took_us > c->most_us ? took_us : c->most_us;
    c->refused += !a->said.admitted;
    c->trace = c->trace * 31 + (uint64_t)now_us;
    c->last_us = now_us;
    assert_true(a->headed_us <= now_us);
    if (--c->left == 0)
        remote_stop(c->remote);
    if (c->left >= SLOTS)
        send_in(c, slot);
}

static int64_t on_due(void *self, int64_t now_us)
{
    struct caller *c = self;
    c->due++;
    assert_int_equal(now_us, remote_now_us(c->remote));
    return INT64_MAX;
}

static void on_sight(void *self, int64_t now_us, const struct remote_sight *s)
{
    struct caller *c = self;
    (void)now_us;
    if (s->event != REMOTE_PRODUCED)
        return;
    c->produced += s->charge[DIM_OTPM];
    c->parts++;
}

static bool on_alarm(void *self, int64_t now_us, int kind, uint32_t slot)
{
    struct caller *c = self;
    assert_int_equal(kind, 7);
    assert_int_equal(slot, 3);
    assert_int_equal(now_us, 5 * S);
    c->alarms++;
    return false;
}

static struct gauge_config ample(void)
{
    return (struct gauge_config){.window = GAUGE_BUCKET,
                                 .minute_us = MINUTE,
                                 .limits = {{DIM_RPM, 10000}, {DIM_OTPM, 1000000}},
                                 .limit_count = 2,
                                 .fill_percent = 100};
}

static struct caller run(const struct gauge_config *g, enum gauge_charge charge, int answers)
{
    struct remote_config rc = {.gauges = g,
                               .gauge_count = 1,
                               .charge = charge,
                               .delay_us = 20 * MS,
                               .jitter_us = 10 * MS,
                               .seed = 1};
    struct caller c = {.request = {.ask = {.input_tokens = 10, .max_tokens = 100},
                                   .output_tokens = 42,
                                   .service_us = 400 * MS},
                       .left = answers,
                       .least_us = INT64_MAX};
    c.remote = remote_new(&rc);
    for (uint32_t slot = 0; slot < SLOTS; slot++)
        send_in(&c, slot);
    struct remote_client face = {&c, on_answer, on_due, on_alarm, on_sight};
    assert_true(remote_run(c.remote, &face, INT64_MAX - 1));
    remote_free(&c.remote);
    return c;
}

static void delays_are_within_their_bounds(void **state)
{
    (void)state;
    struct gauge_config g = ample();
    struct caller c = run(&g, GAUGE_MAX, 400);
    assert_int_equal(c.refused, 0);
    assert_true(c.least_us >= 440 * MS && c.least_us < 445 * MS);
    assert_true(c.most_us <= 460 * MS && c.most_us > 455 * MS);
    assert_true(c.due >= 400 / SLOTS);
}

static void same_seed_same_run(void **state)
{
    (void)state;
    struct gauge_config g = ample();
    assert_true(run(&g, GAUGE_MAX, 100).trace == run(&g, GAUGE_MAX, 100).trace);
    assert_false(run(&g, GAUGE_MAX, 100).trace == run(&g, GAUGE_MAX, 99).trace);
}

static void output_is_charged_as_it_is_produced(void **state)
{
    (void)state;
    struct gauge_config g = ample();
    struct caller c = run(&g, GAUGE_ACTUAL, 8);
    assert_int_equal(c.produced, 8 * 41); /* and one token of each on arrival */
    assert_int_equal(c.parts, 8 * 4);
    assert_int_equal(run(&g, GAUGE_MAX, 8).parts, 0);
}

/* Two requests a minute: the others come back refused, and sooner than any answer. */
static void the_gauge_decides(void **state)
{
    (void)state;
    struct gauge_config g = ample();
    g.limits[0].limit = 2;
    struct caller c = run(&g, GAUGE_MAX, SLOTS);
    assert_int_equal(c.refused, 2);
    assert_true(c.least_us <= 60 * MS);
}

static void places_are_given_back(void **state)
{
    (void)state;
    struct gauge_config g = ample();
    g.limits[1] = (struct gauge_limit){DIM_CONCURRENCY, SLOTS};
    assert_int_equal(run(&g, GAUGE_MAX, 40).refused, 0);
    g.limits[1].limit = SLOTS - 1;
    assert_true(run(&g, GAUGE_MAX, 40).refused > 0);
}

static void it_ends_when_nothing_is_left(void **state)
{
    (void)state;
    struct gauge_config g = ample();
    struct remote_config rc = {.gauges = &g, .gauge_count = 1};
    struct caller c = {.left = 1};
    struct remote_client face = {&c, on_answer, on_due, on_alarm, NULL};
    c.remote = remote_new(&rc);
    remote_alarm(c.remote, 5 * S, 7, 3);
    assert_false(remote_run(c.remote, &face, 4 * S));
    assert_int_equal(c.alarms, 0);
    assert_false(remote_run(c.remote, &face, INT64_MAX));
    assert_int_equal(c.alarms, 1);
    assert_int_equal(remote_events(c.remote), 1);
    remote_free(&c.remote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(delays_are_within_their_bounds),
                                       cmocka_unit_test(same_seed_same_run),
                                       cmocka_unit_test(output_is_charged_as_it_is_produced),
                                       cmocka_unit_test(the_gauge_decides),
                                       cmocka_unit_test(places_are_given_back),
                                       cmocka_unit_test(it_ends_when_nothing_is_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
