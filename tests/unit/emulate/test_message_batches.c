/* Anthropic's message batches in virtual time. */
#include "shop.h"

#include <stdlib.h>

#define BATCHES "/v1/messages/batches"
#define PARAMS                                                                                 \
    "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"          \
    "\"12345678\"}]}"

static struct emulate_config config(void)
{
    struct emulate_config c = plain_config("anthropic", "m:rpm=1");
    c.batch_latency_us = (struct spread){.low = 10 * S, .high = 10 * S};
    c.batch_cancel_us = (struct spread){.low = 2 * S, .high = 2 * S};
    return c;
}

static void submit(struct shop *s, int64_t now_us, const char *body)
{
    struct service_request r = {.method = STR("POST"), .target = STR(BATCHES)};
    r.body = str_of(body);
    r.host = STR("127.0.0.1:9");
    ask_so(s, now_us, &r);
}

/* The id of a batch of that many good requests. */
static const char *create(struct shop *s, int64_t now_us, int requests)
{
    struct buf body = {0};
    for (int i = 0; i < requests; i++)
        buf_printf(&body, "%s {\"custom_id\": \"r%d\",\n \"params\": " PARAMS "}",
                   i ? "," : "{\"requests\": [", i);
    buf_puts(&body, "]}");
    submit(s, now_us, buf_cstr(&body));
    buf_free(&body);
    if (s->plan.status != 200)
        return NULL;
    return arena_copy(&s->arena, json_str(json_get(s->body, "id"))).p;
}

static void look(struct shop *s, int64_t *now_us, int64_t until_us, const char *id)
{
    pass(s, now_us, until_us);
    call(s, *now_us, "GET", BATCHES "/%s", id);
    assert_int_equal(s->plan.status, 200);
}

/* How many results are of that type. */
static size_t results_of(struct shop *s, int64_t now_us, const char *id, const char *type)
{
    size_t n = 0;
    call(s, now_us, "GET", BATCHES "/%s/results", id);
    struct str rest = str_of(content(s));
    while (rest.n) {
        const struct json *line = json_parse(&s->arena, str_split(&rest, '\n'), NULL);
        assert_true(str_starts(json_str(json_get(line, "custom_id")), STR("r")));
        n += json_is(json_path(line, "result.type"), type);
    }
    return n;
}

static void a_batch_ends_with_results(void **state)
{
    struct emulate_config c = config();
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create(&s, 0, 100);
    assert_true(str_starts(str_of(id), STR("msgbatch_")));
    expect(s.body, "type", "message_batch");
    expect(s.body, "processing_status", "in_progress");
    expect(s.body, "created_at", "2026-01-01T00:00:00Z");
    expect(s.body, "expires_at", "2026-01-02T00:00:00Z");
    assert_int_equal(number(s.body, "request_counts.processing"), 100);
    look(&s, &now, 5 * S, id);
    expect(s.body, "processing_status", "in_progress");
    /* the counts move when the whole batch has ended */
    assert_int_equal(number(s.body, "request_counts.processing"), 100);
    assert_int_equal(json_get(s.body, "results_url")->type, JSON_NULL);
    assert_int_equal(json_get(s.body, "ended_at")->type, JSON_NULL);
    call(&s, now, "GET", BATCHES "/%s/results", id);
    assert_int_equal(s.plan.status, 404);
    expect(s.body, "error.type", "not_found_error");
    call(&s, now, "DELETE", BATCHES "/%s", id);
    assert_int_equal(s.plan.status, 400);

    look(&s, &now, 10 * S, id);
    expect(s.body, "processing_status", "ended");
    assert_int_equal(number(s.body, "request_counts.processing"), 0);
    assert_int_equal(number(s.body, "request_counts.succeeded"), 100);
    char url[200];
    snprintf(url, sizeof url, "http://127.0.0.1:9" BATCHES "/%s/results", id);
    expect(s.body, "results_url", url);
    struct service_request odd = {.method = STR("GET"), .host = STR("a\"b\\")};
    odd.target = arena_printf(&s.arena, BATCHES "/%s", id);
    ask_so(&s, now, &odd); /* still JSON */
    assert_true(
        str_starts(json_str(json_get(s.body, "results_url")), STR("http://a\"b\\/v1/")));
    assert_int_equal(results_of(&s, now, id, "succeeded"), 100);
    struct str first = str_of(content(&s));
    const struct json *line = json_parse(&s.arena, str_split(&first, '\n'), NULL);
    expect(line, "result.message.type", "message");
    assert_int_equal(number(line, "result.message.usage.output_tokens"), 9);

    call(&s, now, "POST", BATCHES "/%s/cancel", id);
    assert_int_equal(s.plan.status, 400);
    call(&s, now, "DELETE", BATCHES "/%s", id);
    expect(s.body, "type", "message_batch_deleted");
    call(&s, now, "GET", BATCHES "/%s", id);
    assert_int_equal(s.plan.status, 404);
    shop_close(&s);
}

