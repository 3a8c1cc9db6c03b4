/* What answers of every API say they used. */
#include "check.h"
#include "provider.h"

static void usage_by_every_name(void **state)
{
    static const struct {
        const char *answer;
        int64_t input, output, cached;
    } rows[] = {
        {"{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"total_tokens\":21,"
         "\"prompt_tokens_details\":{\"cached_tokens\":4}}}",
         9, 12, 4},
        {"{\"usage\":{\"input_tokens\":36,\"input_tokens_details\":{\"cached_tokens\":0},"
         "\"output_tokens\":87,\"total_tokens\":123}}",
         36, 87, 0},
        {"{\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":3,"
         "\"output_tokens\":4}}}",
         3, 4, -1},
        {"{\"object\":\"list\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}", 8, 0, -1},
        /* what is written to the cache counts as input, what is read from it does not */
        {"{\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":100,"
         "\"cache_read_input_tokens\":1000,\"output_tokens\":5}}",
         110, 5, 1000},
        {"{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,"
         "\"output_tokens\":1}}}",
         25, 1, -1},
        {"{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":15}}", -1, 15, -1},
        {"{\"usage\":null}", -1, -1, -1},
        {"{\"usage\":{\"prompt_tokens\":-4,\"completion_tokens\":\"x\"}}", -1, -1, -1},
        {"[]", -1, -1, -1},
        /* more than any answer can have used is not believed */
        {"{\"usage\":{\"prompt_tokens\":134217728,\"completion_tokens\":134217729,"
         "\"prompt_tokens_details\":{\"cached_tokens\":9223372036854775807}}}",
         134217728, -1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct usage u = usage_of(json_parse(&arena, str_of(rows[i].answer), NULL));
        if (u.input_tokens != rows[i].input || u.output_tokens != rows[i].output ||
            u.cached_tokens != rows[i].cached)
            fail_msg("%s: input %lld output %lld cached %lld", rows[i].answer,
                     (long long)u.input_tokens, (long long)u.output_tokens,
                     (long long)u.cached_tokens);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(usage_by_every_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
