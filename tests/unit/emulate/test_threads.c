/* Threads, messages and runs in virtual time. */
#include "shop.h"

static struct emulate_config config(const char *limits)
{
    struct emulate_config c = plain_config("openai", limits);
    c.run_latency_us = (struct spread){.low = 10 * S, .high = 10 * S};
    c.output_tokens = (struct spread){.low = 20, .high = 20};
    return c;
}

static const char *kept_id(struct shop *s)
{
    assert_int_equal(s->plan.status, 200);
    return arena_copy(&s->arena, json_str(json_get(s->body, "id"))).p;
}

/* POST with a body; the target is printed. */
static void post(struct shop *s, int64_t now_us, const char *body, const char *fmt, ...)
{
    char target[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(target, sizeof target, fmt, args);
    va_end(args);
    ask(s, now_us, target, body);
}

#define HELLO_THREAD "{\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]}"

static void a_run_answers_the_thread(void **state)
{
    struct emulate_config c = config("m:rpm=9,tpm=1000");
    struct shop s = shop_open(&c);
    int64_t now = 0;
    post(&s, 0, "{\"metadata\":{\"a\":\"b\"}}", "/v1/threads");
    expect(s.body, "object", "thread");
    expect(s.body, "metadata.a", "b");
    const char *thread = kept_id(&s);
    post(&s, 0,
         "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"12345678\"},"
         "{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]}",
         "/v1/threads/%s/messages", thread);
    expect(s.body, "object", "thread.message");
    expect(json_get(s.body, "content")->first, "text.value", "12345678");
    expect(json_get(s.body, "content")->first->next, "type", "image_url");

    post(&s, 0, "{\"assistant_id\":\"asst_1\",\"model\":\"m\"}", "/v1/threads/%s/runs", thread);
    const char *run = kept_id(&s);
    expect(s.body, "object", "thread.run");
    expect(s.body, "status", "queued");
    expect(s.body, "assistant_id", "asst_1");
    assert_int_equal(number(s.body, "expires_at"), 1767225600 + 600);
    post(&s, 0, "{\"assistant_id\":\"asst_1\"}", "/v1/threads/%s/runs", thread);
    assert_int_equal(s.plan.status, 400);
    assert_true(str_find(buf_str(&s.plan.body), STR("already has an active run"), 0) > 0);
    post(&s, 0, "{\"role\":\"user\",\"content\":\"x\"}", "/v1/threads/%s/messages", thread);
    assert_int_equal(s.plan.status, 400);

    static const struct {
        int64_t at_us;
        const char *status;
    } looks[] = {{S - 1, "queued"},
                 {S, "in_progress"},
                 {10 * S - 1, "in_progress"},
                 {10 * S, "completed"}};
    for (size_t i = 0; i < 4; i++) {
        pass(&s, &now, looks[i].at_us);
        call(&s, now, "GET", "/v1/threads/%s/runs/%s", thread, run);
        expect(s.body, "status", looks[i].status);
    }
    assert_int_equal(number(s.body, "started_at"), 1767225601);
    assert_int_equal(number(s.body, "completed_at"), 1767225610);
    assert_int_equal(number(s.body, "usage.prompt_tokens"), 2);
    assert_int_equal(number(s.body, "usage.completion_tokens"), 20);
    assert_int_equal(json_get(s.body, "last_error")->type, JSON_NULL);
    call(&s, now, "GET", "/v1/threads/%s/messages", thread);
    const struct json *answer = json_get(s.body, "data")->first;
    assert_int_equal(json_get(s.body, "data")->count, 2);
    expect(answer, "role", "assistant");
    expect(answer, "run_id", run);
    assert_int_equal(json_str(json_path(json_get(answer, "content")->first, "text.value")).n,
                     80);
    /* it drew on the model's budgets as a request does */
    call(&s, now, "GET", "/_emulator/report");
    const struct json *model = json_get(s.body, "models")->first;
    assert_int_equal(number(model, "charged.tpm"), 2);
    assert_int_equal(number(model, "in_flight"), 0);
    assert_int_equal(number(s.body, "threads.runs.completed"), 1);

    /* the next run reads the answer, too */
    post(&s, now, "{\"assistant_id\":\"a\",\"model\":\"m\",\"max_completion_tokens\":5}",
         "/v1/threads/%s/runs", thread);
    run = kept_id(&s);
    pass(&s, &now, now + 10 * S);
    call(&s, now, "GET", "/v1/threads/%s/runs/%s", thread, run);
    expect(s.body, "status", "incomplete");
    expect(s.body, "incomplete_details.reason", "max_completion_tokens");
    assert_int_equal(number(s.body, "usage.prompt_tokens"), 22);
    assert_int_equal(number(s.body, "usage.completion_tokens"), 5);
    call(&s, now, "GET", "/v1/threads/%s/runs?limit=1", thread);
    expect(s.body, "first_id", run);
    assert_true(json_true(json_get(s.body, "has_more")));
    shop_close(&s);
}

static void a_limit_shows_in_the_runs_last_error(void **state)
{
    static const struct {
        const char *profile, *limits, *message;
    } rows[] = {
        {"openai", "m:tpm=100",
         "Rate limit reached for m in organization org-emulated on tokens per min (TPM): Limit "
         "100, Used 90, Requested 90. Please try again in 48s. Visit "
         "https://platform.openai.com/account/rate-limits to learn more."},
        {"openai", "m:rpm=1",
         "Rate limit reached for m in organization org-emulated on requests per min (RPM): "
         "Limit 1, Used 1, Requested 1. Please try again in 1m0s. Visit "
         "https://platform.openai.com/account/rate-limits to learn more."},
        {"azure", "m:tpm=100", "Rate limit is exceeded. Try again in 59 seconds."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(rows[i].profile, rows[i].limits);
        c.run_latency_us = (struct spread){.low = 10 * S, .high = 10 * S};
        struct shop s = shop_open(&c);
        int64_t now = 0;
        for (int run = 0; run < 2; run++)
            post(&s, 0,
                 "{\"assistant_id\":\"a\",\"model\":\"m\",\"max_completion_tokens\":90,"
                 "\"thread\":" HELLO_THREAD "}",
                 "/v1/threads/runs");
        const char *run = kept_id(&s);
        const char *thread = arena_copy(&s.arena, json_str(json_get(s.body, "thread_id"))).p;
        pass(&s, &now, S);
        call(&s, now, "GET", "/v1/threads/%s/runs/%s", thread, run);
        assert_int_equal(s.plan.status, 200);
        expect(s.body, "status", "failed");
        expect(s.body, "last_error.code", "rate_limit_exceeded");
        expect(s.body, "last_error.message", rows[i].message);
        assert_true(number(s.body, "failed_at") > 0);
        post(&s, now, "{\"role\":\"user\",\"content\":\"x\"}", "/v1/threads/%s/messages",
             thread);
        assert_int_equal(s.plan.status, 200); /* the thread is free again */
        shop_close(&s);
    }
    struct emulate_config c = config(NULL);
    assert_int_equal(snag_parse(STR("fail=100%"), &c.snags, NULL), SL_OK);
    struct shop s = shop_open(&c);
    int64_t now = 0;
    post(&s, 0, "{\"assistant_id\":\"a\",\"thread\":" HELLO_THREAD "}", "/v1/threads/runs");
    const char *run = kept_id(&s);
    const char *thread = arena_copy(&s.arena, json_str(json_get(s.body, "thread_id"))).p;
    pass(&s, &now, S);
    call(&s, now, "GET", "/v1/threads/%s/runs/%s", thread, run);
    expect(s.body, "last_error.code", "server_error");
    shop_close(&s);
}

static void runs_are_cancelled_and_threads_deleted(void **state)
{
    struct emulate_config c = config("m:concurrency=1");
    struct shop s = shop_open(&c);
    int64_t now = 0;
    post(&s, 0, HELLO_THREAD, "/v1/threads");
    const char *thread = kept_id(&s);
    static const int64_t moments[] = {S / 2, 5 * S}; /* queued, in progress */
    for (size_t i = 0; i < 2; i++) {
        int64_t start = now;
        post(&s, now, "{\"assistant_id\":\"a\"}", "/v1/threads/%s/runs", thread);
        expect(s.body, "model", "m"); /* the first of the list */
        const char *run = kept_id(&s);
        pass(&s, &now, start + moments[i]);
        call(&s, now, "POST", "/v1/threads/%s/runs/%s/cancel", thread, run);
        expect(s.body, "status", "cancelling");
        pass(&s, &now, now + S);
        call(&s, now, "GET", "/v1/threads/%s/runs/%s", thread, run);
        expect(s.body, "status", "cancelled");
        call(&s, now, "POST", "/v1/threads/%s/runs/%s/cancel", thread, run);
        assert_int_equal(s.plan.status, 400);
    }
    /* a thread that goes while it runs frees what it held */
    post(&s, now, "{\"assistant_id\":\"a\"}", "/v1/threads/%s/runs", thread);
    pass(&s, &now, now + 2 * S);
    call(&s, now, "GET", "/_emulator/report");
    assert_int_equal(number(json_get(s.body, "models")->first, "in_flight"), 1);
    call(&s, now, "DELETE", "/v1/threads/%s", thread);
    expect(s.body, "object", "thread.deleted");
    call(&s, now, "GET", "/_emulator/report");
    assert_int_equal(number(json_get(s.body, "models")->first, "in_flight"), 0);
    assert_int_equal(number(s.body, "threads.there"), 0);
    assert_int_equal(service_tick(s.service, now), INT64_MAX);
    static const char *const below[] = {"", "/messages", "/runs", "/runs/r", "/messages/m"};
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        call(&s, now, "GET", "/v1/threads/%s%s", thread, below[i]);
        assert_int_equal(s.plan.status, 404);
        assert_true(str_find(buf_str(&s.plan.body), STR("No thread found with id"), 0) > 0);
    }
    shop_close(&s);
}

static void threads_and_messages_change(void **state)
{
    struct emulate_config c = config(NULL);
    struct shop s = shop_open(&c);
    post(&s, 0, HELLO_THREAD, "/v1/threads");
    const char *thread = kept_id(&s);
    call(&s, 0, "GET", "/v1/threads/%s/messages", thread);
    const char *message = arena_copy(&s.arena, json_str(json_get(s.body, "first_id"))).p;
    post(&s, 0, "{\"metadata\":{\"k\":\"v\"}}", "/v1/threads/%s", thread);
    expect(s.body, "metadata.k", "v");
    post(&s, 0, "{\"metadata\":{\"k\":\"w\"}}", "/v1/threads/%s/messages/%s", thread, message);
    call(&s, 0, "GET", "/v1/threads/%s/messages/%s", thread, message);
    expect(s.body, "metadata.k", "w");
    call(&s, 0, "DELETE", "/v1/threads/%s/messages/%s", thread, message);
    expect(s.body, "object", "thread.message.deleted");
    call(&s, 0, "GET", "/v1/threads/%s/messages", thread);
    assert_int_equal(json_get(s.body, "data")->count, 0);
    call(&s, 0, "GET", "/v1/threads");
    assert_int_equal(json_get(s.body, "data")->count, 1);
    shop_close(&s);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *body, *path;
        int status;
        const char *words;
    } rows[] = {
        {"{", "/v1/threads", 400, "We could not parse"},
        {"{\"messages\":[{\"role\":\"user\"}]}", "/v1/threads", 400,
         "Missing required parameter: 'content'."},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}", "/v1/threads", 400, "'role'"},
        {"{\"metadata\":{\"a\":1}}", "/v1/threads", 400, "metadata.a"},
        {"{}", "/v1/threads/runs", 400, "Missing required parameter: 'assistant_id'."},
        {"{\"assistant_id\":\"a\",\"model\":\"x\"}", "/v1/threads/runs", 400,
         "The requested model 'x' does not exist."},
        {"{\"assistant_id\":\"a\",\"stream\":true}", "/v1/threads/runs", 400, "not streamed"},
        {"{\"assistant_id\":\"a\",\"max_completion_tokens\":0}", "/v1/threads/runs", 400,
         "max_completion_tokens"},
        {"{\"assistant_id\":\"a\",\"thread\":{\"messages\":[{}]}}", "/v1/threads/runs", 400,
         "'role'"},
        {"{\"assistant_id\":\"a\",\"additional_messages\":[{}]}", "/v1/threads/runs", 400,
         "'role'"},
        {"{}", "/v1/threads/t/runs", 404, "No thread found with id 't'."},
    };
    struct emulate_config c = config("m:rpm=100");
    struct shop s = shop_open(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        post(&s, 0, rows[i].body, "%s", rows[i].path);
        if (s.plan.status != rows[i].status ||
            str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) < 0)
            fail_msg("%s: %d %s", rows[i].body, s.plan.status, buf_cstr(&s.plan.body));
    }
    call(&s, 0, "GET", "/v1/threads"); /* nothing half-made is left */
    assert_int_equal(json_get(s.body, "data")->count, 0);
    shop_close(&s);
}

static void a_reset_forgets_runs(void **state)
{
    struct emulate_config c = config("m:concurrency=1");
    struct shop s = shop_open(&c);
    int64_t now = 0;
    post(&s, 0, "{\"assistant_id\":\"a\",\"thread\":" HELLO_THREAD "}", "/v1/threads/runs");
    pass(&s, &now, 5 * S);
    call(&s, now, "POST", "/_emulator/reset");
    assert_int_equal(service_tick(s.service, now), INT64_MAX);
    assert_int_equal(number(json_get(s.body, "models")->first, "in_flight"), 0);
    shop_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_answers_the_thread),
        cmocka_unit_test(a_limit_shows_in_the_runs_last_error),
        cmocka_unit_test(runs_are_cancelled_and_threads_deleted),
        cmocka_unit_test(threads_and_messages_change),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_reset_forgets_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
