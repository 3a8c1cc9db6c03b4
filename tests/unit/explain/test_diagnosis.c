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

static const struct origin nobody = {NULL, "The provider", NULL};
static struct standing standing = {.paid_cents = -1, .days = -1};

static int open_catalogue(void **state)
{
    struct diag diag;
    standing.catalogue = catalogue_open((struct str){0}, NULL, &diag);
    return standing.catalogue ? 0 : -1;
}

static int close_catalogue(void **state)
{
    catalogue_close((struct catalogue **)&standing.catalogue);
    return 0;
}

/* The eight fields of a refusal, without its place in the log. */
static void take(void *ctx, const struct evidence *e)
{
    struct buf *out = ctx, line = {0};
    struct arena arena = {0};
    struct finding f = finding_of(e, &nobody, 0, &arena);
    if (f.verdict.kind != VERDICT_OK) {
        diagnosis_json(&line, &f);
        ptrdiff_t place = str_find(buf_str(&line), STR(", \"model\""), 0);
        buf_add(out, place < 0 ? str_cut(buf_str(&line), line.n - 2)
                               : str_cut(buf_str(&line), (size_t)place));
        buf_puts(out, "}\n");
    }
    buf_free(&line);
    arena_free(&arena);
}

/* What diagnosis_write says of one text. */
struct words {
    struct buf text;
    const char *provider;
};

static void take_words(void *ctx, const struct evidence *e)
{
    struct words *w = ctx;
    struct arena arena = {0};
    struct origin told = origin_named(str_of(w->provider));
    struct finding f = finding_of(e, &told, 0, &arena);
    if (f.verdict.kind != VERDICT_OK)
        diagnosis_write(&w->text, &f, &standing, 0);
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
        evidence_each(str_of(forms[i]), take, &out);
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
        take, &out);
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
        struct evidence e = {.text = str_of(rows[i].text)};
        e.claims[e.claim_count++] = (struct claim){.body = e.text};
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
    struct words w = {.provider = "openai"};
    evidence_each(STR(TPM), take_words, &w);
    assert_string_equal(
        buf_cstr(&w.text),
        "OpenAI refused this request: TOKENS PER MINUTE (TPM) of gpt-4o\n"
        "  limit 30,000   used 29,937   this request 385   over by 322\n"
        "  retry in 644 ms (the bucket refills 500 tokens per second); retrying sooner counts "
        "against you\n"
        "  why   a request is charged the larger of its max_tokens and its input, whatever it "
        "uses in the end\n"
        "  do    lower max_tokens if it is the larger, or let sluice pace the work: sluice run "
        "requests.jsonl -o results.jsonl\n"
        "  not   a billing problem, not a fault of the provider\n"
        "  tier  30,000 is tier 1's; tier 2 has 450,000 (50 USD; until early 2026 also 7 "
        "days)\n"
        "  ask   the provider's support only if it refuses while headers show room, for hours "
        "without\n        traffic, or below your tier's limit (--tier, --paid and --since "
        "check "
        "that)\n");
    buf_clear(&w.text);
    evidence_each(STR("Incorrect API key provided: sk-abcdefgh12. See"), take_words, &w);
    assert_null(strstr(buf_cstr(&w.text), "abcdefgh"));
    assert_non_null(strstr(buf_cstr(&w.text), "provided: sk-... See"));
    buf_clear(&w.text); /* nothing pasted moves the cursor */
    evidence_each(STR("Incorrect API key provided: \x1b]0;x\x07\x1b[2Jsk-"), take_words, &w);
    assert_null(memchr(w.text.p, '\x1b', w.text.n));
    assert_null(memchr(w.text.p, '\x07', w.text.n));
    buf_free(&w.text);
}

/* What is said depends on more than the kind. */
static void advice_by_wording(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{\"error\":{\"message\":\"Slow down, please.\",\"code\":\"slow_down\"}}",
         "limit on the rise"},
        {"HTTP/1.1 429 X\nx-sluice-refused: yes\n\n" ERROR_OBJECT("\""), "it was not asked"},
        {"error code: 1015", "refused this request: AN EDGE NETWORK\n"},
        {"This request would exceed your organization's maximum usage increase rate for input "
         "tokens per minute.",
         "Anthropic refused this request: A RISE TOO FAST, INPUT TOKENS PER MINUTE (ITPM)\n"},
        {"You've exceeded the rate limit, please slow down and try again after 6.9 seconds.",
         "refused this request: REQUESTS OF ONE TYPE, REQUESTS PER MINUTE (RPM)\n"},
        {"You've exceeded the rate limit, please slow down and try again after 6.9 seconds.",
         "assistants-get 1,000, assistants-post 300, assistants-runs 200,\n        "
         "assistants-delete 300 a minute"},
        {"You exceeded your current quota, please check your plan and billing details.",
         "money, not rate"},
        {"This organization has exceeded its spend limit.", "a spending limit that was set"},
        {"{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\","
         "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
         "the cap of the account's tier"},
        {"The model `gpt-9` does not exist or you do not have access to it.", "no such model"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct words w = {0};
        evidence_each(str_of(rows[i].text), take_words, &w);
        if (!strstr(buf_cstr(&w.text), rows[i].says))
            fail_msg("%s:\n%s", rows[i].text, buf_cstr(&w.text));
        buf_free(&w.text);
    }
}

/* Every kind and every limit has its advice, by every provider. */
static void no_diagnosis_is_empty(void **state)
{
    static const char *const names[] = {"openai", "anthropic", "azure",
                                        "gemini", "groq",      "mistral"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (int kind = VERDICT_RATE_LIMIT; kind <= VERDICT_OTHER; kind++) {
            for (int dim = 0; dim <= DIM_UNKNOWN; dim++) {
                struct evidence e = {.line = 1};
                struct finding f = {.origin = origin_named(str_of(names[i])), .evidence = &e};
                f.verdict = (struct verdict){.kind = (enum verdict_kind)kind,
                                             .dim = (enum dimension)dim,
                                             .limit = 7,
                                             .used = -1,
                                             .requested = -1,
                                             .retry_us = -1};
                struct buf out = {0};
                diagnosis_write(&out, &f, &standing, 0);
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
        cmocka_unit_test(advice_by_wording),
        cmocka_unit_test(no_diagnosis_is_empty),
    };
    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
