/* Stamps of every form, requests of every kind of log, routes, and what is worth a look. */
#include "check.h"
#include "logged.h"
#include "stamp.h"

static const int64_t now = 1795683600000000; /* 2026-11-26 09:00:00 UTC */

static void stamps(void **state)
{
    static const struct {
        const char *line;
        int64_t from_now_ms;
        bool found;
    } rows[] = {
        {"2026-11-26T09:00:01.123Z x", 1123, true},
        {"2026-11-26 09:00:01,123 INFO x", 1123, true},
        {"[2026-11-26 09:00:01.5] x", 1500, true},
        {"2026-11-26T10:00:01+01:00 x", 1000, true},
        {"2026-11-26T04:00:01.25 -0500 x", 1250, true},
        {"2026-11-26T09:00:01.123456789Z stderr F x", 1123, true},
        {"2026/11/26 09:00:01 x", 1000, true},
        {"time=2026-11-26T09:00:01.003Z level=INFO", 1003, true},
        {"1.2.3.4 - - [26/Nov/2026:10:00:01 +0100] \"GET / HTTP/1.1\" 200 1", 1000, true},
        {"Nov 26 09:00:01 host app[1]: x", 1000, true},
        {"Nov  6 09:00:01 host app[1]: x", -20LL * 86400000 + 1000, true},
        {"Dec 31 09:00:01 host app[1]: x", -330LL * 86400000 + 1000, true}, /* of last year */
        {"1795683601.123 12 1.2.3.4 TCP_MISS/200", 1000, true},
        {"1795683601123 x", 1123, true},
        {"WARN 2026-11-26T09:00:01Z", 1000, true},
        {"2026-11-26 09:01 GET /v1/threads 200", 60000, true},
        {"2026-11-26T09:01Z x", 60000, true},
        {"09:00:01.5 GET /v1/threads 200", 1500, true},
        {"[09:00:01] x", 1000, true},
        {"at 09:00:01 x", 0, false},
        {"2026-11-26 09:01/2", 0, false},
        {"2026-13-26T09:00:01Z", 0, false},
        {"2026-11-26", 0, false},
        {"request 1795683601 of 3", 0, false},
        {"12345 x", 0, false},
        {"", 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t at = -1;
        bool found = stamp_find(str_of(rows[i].line), now, &at);
        if (found != rows[i].found || (found && at / 1000 != now / 1000 + rows[i].from_now_ms))
            fail_msg("%s: %d, %lld ms from now", rows[i].line, found,
                     (long long)(at / 1000 - now / 1000));
    }
}

static void stamps_of_fields(void **state)
{
    static const struct {
        const char *json;
        int64_t at_us;
    } rows[] = {
        {"1795683601", now + 1000000},
        {"1795683601.5", now + 1000000},
        {"1795683601123", now + 1123000},
        {"1795683601123456", now + 1123456},
        {"1795683601123456789", now + 1123456},
        {"\"2026-11-26T09:00:01Z\"", now + 1000000},
        {"\"1795683601\"", now + 1000000},
        {"true", -1},
        {"17", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        int64_t at = -1;
        bool found = stamp_value(json_parse(&arena, str_of(rows[i].json), NULL), now, &at);
        if (found != (rows[i].at_us >= 0) || (found && at != rows[i].at_us))
            fail_msg("%s: %lld", rows[i].json, (long long)at);
        arena_free(&arena);
    }
}

static void requests(void **state)
{
    static const struct {
        const char *line, *method, *path;
        int status;
        const char *model;
    } rows[] = {
        {"2026-11-26T09:00:01Z GET /v1/threads/thread_1 429 12ms", "GET",
         "/v1/threads/thread_1", 429, ""},
        {"1.2.3.4 - - [26/Nov/2026:09:00:01 +0000] \"POST /v1/threads/runs HTTP/1.1\" 200 512",
         "POST", "/v1/threads/runs", 200, ""},
        {"2026-11-26 09:00:01,5 INFO httpx HTTP Request: POST https://api.openai.com/v1/chat/"
         "completions \"HTTP/1.1 429 Too Many Requests\"",
         "POST", "https://api.openai.com/v1/chat/completions", 429, ""},
        {"POST \"https://api.openai.com/v1/responses\": 429 Too Many Requests {}", "POST",
         "https://api.openai.com/v1/responses", 429, ""},
        {"time=2026-11-26T09:00:01Z method=POST path=/v1/messages status=529 model=claude-x",
         "POST", "/v1/messages", 529, "claude-x"},
        {"429 DELETE /v1/threads/thread_1", "DELETE", "/v1/threads/thread_1", 429, ""},
        {"GET /v1/models took 200ms", "GET", "/v1/models", 0, ""},
        {"FORGET /v1/models 200", "", "", 0, ""},
        {"GET a life", "", "", 0, ""},
        {"{\"time\":1795683601,\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
         "\"status\":200,\"model\":\"gpt-4o\"}",
         "POST", "/v1/chat/completions", 200, "gpt-4o"},
        {"{\"req\":{\"method\":\"GET\",\"url\":\"/v1/"
         "threads\"},\"res\":{\"statusCode\":\"429\"}}",
         "GET", "/v1/threads", 429, ""},
        {"{\"http\":{\"request\":{\"method\":\"GET\"},\"response\":{\"status_code\":429}},"
         "\"url\":{\"path\":\"/v1/threads\"}}",
         "GET", "/v1/threads", 429, ""},
        {"{\"msg\":\"GET /v1/threads 200\"}", "", "", 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct str line = str_of(rows[i].line);
        struct logged l = logged_read(line, json_parse(&arena, line, NULL), now);
        if (!str_eq(l.method, str_of(rows[i].method)) ||
            !str_eq(l.path, str_of(rows[i].path)) || l.status != rows[i].status ||
            !str_eq(l.model, str_of(rows[i].model)))
            fail_msg("%s: \"%.*s\" \"%.*s\" %d \"%.*s\"", rows[i].line, STR_ARG(l.method),
                     STR_ARG(l.path), l.status, STR_ARG(l.model));
        arena_free(&arena);
    }
}

/* As `sluice serve --log` writes it. */
static void our_own_request_log(void **state)
{
    static const struct {
        const char *line, *model, *verdict, *dimension;
        int status;
        int64_t refused;
    } rows[] = {
        {"{\"time\":\"2026-11-26T09:00:01Z\",\"request\":1,\"tenant\":\"team\",\"account\":"
         "\"a\","
         "\"model\":\"gpt-4o\",\"status\":429,\"verdict\":\"rate_limit\",\"attempts\":3,"
         "\"refused\":"
         "2,\"waited_for\":\"tpm\",\"provider_request\":\"req_1\"}",
         "gpt-4o", "rate_limit", "tpm", 429, 2},
        {"{\"time\":\"2026-11-26T09:00:01Z\",\"tenant\":\"team\",\"model\":\"gpt-4o\","
         "\"status\":"
         "200,\"verdict\":\"ok\",\"refused\":0,\"waited_for\":\"tenant-rpm\"}",
         "gpt-4o", "ok", "rpm", 200, 0},
        {"2026-11-26T09:00:01Z team gpt-4o 200 ok in 1 out 241 waited 0 ms took 1 ms attempts "
         "1 "
         "for tenant-itpm",
         "gpt-4o", "ok", "itpm", 200, 0},
        {"2026-11-26T09:00:01Z team gpt-4o 200 ok in 9 out 24 counted 9 reserved 29 charged 33 "
         "waited 0 ms took 1 ms attempts 3 refused 2 request 17 for rpm",
         "gpt-4o", "ok", "rpm", 200, 2},
        {"2026-11-26T09:00:01Z team gpt-4o 429 wait in 0 out 0", "gpt-4o", "wait", "", 429, 0},
        {"2026-11-26T09:00:01Z team (other requests) 0 left in -1 out -1", "(other requests)",
         "left", "", 0, 0},
        {"2026-11-26T09:00:01Z team - 400 invalid in 0 out 0", "", "invalid", "", 400, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct str line = str_of(rows[i].line);
        struct logged l = logged_read(line, json_parse(&arena, line, NULL), now);
        if (!str_eq(l.tenant, STR("team")) || !str_eq(l.model, str_of(rows[i].model)) ||
            !str_eq(l.verdict, str_of(rows[i].verdict)) ||
            !str_eq(l.dimension, str_of(rows[i].dimension)) || l.status != rows[i].status ||
            l.refused != rows[i].refused || l.at_us != now + 1000000 || !logged_is_own(&l) ||
            !logged_is_request(&l))
            fail_msg("%s", rows[i].line);
        arena_free(&arena);
    }
    struct logged l =
        logged_read(STR("2026-11-26T09:00:01Z plug it in and out again"), NULL, now);
    assert_false(logged_is_own(&l));
}

static void routes(void **state)
{
    static const struct {
        const char *path, *route;
    } rows[] = {
        {"/v1/threads/thread_abc123/runs/run_9", "/threads/*/runs/*"},
        {"https://api.openai.com/v1/threads/thread_abc/messages?limit=1",
         "/threads/*/messages"},
        {"/v1/chat/completions", "/chat/completions"},
        {"/openai/deployments/m/chat/completions?api-version=2024-10-21",
         "/openai/deployments/m/chat/completions"},
        {"/v1beta/models/gemini-2.5-flash:generateContent", "/v1beta/models/*"},
        {"/v1/files/42", "/files/*"},
        {"/v1/batches/550e8400-e29b-41d4-a716-446655440000", "/batches/*"},
        {"/", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        logged_route(str_of(rows[i].path), &out);
        assert_string_equal(buf_cstr(&out), rows[i].route);
        buf_free(&out);
    }
}

static void other_peoples_requests_are_not_ours(void **state)
{
    struct logged l = {.at_us = -1, .method = STR("GET"), .path = STR("/favicon.ico")};
    assert_false(logged_is_request(&l));
    l.path = STR("/v1/chat/completions");
    assert_true(logged_is_request(&l));
    l.method = (struct str){0};
    assert_false(logged_is_request(&l));
}

static void suspicion(void **state)
{
    static const struct {
        const char *text;
        bool yes;
    } rows[] = {
        {"RateLimitError", true},
        {"answered 429", true},
        {"OVERLOADED", true},
        {"Too Many", true},
        {"exhausted", true},
        {"all is well", false},
        {"2026-11-26 ok", false},
        {"\xff\xfe caf\xc3\xa9", false},
        {"", false},
        {"please try again", true},
        {"quot", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (logged_suspect(str_of(rows[i].text)) != rows[i].yes)
            fail_msg("%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps),    cmocka_unit_test(stamps_of_fields),
        cmocka_unit_test(requests),  cmocka_unit_test(our_own_request_log),
        cmocka_unit_test(routes),    cmocka_unit_test(other_peoples_requests_are_not_ours),
        cmocka_unit_test(suspicion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
