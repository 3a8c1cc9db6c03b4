/* What requests of every API ask for: counted input, output, and complaints by field. */
#include "check.h"
#include "provider.h"
#include "token.h"

static struct catalogue *catalogue;

static int open_catalogue(void **state)
{
    struct diag diag;
    catalogue = catalogue_open((struct str){0}, NULL, &diag);
    return catalogue ? 0 : -1;
}

static int close_catalogue(void **state)
{
    catalogue_close(&catalogue);
    return 0;
}

static enum sl_err parse(const char *provider, enum route route, const char *body,
                         struct ask *ask, struct diag *diag)
{
    static struct arena arena;
    arena_reset(&arena);
    const struct json *v = json_parse(&arena, str_of(body), diag);
    if (!v)
        fail_msg("%s: %s", body, diag->what);
    return ask_parse(provider_named(str_of(provider)), catalogue, route, v, ask, diag);
}

static struct ask ask_of(const char *provider, enum route route, const char *body)
{
    struct ask ask;
    struct diag diag = {0};
    if (parse(provider, route, body, &ask, &diag))
        fail_msg("%s: %s: %s", body, diag.where, diag.what);
    return ask;
}

static void routes(void **state)
{
    static const struct {
        const char *path;
        enum route route;
    } rows[] = {
        {"/v1/chat/completions", ROUTE_CHAT},
        {"/chat/completions/", ROUTE_CHAT},
        {"/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21", ROUTE_CHAT},
        {"/v1/completions", ROUTE_COMPLETIONS},
        {"/v1/responses", ROUTE_RESPONSES},
        {"/v1/embeddings", ROUTE_EMBEDDINGS},
        {"/v1/messages", ROUTE_MESSAGES},
        {"/v1/moderations", ROUTE_MODERATIONS},
        {"/v1/images/generations", ROUTE_IMAGES},
        {"/v1/files", ROUTE_OTHER},
        {"/v1/messages/count_tokens", ROUTE_OTHER},
        {"/v1/threads/thread_1/messages", ROUTE_OTHER},
        {"", ROUTE_OTHER},
        {"/messages", ROUTE_MESSAGES},
        {"/anthropic/v1/messages", ROUTE_MESSAGES},
        {"/v1/threads/thread_1/messages", ROUTE_OTHER},
        {"/openai/threads/thread_1/messages?api-version=1", ROUTE_OTHER},
        /* as a server may read it that undoes what is written oddly */
        {"/v1/chat%2Fcompletions", ROUTE_CHAT},
        {"/v1/%63h%61t/completions", ROUTE_CHAT},
        {"/v1//chat///completions", ROUTE_CHAT},
        {"/v1/chat/./completions/.", ROUTE_CHAT},
        {"/v1/files/../chat/x/../completions", ROUTE_CHAT},
        {"/v1/files/%2e%2e/%2E/embeddings?x=/../..", ROUTE_EMBEDDINGS},
        {"/../../v1/messages", ROUTE_MESSAGES},
        {"/v1/chat/completions%", ROUTE_OTHER},
        {"/v1/chat/completions%2", ROUTE_OTHER},
        {"/v1/models/ft%3Agpt-4o", ROUTE_OTHER},
        {"%2e%2e", ROUTE_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (route_of(str_of(rows[i].path)) != rows[i].route)
            fail_msg("%s", rows[i].path);
    }
}

/* The cookbook's sample: 129 tokens of input with gpt-4-0613. */
static void the_cookbooks_chat(void **state)
{
    static const char body[] =
        "{\"model\": \"gpt-4-0613\", \"messages\": ["
        "{\"role\": \"system\", \"content\": \"You are a helpful, pattern-following assistant "
        "that translates corporate jargon into plain English.\"},"
        "{\"role\": \"system\", \"name\": \"example_user\", \"content\": \"New synergies will "
        "help drive top-line growth.\"},"
        "{\"role\": \"system\", \"name\": \"example_assistant\", \"content\": \"Things working "
        "well together will increase revenue.\"},"
        "{\"role\": \"system\", \"name\": \"example_user\", \"content\": \"Let's circle back "
        "when we have more bandwidth to touch base on opportunities for increased "
        "leverage.\"},"
        "{\"role\": \"system\", \"name\": \"example_assistant\", \"content\": \"Let's talk "
        "later when we're less busy about how to do better.\"},"
        "{\"role\": \"user\", \"content\": \"This late pivot means we don't have time to boil "
        "the ocean for the client deliverable.\"}]}";
    struct ask ask = ask_of("openai", ROUTE_CHAT, body);
    assert_int_equal(ask.demand.input_tokens, 129);
    assert_true(ask.input_exact);
    assert_true(str_eq(ask.known->name, STR("gpt-4")));
    assert_false(ask.demand.max_output_given);
    assert_int_equal(ask.demand.max_output_tokens, 8192); /* the model's largest */
}

struct row {
    const char *provider;
    enum route route;
    const char *body;
    int64_t input, characters, output, images;
    int given, exact;
};

static const struct row rows[] = {
    /* 3 priming + 3 framing + "user" + "Hi" */
    {"openai", ROUTE_CHAT,
     "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}", 8, 2,
     16384, 0, 0, 1},
    /* characters are code points: 44 of 69 bytes */
    {"openai", ROUTE_CHAT,
     "{\"model\":\"gpt-4o\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":"
     "\"Gr\u00fc\u00dfe "
     "aus K\u00f6ln: \u6f22\u5b57\u304b\u306a\u4ea4\u3058\u308a\u6587 und "
     "\U0001f642\U0001f642, oder nicht?\"}]}",
     28, 12, 1, 0, 1, 1},
    /* the larger of two bounds, for each of three choices */
    {"openai", ROUTE_CHAT,
     "{\"model\":\"gpt-4o\",\"max_tokens\":10,\"max_completion_tokens\":20,\"n\":3,"
     "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
     8, 2, 60, 0, 1, 1},
    {"openai", ROUTE_CHAT,
     "{\"model\":\"gpt-4o\",\"max_tokens\":null,\"n\":null,\"messages\":[]}", 3, 0, 16384, 0, 0,
     1},
    /* parts are the same as a text; null content is none */
    {"openai", ROUTE_CHAT,
     "{\"model\":\"gpt-4o\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":"
     "[{\"type\":\"text\",\"text\":\"Hi\"}]},{\"role\":\"assistant\",\"content\":null}]}",
     12, 4, 1, 0, 1, 1},
    {"openai", ROUTE_RESPONSES,
     "{\"model\":\"gpt-4o\",\"input\":\"Hi\",\"max_output_tokens\":16}", 8, 2, 16, 0, 1, 1},
    {"openai", ROUTE_RESPONSES,
     "{\"model\":\"gpt-4o\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
     "\"input_text\",\"text\":\"Hi\"}]}],\"instructions\":\"Hi\"}",
     13, 4, 16384, 0, 0, 1},
    {"openai", ROUTE_COMPLETIONS,
     "{\"model\":\"gpt-3.5-turbo\",\"prompt\":[\"Hi\",\"Hi "
     "Hi\"],\"max_tokens\":5,\"best_of\":2,"
     "\"n\":1}",
     3, 2, 20, 0, 1, 1},
    {"openai", ROUTE_EMBEDDINGS,
     "{\"model\":\"text-embedding-3-small\",\"input\":[[1,2,3],[4,5]]}", 5, 5, 0, 0, 0, 1},
    {"openai", ROUTE_EMBEDDINGS, "{\"model\":\"text-embedding-3-small\",\"input\":[7,8,9]}", 3,
     3, 0, 0, 0, 1},
    {"openai", ROUTE_EMBEDDINGS, "{\"model\":\"text-embedding-3-small\",\"input\":\"Hi\"}", 1,
     1, 0, 0, 0, 1},
    {"openai", ROUTE_MODERATIONS, "{\"input\":\"Hi\"}", 1, 1, 0, 0, 0, 0},
    {"openai", ROUTE_IMAGES, "{\"model\":\"gpt-image-2\",\"prompt\":\"Hi\",\"n\":4}", 1, 1, 0,
     4, 0, 0},
    /* a model nobody knows is counted, and said to be estimated */
    {"compatible", ROUTE_CHAT,
     "{\"model\":\"house-7b\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
     "\"Hi\"}]}",
     8, 2, 9, 0, 1, 0},
    /* Gemini counts input alone */
    {"gemini", ROUTE_CHAT,
     "{\"model\":\"gemini-2.5-flash\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
     "\"content\":\"Hi\"}]}",
     8, 2, 9, 0, 0, 0},
    /* an image of 1024 x 1024 whose size is not known from its URL: the dearest */
    {"openai", ROUTE_CHAT,
     "{\"model\":\"gpt-4o\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":"
     "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\",\"detail\":"
     "\"low\"}}]}]}",
     92, 1, 9, 1, 1, 0},
    /* Claude: 7 for a message, 3.5 characters a token, the system prompt beside */
    {"anthropic", ROUTE_MESSAGES,
     "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":100,\"system\":\"1234567\",\"messages\":"
     "[{\"role\":\"user\",\"content\":\"12345671234567\"}]}",
     13, 6, 100, 0, 1, 0},
    {"anthropic", ROUTE_MESSAGES,
     "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":100,\"system\":[{\"type\":\"text\","
     "\"text\":\"1234567\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
     "\"tool_result\",\"content\":\"12345671234567\"}]}]}",
     13, 6, 100, 0, 1, 0},
};

static void what_requests_ask_for(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct ask ask = ask_of(r->provider, r->route, r->body);
        const struct demand *d = &ask.demand;
        if (d->input_tokens != r->input || d->char_tokens != r->characters ||
            d->max_output_tokens != r->output || d->images != r->images ||
            d->max_output_given != r->given || ask.input_exact != r->exact)
            fail_msg("%s:\n input %lld characters/4 %lld output %lld images %lld given %d "
                     "exact %d",
                     r->body, (long long)d->input_tokens, (long long)d->char_tokens,
                     (long long)d->max_output_tokens, (long long)d->images, d->max_output_given,
                     ask.input_exact);
    }
}

