/* Framing, tools, images and Claude: the vectors of facts/providers.md 7.5 to 7.7, and edges.
 */
#include "check.h"

#include "chat.h"

static const struct encoding *cl100k(void)
{
    return encoding_named(STR("cl100k_base"));
}

/* The cookbook's sample chat: 129 tokens by the present rule, 127 by that of 0301. */
static void the_cookbooks_sample_costs_what_it_says(void **state)
{
    static const char *const messages[][3] = {
        {"system", NULL,
         "You are a helpful, pattern-following assistant that translates corporate jargon into "
         "plain English."},
        {"system", "example_user", "New synergies will help drive top-line growth."},
        {"system", "example_assistant", "Things working well together will increase revenue."},
        {"system", "example_user",
         "Let's circle back when we have more bandwidth to touch base on opportunities for "
         "increased leverage."},
        {"system", "example_assistant",
         "Let's talk later when we're less busy about how to do better."},
        {"user", NULL,
         "This late pivot means we don't have time to boil the ocean for the client "
         "deliverable."},
    };
    static const struct {
        const char *model;
        int64_t tokens;
    } cases[] = {{"gpt-4-0613", 129}, {"gpt-3.5-turbo-0613", 129}, {"gpt-3.5-turbo-0301", 127}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct chat_cost *c = chat_cost_of(str_of(cases[i].model));
        int64_t tokens = c->reply;
        for (size_t m = 0; m < sizeof messages / sizeof *messages; m++) {
            struct str name = str_of(messages[m][1]);
            tokens += c->message + (int64_t)token_count(cl100k(), str_of(messages[m][0])) +
                      (int64_t)token_count(cl100k(), str_of(messages[m][2]));
            tokens += name.n ? c->name + (int64_t)token_count(cl100k(), name) : 0;
        }
        assert_int_equal(tokens, cases[i].tokens);
    }
}

static void tools_lose_one_full_stop(void **state)
{
    const struct chat_cost *old = chat_cost_of(STR("gpt-4")),
                           *now = chat_cost_of(STR("gpt-4o"));
    assert_int_equal(old->tool - now->tool, 3);
    int64_t with = chat_tool(cl100k(), now, STR("get"), STR("Reads it."));
    assert_int_equal(with, chat_tool(cl100k(), now, STR("get"), STR("Reads it")));
    assert_int_equal(with, 7 + (int64_t)token_count(cl100k(), STR("get:Reads it")));
    assert_int_equal(chat_tool(cl100k(), now, STR("get."), STR("")),
                     7 + (int64_t)token_count(cl100k(), STR("get.:")));
    assert_int_equal(chat_property(cl100k(), now, STR("unit"), STR("string"), STR("Which.")),
                     3 + (int64_t)token_count(cl100k(), STR("unit:string:Which")));
    assert_int_equal(chat_enum_item(cl100k(), now, STR("celsius")),
                     3 + (int64_t)token_count(cl100k(), STR("celsius")));
}

