/* test_history.c: what grows within a step, what is in use, and bounds. */
#include "stage.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>

static void test_steps_add_up(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    int64_t requests = 0, tokens = 0;
    stage_open(&s, &rules);
    stage_tick(&s);
    stage_work(&s, 300, 3, 100);
    s.tallies[0].refusals[TALLY_CAUSE_PROVIDER][DIM_TPM] += 2;
    s.tallies[0].refusals[TALLY_CAUSE_HEADROOM][DIM_RPM] += 1;
    s.tallies[0].refusals[TALLY_CAUSE_TENANT][DIM_RPM] += 4;
    stage_tick(&s);
    const struct history_track *t = history_track(s.history, 0, STR("main"), STR("gpt-4o"));
    int64_t now = history_step_number(s.history);
    assert_int_equal(60, now);
    for (int64_t i = 0; i <= now; i++) {
        requests += history_at(t, i)->requests;
        tokens += history_at(t, i)->input_tokens;
    }
    assert_int_equal(900, requests);
    assert_int_equal(30000, tokens);
    assert_int_equal(3, history_at(t, now)->refused_there);
    assert_int_equal(4, history_at(t, now)->refused_here);
    assert_int_equal(1, history_at(t, now)->headroom);
    assert_int_equal(2, history_at(t, now)->by_provider[DIM_TPM]);
    assert_int_equal(0, history_at(t, now)->by_wait[DIM_RPM]);
    stage_close(&s);
}

/* A bucket that gives at the rate at which it is drawn from stays full: what was charged during
 * the last minute says how much is used. */
static void test_use_is_what_a_minute_took(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    stage_tick(&s);
    stage_work(&s, 30, 1, 250);
    assert_in_range(s.pools[0].budgets[0].used, 7500, 7500); /* of half a minute: not more */
    stage_work(&s, 120, 1, 250);
    assert_in_range(s.pools[0].budgets[0].used, 14600, 15400);
    const struct history_track *t = history_track(s.history, 0, STR("main"), STR("gpt-4o"));
    assert_in_range(history_at(t, history_step_number(s.history))->share[0], 485, 515);
    assert_int_equal(HISTORY_NO_SHARE, history_at(t, history_step_number(s.history))->share[1]);
    /* Somebody else draws on the account: headers told. */
    s.pools[0].budgets[0].level = 1000;
    stage_tick(&s);
    assert_int_equal(29000, s.pools[0].budgets[0].used);
    stage_close(&s);
}

static void test_a_day_is_what_is_not_left(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    s.pools[0].budgets[0] = (struct scene_budget){.dim = DIM_RPD,
                                                  .limit = 1000,
                                                  .level = 700,
                                                  .charged = 12,
                                                  .period_us = INT64_C(86400) * SECOND};
    stage_tick(&s);
    assert_int_equal(300, s.pools[0].budgets[0].used);
    struct scene_budget fresh = s.pools[0].budgets[0];
    fresh.used = 0;
    s.pools[0].budgets[0] = fresh;
    history_fill(s.history, &s.scene);
    assert_int_equal(300, s.pools[0].budgets[0].used);
    stage_close(&s);
}

/* What a model counted before it was first seen belongs to its first step, unless it was there
 * from the start. */
static void test_a_new_model(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    s.tallies[0].outcomes[TALLY_OK] = 500;
    s.tallies[1].outcomes[TALLY_OK] = 7;
    s.scene.pool_count = 1;
    stage_tick(&s);
    s.scene.pool_count = 2;
    stage_tick(&s);
    const struct history_track *before =
        history_track(s.history, 0, STR("main"), STR("gpt-4o"));
    const struct history_track *new =
        history_track(s.history, 1, STR("main"), STR("gpt-4o-mini"));
    assert_int_equal(0, history_at(before, 0)->requests);
    assert_int_equal(7, history_at(new, 0)->requests);
    stage_close(&s);
}

/* The process was held up: steps that nobody saw are empty, not old. */
static void test_a_gap(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    stage_open(&s, &rules);
    stage_tick(&s);
    stage_work(&s, 30, 1, 10);
    s.now_us += 2000 * (int64_t)SECOND;
    stage_tick(&s);
    const struct history_track *t = history_track(s.history, 0, STR("main"), STR("gpt-4o"));
    for (int64_t i = 1; i < HISTORY_STEPS; i++)
        assert_int_equal(0, history_at(t, history_step_number(s.history) - i)->requests);
    stage_close(&s);
}

static void test_thousands_of_models(void **unused)
{
    enum { MODELS = 3000 };
    struct history *h = history_new();
    struct scene_pool *pools = mem_zero(MODELS * sizeof *pools);
    struct tally *tallies = mem_zero(MODELS * sizeof *tallies);
    char(*names)[16] = mem_zero(MODELS * sizeof *names);
    struct scene scene = {.pools = pools};
    size_t followed = 0;
    for (int i = 0; i < MODELS; i++) {
        snprintf(names[i], sizeof names[i], "model-%d", i);
        pools[i] = (struct scene_pool){
            .account = STR("main"), .model = str_of(names[i]), .tally = &tallies[i]};
        scene.pool_count = (size_t)i + 1;
        tallies[i].outcomes[TALLY_OK] = 1;
        history_see(h, &scene, (int64_t)i * HISTORY_STEP_US);
    }
    while (history_track_at(h, followed))
        followed++;
    assert_int_equal(HISTORY_TRACKS, followed);
    /* The one that was used last is followed. */
    assert_non_null(history_track(h, MODELS - 1, STR("main"), str_of(names[MODELS - 1])));
    history_free(&h);
    free(pools);
    free(tallies);
    free(names);
}

static void test_as_json(void **unused)
{
    struct stage s;
    struct alert_rules rules = alert_rules_defaults();
    struct buf text = {0};
    struct arena arena = {0};
    struct diag diag;
    int64_t sum = 0, n;
    stage_open(&s, &rules);
    stage_tick(&s);
    stage_work(&s, 700, 2, 100);
    history_json(s.history, 0, &text);
    struct json *root = json_parse(&arena, buf_str(&text), &diag);
    assert_non_null(root);
    const struct json *track = json_get(root, "tracks")->first;
    assert_int_equal(2, json_get(root, "tracks")->count);
    assert_int_equal(HISTORY_STEPS - 1, json_get(track, "requests")->count);
    assert_int_equal(0, json_get(track, "refused_there")->count);
    assert_int_equal(HISTORY_STEPS - 1, json_path(track, "share.tpm")->count);
    for (const struct json *v = json_get(track, "requests")->first; v; v = v->next) {
        assert_int_equal(SL_OK, json_int(v, &n));
        sum += n;
    }
    assert_int_equal((HISTORY_STEPS - 1) * 5 * 2, sum);
    buf_clear(&text);
    history_json(s.history, history_step_number(s.history) - 1, &text);
    root = json_parse(&arena, buf_str(&text), &diag);
    assert_int_equal(1, json_get(json_get(root, "tracks")->first, "requests")->count);
    arena_free(&arena);
    buf_free(&text);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_add_up),
        cmocka_unit_test(test_use_is_what_a_minute_took),
        cmocka_unit_test(test_a_day_is_what_is_not_left),
        cmocka_unit_test(test_a_new_model),
        cmocka_unit_test(test_a_gap),
        cmocka_unit_test(test_thousands_of_models),
        cmocka_unit_test(test_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