static void bad_envelopes_are_refused_at_once(void **state)
{
    static const struct {
        const char *body, *message;
    } rows[] = {
        {"{}", "requests: Field required"},
        {"{\"requests\":{}}", "requests: Input should be a valid list"},
        {"{\"requests\":[]}", "requests: List should have at least 1 item"},
        {"{\"requests\":[7]}", "requests.0: Input should be an object"},
        {"{\"requests\":[{\"params\":{}}]}", "requests.0.custom_id: Field required"},
        {"{\"requests\":[{\"custom_id\":7}]}",
         "requests.0.custom_id: Input should be a valid string"},
        {"{\"requests\":[{\"custom_id\":\"0123456789012345678901234567890123456789012345678901"
         "2345678901234\"}]}",
         "requests.0.custom_id: String should have at most 64 characters"},
        {"{\"requests\":[{\"custom_id\":\"a b\"}]}",
         "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"},
        {"{\"requests\":[{\"custom_id\":\"\"}]}",
         "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"},
        {"{\"requests\":[{\"custom_id\":\"a\"}]}", "requests.0.params: Field required"},
        {"{\"requests\":[{\"custom_id\":\"a\",\"params\":{}},{\"custom_id\":\"a\",\"params\":{}"
         "}"
         "]}",
         "requests.1.custom_id: custom_id values must be unique in a batch"},
    };
    struct emulate_config c = config();
    struct shop s = shop_open(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        submit(&s, 0, rows[i].body);
        assert_int_equal(s.plan.status, 400);
        expect(s.body, "type", "error");
        expect(s.body, "error.type", "invalid_request_error");
        expect(s.body, "error.message", rows[i].message);
    }
    struct service_request r = {.method = STR("POST"), .target = STR(BATCHES)};
    r.too_large = true;
    ask_so(&s, 0, &r);
    assert_int_equal(s.plan.status, 413);
    expect(s.body, "error.type", "request_too_large");
    assert_non_null(create(&s, 0, 100000));
    assert_null(create(&s, 0, 100001));
    expect(s.body, "error.message", "requests: List should have at most 100000 items");
    shop_close(&s);
}

static void bad_requests_are_told_in_the_results(void **state)
{
    static const struct {
        const char *params, *type, *message;
    } rows[] = {
        {"{\"model\":\"m\",\"messages\":[]}", "invalid_request_error",
         "max_tokens: Field required"},
        {"{\"model\":\"x\",\"messages\":[],\"max_tokens\":1}", "not_found_error", "model: x"},
        {"{\"model\":\"m\",\"messages\":[],\"max_tokens\":1,\"stream\":true}",
         "invalid_request_error", "stream: Streaming is not supported in batches"},
        {"{}", "invalid_request_error", "model: Field required"},
    };
    struct emulate_config c = config();
    struct shop s = shop_open(&c);
    int64_t now = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char body[300];
        snprintf(body, sizeof body, "{\"requests\":[{\"custom_id\":\"r\",\"params\":%s}]}",
                 rows[i].params);
        submit(&s, now, body);
        const char *id = arena_copy(&s.arena, json_str(json_get(s.body, "id"))).p;
        look(&s, &now, now + 10 * S, id);
        assert_int_equal(number(s.body, "request_counts.errored"), 1);
        assert_int_equal(results_of(&s, now, id, "errored"), 1);
        const struct json *line = json_parse(&s.arena, str_of(content(&s)), NULL);
        expect(line, "result.error.type", "error");
        expect(line, "result.error.error.type", rows[i].type);
        expect(line, "result.error.error.message", rows[i].message);
    }
    shop_close(&s);
}

static void a_cancelled_or_late_batch_has_results_of_all(void **state)
{
    struct emulate_config c = config();
    struct shop s = shop_open(&c);
    int64_t now = 0;
    const char *id = create(&s, 0, 90);
    pass(&s, &now, 5 * S);
    call(&s, now, "POST", BATCHES "/%s/cancel", id);
    expect(s.body, "processing_status", "canceling");
    expect(s.body, "cancel_initiated_at", "2026-01-01T00:00:05Z");
    look(&s, &now, 7 * S, id);
    expect(s.body, "processing_status", "ended");
    int64_t succeeded = number(s.body, "request_counts.succeeded");
    assert_in_range(succeeded, 50, 60);
    assert_int_equal(number(s.body, "request_counts.canceled"), 90 - succeeded);
    assert_int_equal(results_of(&s, now, id, "canceled"), 90 - succeeded);
    assert_int_equal(results_of(&s, now, id, "succeeded"), succeeded);
    shop_close(&s);

    assert_int_equal(snag_parse(STR("expire=100%,fail=10%,zero=10%"), &c.snags, NULL), SL_OK);
    c.minute_us = 60000;
    s = shop_open(&c);
    now = 0;
    id = create(&s, 0, 200);
    look(&s, &now, 86400000, id);
    int64_t expired = number(s.body, "request_counts.expired");
    int64_t errored = number(s.body, "request_counts.errored");
    assert_true(expired > 0);
    assert_int_equal(results_of(&s, now, id, "expired"), expired);
    assert_int_equal(results_of(&s, now, id, "errored"), errored);
    assert_int_equal(results_of(&s, now, id, "succeeded"), 200 - expired - errored);
    /* 29 days are 41.76 minutes here: then the results are gone */
    look(&s, &now, INT64_C(29) * 86400000, id);
    assert_true(json_get(s.body, "archived_at")->type == JSON_STRING);
    call(&s, now, "GET", BATCHES "/%s/results", id);
    assert_int_equal(s.plan.status, 404);
    shop_close(&s);
}

