/* What the emulated provider refuses and reports, and the headers it puts on answers. */
#include "shop.h"

/* ---- refusals ---- */

/* Uses up the limit with one request, then looks at the refusal of the next. */
static void refusals_are_worded_as_their_provider_does(void **state)
{
    static const struct {
        const char *profile, *limits, *path;
        int64_t tokens; /* max_tokens of each of the two requests */
        int status;
        const char *words, *retry_after;
    } rows[] = {
        {"openai", "m:rpm=3,tpm=100", CHAT, 60, 429,
         "Rate limit reached for m in organization org-emulated on tokens per min (TPM): Limit "
         "100, Used 60, Requested 60. Please try again in 12s. Visit ",
         "12"},
        {"openai", "m:rpm=1", CHAT, 60, 429,
         "on requests per min (RPM): Limit 1, Used 1, Requested 1. Please try again in 1m0s.",
         "60"},
        {"openai", "m:rpd=1", CHAT, 60, 429,
         "on requests per day (RPD): Limit 1, Used 1, Requested 1. Please try again in "
         "24h0m0s.",
         "86400"},
        {"openai", "m:tpm=50", CHAT, 60, 429,
         "Request too large for m in organization org-emulated on tokens per min (TPM): Limit "
         "50, "
         "Requested 60. The input or output tokens must be reduced in order to run "
         "successfully. Visit ",
         "absent"},
        {"openai", "m:concurrency=1", CHAT, 60, 429, "exceeds your concurrency limit of 1.",
         "absent"},
        {"groq", "m:tpm=100", CHAT, 60, 429,
         "Rate limit reached for model `m` in organization `org-emulated` service tier "
         "`on_demand` on tokens per minute (TPM): Limit 100, Used 60, Requested 60. Please try "
         "again in 12s. Need more tokens?",
         "12"},
        {"groq", "m:tpm=50", CHAT, 60, 413,
         "Request too large for model `m` in organization `org-emulated` service tier "
         "`on_demand` on tokens per minute (TPM): Limit 50, Requested 60, please reduce your "
         "message size",
         "absent"},
        {"azure", "m:tpm=100", "/openai/deployments/m/chat/completions?api-version=2024-08-01",
         60, 429,
         "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version "
         "2024-08-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. "
         "Please retry after 60 seconds. Please go here",
         "60"},
        {"azure", "m:rpm=60", CHAT, 60, 429,
         "have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry "
         "after 1 second. ",
         "1"},
        {"anthropic", "m:otpm=1,itpm=1500", "/v1/messages", 60, 429,
         "This request would exceed the rate limit for your organization (org-emulated) of 1 "
         "output tokens per minute. For details",
         "60"},
        {"anthropic", "m:itpm=3", "/v1/messages", 60, 429, "of 3 input tokens per minute. ",
         "20"},
        {"anthropic", "m:concurrency=1", "/v1/messages", 60, 429,
         "Number of concurrent connections has exceeded your rate limit.", "absent"},
        {"gemini", "m:rpm=1", CHAT, 60, 429, "limit: 1, model: m\\nPlease retry in 60.000000s.",
         "absent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(rows[i].profile, rows[i].limits);
        struct shop s = shop_open(&c);
        char body[200];
        snprintf(body, sizeof body, HELLO ",\"max_tokens\":%d}", (int)rows[i].tokens);
        ask(&s, 0, rows[i].path, body);
        struct plan first = s.plan;
        if (first.status == 200) {
            s.plan = (struct plan){0};
            ask(&s, 0, rows[i].path, body);
        }
        if (s.plan.status != rows[i].status ||
            str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) < 0)
            fail_msg("%s %s: %d %s", rows[i].profile, rows[i].limits, s.plan.status,
                     buf_cstr(&s.plan.body));
        assert_string_equal(header(&s, 0, 0, "retry-after"), rows[i].retry_after);
        if (first.status == 200)
            service_done(s.service, &first, true);
        shop_close(&s);
    }
}

