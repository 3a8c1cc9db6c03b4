/* plan: every tier and the next model down, what it costs, what max_tokens costs; and what is
 * not known is said. */
#include "draft.h"

static const int64_t usd = 1000000000000;

static void gsm8k_like(struct draft *d, const char *tier)
{
    draft_open(d, "openai", tier);
    draft_model(d, "gpt-4o");
    draft_rows(d, 1319, 100, 300);
}

static void every_tier_and_the_next_model_down(void **state)
{
    (void)state;
    struct draft d;
    gsm8k_like(&d, "1");
    draft_make(&d, 100);
    const struct variant *named = &d.plan.named, *next = &d.plan.next;
    assert_int_equal(named->count, 9); /* free, 1 to 5, build, launch, grow */
    assert_int_equal(next->count, 9);
    assert_true(str_eq(next->names[0], STR("gpt-4o-mini")));
    const struct forecast *one = draft_tier(named, "1"), *two = draft_tier(named, "2");
    assert_true(one->own && !two->own);
    assert_true(one->live.known && one->live.binds == DIM_TPM);
    assert_int_equal(one->live.bound_us / S, (1319 * 300 - 30000) / 500);
    assert_true(one->live_us.likely == one->live.makespan_us);
    assert_int_equal(two->live.bound_us, 0);
    assert_false(draft_tier(named, "free")->live.known);
    assert_int_equal(draft_tier(named, "free")->live_us.low, -1);
    assert_true(draft_tier(next, "free")->live.binds == DIM_RPD);
    assert_true(str_eq(one->date, STR("2026")));
    assert_int_equal(one->waves.turns, 2);
    draft_close(&d);
}

/* 131,900 tokens in at 2.50 USD a million, as many out at 10 USD. */
static void costs(void **state)
{
    (void)state;
    struct draft d;
    gsm8k_like(&d, NULL);
    draft_make(&d, 100);
    int64_t live = 131900 * (int64_t)(2500000 + 10000000);
    assert_int_equal(d.plan.named.live_pusd.likely, live);
    assert_int_equal(d.plan.named.live_pusd.low, live);
    assert_int_equal(d.plan.named.batch_pusd.likely, live / 2);
    assert_true(str_eq(d.plan.named.price_date, STR("2026-07-24")));
    assert_int_equal(d.plan.requests, 1319);
    assert_int_equal(d.plan.input_tokens, 131900);
    assert_int_equal(d.plan.charged, 395700);
    draft_close(&d);
}

static void costs_are_a_range_where_nothing_is_known(void **state)
{
    (void)state;
    struct draft d;
    gsm8k_like(&d, NULL);
    draft_make(&d, 0);
    const struct figure *f = &d.plan.named.live_pusd;
    assert_int_equal(f->likely, -1);
    assert_int_equal(f->low, 1319 * (int64_t)(100 * 2500000 + 10000000));
    assert_int_equal(f->high, 1319 * (int64_t)(100 * 2500000 + 300 * 10000000LL));
    assert_int_equal(d.plan.curve.enough, -1);
    draft_close(&d);
}

static void a_monthly_cap_is_minded(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "openai", NULL);
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 30000, 100, 300);
    draft_make(&d, 300);
    assert_true(d.plan.named.live_pusd.likely < 100 * usd);
    assert_false(draft_tier(&d.plan.named, "1")->over_cap);
    draft_close(&d);
    draft_open(&d, "openai", NULL);
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 33000, 100, 300);
    draft_make(&d, 300);
    assert_true(draft_tier(&d.plan.named, "1")->over_cap);
    assert_false(draft_tier(&d.plan.named, "2")->over_cap);
    draft_close(&d);
}

static void what_max_tokens_costs(void **state)
{
    (void)state;
    struct draft d;
    gsm8k_like(&d, "1");
    draft_make(&d, 143);
    const struct curve *c = &d.plan.curve;
    assert_int_equal(c->kind, CURVE_DRAWN);
    assert_true(c->on == draft_tier(&d.plan.named, "1"));
    assert_int_equal(c->present, 300);
    assert_int_equal(c->enough, 150); /* rounded up */
    assert_int_equal(c->points[c->n - 1].max_tokens, 300);
    assert_true(c->points[c->n - 1].live.makespan_us ==
                draft_tier(&d.plan.named, "1")->live.makespan_us);
    for (size_t i = 1; i < c->n; i++) {
        assert_true(c->points[i].max_tokens > c->points[i - 1].max_tokens);
        assert_true(c->points[i].pace_milli <= c->points[i - 1].pace_milli);
    }
    draft_close(&d);
}

