/* The cells of the report, and the requests that are sent for it. */
#include "check.h"
#include "limits_words.h"

static void numbers_in_three_digits(void **state)
{
    static const struct {
        int64_t n;
        const char *text;
    } rows[] = {
        {-1, "-"},           {0, "0"},           {3, "3"},           {999, "999"},
        {1000, "1k"},        {1350000, "1.35M"}, {1300000, "1.3M"},  {30000, "30k"},
        {31234, "31.2k"},    {450000, "450k"},   {450999, "450k"},   {2000000, "2M"},
        {180000000, "180M"}, {5000000000, "5G"}, {1050000, "1.05M"}, {12345678, "12.3M"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        words_short(&out, rows[i].n, false, 0);
        assert_string_equal(buf_cstr(&out), rows[i].text);
        buf_clear(&out);
        words_short(&out, rows[i].n, true, 7);
        assert_int_equal(out.n, 7);
        assert_int_equal(out.p[6], '*');
        buf_free(&out);
    }
}

static void cells(void **state)
{
    struct buf out = {0};
    words_cell(&out, STR("abcdef"), 4);
    words_number(&out, 30000, 8);
    words_right(&out, STR("x"), 3);
    words_end(&out);
    words_model(&out, STR("a-long-name"), 4);
    words_model(&out, STR("ab"), 4);
    dimension_write(&out, DIM_ITPM);
    words_end(&out);
    words_instant(&out, 1795683600000000);
    assert_string_equal(buf_cstr(&out), "abcd   30,000  x\na-long-name\n     ab   ITPM\n"
                                        "2026-11-26 09:00:00");
    buf_free(&out);
}

static void what_is_sent(void **state)
{
    static const struct {
        enum provider_id provider;
        const char *model;
        bool completion;
        const char *path, *body; /* NULL: nothing */
    } rows[] = {
        {PROVIDER_OPENAI, "gpt-4o", true, "/v1/chat/completions",
         "{\"model\":\"gpt-4o\",\"max_completion_tokens\":1,\"messages\":[{\"role\":\"user\","
         "\"content\":\"Hi\"}]}"},
        {PROVIDER_GROQ, "a\"b", false, "/v1/chat/completions",
         "{\"model\":\"a\\\"b\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\","
         "\"content\":\"Hi\"}]}"},
        {PROVIDER_ANTHROPIC, "claude-x", false, "/v1/messages",
         "{\"model\":\"claude-x\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\","
         "\"content\":\"Hi\"}]}"},
        {PROVIDER_OPENAI, "text-embedding-3-small", true, "/v1/embeddings",
         "{\"model\":\"text-embedding-3-small\",\"input\":\"Hi\"}"},
        {PROVIDER_OPENAI, "dall-e-3", true, NULL, NULL},
        {PROVIDER_GROQ, "whisper-large-v3", false, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = NULL;
        struct buf body = {0};
        bool sent = probe_request(provider_get(rows[i].provider), str_of(rows[i].model),
                                  rows[i].completion, &path, &body);
        assert_int_equal(sent, rows[i].path != NULL);
        if (sent) {
            assert_string_equal(path, rows[i].path);
            assert_string_equal(buf_cstr(&body), rows[i].body);
        }
        buf_free(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_three_digits),
        cmocka_unit_test(cells),
        cmocka_unit_test(what_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