static void what_cannot_be_served_is_refused_at_the_door(void **state)
{
    static const struct {
        const char *profile, *path, *body;
        int status;
        const char *words;
    } rows[] = {
        {"openai", CHAT, "{", 400, "We could not parse the JSON body"},
        {"openai", CHAT, "[]", 400, "expected an object"},
        {"openai", CHAT, "{\"messages\":[]}", 400, "\"param\":\"model\""},
        {"openai", CHAT, "{\"model\":\"m\"}", 400, "\"param\":\"messages\""},
        {"openai", CHAT, HELLO ",\"max_tokens\":0}", 400, "\"param\":\"max_tokens\""},
        {"openai", CHAT, HELLO ",\"max_tokens\":\"9\"}", 400, "expected a whole number"},
        {"openai", CHAT, "{\"model\":\"other\",\"messages\":[]}", 404, "model_not_found"},
        {"openai", "/v1/nothing", "{}", 404, "Invalid URL (POST /v1/nothing)"},
        {"openai", "/v1/models", "{}", 405, "Not allowed"},
        {"anthropic", "/v1/messages", "{", 400, "\"type\":\"invalid_request_error\""},
        {"anthropic", "/v1/messages", HELLO "}", 400, "max_tokens: Field required"},
        {"anthropic", "/v1/messages", "{\"model\":\"o\",\"messages\":[],\"max_tokens\":1}", 404,
         "not_found_error"},
        {"gemini", CHAT, "{}", 400, "INVALID_ARGUMENT"},
        {"azure", "/openai/deployments/none/chat/completions", "{\"messages\":[]}", 404,
         "DeploymentNotFound"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(rows[i].profile, "m:rpm=5");
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, rows[i].body);
        if (s.plan.status != rows[i].status || s.plan.admitted ||
            str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) < 0)
            fail_msg("%s %s: %d %s", rows[i].path, rows[i].body, s.plan.status,
                     buf_cstr(&s.plan.body));
        shop_close(&s);
    }
}

static void only_the_keys_given_are_accepted(void **state)
{
    struct emulate_config c = plain_config(NULL, NULL);
    c.keys = "alpha,beta";
    struct shop s = shop_open(&c);
    static const struct {
        const char *key;
        int status;
    } rows[] = {{"alpha", 200}, {"beta", 200}, {"gamma", 401}, {"alph", 401}, {"", 401}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct service_request r = {.method = STR("POST"), .target = STR(CHAT)};
        r.body = STR(HELLO "}");
        r.key = str_of(rows[i].key);
        struct plan p;
        service_arrive(s.service, 0, &r, &s.arena, &p);
        assert_int_equal(p.status, rows[i].status);
        if (rows[i].key[0] && p.status == 401) /* a key is never repeated */
            assert_true(str_find(buf_str(&p.body), r.key, 0) < 0);
        service_done(s.service, &p, true);
    }
    shop_close(&s);
}

/* ---- headers ---- */

static void headers_have_the_form_of_their_provider(void **state)
{
    static const struct {
        const char *profile, *limits, *path, *name, *value;
    } rows[] = {
        {"openai", "m:rpm=500,tpm=30000", CHAT, "x-ratelimit-limit-tokens", "30000"},
        {"openai", "m:rpm=500,tpm=30000", CHAT, "x-ratelimit-remaining-tokens", "29700"},
        {"openai", "m:rpm=500,tpm=30000", CHAT, "x-ratelimit-reset-tokens", "600ms"},
        {"openai", "m:rpm=500,tpm=30000", CHAT, "x-ratelimit-reset-requests", "120ms"},
        {"openai", "m:rpm=500,rpd=10000", CHAT, "x-ratelimit-limit-requests", "10000"},
        {"openai", "m:rpm=500,rpd=10000", CHAT, "x-ratelimit-reset-requests", "8.64s"},
        {"openai", "m:rpm=500", CHAT, "retry-after", "absent"},
        {"openai", "m:rpm=500", CHAT, "openai-version", "2020-10-01"},
        {"groq", "m:rpm=30,rpd=1000", CHAT, "x-ratelimit-limit-requests", "1000"},
        {"groq", "m:rpm=30,tpm=8000", CHAT, "x-ratelimit-limit-requests", "absent"},
        {"groq", "m:rpm=30,tpm=8000", CHAT, "x-ratelimit-reset-tokens", "2.25s"},
        {"azure", "m:rpm=120,tpm=1000", CHAT, "x-ratelimit-remaining-requests", "1"},
        {"azure", "m:rpm=120,tpm=1000", CHAT, "x-ratelimit-remaining-tokens", "698"},
        {"azure", "m:rpm=120,tpm=1000", CHAT, "x-ratelimit-reset-tokens", "60"},
        {"anthropic", "m:rpm=50,itpm=30000,otpm=8000", "/v1/messages",
         "anthropic-ratelimit-requests-remaining", "49"},
        {"anthropic", "m:rpm=50,itpm=30000,otpm=8000", "/v1/messages",
         "anthropic-ratelimit-input-tokens-remaining", "30000"},
        {"anthropic", "m:rpm=50,itpm=30000,otpm=8000", "/v1/messages",
         "anthropic-ratelimit-tokens-limit", "38000"},
        {"anthropic", "m:rpm=50,itpm=30000,otpm=8000", "/v1/messages",
         "anthropic-ratelimit-requests-reset", "2024-03-26T20:00:02Z"},
        {"gemini", "m:rpm=50", CHAT, "x-ratelimit-limit-requests", "absent"},
        {NULL, "m:rpm=50", "/v1/messages", "anthropic-ratelimit-requests-limit", "50"},
        {"anthropic", "m:rpm=50", CHAT, "x-ratelimit-limit-requests", "50"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(rows[i].profile, rows[i].limits);
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, HELLO ",\"max_tokens\":300}");
        assert_int_equal(s.plan.status, 200);
        const char *got = header(&s, 0, 1711483200000000, rows[i].name);
        if (strcmp(got, rows[i].value) != 0)
            fail_msg("%s %s: %s is %s, expected %s", rows[i].profile, rows[i].limits,
                     rows[i].name, got, rows[i].value);
        shop_close(&s);
    }
}

