/* From what people paste to a diagnosis: pieces, whose they are, and the words. */
#include "check.h"
#include "diagnosis.h"

#define TPM                                                                                    \
    "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit "      \
    "30000,"                                                                                   \
    " Used 29937, Requested 385. Please try again in 644ms."
#define TPM_JSON                                                                               \
    "{\"provider\": \"openai\", \"kind\": \"rate_limit\", \"dimension\": \"tpm\", "            \
    "\"limit\": 30000, \"used\": 29937, \"requested\": 385, \"retry_after_ms\": 644, "         \
    "\"retryable\": true}\n"
#define ERROR_OBJECT(quote)                                                                    \
    "{" quote "error" quote ": {" quote "message" quote ": " quote TPM quote ", " quote        \
    "type" quote ": " quote "tokens" quote "}}"

static void judge(void *ctx, const struct evidence *e)
{
    struct buf *out = ctx;
    struct arena arena = {0};
    struct origin o = origin_detect(e);
    struct verdict v = verdict_of(o.provider, e->status, &e->head, e->body, 0, &arena);
    if (v.kind != VERDICT_OK)
        diagnosis_json(out, &o, &v);
    arena_free(&arena);
}

static void every_form_gives_the_same(void **state)
{
    static const char *const forms[] = {
        ERROR_OBJECT("\""),
        "{\n  \"error\": {\n    \"message\": \"" TPM "\",\n    \"type\": \"tokens\"\n  }\n}\n",
        "HTTP/2 429 \r\ncontent-type: application/json\r\n\r\n" ERROR_OBJECT("\"") "\n",
        "* Trying 127.0.0.1:80...\n> POST / HTTP/1.1\n>\n< HTTP/1.1 429 Too Many Requests\n"
        "< content-type: application/json\n<\n" ERROR_OBJECT("\""),
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    run()\n"
        "openai.RateLimitError: Error code: 429 - " ERROR_OBJECT("'"),
        "2026-01-02 ERROR retrying: Error code: 429 - " ERROR_OBJECT("'") " after 2 tries\n",
        "RateLimitError: 429 " TPM "\n    at f (file:///a/b.mjs:1:2) {\n  status: 429,\n"
        "  headers: Headers {\n    'x-request-id': 'a'\n  },\n  error: {\n    message: '" TPM
        "',\n    type: 'tokens'\n  },\n  code: undefined\n}\n",
        "RateLimitError: 429 " TPM
        "\n    at f (file:///a/b.mjs:1:2) {\n  headers: [Headers]\n}",
        "{\"provider\": \"openai\", \"http_status\": 429, \"headers\": {}, "
        "\"body\": " ERROR_OBJECT("\"") "}",
        "{\"custom_id\": \"a\", \"response\": {\"status_code\": 429, \"body\": " ERROR_OBJECT(
            "\"") "}, \"error\": null}",
        TPM,
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct buf out = {0};
        evidence_each(str_of(forms[i]), judge, &out);
        assert_string_equal(buf_cstr(&out), TPM_JSON);
        buf_free(&out);
    }
}

static void a_log_is_taken_apart(void **state)
{
    struct buf out = {0};
    evidence_each(
        STR("start\nopenai.RateLimitError: Error code: 429 - " ERROR_OBJECT(
            "'") "\n"
                 "HTTP/1.1 529\r\nrequest-id: a\r\n\r\n{\"type\": \"error\", \"error\": "
                 "{\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}}\n"
                 "HTTP/1.1 401 Unauthorized\r\nx-ms-region: a\r\n\r\n"),
        judge, &out);
    assert_string_equal(
        buf_cstr(&out), TPM_JSON
        "{\"provider\": \"anthropic\", \"kind\": \"overloaded\", \"dimension\": \"unknown\", "
        "\"limit\": null, \"used\": null, \"requested\": null, \"retry_after_ms\": null, "
        "\"retryable\": true}\n"
        "{\"provider\": \"azure\", \"kind\": \"auth\", \"dimension\": \"unknown\", \"limit\": "
        "null, \"used\": null, \"requested\": null, \"retry_after_ms\": null, \"retryable\": "
        "false}\n");
    buf_free(&out);
}

