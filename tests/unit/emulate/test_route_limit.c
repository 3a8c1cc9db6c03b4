/* Limits by request type: who counts a request, what is said of a refusal, and what is not. */
#include "shop.h"

static void go(struct shop *s, int64_t now_us, const char *method, const char *target)
{
    struct service_request r = {.method = str_of(method), .target = str_of(target)};
    r.body = STR(HELLO "}");
    service_done(s->service, &s->plan, true);
    ask_so(s, now_us, &r);
}

static const struct json *route_named(struct shop *s, const char *name)
{
    struct buf text = {0};
    service_report(s->service, &text);
    const struct json *report =
        json_parse(&s->arena, arena_copy(&s->arena, buf_str(&text)), NULL);
    assert_non_null(report);
    buf_free(&text);
    for (const struct json *r = json_get(report, "routes")->first; r; r = r->next) {
        if (json_is(json_get(r, "class"), name))
            return r;
    }
    fail_msg("no class %s", name);
    return NULL;
}

/* As the Assistants API: 300 POSTs a minute, of which runs are not counted but for their own
 * 200; one budget for all threads; no figures in headers, the wait in words. */
static void the_class_spelt_out_furthest_counts(void **state)
{
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, NULL);
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, catalogue, STR("openai/tier-1"), NULL), SL_OK);
    c.refusals_drain = false;
    struct shop s = shop_open(&c);
    catalogue_close(&catalogue);
    for (int i = 0; i < 200; i++)
        go(&s, 0, "POST", i % 2 ? "/v1/threads/t1/runs" : "/v1/threads/runs");
    assert_int_not_equal(s.plan.status, 429);
    go(&s, 0, "POST", "/v1/threads/t2/runs");
    assert_int_equal(s.plan.status, 429);
    expect(s.body, "error.message",
           "You've exceeded the rate limit, please slow down and try again after 0.300 "
           "seconds.");
    expect(s.body, "error.type", "invalid_request_error");
    expect(s.body, "error.code", "rate_limit_exceeded");
    assert_string_equal(header(&s, 0, 0, "retry-after"), "absent");
    assert_string_equal(header(&s, 0, 0, "retry-after-ms"), "absent");
    assert_string_equal(header(&s, 0, 0, "x-ratelimit-limit-requests"), "absent");
    go(&s, 299999, "POST", "/v1/threads/t2/runs");
    assert_int_equal(s.plan.status, 429);
    go(&s, 300000, "POST", "/v1/threads/t2/runs");
    assert_int_not_equal(s.plan.status, 429);

    for (int i = 0; i < 301; i++) {
        assert_true(i == 0 || s.plan.status != 429);
        go(&s, S, "POST", "/v1/threads/t1/messages");
    }
    assert_int_equal(s.plan.status, 429);
    go(&s, S, "GET", "/v1/threads/t1/messages"); /* a class of its own */
    assert_int_not_equal(s.plan.status, 429);

    const struct json *runs = route_named(&s, "assistants-runs");
    assert_int_equal(number(runs, "admitted"), 201);
    assert_int_equal(number(runs, "refused"), 2);
    assert_int_equal(number(runs, "limit"), 200);
    assert_int_equal(number(route_named(&s, "assistants-post"), "admitted"), 300);
    assert_int_equal(number(route_named(&s, "assistants-get"), "arrivals"), 1);
    shop_close(&s);
}