static void tools_and_schemas_cost(void **state)
{
    struct ask plain = ask_of("openai", ROUTE_CHAT, "{\"model\":\"gpt-4o\",\"messages\":[]}");
    struct ask tools =
        ask_of("openai", ROUTE_CHAT,
               "{\"model\":\"gpt-4o\",\"messages\":[],\"tools\":[{\"type\":\"function\","
               "\"function\":{\"name\":\"get_weather\",\"description\":\"Weather.\","
               "\"parameters\":{\"properties\":{\"city\":{\"type\":\"string\",\"enum\":"
               "[\"Rome\",\"Oslo\"]}}}}}]}");
    /* 7 + 3 + 3 - 3 + 2 * 3 + 12 of framing, and the names */
    assert_in_range(tools.demand.input_tokens - plain.demand.input_tokens, 28 + 8, 28 + 20);
    assert_false(tools.input_exact);
    struct ask schema = ask_of(
        "openai", ROUTE_RESPONSES,
        "{\"model\":\"gpt-4o\",\"input\":\"\",\"text\":{\"format\":{\"type\":\"json_schema\","
        "\"schema\":{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"number\"}}}}}"
        "}");
    assert_in_range(schema.demand.input_tokens, 20, 60);
    assert_false(schema.input_exact);
}

