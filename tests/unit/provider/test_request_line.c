/* request_line: the three forms, and what is refused of each, by field. */
#include "check.h"
#include "request_line.h"

static const struct {
    const char *line;
    const char *where; /* NULL: accepted */
    const char *part;  /* of what is said */
} cases[] = {
    {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/"
     "completions\",\"body\":{\"model\":\"m\"}}",
     NULL, NULL},
    {"{\"custom_id\":\"a\",\"params\":{\"model\":\"m\"}}", NULL, NULL},
    {"{\"custom_id\":\"a\"", "", "bad JSON"},
    {"[1]", "", "object"},
    {"{\"method\":\"POST\"}", "custom_id", "missing"},
    {"{\"custom_id\":7}", "custom_id", "string"},
    {"{\"custom_id\":\"\"}", "custom_id", "empty"},
    {"{\"custom_id\":\"a\",\"body\":{}}", "method", "missing"},
    {"{\"custom_id\":\"a\",\"method\":\"GET\",\"url\":\"/v1/embeddings\",\"body\":{}}",
     "method", "POST"},
    {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/nothing\",\"body\":{}}", "url",
     "/v1/chat/completions"},
    {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/embeddings\"}", "body", "missing"},
    {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/embeddings\",\"body\":[]}", "body",
     "object"},
    {"{\"custom_id\":\"a\",\"custom_id\":\"b\",\"method\":\"POST\",\"url\":\"/v1/"
     "embeddings\",\"body\":{}}",
     "", "twice"},
    {"{\"custom_id\":\"a\",\"params\":{\"stream\":true}}", "stream", "stream"},
};

static const struct line_form batch = {0};

static void tells_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct request_line line;
        struct diag diag = {"", ""};
        enum sl_err err =
            request_line_read(&batch, 1, str_of(cases[i].line), &arena, &line, &diag);
        bool fine = cases[i].where ? err != SL_OK && !strcmp(diag.where, cases[i].where) &&
                                         strstr(diag.what, cases[i].part)
                                   : err == SL_OK;
        if (!fine)
            fail_msg("%s: error %d, %s: %s", cases[i].line, (int)err, diag.where, diag.what);
        arena_free(&arena);
    }
}

static void keeps_the_bytes_of_the_body(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct request_line line;
    struct diag diag;
    struct str text =
        STR("{\"custom_id\":\"\\u00e9\", \"body\" : { \"model\":\"m\" , \"x\":1.0 },"
            "\"url\":\"/v1/responses\",\"method\":\"POST\"}");
    assert_int_equal(request_line_read(&batch, 1, text, &arena, &line, &diag), SL_OK);
    assert_true(str_eq(line.body, STR("{ \"model\":\"m\" , \"x\":1.0 }")));
    assert_true(str_eq(line.custom_id, STR("\u00e9")));
    assert_int_equal(line.route, ROUTE_RESPONSES);
    arena_free(&arena);
}

static void makes_a_request_of_a_prompt(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct request_line line;
    struct diag diag;
    struct line_form form = {true, "gpt-4o", 50, provider_get(PROVIDER_COMPATIBLE)};
    assert_int_equal(request_line_read(&form, 7, STR("say \"hi\"\r"), &arena, &line, &diag),
                     SL_OK);
    assert_true(str_eq(line.custom_id, STR("prompt-7")));
    assert_true(str_eq(line.url, STR("/v1/chat/completions")));
    assert_true(str_eq(line.body, STR("{\"model\":\"gpt-4o\",\"max_tokens\":50,\"messages\":[{"
                                      "\"role\":\"user\",\"content\":\"say \\\"hi\\\"\"}]}")));
    form.provider = provider_get(PROVIDER_ANTHROPIC);
    assert_int_equal(request_line_read(&form, 7, STR("hi"), &arena, &line, &diag), SL_OK);
    assert_true(str_eq(line.url, STR("/v1/messages")));
    arena_free(&arena);
}

static void versions_are_not_doubled(void **state)
{
    (void)state;
    struct request_line line = {.url = STR("/v1/chat/completions")};
    assert_true(str_eq(request_line_path(&line, true), STR("/chat/completions")));
    assert_true(str_eq(request_line_path(&line, false), STR("/v1/chat/completions")));
    line.url = STR("/chat/completions");
    assert_true(str_eq(request_line_path(&line, true), STR("/chat/completions")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(keeps_the_bytes_of_the_body),
        cmocka_unit_test(makes_a_request_of_a_prompt),
        cmocka_unit_test(versions_are_not_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