/* 300 a minute that nobody is told: the learner's task. What an hour's limit is like, too. */
static void a_hidden_limit_is_enforced_and_never_told(void **state)
{
    struct emulate_config c = plain_config("openai", NULL);
    c.refusals_drain = false;
    assert_int_equal(emulate_add_route(&c, STR("POST /v1/things/*=300"), true, NULL), SL_OK);
    assert_int_equal(emulate_add_route(&c, STR("POST /v1/things=2/h"), false, NULL), SL_OK);
    struct shop s = shop_open(&c);
    for (int i = 0; i < 300; i++) {
        go(&s, 0, "POST", i % 2 ? "/v1/things/a" : "/v1/things/b/c");
        assert_int_equal(s.plan.status, 200);
    }
    expect(s.body, "object", "thing");
    go(&s, 0, "POST", "/v1/things/a");
    assert_int_equal(s.plan.status, 429);
    expect(s.body, "error.message",
           "You've exceeded the rate limit, please slow down and try again later.");
    struct arena arena = {0};
    struct head h = {.arena = &arena};
    service_head(s.service, &s.plan, 0, 0, &h);
    for (size_t i = 0; i < h.n; i++)
        assert_true(str_find(h.list[i].name, STR("rate"), 0) < 0 &&
                    str_find(h.list[i].name, STR("retry"), 0) < 0);
    arena_free(&arena);
    go(&s, 199999, "POST", "/v1/things/a");
    assert_int_equal(s.plan.status, 429);
    go(&s, 200000, "POST", "/v1/things/a");
    assert_int_equal(s.plan.status, 200);
    go(&s, 0, "GET", "/v1/things/a"); /* no API, no limit: nothing is there */
    assert_int_equal(s.plan.status, 404);

    for (int i = 0; i < 3; i++)
        go(&s, 0, "POST", "/v1/things");
    assert_int_equal(s.plan.status, 429);
    expect(s.body, "error.message",
           "You've exceeded the rate limit, please slow down and try again after 1800.000 "
           "seconds.");
    const struct json *hidden = route_named(&s, "POST /v1/things/*");
    assert_true(json_true(json_get(hidden, "hidden")));
    assert_int_equal(number(hidden, "refused"), 2);
    assert_int_equal(number(route_named(&s, "POST /v1/things"), "period_s"), 3600);
    shop_close(&s);
}

static void a_hidden_limit_takes_nothing_from_a_told_one(void **state)
{
    struct emulate_config c = plain_config("openai", "m:rpm=100");
    c.refusals_drain = false;
    assert_int_equal(emulate_add_route(&c, STR("POST /v1/chat/completions=3"), false, NULL),
                     SL_OK);
    assert_int_equal(emulate_add_route(&c, STR("* /v1/*=1"), true, NULL), SL_OK);
    struct shop s = shop_open(&c);
    static const int statuses[] = {200, 429, 429, 429};
    for (size_t i = 0; i < 4; i++) {
        go(&s, 0, "POST", "/openai/v1/chat/completions"); /* by any base */
        assert_int_equal(s.plan.status, statuses[i]);
    }
    const struct json *told = route_named(&s, "POST /v1/chat/completions");
    assert_int_equal(number(told, "admitted"), 1);
    go(&s, 60 * S, "POST", "/v1/chat/completions");
    assert_int_equal(s.plan.status, 200);
    go(&s, 120 * S, "POST", "/v1/chat/completions");
    assert_int_equal(s.plan.status, 200);
    shop_close(&s);
}

static void refusals_by_type_are_worded_as_their_provider_does(void **state)
{
    static const struct {
        const char *profile, *target;
        bool hidden;
        const char *words, *retry_after;
    } rows[] = {
        {"anthropic", "/v1/messages", false,
         "rate limit for your organization (org-emulated) of 1 requests per minute.", "60"},
        {"anthropic", "/v1/messages", true, "would exceed your account's rate limit", "absent"},
        {"azure", CHAT, false, "Rate limit is exceeded. Try again in 60 seconds.", "absent"},
        {"azure", CHAT, true, "Rate limit is exceeded. Try again later.", "absent"},
        {"gemini", CHAT, false, "Resource has been exhausted", "absent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(rows[i].profile, NULL);
        c.window = GAUGE_BUCKET;
        assert_int_equal(emulate_add_route(&c, STR("POST /v1/*=1"), rows[i].hidden, NULL),
                         SL_OK);
        struct shop s = shop_open(&c);
        go(&s, 0, "POST", rows[i].target);
        go(&s, 0, "POST", rows[i].target);
        assert_int_equal(s.plan.status, 429);
        if (str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) < 0)
            fail_msg("%s: %s", rows[i].profile, buf_cstr(&s.plan.body));
        assert_string_equal(header(&s, 0, 0, "retry-after"), rows[i].retry_after);
        shop_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_class_spelt_out_furthest_counts),
        cmocka_unit_test(a_hidden_limit_is_enforced_and_never_told),
        cmocka_unit_test(a_hidden_limit_takes_nothing_from_a_told_one),
        cmocka_unit_test(refusals_by_type_are_worded_as_their_provider_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
