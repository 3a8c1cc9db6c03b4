/* test_stream.c: streams of every API, fed whole and byte by byte. */
#include "check.h"
#include "stream.h"
#include "token.h"

struct example {
    const char *name;
    enum provider_id provider;
    enum route route;
    bool usage_asked;
    const char *model;
    const char *bytes;
    int64_t input, output; /* -1 not told */
    enum verdict_kind verdict;
    bool ended;
};

static const struct example examples[] = {
    {"chat that tells usage", PROVIDER_OPENAI, ROUTE_CHAT, true, "gpt-4o",
     "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}],\"usage\":null}\n\n"
     "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4,"
     "\"total_tokens\":13}}\n\ndata: [DONE]\n\n",
     9, 4, VERDICT_OK, true},
    {"chat that does not: counted", PROVIDER_OPENAI, ROUTE_CHAT, false, "gpt-4o",
     "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
     "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n"
     "data: {\"choices\":[{\"delta\":{\"content\":\" world\"}}]}\n\ndata: [DONE]\n\n",
     -1, 2, VERDICT_OK, true},
    {"tool call", PROVIDER_OPENAI, ROUTE_CHAT, false, "gpt-4o",
     "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}}]}}]}\n\n",
     -1, 2, VERDICT_OK, false},
    {"text completion", PROVIDER_OPENAI, ROUTE_COMPLETIONS, false, "gpt-3.5-turbo-instruct",
     "data: {\"choices\":[{\"text\":\"Hello world\"}]}\n\ndata: [DONE]\n\n", -1, 2, VERDICT_OK,
     true},
    {"responses", PROVIDER_OPENAI, ROUTE_RESPONSES, false, "gpt-4o",
     "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
     "\"delta\":\"Hello\"}\n\n"
     "event: response.completed\ndata: "
     "{\"type\":\"response.completed\",\"response\":{\"error\":"
     "null,\"usage\":{\"input_tokens\":11,\"output_tokens\":3,\"total_tokens\":14}}}\n\n",
     11, 3, VERDICT_OK, true},
    {"messages", PROVIDER_ANTHROPIC, ROUTE_MESSAGES, false, "claude-sonnet-4-5",
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
     "{\"input_tokens\":25,\"output_tokens\":1}}}\n\n"
     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
     "\"text_delta\",\"text\":\"Hello\"}}\n\n"
     "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":15}}"
     "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     25, 15, VERDICT_OK, true},
    {"messages cut short: more than told so far", PROVIDER_ANTHROPIC, ROUTE_MESSAGES, false,
     "claude-sonnet-4-5",
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
     "{\"input_tokens\":25,\"output_tokens\":1}}}\n\n"
     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
     "\"text_delta\",\"text\":\"Hello, who are you?\"}}\n\n",
     25, 6, VERDICT_OK, false},
    {"a rate limit after 200", PROVIDER_OPENAI, ROUTE_CHAT, true, "gpt-4o",
     "data: {\"error\":{\"message\":\"Rate limit reached for gpt-4o in organization org-x on "
     "tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.\","
     "\"type\":\"tokens\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}\n\n",
     -1, -1, VERDICT_RATE_LIMIT, false},
    {"overloaded after 200", PROVIDER_ANTHROPIC, ROUTE_MESSAGES, false, "claude-sonnet-4-5",
     "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
     "\"message\":\"Overloaded\"}}\n\n",
     -1, 0, VERDICT_OVERLOADED, false},
    {"the word alone is no refusal", PROVIDER_OPENAI, ROUTE_CHAT, true, "gpt-4o",
     "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"error\\\"\"}}],\"error\":null}\n\n", -1,
     -1, VERDICT_OK, false},
};

static void check(const struct example *e, size_t step)
{
    struct ask ask = {.route = e->route,
                      .model = str_of(e->model),
                      .stream = true,
                      .stream_usage = e->usage_asked};
    struct stream s;
    struct arena scratch = {0};
    struct str bytes = str_of(e->bytes);
    stream_open(&s, provider_get(e->provider), &ask, &scratch);
    for (size_t i = 0; i < bytes.n; i += step)
        assert_int_equal(stream_feed(&s, str_cut(str_from(bytes, i), step)), SL_OK);
    struct usage u = stream_usage(&s);
    struct verdict v = stream_verdict(&s);
    if (u.input_tokens != e->input || u.output_tokens != e->output || v.kind != e->verdict ||
        s.ended != e->ended)
        fail_msg("%s: %lld in, %lld out, %s, ended %d", e->name, (long long)u.input_tokens,
                 (long long)u.output_tokens, verdict_name(v.kind), s.ended);
    stream_free(&s);
    arena_free(&scratch);
}

static void test_examples(void **unused)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        check(&examples[i], str_of(examples[i].bytes).n);
        check(&examples[i], 1);
    }
}

/* The text is counted in pieces; the sum is that of the whole to within a token a piece. */
static void test_long_output(void **unused)
{
    struct ask ask = {.route = ROUTE_CHAT, .model = STR("gpt-4o"), .stream = true};
    struct stream s;
    struct arena scratch = {0};
    struct buf all = {0};
    stream_open(&s, provider_get(PROVIDER_OPENAI), &ask, &scratch);
    for (int i = 0; i < 5000; i++) {
        struct buf event = {0}, word = {0};
        buf_printf(&word, " word%d", i % 97);
        buf_printf(&event, "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\n\n",
                   buf_cstr(&word));
        assert_int_equal(stream_feed(&s, buf_str(&event)), SL_OK);
        buf_add(&all, buf_str(&word));
        buf_free(&event);
        buf_free(&word);
    }
    bool known;
    int64_t exact = (int64_t)token_count(encoding_of_model(ask.model, &known), buf_str(&all));
    assert_int_equal(stream_usage(&s).output_tokens, exact);
    assert_true(s.text.n < 1100);
    buf_free(&all);
    stream_free(&s);
    arena_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_long_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
