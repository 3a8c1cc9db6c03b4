/* makespan: what binds and how long it takes, by accounts whose answer is known; and a long
 * file reckoned from a part of it against the whole of it run. */
#include "yard.h"

#include "random.h"

#include <stdlib.h>

/* 1,319 requests of 300 tokens on 30,000 a minute, as gsm8k's on tier 1: a minute's worth at
 * once, the rest at 500 tokens a second. */
static void a_bucket_of_tokens_binds(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 1319, 0, 120, 300);
    file_limit(&f, 0, DIM_RPM, 500);
    file_limit(&f, 0, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_of(&s);
    int64_t bound_us = (1319 * 300 - 30000) * (int64_t)S / 500;
    assert_true(m.known);
    assert_int_equal(m.binds, DIM_TPM);
    assert_int_equal(m.limit, 30000);
    assert_int_equal(m.bound_us, bound_us);
    assert_int_equal(m.requests, 1319);
    assert_int_equal(m.rehearsed, 1319);
    assert_int_equal(m.refused, 0);
    assert_int_equal(m.charged, 395700);
    assert_true(m.paced_us >= bound_us && m.paced_us < bound_us + S / 2);
    assert_true(m.makespan_us >= m.paced_us + S && m.makespan_us < m.paced_us + S + S / 10);
    file_close(&f);
}

/* A smaller max_tokens charges less; below the input, no less. */
static void max_tokens_is_what_it_costs(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 1319, 0, 120, 300);
    file_limit(&f, 0, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    struct makespan full = makespan_of(&s);
    s.most_output = 150;
    struct makespan half = makespan_of(&s);
    s.most_output = 120;
    struct makespan floor = makespan_of(&s);
    s.most_output = 10;
    assert_int_equal(makespan_of(&s).bound_us, floor.bound_us);
    assert_int_equal(half.charged * 2, full.charged);
    assert_true(half.makespan_us * 2 < full.makespan_us);
    assert_true(floor.makespan_us < half.makespan_us);
    file_close(&f);
}

static void what_fits_goes_at_once(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 100, 0, 120, 300);
    file_limit(&f, 0, DIM_RPM, 500);
    file_limit(&f, 0, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_of(&s);
    assert_int_equal(m.bound_us, 0);
    assert_int_equal(m.binds, DIM_UNKNOWN);
    assert_true(m.makespan_us < 2 * (int64_t)S);
    file_close(&f);
}

static void few_in_flight_bind_too(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 400, 0, 120, 300);
    file_limit(&f, 0, DIM_RPM, 5000);
    file_limit(&f, 0, DIM_CONCURRENCY, 4);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_of(&s);
    assert_int_equal(m.binds, DIM_CONCURRENCY);
    assert_int_equal(m.limit, 4);
    assert_true(m.makespan_us > 100 * (int64_t)S && m.makespan_us < 110 * (int64_t)S);
    file_close(&f);
}

/* 50 requests over a day's 200: each after the first 200 takes 432 s. */
static void a_day_binds(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 250, 0, 120, 300);
    file_limit(&f, 0, DIM_RPM, 500);
    file_limit(&f, 0, DIM_RPD, 200);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_of(&s);
    assert_int_equal(m.binds, DIM_RPD);
    assert_int_equal(m.bound_us / S, 50 * DAY / 200);
    assert_true(m.makespan_us - m.bound_us < 2 * (int64_t)S);
    file_close(&f);
}

/* Each pool has a time of its own: the whole takes as long as the slowest. */
static void pools_end_for_themselves(void **state)
{
    struct file f;
    int64_t pool_us[2];
    file_open(&f);
    f.models.n = f.models.pool_count = 2;
    file_add(&f, 110, 0, 120, 300);
    file_add(&f, 70, 1, 120, 300);
    file_limit(&f, 0, DIM_RPM, 10);
    file_limit(&f, 1, DIM_RPM, 60);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_by_pool(&s, pool_us);
    assert_int_equal(m.makespan_us, pool_us[0]);
    assert_int_equal(pool_us[0] / (60 * (int64_t)S), 10); /* 100 after the first 10 */
    assert_true(pool_us[1] > 10 * (int64_t)S && pool_us[1] < 12 * (int64_t)S);
    file_close(&f);
}