static void late_headers_show_what_was_free_when_they_left(void **state)
{
    struct emulate_config c = plain_config("openai", "m:tpm=60000");
    c.headers_at_answer = true;
    struct shop s = shop_open(&c);
    ask(&s, 0, CHAT, HELLO ",\"max_tokens\":3000}");
    assert_string_equal(header(&s, S, 0, "x-ratelimit-remaining-tokens"), "58000");
    shop_close(&s);
}

/* ---- charges, faults, the report ---- */

static void produced_output_is_charged_once(void **state)
{
    struct emulate_config c = plain_config("anthropic", "m:itpm=1000,otpm=1000");
    c.output_tokens = (struct spread){.low = 90, .high = 90};
    struct shop s = shop_open(&c);
    ask(&s, 0, "/v1/messages", HELLO ",\"max_tokens\":500}");
    assert_int_equal(s.plan.output_tokens, 90);
    for (int64_t made = 0; made <= 90; made++)
        service_produced(s.service, &s.plan, 0, made);
    struct buf report = {0};
    service_report(s.service, &report);
    assert_true(str_find(buf_str(&report), STR("\"charged\":{\"itpm\":2,\"otpm\":90}"), 0) > 0);
    buf_free(&report);
    shop_close(&s);
}

static void an_empty_wallet_refuses_all_that_follows(void **state)
{
    static const struct {
        const char *profile, *path, *words;
    } rows[] = {{"openai", CHAT, "\"insufficient_quota\""},
                {"azure", CHAT, "\"insufficient_quota\""},
                {"anthropic", "/v1/messages", "enforced_spend_limit_reached"},
                {"gemini", CHAT, "limit: 0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(rows[i].profile, NULL);
        c.wallet_after = 1;
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, HELLO ",\"max_tokens\":5}");
        assert_int_equal(s.plan.status, 200);
        service_done(s.service, &s.plan, true);
        ask(&s, 0, rows[i].path, HELLO ",\"max_tokens\":5}");
        assert_int_equal(s.plan.status, 429);
        assert_true(str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) > 0);
        assert_string_equal(header(&s, 0, 0, "retry-after"), "absent");
        shop_close(&s);
    }
}

static void mishaps_take_the_place_of_answers(void **state)
{
    static const struct {
        const char *fault;
        int status;
        const char *words;
    } rows[] = {{"500=100%", 500, "server_error"},
                {"503=100%", 503, "server_is_overloaded"},
                {"529=100%", 529, "overloaded"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config("openai", "m:rpm=5");
        assert_int_equal(mishap_parse(str_of(rows[i].fault), &c.mishaps, NULL), SL_OK);
        struct shop s = shop_open(&c);
        ask(&s, 0, CHAT, HELLO "}");
        assert_int_equal(s.plan.status, rows[i].status);
        assert_true(s.plan.admitted);
        assert_true(str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) > 0);
        shop_close(&s);
    }
    struct emulate_config c = plain_config(NULL, NULL);
    assert_int_equal(mishap_parse(STR("midstream=100%"), &c.mishaps, NULL), SL_OK);
    struct shop s = shop_open(&c);
    ask(&s, 0, "/v1/messages", HELLO ",\"stream\":true,\"max_tokens\":5}");
    assert_true(
        str_starts(buf_str(&s.plan.fault), STR("event: error\ndata: {\"type\":\"error\"")));
    shop_close(&s);
}

static void fast_growth_is_told_to_slow_down(void **state)
{
    struct emulate_config c = plain_config("openai", NULL);
    c.ramp_tpm = 3;
    struct shop s = shop_open(&c);
    ask(&s, 0, CHAT, HELLO "}");
    assert_int_equal(s.plan.status, 200);
    service_done(s.service, &s.plan, true);
    ask(&s, S, CHAT, HELLO "}");
    assert_int_equal(s.plan.status, 429);
    expect(s.body, "error.code", "slow_down");
    assert_string_equal(header(&s, S, 0, "retry-after"), "59");
    ask(&s, 60 * S, CHAT, HELLO "}");
    assert_int_equal(s.plan.status, 200);
    shop_close(&s);
}