static void the_queue_holds_so_many_requests(void **state)
{
    struct emulate_config c = config();
    c.batch_requests = 1000;
    struct shop s = shop_open(&c);
    int64_t now = 0;
    assert_non_null(create(&s, 0, 900));
    assert_null(create(&s, 0, 101));
    assert_int_equal(s.plan.status, 429);
    expect(s.body, "error.type", "rate_limit_error");
    assert_true(str_find(buf_str(&s.plan.body), STR("of 1,000 batch requests"), 0) > 0);
    assert_non_null(create(&s, 0, 100));
    pass(&s, &now, 5 * S); /* more than half of them were processed */
    assert_non_null(create(&s, now, 500));
    assert_null(create(&s, now, 500));
    shop_close(&s);
}

static void tiers_limit_batches_and_counting_apart(void **state)
{
    struct catalogue *catalogue = catalogue_open((struct str){0}, NULL, NULL);
    struct emulate_config c = emulate_defaults();
    assert_int_equal(emulate_profile(&c, catalogue, STR("anthropic/tier-1"), NULL), SL_OK);
    assert_int_equal(c.batch_requests, 100000);
    struct shop s = shop_open(&c);
    catalogue_close(&catalogue);
    for (int i = 0; i < 50; i++) {
        call(&s, 0, "GET", i % 2 ? BATCHES : BATCHES "?limit=1");
        assert_int_equal(s.plan.status, 200);
    }
    call(&s, 0, "GET", BATCHES);
    assert_int_equal(s.plan.status, 429);
    assert_true(str_find(buf_str(&s.plan.body), STR("of 50 requests per minute"), 0) > 0);
    assert_string_equal(header(&s, 0, 0, "retry-after"), "2");
    assert_string_equal(header(&s, 0, 0, "anthropic-ratelimit-requests-limit"), "absent");
    for (int i = 0; i < 101; i++) {
        ask(&s, 0, "/v1/messages/count_tokens",
            "{\"model\":\"claude-sonnet-4-5\",\"messages\":[{\"content\":\"12345678\"}]}");
        assert_int_equal(s.plan.status, i < 100 ? 200 : 429);
        if (i == 0)
            assert_int_equal(number(s.body, "input_tokens"), 2);
    }
    ask(&s, 0, "/v1/messages",
        "{\"model\":\"claude-sonnet-4-5\",\"messages\":[],\"max_tokens\":1}");
    assert_int_equal(s.plan.status, 200);
    shop_close(&s);
}

static void lists_have_cursors_of_their_own(void **state)
{
    struct emulate_config c = config();
    struct shop s = shop_open(&c);
    const char *ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = create(&s, i * S, 1);
    ask(&s, 0, "/v1/batches", "{}"); /* the other provider's are apart */
    call(&s, 0, "GET", BATCHES "?limit=2");
    assert_null(json_get(s.body, "object"));
    expect(s.body, "first_id", ids[4]);
    expect(s.body, "last_id", ids[3]);
    assert_true(json_true(json_get(s.body, "has_more")));
    call(&s, 0, "GET", BATCHES "?limit=2&after_id=%s", ids[2]);
    expect(s.body, "first_id", ids[1]);
    expect(s.body, "last_id", ids[0]);
    assert_false(json_true(json_get(s.body, "has_more")));
    call(&s, 0, "GET", BATCHES "?limit=2&before_id=%s", ids[1]);
    expect(s.body, "first_id", ids[3]);
    expect(s.body, "last_id", ids[2]);
    assert_true(json_true(json_get(s.body, "has_more")));
    call(&s, 0, "GET", "/v1/batches");
    assert_int_equal(json_get(s.body, "data")->count, 0);
    shop_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_ends_with_results),
        cmocka_unit_test(bad_envelopes_are_refused_at_once),
        cmocka_unit_test(bad_requests_are_told_in_the_results),
        cmocka_unit_test(a_cancelled_or_late_batch_has_results_of_all),
        cmocka_unit_test(the_queue_holds_so_many_requests),
        cmocka_unit_test(tiers_limit_batches_and_counting_apart),
        cmocka_unit_test(lists_have_cursors_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