static void rows_that_never_fit_are_left_out(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 10, 0, 120, 300);
    file_add(&f, 3, 0, 31000, 300);
    file_limit(&f, 0, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_of(&s);
    assert_true(m.known);
    assert_int_equal(m.requests, 10);
    assert_int_equal(m.too_large, 3);
    s.account.use_percent = 1; /* now none of them */
    m = makespan_of(&s);
    assert_true(m.known);
    assert_int_equal(m.requests, 10);
    f.pools[0].limits[0].limit = 299;
    m = makespan_of(&s);
    assert_int_equal(m.requests, 0);
    assert_int_equal(m.makespan_us, 0);
    file_close(&f);
}

static void what_is_done_is_not_run_again(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 10, 0, 120, 300);
    f.rows.list[3].state = ROW_DONE;
    file_limit(&f, 0, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    assert_int_equal(makespan_of(&s).requests, 9);
    file_close(&f);
}

/* Two pools side by side take as long as the slower, which is told. */
static void pools_go_side_by_side(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    f.models.n = f.models.pool_count = 2;
    file_add(&f, 400, 0, 100, 300);
    file_add(&f, 400, 1, 100, 300);
    file_limit(&f, 0, DIM_TPM, 60000);
    file_limit(&f, 1, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    struct makespan m = makespan_of(&s);
    assert_int_equal(m.pool, 1);
    assert_int_equal(m.bound_us / S, (400 * 300 - 30000) / 500);
    assert_int_equal(m.requests, 800);
    f.pools[1].limit_count = 0;
    assert_false(makespan_of(&s).known);
    file_close(&f);
}

/* Output that counts as produced: long answers take longer. */
static void answers_count_where_they_are_charged(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 1500, 0, 100, 1000);
    file_limit(&f, 0, DIM_ITPM, 1000000);
    file_limit(&f, 0, DIM_OTPM, 8000);
    struct scenario s = file_scenario(&f);
    s.account.charge = CHARGE_ACTUAL;
    s.headers = HEADERS_INSTANTS;
    outputs_add(&f.outputs, 50);
    outputs_settle(&f.outputs);
    struct makespan brief = makespan_of(&s);
    outputs_free(&f.outputs);
    struct makespan full = makespan_of(&s);
    assert_int_equal(brief.binds, DIM_OTPM);
    assert_int_equal(full.binds, DIM_OTPM);
    assert_int_equal(brief.refused + full.refused, 0);
    assert_true(full.makespan_us > 15 * brief.makespan_us);
    file_close(&f);
}

/* ---- the part and the whole -------------------------------------------------------------- */

/* Sizes as they come: 50 to 1,000 tokens in, three values of max_tokens. */
static void add_mixed(struct file *f, size_t n)
{
    static const int64_t most[] = {64, 256, 1024};
    struct random r = {42};
    for (size_t i = 0; i < n; i++)
        file_add(f, 1, 0, 50 + (int64_t)random_below(&r, 950), most[random_below(&r, 3)]);
}

static int64_t whole_us(const struct scenario *s)
{
    struct part part = {.wanted = (int64_t)s->rows->n};
    assert_true(rehearse(s, &part));
    assert_int_equal(part.sent, s->rows->n);
    return part.last_answer_us;
}

