/* test_pass.c: what goes on through the gateway, and to which account. */
#include "check.h"
#include "pass.h"

static void add(struct message *m, const char *name, const char *value)
{
    m->headers[m->header_count++] = (struct header){str_of(name), str_of(value)};
}

static void test_request_headers(void **unused)
{
    struct message m = {0};
    struct header out[BOUND_HEADERS];
    static const char *const dropped[] = {"Host",
                                          "Content-Length",
                                          "Transfer-Encoding",
                                          "Authorization",
                                          "X-Api-Key",
                                          "api-key",
                                          "x-goog-api-key",
                                          "TE",
                                          "Keep-Alive",
                                          "X-Sluice-Max-Wait",
                                          "Upgrade",
                                          "Trailer",
                                          "X-Hop",
                                          "Expect"};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        add(&m, dropped[i], "v");
    add(&m, "Connection", "close, x-hop");
    add(&m, "Accept-Encoding", "gzip");
    add(&m, "OpenAI-Organization", "org-1");
    add(&m, "x-stainless-lang", "js");
    assert_int_equal(pass_request(&m, (struct pass_rights){true, true}, out), 6);
    assert_int_equal(pass_request(&m, (struct pass_rights){false, false}, out), 1);
    assert_int_equal(pass_request(&m, (struct pass_rights){false, true}, out), 2);
    assert_true(str_eq(out[0].name, STR("OpenAI-Organization")));
    assert_true(str_eq(out[1].value, STR("js")));
}

static void test_answer_headers(void **unused)
{
    struct message m = {0};
    struct header out[BOUND_HEADERS];
    add(&m, "Date", "now");
    add(&m, "Connection", "keep-alive");
    add(&m, "x-request-id", "req_1");
    add(&m, "Set-Cookie", "a");
    add(&m, "Set-Cookie", "b");
    add(&m, "X-Sluice-Refused", "yes");
    assert_int_equal(pass_answer(&m, out), 3);
    assert_true(str_eq(out[2].value, STR("b")));
}

static void test_paths(void **unused)
{
    static const struct {
        const char *target, *base, *below;
    } cases[] = {
        {"/v1/chat/completions", "/v1", "/chat/completions"},
        {"/chat/completions", "/v1", "/chat/completions"},
        {"/v1/models?limit=2", "/openai/v1", "/models?limit=2"},
        {"/openai/v1/models", "/openai/v1", "/models"},
        {"/openai/deployments/d/chat/completions?api-version=1", "",
         "/openai/deployments/d/chat/completions?api-version=1"},
        {"/v1/messages", "", "/v1/messages"},
        {"/v10/models", "/v1", "/v10/models"},
        {"/v1beta/openai/embeddings", "/v1beta/openai", "/embeddings"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str below = pass_path(str_of(cases[i].target), cases[i].base);
        if (!str_eq(below, str_of(cases[i].below)))
            fail_msg("%s below %s: %.*s", cases[i].target, cases[i].base, STR_ARG(below));
    }
}

static void test_to_a_deployment(void **unused)
{
    static const struct {
        const char *target, *base, *below;
    } cases[] = {
        {"/v1/chat/completions", "",
         "/openai/deployments/east/chat/completions?api-version=2024-10-21"},
        {"/chat/completions?a=1", "",
         "/openai/deployments/east/chat/completions?a=1&api-version=2024-10-21"},
        {"/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01", "",
         "/openai/deployments/east/chat/completions?api-version=2025-01-01"},
        {"/openai/deployments/gpt-4o/embeddings", "/openai",
         "/deployments/east/embeddings?api-version=2024-10-21"},
        {"/openai/v1/embeddings", "",
         "/openai/deployments/east/embeddings?api-version=2024-10-21"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct str below = pass_to_deployment(str_of(cases[i].target), cases[i].base, "east",
                                              "2024-10-21", &arena);
        if (!str_eq(below, str_of(cases[i].below)))
            fail_msg("%s below %s: %.*s", cases[i].target, cases[i].base, STR_ARG(below));
        arena_free(&arena);
    }
}

static void test_where_the_body_names_the_deployment(void **unused)
{
    static const struct {
        const char *target, *base, *below;
    } cases[] = {
        {"/v1/responses", "", "/openai/v1/responses"},
        {"/responses?a=1", "", "/openai/v1/responses?a=1"},
        {"/openai/v1/responses", "", "/openai/v1/responses"},
        {"/openai/responses", "", "/openai/responses?api-version=2024-10-21"},
        {"/openai/responses?api-version=1", "", "/openai/responses?api-version=1"},
        {"/openai/responses?a=1", "", "/openai/responses?a=1&api-version=2024-10-21"},
        {"/v1/responses", "/openai", "/v1/responses"},
        {"/openai/responses?api-version=1", "/openai", "/responses?api-version=1"},
        {"/v1/chat/completions", "/openai/v1", "/chat/completions"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct str below =
            pass_to_azure(str_of(cases[i].target), cases[i].base, "2024-10-21", &arena);
        if (!str_eq(below, str_of(cases[i].below)))
            fail_msg("%s below %s: %.*s", cases[i].target, cases[i].base, STR_ARG(below));
        arena_free(&arena);
    }
    assert_true(pass_deployment_in_body(ROUTE_RESPONSES, ""));
    assert_false(pass_deployment_in_body(ROUTE_CHAT, "/openai"));
    assert_true(pass_deployment_in_body(ROUTE_CHAT, "/openai/v1"));
}

static void test_deployments(void **unused)
{
    struct str named = pass_deployment(STR("/openai/deployments/gpt-4o/chat/completions?a=1"));
    assert_true(str_eq(named, STR("gpt-4o")));
    assert_true(str_eq(pass_deployment(STR("/openai/deployments/d")), STR("d")));
    assert_true(str_eq(pass_deployment(STR("/OpenAI/Deployments/d/x")), STR("d")));
    assert_int_equal(pass_deployment(STR("/v1/chat/completions")).n, 0);
    assert_true(pass_is_plain(STR("/v1/files?purpose=a%20b/../c//d")));
    assert_false(pass_is_plain(STR("/openai//deployments/d/x")));
    assert_false(pass_is_plain(STR("/openai/./deployments/d/x")));
    assert_false(pass_is_plain(STR("/openai/%64eployments/d/x")));
}

static void test_whose_request(void **unused)
{
    static const struct {
        const char *target, *header;
        bool anthropic;
    } cases[] = {
        {"/v1/models", "authorization", false},
        {"/v1/models", "anthropic-version", true},
        {"/v1/files", "X-Api-Key", true},
        {"/v1/files?limit=1", "authorization", false},
        {"/v1/messages", "authorization", true},
        {"/v1/messages/count_tokens", "accept", true},
        {"/v1/chat/completions", "accept", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m = {.target = str_of(cases[i].target)};
        add(&m, cases[i].header, "v");
        assert_int_equal(pass_to_anthropic(&m), cases[i].anthropic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_headers),
        cmocka_unit_test(test_answer_headers),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_deployments),
        cmocka_unit_test(test_where_the_body_names_the_deployment),
        cmocka_unit_test(test_to_a_deployment),
        cmocka_unit_test(test_whose_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
