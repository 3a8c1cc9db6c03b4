/* waves: batches and turns by what the built-in catalogue says a batch may hold and what may
 * wait. */
#include "draft.h"

static struct waves waves_on(struct draft *d, const char *tier)
{
    struct waves_at at = {d->account.catalogue, str_of(d->account.provider->name),
                          str_of(tier)};
    return waves_of(&at, &d->input.rows, &d->input.models);
}

/* 90,000 tokens may wait on tier 1, 1,350,000 on tier 2. */
static void turns_by_tokens_that_may_wait(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "openai", NULL);
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 2000, 100, 300);
    draft_make(&d, 100);
    struct waves w = waves_on(&d, "1");
    assert_true(w.known);
    assert_int_equal(w.batches, 3);
    assert_int_equal(w.turns, 3);
    assert_int_equal(w.within_s, 3 * 86400);
    assert_int_equal(w.requests, 2000);
    w = waves_on(&d, "2");
    assert_int_equal(w.batches, 1);
    assert_int_equal(w.turns, 1);
    w = waves_on(&d, "");
    assert_int_equal(w.batches, 1);
    assert_int_equal(w.turns, -1);
    assert_int_equal(w.within_s, -1);
    draft_close(&d);
}

static void batches_by_model_and_size(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "openai", NULL);
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 50001, 1, 300);
    draft_model(&d, "gpt-4o-mini");
    draft_rows(&d, 10, 1, 300);
    draft_make(&d, 100);
    struct waves w = waves_on(&d, "5");
    assert_int_equal(w.batches, 3);
    assert_int_equal(w.turns, 1); /* models do not wait for one another */
    draft_close(&d);
}

static void what_could_never_wait(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "openai", NULL);
    draft_model(&d, "gpt-4o");
    draft_rows(&d, 3, 90001, 300);
    draft_rows(&d, 2, 90000, 300);
    draft_make(&d, 100);
    struct waves w = waves_on(&d, "1");
    assert_int_equal(w.too_large, 3);
    assert_int_equal(w.requests, 2);
    assert_int_equal(w.turns, 2);
    draft_close(&d);
}

/* Anthropic counts requests, of all models together: 100,000 on tier 1. */
static void turns_by_requests_that_may_wait(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "anthropic", NULL);
    draft_model(&d, "claude-sonnet-4-5");
    draft_rows(&d, 60000, 1, 10);
    draft_model(&d, "claude-haiku-4-5");
    draft_rows(&d, 60000, 1, 10);
    draft_make(&d, 10);
    assert_int_equal(waves_on(&d, "1").turns, 2);
    assert_int_equal(waves_on(&d, "2").turns, 1);
    draft_close(&d);
}

static void no_batch_api_is_known(void **state)
{
    (void)state;
    struct draft d;
    draft_open(&d, "groq", NULL);
    draft_model(&d, "gpt-oss-20b");
    draft_rows(&d, 1, 1, 10);
    draft_make(&d, 10);
    assert_false(waves_on(&d, "free").known);
    draft_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(turns_by_tokens_that_may_wait),
                                       cmocka_unit_test(batches_by_model_and_size),
                                       cmocka_unit_test(what_could_never_wait),
                                       cmocka_unit_test(turns_by_requests_that_may_wait),
                                       cmocka_unit_test(no_batch_api_is_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