static void whose_refusal_it_is(void **state)
{
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"HTTP/1.1 429\nanthropic-ratelimit-requests-limit: 5\n\n", "anthropic"},
        {"HTTP/1.1 429\nOpenAI-Organization: x\n\n", "openai"},
        {"HTTP/1.1 429\napim-request-id: x\n\n", "azure"},
        {"HTTP/1.1 429\nserver: nginx\n\n", NULL},
        {"{\"error\":{\"message\":\"a\",\"type\":\"b\",\"param\":null,\"code\":null}}",
         "openai"},
        {"{\"error\":{\"message\":\"a\",\"type\":\"b\"}}", NULL},
        {"{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"a\"}}",
         "anthropic"},
        {"[{\"error\":{\"code\":500,\"message\":\"a\",\"status\":\"INTERNAL\"}}]", "gemini"},
        {"openai.RateLimitError: rate limit reached for model `m` in organization `org_1`",
         "groq"},
        {"request reached organization max RPM: 3", "moonshot"},
        {"Too many requests", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct evidence e = {.text = str_of(rows[i].text), .body = str_of(rows[i].text)};
        struct str rest = str_of(rows[i].text);
        if (str_starts(rest, STR("HTTP"))) {
            (void)str_split(&rest, '\n');
            struct str line = str_split(&rest, '\n');
            e.head.headers[e.head.header_count++].name = str_split(&line, ':');
        }
        struct origin o = origin_detect(&e);
        if (!str_eq(str_of(o.name), str_of(rows[i].name)))
            fail_msg("%s: %s", rows[i].text, o.name ? o.name : "unknown");
        assert_non_null(o.provider);
    }
}

static void models_named(void **state)
{
    static const struct {
        const char *message, *model;
    } rows[] = {
        {TPM, "gpt-4o"},
        {"Rate limit reached for model `llama-3.3-70b` in organization", "llama-3.3-70b"},
        {"Request too large for gpt-5 on tokens", "gpt-5"},
        {"Your requests to gpt-4.1-nano for gpt-4.1-nano in Sweden Central", "gpt-4.1-nano"},
        {"requests, limit: 0, model: gemini-3.1-pro\nPlease retry", "gemini-3.1-pro"},
        {"Rate limit reached for tokens. Limit: 150000.000000 / min.", ""},
        {"Overloaded", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str model = diagnosis_model(str_of(rows[i].message));
        if (!str_eq(model, str_of(rows[i].model)))
            fail_msg("%s: %.*s", rows[i].message, STR_ARG(model));
    }
}

static void the_words(void **state)
{
    struct arena arena = {0};
    struct buf out = {0};
    struct origin o = origin_named(STR("openai"));
    struct verdict v = verdict_of(o.provider, 429, NULL, STR(TPM), 0, &arena);
    diagnosis_write(&out, &o, &v);
    assert_string_equal(
        buf_cstr(&out),
        "OpenAI refused this request: TOKENS PER MINUTE (TPM) of gpt-4o\n"
        "  limit 30,000   used 29,937   this request 385   over by 322\n"
        "  retry in 644 ms (the bucket refills 500 tokens per second); retrying sooner counts "
        "against you\n"
        "  why   a request is charged the larger of its max_tokens and its input, whatever it "
        "uses in the end\n"
        "  do    lower max_tokens if it is the larger, or let sluice pace the work: sluice run "
        "requests.jsonl -o results.jsonl\n"
        "  not   a billing problem, not a fault of the provider\n");
    buf_clear(&out);
    v = verdict_of(o.provider, 401, NULL, STR("Incorrect API key provided: sk-abcdefgh12. See"),
                   0, &arena);
    diagnosis_write(&out, &o, &v);
    assert_null(strstr(buf_cstr(&out), "abcdefgh"));
    assert_non_null(strstr(buf_cstr(&out), "provided: sk-... See"));
    buf_free(&out);
    arena_free(&arena);
}

/* Every kind and every limit has its advice, by every provider. */
static void no_diagnosis_is_empty(void **state)
{
    static const char *const names[] = {"openai", "anthropic", "azure",
                                        "gemini", "groq",      "mistral"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int kind = VERDICT_RATE_LIMIT; kind <= VERDICT_OTHER; kind++) {
            for (int dim = 0; dim <= DIM_UNKNOWN; dim++) {
                struct origin o = origin_named(str_of(names[i]));
                struct verdict v = {.kind = (enum verdict_kind)kind,
                                    .dim = (enum dimension)dim,
                                    .limit = 7,
                                    .used = -1,
                                    .requested = -1,
                                    .retry_us = -1};
                struct buf out = {0};
                diagnosis_write(&out, &o, &v);
                assert_null(strstr(buf_cstr(&out), "(null)"));
                assert_non_null(strstr(buf_cstr(&out), "\n  not   "));
                buf_free(&out);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_the_same),
        cmocka_unit_test(a_log_is_taken_apart),
        cmocka_unit_test(whose_refusal_it_is),
        cmocka_unit_test(models_named),
        cmocka_unit_test(the_words),
        cmocka_unit_test(no_diagnosis_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