static void streams(void **state)
{
    struct ask ask = ask_of("openai", ROUTE_CHAT,
                            "{\"model\":\"gpt-4o\",\"messages\":[],\"stream\":true,"
                            "\"stream_options\":{\"include_usage\":true}}");
    assert_true(ask.stream);
    assert_true(ask.stream_usage);
    ask = ask_of("openai", ROUTE_CHAT, "{\"model\":\"gpt-4o\",\"messages\":[]}");
    assert_false(ask.stream);
    assert_false(ask.stream_usage);
}

static void complaints_name_the_field(void **state)
{
    static const struct {
        enum route route;
        const char *body, *where, *what;
    } cases[] = {
        {ROUTE_CHAT, "[]", "body", "must be a JSON object"},
        {ROUTE_CHAT, "{\"messages\":[]}", "body.model", "missing"},
        {ROUTE_CHAT, "{\"model\":7}", "body.model", "must be a string"},
        {ROUTE_CHAT, "{\"model\":\"m\"}", "body.messages", "missing"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":{}}", "body.messages",
         "must be a list of messages"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"},3]}",
         "body.messages[1]", "must be an object with role and content"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":1}]}", "body.messages[0].role",
         "must be a string"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[{\"content\":true}]}",
         "body.messages[0].content", "must be a text or a list of content parts"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[{\"content\":[\"a\",{\"text\":{}}]}]}",
         "body.messages[0].content[1].text", "must be a string"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[{\"content\":\"a\",\"content\":\"b\"}]}",
         "body.messages[0].content", "given twice"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"model\":\"n\",\"messages\":[]}", "body.model",
         "given twice"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[],\"max_tokens\":1,\"max_tokens\":2}",
         "body.max_tokens", "given twice"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[],\"max_tokens\":-1}", "body.max_tokens",
         "must be a whole number from 0"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[],\"max_tokens\":1.5}", "body.max_tokens",
         "must be a whole number from 0"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[],\"n\":1e12,\"max_tokens\":1e12}", "body",
         "asks for more output than can be counted"},
        {ROUTE_CHAT, "{\"model\":\"m\",\"messages\":[],\"tools\":{}}", "body.tools",
         "must be a list of tools"},
        {ROUTE_EMBEDDINGS, "{\"model\":\"m\"}", "body.input", "missing"},
        {ROUTE_EMBEDDINGS, "{\"model\":\"m\",\"input\":[]}", "body.input", "is empty"},
        {ROUTE_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"a\",true]}", "body.input[1]",
         "must be a text or a list of token ids"},
        {ROUTE_RESPONSES, "{\"model\":\"m\"}", "body.input", "missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ask ask;
        struct diag diag = {0};
        if (!parse("openai", cases[i].route, cases[i].body, &ask, &diag))
            fail_msg("%s: no complaint", cases[i].body);
        if (strcmp(diag.where, cases[i].where) != 0 || strcmp(diag.what, cases[i].what) != 0)
            fail_msg("%s:\n \"%s\": %s", cases[i].body, diag.where, diag.what);
    }
}

/* A request for `output` tokens whose input is known to be of `input` tokens. */
static enum sl_err check(struct ask ask, int64_t input, int64_t output, struct diag *diag)
{
    ask.window_tokens = ask.demand.input_tokens = input;
    ask.demand.max_output_tokens = output * ask.choices;
    ask.demand.max_output_given = output > 0;
    return ask_check(&ask, diag);
}

static void windows_and_largest_outputs(void **state)
{
    struct diag diag = {0};
    struct ask ask = ask_of("openai", ROUTE_CHAT, "{\"model\":\"gpt-4o\",\"messages\":[]}");
    assert_int_equal(check(ask, 123904, 4096, &diag), SL_OK);
    assert_int_equal(check(ask, 131402, 4096, &diag), SL_TOO_LARGE);
    assert_string_equal(
        diag.what, "131,402 tokens and max_tokens 4,096 exceed gpt-4o's window of 128,000");
    assert_int_equal(check(ask, 128001, 0, &diag), SL_TOO_LARGE);
    assert_string_equal(diag.what, "128,001 tokens exceed gpt-4o's window of 128,000");
    assert_int_equal(check(ask, 10, 16385, &diag), SL_TOO_LARGE);
    assert_string_equal(diag.what,
                        "max_tokens 16,385 exceeds gpt-4o's largest output of 16,384");
    ask.choices = 4; /* each answer has the window to itself */
    assert_int_equal(check(ask, 10, 16384, &diag), SL_OK);

    /* an estimate is believed only where it is far over */
    ask = ask_of("anthropic", ROUTE_MESSAGES,
                 "{\"model\":\"claude-sonnet-4-5\",\"messages\":[],\"max_tokens\":1}");
    assert_int_equal(check(ask, 290000, 4096, &diag), SL_OK);
    assert_int_equal(check(ask, 310000, 4096, &diag), SL_TOO_LARGE);
    assert_string_equal(diag.what,
                        "about 310,000 tokens exceed claude-sonnet-4-5's window of 200,000");

    /* each of several inputs has the window to itself */
    ask = ask_of("openai", ROUTE_EMBEDDINGS,
                 "{\"model\":\"text-embedding-3-small\",\"input\":[[1,2,3],[4,5]]}");
    assert_int_equal(ask.window_tokens, 3);
    ask = ask_of("compatible", ROUTE_CHAT, "{\"model\":\"house-7b\",\"messages\":[]}");
    assert_int_equal(check(ask, 1000000000, 1, &diag), SL_OK); /* not known: not judged */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes),
        cmocka_unit_test(the_cookbooks_chat),
        cmocka_unit_test(what_requests_ask_for),
        cmocka_unit_test(tools_and_schemas_cost),
        cmocka_unit_test(streams),
        cmocka_unit_test(complaints_name_the_field),
        cmocka_unit_test(windows_and_largest_outputs),
    };
    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