static void check_stretch(const struct scenario *s, const char *what)
{
    struct makespan m = makespan_of(s);
    int64_t whole = whole_us(s), off = llabs(m.makespan_us - whole);
    print_message("# %s: %lld of %zu rows, %lld s for %lld s\n", what, (long long)m.rehearsed,
                  s->rows->n, (long long)(m.makespan_us / S), (long long)(whole / S));
    assert_true(m.rehearsed < (int64_t)s->rows->n / 2);
    if (off * 100 > whole && off > MINUTE) /* the bound of makespan.h, in its words */
        fail_msg("%s: off by %lld s of %lld s", what, (long long)(off / S),
                 (long long)(whole / S));
}

static void a_part_tells_the_whole(void **state)
{
    (void)state;
    static const enum window_kind windows[] = {WINDOW_BUCKET, WINDOW_FIXED, WINDOW_SLIDING,
                                               WINDOW_SLICES, WINDOW_AUTO};
    static const enum charge_rule rules[] = {CHARGE_MAX, CHARGE_SUM, CHARGE_ACTUAL};
    struct file f;
    file_open(&f);
    add_mixed(&f, 20000);
    file_limit(&f, 0, DIM_RPM, 500);
    file_limit(&f, 0, DIM_TPM, 250000);
    struct scenario s = file_scenario(&f);
    for (size_t w = 0; w < 5; w++) {
        for (size_t r = 0; r < 3; r++) {
            struct buf what = {0};
            s.account.window = windows[w];
            s.account.charge = rules[r];
            buf_printf(&what, "%s, %s", window_name(windows[w]), charge_name(rules[r]));
            check_stretch(&s, buf_cstr(&what));
            buf_free(&what);
        }
    }
    file_close(&f);
}

static void a_part_tells_the_whole_of_few_large_ones(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 12000, 0, 7000, 400); /* four fit into a window, and a rest is lost */
    file_limit(&f, 0, DIM_TPM, 30000);
    struct scenario s = file_scenario(&f);
    check_stretch(&s, "bucket");
    s.account.window = WINDOW_FIXED;
    check_stretch(&s, "fixed");
    s.account.window = WINDOW_SLIDING;
    check_stretch(&s, "sliding");
    file_close(&f);
}

/* Three periods of a bucket are as good as ten. */
static void a_part_tells_the_whole_of_a_large_account(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    add_mixed(&f, 40000);
    file_limit(&f, 0, DIM_RPM, 4000);
    file_limit(&f, 0, DIM_TPM, 2400000);
    struct scenario s = file_scenario(&f);
    s.account.idle = false;
    s.service_us = (struct spread){.low = S, .high = 10 * S};
    check_stretch(&s, "large, max");
    s.account.charge = CHARGE_ACTUAL;
    check_stretch(&s, "large, actual");
    file_close(&f);
}

static void a_part_tells_the_whole_in_flight(void **state)
{
    (void)state;
    struct file f;
    file_open(&f);
    file_add(&f, 12000, 0, 100, 400);
    file_limit(&f, 0, DIM_TPM, 30000000);
    struct scenario s = file_scenario(&f);
    s.account.concurrency = 20;
    s.service_us = (struct spread){.low = S / 2, .high = 5 * S};
    check_stretch(&s, "in flight");
    file_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_of_tokens_binds),
        cmocka_unit_test(max_tokens_is_what_it_costs),
        cmocka_unit_test(what_fits_goes_at_once),
        cmocka_unit_test(few_in_flight_bind_too),
        cmocka_unit_test(a_day_binds),
        cmocka_unit_test(pools_end_for_themselves),
        cmocka_unit_test(rows_that_never_fit_are_left_out),
        cmocka_unit_test(what_is_done_is_not_run_again),
        cmocka_unit_test(pools_go_side_by_side),
        cmocka_unit_test(answers_count_where_they_are_charged),
        cmocka_unit_test(a_part_tells_the_whole),
        cmocka_unit_test(a_part_tells_the_whole_of_few_large_ones),
        cmocka_unit_test(a_part_tells_the_whole_of_a_large_account),
        cmocka_unit_test(a_part_tells_the_whole_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