static struct json *report_of(struct shop *s, const char *target)
{
    struct service_request r = {.method = str_of(strstr(target, "reset") ? "POST" : "GET")};
    r.target = str_of(target);
    struct plan p;
    service_arrive(s->service, 0, &r, &s->arena, &p);
    struct json *report = json_parse(&s->arena, arena_copy(&s->arena, buf_str(&p.body)), NULL);
    assert_non_null(report);
    service_done(s->service, &p, true);
    return report;
}

static void the_report_tells_bound_and_efficiency(void **state)
{
    struct emulate_config c = plain_config("openai", "m:rpm=60,tpm=100000");
    struct shop s = shop_open(&c);
    for (int64_t i = 0; i < 120; i++) { /* 60 at once, then one per second, a tenth late */
        int64_t at = i < 60 ? 0 : (i - 59) * S + S / 10 * (i > 60);
        ask(&s, at, CHAT, HELLO ",\"max_tokens\":10}");
        assert_int_equal(s.plan.status, 200);
        service_done(s.service, &s.plan, true);
    }
    const struct json *report = report_of(&s, "/_emulator/report");
    const struct json *model = json_get(report, "models")->first;
    expect(model, "name", "m");
    expect(model, "binding", "rpm");
    assert_true(str_eq(json_get(model, "bound_s")->text, STR("60.000000")));
    assert_true(str_eq(json_get(model, "efficiency")->text, STR("0.9983")));
    assert_int_equal(number(model, "charged.tpm"), 1200);
    assert_int_equal(number(model, "in_flight"), 0);
    /* the same body 120 times */
    assert_int_equal(number(report, "requests.distinct"), 1);
    assert_int_equal(number(report, "requests.answered_again"), 119);

    report = report_of(&s, "/_emulator/reset");
    assert_int_equal(number(report, "totals.arrivals"), 0);
    shop_close(&s);
}

static void a_reset_forgets_requests_in_flight(void **state)
{
    struct emulate_config c = plain_config("anthropic", "m:rpm=60,otpm=1000,concurrency=1");
    struct shop s = shop_open(&c);
    ask(&s, 0, "/v1/messages", HELLO ",\"max_tokens\":500}");
    struct plan old = s.plan;
    s.plan = (struct plan){0};
    report_of(&s, "/_emulator/reset");
    ask(&s, 0, "/v1/messages", HELLO ",\"max_tokens\":500}");
    assert_int_equal(s.plan.status, 200); /* the slot is free again */
    service_produced(s.service, &old, 0, 400);
    service_done(s.service, &old, true);
    const struct json *model = json_get(report_of(&s, "/_emulator/report"), "models")->first;
    assert_int_equal(number(model, "charged.otpm"), 1);
    assert_int_equal(number(model, "in_flight"), 1);
    shop_close(&s);
}

static void snapshots_and_pools_share_a_gauge(void **state)
{
    struct emulate_config c = plain_config("openai", "gpt-4o:rpm=1");
    assert_int_equal(emulate_limits(&c, STR("*:rpm=1"), NULL), SL_OK);
    c.models[0].pool = STR("gpt-4o family");
    struct shop s = shop_open(&c);
    static const struct {
        const char *model;
        int status;
    } rows[] = {{"gpt-4o-2024-11-20", 200},
                {"gpt-4o", 429},
                {"gpt-4o-mini", 200},
                {"other", 200},
                {"other", 429}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char body[100];
        snprintf(body, sizeof body, "{\"model\":\"%s\",\"messages\":[]}", rows[i].model);
        ask(&s, 0, CHAT, body);
        assert_int_equal(s.plan.status, rows[i].status);
        if (i == 1)
            assert_true(str_find(buf_str(&s.plan.body), STR("(for limit gpt-4o family)"), 0) >
                        0);
        service_done(s.service, &s.plan, true);
    }
    shop_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_are_worded_as_their_provider_does),
        cmocka_unit_test(what_cannot_be_served_is_refused_at_the_door),
        cmocka_unit_test(only_the_keys_given_are_accepted),
        cmocka_unit_test(headers_have_the_form_of_their_provider),
        cmocka_unit_test(late_headers_show_what_was_free_when_they_left),
        cmocka_unit_test(produced_output_is_charged_once),
        cmocka_unit_test(an_empty_wallet_refuses_all_that_follows),
        cmocka_unit_test(mishaps_take_the_place_of_answers),
        cmocka_unit_test(fast_growth_is_told_to_slow_down),
        cmocka_unit_test(the_report_tells_bound_and_efficiency),
        cmocka_unit_test(a_reset_forgets_requests_in_flight),
        cmocka_unit_test(snapshots_and_pools_share_a_gauge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