static void images_cost_by_model_detail_and_size(void **state)
{
    static const struct {
        const char *model, *detail;
        int64_t width, height, tokens;
    } cases[] = {
        {"gpt-4o", "high", 1024, 1024, 765},
        {"gpt-4o", "high", 2048, 4096, 1105},
        {"gpt-4o", "auto", 4096, 2048, 1105},
        {"gpt-4o", "low", 4096, 8192, 85},
        {"gpt-4o", "high", 512, 512, 255},
        {"gpt-4o", "high", 513, 512, 425},
        {"gpt-4o", "high", 1, 1, 255},
        {"gpt-4o", "high", 1, 1000000, 85 + 4 * 170},
        {"gpt-4o", "", 0, 0, 85 + 8 * 170}, /* not known: the most it can be */
        {"gpt-4o-2024-08-06", "high", 1024, 1024, 765},
        {"gpt-4.1", "high", 1024, 1024, 765},
        {"gpt-4o-mini", "low", 0, 0, 2833},
        {"gpt-4o-mini", "high", 1024, 1024, 2833 + 4 * 5667},
        {"gpt-5", "high", 1024, 1024, 70 + 4 * 140},
        {"gpt-5.2", "low", 9, 9, 70},
        {"o1", "high", 1024, 1024, 75 + 4 * 150},
        {"o3", "low", 9, 9, 75},
        {"gpt-4.1-mini", "high", 1024, 1024, 1659}, /* 1,024 patches x 1.62, rounded up */
        {"gpt-4.1-mini", "low", 4096, 4096, 2489},  /* capped at 1,536 patches */
        {"gpt-5-nano", "high", 33, 32, 5},          /* 2 patches x 2.46 */
        {"o4-mini", "high", 32, 32, 2},
        {"gpt-5-mini", "", 0, 0, 2489},
        {"no-such-model", "high", 1024, 1024, 765},
        {"claude-sonnet-4", "", 200, 200, 54},
        {"claude-sonnet-4", "", 1092, 1092, 1587}, /* over 1.19 megapixels */
        {"claude-sonnet-4", "", 3136, 750, 784},   /* brought to 1,568 x 375 */
        {"claude-sonnet-4", "", 0, 0, 1587},
        {"claude-sonnet-4", "", 8000, 8000, 1587},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(image_tokens(str_of(cases[i].model),
                                      image_detail_named(str_of(cases[i].detail)),
                                      cases[i].width, cases[i].height),
                         cases[i].tokens);
}

static void claude_is_estimated_by_characters(void **state)
{
    assert_int_equal(claude_tokens(STR("claude-sonnet-4-5"), STR("")), 0);
    assert_int_equal(claude_tokens(STR("claude-sonnet-4-5"), STR("seven c")), 2);
    assert_int_equal(claude_tokens(STR("claude-sonnet-4-5"), STR("\xC3\xA9\xC3\xA9\xC3\xA9")),
                     1);
    assert_int_equal(claude_tokens(STR("claude-opus-4-20250514"), STR("seven c")), 2);
    assert_int_equal(claude_tokens(STR("claude-3-5-sonnet-20241022"), STR("seven c")), 2);
    assert_int_equal(claude_tokens(STR("claude-opus-4-7"), STR("seven c")), 3);
    assert_int_equal(claude_tokens(STR("claude-sonnet-5"), STR("seven c")), 3);
}

/* Heads of files, in base64, made by hand from the formats' descriptions. */
static void sizes_are_read_from_heads_of_files(void **state)
{
    static const struct {
        const char *base64;
        int64_t width, height; /* 0: none */
    } cases[] = {
        /* PNG: signature, IHDR of 640 x 480 */
        {"iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA=", 640, 480},
        {"iVBORw0KGgoAAAANSUhEUgAAAoAA", 0, 0},
        /* GIF89a, 300 x 200 */
        {"R0lGODlhLAHIAA==", 300, 200},
        /* JPEG: an APP0 of 4 bytes, then SOF0 of 100 x 50 */
        {"/9j/4AAEAAD/wAALCAAyAGQB", 100, 50},
        {"/9j/4AAE", 0, 0},
        {"/9gAAAAA", 0, 0},
        /* WebP, lossy: 16 x 9; lossless: 16 x 9; extended: 400 x 301 */
        {"UklGRgAAAABXRUJQVlA4IAAAAAAAAACdASoQAAkA", 16, 9},
        {"UklGRgAAAABXRUJQVlA4TAAAAAAvDwACAA==", 16, 9},
        {"UklGRgAAAABXRUJQVlA4WAAAAAAAAAAAjwEALAEA", 400, 301},
        {"", 0, 0},
        {"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=", 0, 0},
        {"not base64!", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t width = 0, height = 0;
        bool found = image_size(str_of(cases[i].base64), &width, &height);
        assert_int_equal(found, cases[i].width > 0);
        assert_int_equal(width, cases[i].width);
        assert_int_equal(height, cases[i].height);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cookbooks_sample_costs_what_it_says),
        cmocka_unit_test(tools_lose_one_full_stop),
        cmocka_unit_test(images_cost_by_model_detail_and_size),
        cmocka_unit_test(claude_is_estimated_by_characters),
        cmocka_unit_test(sizes_are_read_from_heads_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