static void where_max_tokens_costs_nothing(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "openai", "1");
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 10, 100, 0);
    draft_make(&d, 100);
    assert_int_equal(d.plan.curve.kind, CURVE_UNASKED);
    draft_close(&d);
    draft_open(&d, "anthropic", "1");
    draft_model(&d, "claude-sonnet-4-5");
    draft_rows(&d, 10, 100, 300);
    draft_make(&d, 100);
    assert_int_equal(d.plan.curve.kind, CURVE_PRODUCED);
    draft_close(&d);
}

/* Output that counts as it is produced makes the time a range too. */
static void a_range_of_times(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "anthropic", "1");
    draft_model(&d, "claude-sonnet-4-5");
    draft_rows(&d, 200, 100, 1000);
    draft_make(&d, 0);
    const struct forecast *f = draft_tier(&d.plan.named, "1");
    assert_int_equal(f->live_us.likely, -1);
    assert_true(f->live_us.low < f->live_us.high / 5);
    assert_int_equal(f->live.binds, DIM_OTPM);
    draft_close(&d);
}

static void limits_told_by_hand_come_first(void **state)
{
    (void)state;
    struct draft d;
    gsm8k_like(&d, "1");
    d.account.limit_args = (struct option_list){{"gpt-4o:tpm=60000"}, 1};
    draft_make(&d, 100);
    const struct forecast *own = &d.plan.named.list[0];
    assert_null(own->tier);
    assert_true(own->own);
    assert_int_equal(own->live.limit, 60000);
    assert_false(draft_tier(&d.plan.named, "1")->own);
    assert_true(d.plan.curve.on == own);
    assert_true(d.plan.next.list[0].tier == NULL); /* the tier's, for the smaller model */
    draft_close(&d);
    gsm8k_like(&d, NULL);
    d.account.limit_args = (struct option_list){{"gpt-4o:tpm=60000"}, 1};
    draft_make(&d, 100);
    assert_non_null(d.plan.next.list[0].tier); /* none were told for the smaller one */
    draft_close(&d);
}

static void a_model_of_no_catalogue(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "openai", NULL);
    d.account.limit_args = (struct option_list){{"*:rpm=500,tpm=30000"}, 1};
    draft_model(&d, "house-7b");
    draft_rows(&d, 10, 100, 300);
    draft_make(&d, 100);
    assert_int_equal(d.plan.named.live_pusd.low, -1);
    assert_int_equal(d.plan.named.batch_pusd.high, -1);
    assert_int_equal(d.plan.next.n, 0);
    assert_true(d.plan.named.list[0].live.known);
    assert_false(draft_tier(&d.plan.named, "1")->live.known);
    draft_close(&d);
}

static void another_model_to_compare_with(void **state)
{
    (void)state;
    struct draft d;
    gsm8k_like(&d, NULL);
    d.ask.instead = "gpt-4";
    draft_make(&d, 100);
    assert_true(str_eq(d.plan.next.names[0], STR("gpt-4")));
    assert_true(d.plan.next.recounted); /* it counts with another encoding */
    draft_close(&d);
    gsm8k_like(&d, NULL);
    d.ask.instead = "";
    draft_make(&d, 100);
    assert_int_equal(d.plan.next.n, 0);
    draft_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tier_and_the_next_model_down),
        cmocka_unit_test(costs),
        cmocka_unit_test(costs_are_a_range_where_nothing_is_known),
        cmocka_unit_test(a_monthly_cap_is_minded),
        cmocka_unit_test(what_max_tokens_costs),
        cmocka_unit_test(where_max_tokens_costs_nothing),
        cmocka_unit_test(a_range_of_times),
        cmocka_unit_test(limits_told_by_hand_come_first),
        cmocka_unit_test(a_model_of_no_catalogue),
        cmocka_unit_test(another_model_to_compare_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
