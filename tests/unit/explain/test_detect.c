/* test_detect.c: whose refusal it is: headers outweigh words, words outweigh the shape, and a
 * name that was given outweighs them all. */
#include "check.h"
#include "detect.h"

static void on_piece(void *ctx, const struct evidence *e)
{
    struct buf *names = ctx;
    const char *name = origin_detect(e).name;
    buf_printf(names, "%s ", name ? name : "nobody");
}

static void expect(const char *text, const char *names)
{
    struct buf got = {0};
    evidence_each(str_of(text), on_piece, &got);
    if (strcmp(buf_cstr(&got), names) != 0)
        fail_msg("%s\nis of %s, wanted %s", text, buf_cstr(&got), names);
    buf_free(&got);
}

#define HTTP "HTTP/1.1 429 Too Many Requests\r\n"
#define BODY "\r\n{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":null}}"

static void headers_tell(void **state)
{
    expect(HTTP "anthropic-ratelimit-requests-limit: 50\r\n" BODY, "anthropic ");
    expect(HTTP "request-id: req_1\r\nAnthropic-Organization-Id: x\r\n" BODY, "anthropic ");
    expect(HTTP "apim-request-id: x\r\nx-ratelimit-limit-requests: 5\r\n" BODY, "azure ");
    expect(HTTP "x-ms-region: West\r\n" BODY, "azure ");
    expect(HTTP "x-groq-region: x\r\n" BODY, "groq ");
    expect(HTTP "openai-processing-ms: 5\r\n" BODY, "openai ");
}

static void words_tell(void **state)
{
    static const struct {
        const char *message, *name;
    } rows[] = {
        {"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM)",
         "openai "},
        {"Rate limit reached for model `m` in organization `org_x` service tier `on_demand`",
         "groq "},
        {"exceeded call rate limit of your current OpenAI S0 pricing tier. Go to "
         "https://aka.ms/x",
         "azure "},
        {"This request would exceed the rate limit for your organization (x)", "anthropic "},
        {"Quota exceeded for metric: generativelanguage.googleapis.com/x", "gemini "},
        {"Insufficient Balance", "deepseek "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = {0};
        buf_puts(&b, "{\"error\":{\"message\":");
        buf_json(&b, str_of(rows[i].message));
        buf_puts(&b, "}}");
        expect(buf_cstr(&b), rows[i].name);
        buf_free(&b);
    }
}

static void the_shape_tells_where_words_do_not(void **state)
{
    expect("{\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\"}}", "anthropic ");
    expect("{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":null}}",
           "openai ");
    expect("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"S\"}}]", "gemini ");
    expect("{\"error\":{\"message\":\"m\"}}", "nobody ");
    expect("{\"error\":\"no\"}", "nobody ");
}

/* OpenAI's shape is that of many; a header of another's tells better, and so do his words. */
static void the_weightier_clue_decides(void **state)
{
    expect(HTTP
           "x-groq-region: x\r\n\r\n{\"error\":{\"message\":\"in organization org-x on tokens "
           "per min (TPM)\"}}",
           "groq ");
    expect("{\"error\":{\"message\":\"see "
           "https://console.groq.com\",\"type\":\"t\",\"param\":null,"
           "\"code\":null}}",
           "groq ");
    expect(
        "{\"provider\":\"mistral\",\"http_status\":429,\"headers\":{\"openai-version\":\"x\"},"
        "\"body\":{\"error\":{\"message\":\"in organization org-x\"}}}",
        "mistral ");
}

static void names(void **state)
{
    struct buf all = {0};
    struct str rest;
    int n = 0;
    origin_list(&all);
    rest = buf_str(&all);
    while (rest.n) {
        struct str name = str_trim(str_split(&rest, ','));
        struct origin o = origin_named(name);
        assert_non_null(o.name);
        assert_true(str_eq(name, str_of(o.name)));
        assert_non_null(o.provider);
        assert_true(o.title[0] >= 'A' && o.title[0] <= 'Z');
        n++;
    }
    assert_in_range(n, 5, 100);
    assert_ptr_equal(provider_get(PROVIDER_AZURE), origin_named(STR("AZURE")).provider);
    struct origin nobody = origin_named(STR("acme"));
    assert_null(nobody.name);
    assert_string_equal("The provider", nobody.title);
    assert_ptr_equal(provider_get(PROVIDER_COMPATIBLE), nobody.provider);
    buf_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_tell),
        cmocka_unit_test(words_tell),
        cmocka_unit_test(the_shape_tells_where_words_do_not),
        cmocka_unit_test(the_weightier_clue_decides),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
