/* test_query.c: what a request asks for, as the emulated provider reads it, seen through its
 * door: tokens are characters / 4, rounded up, and what it acts upon has to be right. */
#include "shop.h"

/* What is counted of a body, and where its usage says so. */
static const struct {
    const char *path, *body, *usage;
    int64_t tokens;
} counted[] = {
    {CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"12345678\"}]}",
     "prompt_tokens", 2},
    {CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"123456789\"}]}",
     "prompt_tokens", 3},
    /* characters, not bytes */
    {CHAT,
     "{\"model\":\"m\",\"messages\":[{\"content\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac\"}]}",
     "prompt_tokens", 1},
    /* parts with text; names and links are none */
    {CHAT,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"name\":\"somebody\",\"content\":[{"
     "\"type\":"
     "\"text\",\"text\":\"1234\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://"
     "x\"}}]}]}",
     "prompt_tokens", 1},
    {"/v1/completions", "{\"model\":\"m\",\"prompt\":[\"1234\",\"5678\"]}", "prompt_tokens", 2},
    {"/v1/responses", "{\"model\":\"m\",\"input\":\"1234\",\"instructions\":\"5678\"}",
     "input_tokens", 2},
    {"/v1/messages",
     "{\"model\":\"m\",\"max_tokens\":5,\"system\":\"1234\",\"messages\":[{\"role\":\"user\","
     "\"content\":\"5678\"}]}",
     "input_tokens", 2},
    {"/v1/embeddings", "{\"model\":\"m\",\"input\":[\"1234\",\"5678\",\"9\"]}", "prompt_tokens",
     3},
    {"/v1/embeddings", "{\"model\":\"m\",\"input\":[17,4,99]}", "prompt_tokens",
     3}, /* tokens already */
};

static void characters_are_counted_in_fours(void **state)
{
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        struct emulate_config c = plain_config(NULL, NULL);
        struct shop s = shop_open(&c);
        char path[60];
        ask(&s, 0, counted[i].path, counted[i].body);
        snprintf(path, sizeof path, "usage.%s", counted[i].usage);
        if (number(s.body, path) != counted[i].tokens)
            fail_msg("%s: %lld", counted[i].body, (long long)number(s.body, path));
        shop_close(&s);
    }
}

/* Refused with the field's name, and nothing of it is carried out. */
static void what_must_be_right_is_told_by_its_field(void **state)
{
    static const struct {
        const char *path, *body, *field;
    } rows[] = {
        {CHAT, "{\"messages\":[]}", "model"},
        {CHAT, "{\"model\":\"m\"}", "messages"},
        {CHAT, "{\"model\":\"m\",\"messages\":null}", "messages"},
        {CHAT, HELLO ",\"max_tokens\":\"5\"}", "max_tokens"},
        {CHAT, HELLO ",\"max_tokens\":0}", "max_tokens"},
        {CHAT, HELLO ",\"max_tokens\":1.5}", "max_tokens"},
        {CHAT, HELLO ",\"max_completion_tokens\":-1}", "max_completion_tokens"},
        {CHAT, HELLO ",\"n\":0}", "n"},
        {CHAT, HELLO ",\"n\":129}", "n"},
        {"/v1/completions", "{\"model\":\"m\"}", "prompt"},
        {"/v1/responses", "{\"model\":\"m\"}", "input"},
        {"/v1/responses", "{\"model\":\"m\",\"input\":\"x\",\"max_output_tokens\":0}",
         "max_output_tokens"},
        {"/v1/embeddings", "{\"model\":\"m\",\"input\":\"x\",\"dimensions\":5000}",
         "dimensions"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(NULL, NULL);
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, rows[i].body);
        if (s.plan.status != 400 || !json_is(json_path(s.body, "error.param"), rows[i].field))
            fail_msg("%s: %d %s", rows[i].body, s.plan.status, buf_cstr(&s.plan.body));
        shop_close(&s);
    }
}

/* Unknown fields, null ones, and the older name of a length are none of its business. */
static void what_it_need_not_know_is_let_pass(void **state)
{
    static const char *const bodies[] = {
        HELLO ",\"max_tokens\":null,\"n\":null}",
        HELLO ",\"max_tokens\":7,\"max_completion_tokens\":3}", /* the newer name counts */
        HELLO ",\"temperature\":\"warm\",\"foo\":{\"content\":7}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct emulate_config c = plain_config(NULL, NULL);
        c.output_tokens = (struct spread){.low = 50, .high = 50};
        struct shop s = shop_open(&c);
        ask(&s, 0, CHAT, bodies[i]);
        assert_int_equal(200, s.plan.status);
        assert_true(i != 1 || number(s.body, "usage.completion_tokens") <= 3);
        shop_close(&s);
    }
}

static void a_missing_length_has_its_apis_default(void **state)
{
    static const struct {
        const char *path, *body;
        int64_t tokens; /* -1: refused, this one has none */
    } rows[] = {{"/v1/completions", "{\"model\":\"m\",\"prompt\":\"x\"}", 16},
                {CHAT, HELLO "}", 500},
                {"/v1/messages", "{\"model\":\"m\",\"messages\":[]}", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct emulate_config c = plain_config(NULL, NULL);
        c.output_tokens = (struct spread){.low = 500, .high = 500};
        struct shop s = shop_open(&c);
        ask(&s, 0, rows[i].path, rows[i].body);
        assert_int_equal(rows[i].tokens < 0 ? 400 : 200, s.plan.status);
        if (rows[i].tokens >= 0)
            assert_int_equal(rows[i].tokens, number(s.body, "usage.completion_tokens"));
        shop_close(&s);
    }
}

/* Cut off anywhere it is no JSON, and answered as such. */
static void half_a_body_is_no_body(void **state)
{
    const char *whole = HELLO ",\"max_tokens\":5}";
    struct emulate_config c = plain_config(NULL, NULL);
    struct shop s = shop_open(&c);
    for (size_t n = 0; n < strlen(whole); n++) {
        char text[200];
        snprintf(text, sizeof text, "%.*s", (int)n, whole);
        ask(&s, 0, CHAT, text);
        assert_int_equal(400, s.plan.status);
    }
    ask(&s, 0, CHAT, whole);
    assert_int_equal(200, s.plan.status);
    shop_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_counted_in_fours),
        cmocka_unit_test(what_must_be_right_is_told_by_its_field),
        cmocka_unit_test(what_it_need_not_know_is_let_pass),
        cmocka_unit_test(a_missing_length_has_its_apis_default),
        cmocka_unit_test(half_a_body_is_no_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
