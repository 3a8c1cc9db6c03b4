/* test_head.c: headers in each provider's form and rounding (facts/providers.md section 4). */
#include "check.h"
#include "head.h"

enum { S = 1000000 };

static const char *value(const struct head *h, const char *name)
{
    static char text[200];
    const char *found = "absent";
    for (size_t i = 0; i < h->n; i++) {
        if (!str_eq(h->list[i].name, str_of(name)))
            continue;
        if (strcmp(found, "absent") != 0)
            fail_msg("%s stands twice", name);
        assert_true(h->list[i].value.n < sizeof text);
        memcpy(text, h->list[i].value.p, h->list[i].value.n);
        text[h->list[i].value.n] = '\0';
        found = text;
    }
    return found;
}

static void expect(const struct head *h, const char *const pairs[][2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = value(h, pairs[i][0]);
        if (strcmp(got, pairs[i][1]) != 0)
            fail_msg("%s: \"%s\", wanted \"%s\"", pairs[i][0], got, pairs[i][1]);
    }
    assert_int_equal(n, h->n);
}

#define EXPECT(h, ...)                                                                         \
    do {                                                                                       \
        static const char *const pairs[][2] = {__VA_ARGS__};                                   \
        expect(h, pairs, sizeof pairs / sizeof *pairs);                                        \
    } while (0)

static struct gauge_figure figure(enum dimension dim, int64_t limit, int64_t remaining,
                                  int64_t reset_us)
{
    return (struct gauge_figure){.dim = dim,
                                 .limit = limit,
                                 .remaining = remaining,
                                 .reset_us = reset_us,
                                 .period_us = 60 * S};
}

static void openai_shows_durations_in_the_manner_of_go(void **state)
{
    struct arena arena = {0};
    struct head h = {.arena = &arena};
    struct gauge_answer a = {
        .figures = {figure(DIM_RPM, 500, 499, 120000), figure(DIM_TPM, 30000, -7, 361500000)},
        .figure_count = 2};
    head_rates(&h, EMULATE_HEADERS_OPENAI, &a, 0);
    EXPECT(&h, {"x-ratelimit-limit-requests", "500"}, {"x-ratelimit-remaining-requests", "499"},
           {"x-ratelimit-reset-requests", "120ms"}, {"x-ratelimit-limit-tokens", "30000"},
           {"x-ratelimit-remaining-tokens", "0"}, {"x-ratelimit-reset-tokens", "6m1.5s"});
    arena_free(&arena);
}

/* The day's requests where there is a limit per day; Groq shows no other. */
static void the_day_goes_before_the_minute(void **state)
{
    for (int groq = 0; groq < 2; groq++) {
        for (int day = 0; day < 2; day++) {
            struct arena arena = {0};
            struct head h = {.arena = &arena};
            struct gauge_answer a = {
                .figures = {figure(DIM_RPM, 30, 29, S), figure(DIM_RPD, 14400, 14399, S)},
                .figure_count = 1 + (size_t)day};
            head_rates(&h, groq ? EMULATE_HEADERS_GROQ : EMULATE_HEADERS_OPENAI, &a, 0);
            assert_string_equal(day    ? "14400"
                                : groq ? "absent"
                                       : "30",
                                value(&h, "x-ratelimit-limit-requests"));
            arena_free(&arena);
        }
    }
}

static void azure_rounds_up_to_seconds_and_shows_debt(void **state)
{
    struct arena arena = {0};
    struct head h = {.arena = &arena};
    struct gauge_answer a = {
        .figures = {figure(DIM_RPM, 10, 3, 1), figure(DIM_TPM, 1000, -20, 59 * S + 1)},
        .figure_count = 2};
    head_rates(&h, EMULATE_HEADERS_AZURE, &a, 0);
    EXPECT(&h, {"x-ratelimit-limit-requests", "10"}, {"x-ratelimit-remaining-requests", "3"},
           {"x-ratelimit-reset-requests", "1"}, {"x-ratelimit-renewalperiod-requests", "60"},
           {"x-ratelimit-limit-tokens", "1000"}, {"x-ratelimit-remaining-tokens", "-20"},
           {"x-ratelimit-reset-tokens", "60"}, {"x-ratelimit-renewalperiod-tokens", "60"});
    arena_free(&arena);
}

/* Tokens to the nearest thousand, instants to the next second; input and output together where
 * they are limited apart. */
static void anthropic_rounds_tokens_and_names_instants(void **state)
{
    struct arena arena = {0};
    struct head h = {.arena = &arena};
    struct gauge_answer a = {.figures = {figure(DIM_RPM, 50, 49, 1),
                                         figure(DIM_ITPM, 30000, 29499, 2 * S),
                                         figure(DIM_OTPM, 8000, 7501, 3 * S)},
                             .figure_count = 3};
    head_rates(&h, EMULATE_HEADERS_ANTHROPIC, &a, 1767225600 * (int64_t)S);
    EXPECT(&h, {"anthropic-ratelimit-requests-limit", "50"},
           {"anthropic-ratelimit-requests-remaining", "49"},
           {"anthropic-ratelimit-requests-reset", "2026-01-01T00:00:01Z"},
           {"anthropic-ratelimit-input-tokens-limit", "30000"},
           {"anthropic-ratelimit-input-tokens-remaining", "29000"},
           {"anthropic-ratelimit-input-tokens-reset", "2026-01-01T00:00:02Z"},
           {"anthropic-ratelimit-output-tokens-limit", "8000"},
           {"anthropic-ratelimit-output-tokens-remaining", "8000"},
           {"anthropic-ratelimit-output-tokens-reset", "2026-01-01T00:00:03Z"},
           {"anthropic-ratelimit-tokens-limit", "38000"},
           {"anthropic-ratelimit-tokens-remaining", "37000"},
           {"anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:03Z"});
    arena_free(&arena);
}

static void some_show_nothing(void **state)
{
    struct arena arena = {0};
    struct head h = {.arena = &arena};
    struct gauge_answer a = {.figures = {figure(DIM_RPM, 50, 49, 1)}, .figure_count = 1};
    head_rates(&h, EMULATE_HEADERS_NONE, &a, 0);
    head_retry(&h, EMULATE_HEADERS_NONE, 5 * S);
    assert_int_equal(0, h.n);
    arena_free(&arena);
}

/* Never less than the wait: a client that obeys is in time. */
static void retries_are_rounded_up(void **state)
{
    static const struct {
        enum emulate_headers style;
        int64_t us;
        const char *after, *after_ms;
    } rows[] = {{EMULATE_HEADERS_OPENAI, 1, "1", "1"},
                {EMULATE_HEADERS_OPENAI, 1000000, "1", "1000"},
                {EMULATE_HEADERS_AZURE, 1000001, "2", "1001"},
                {EMULATE_HEADERS_ANTHROPIC, 59000001, "60", "absent"},
                {EMULATE_HEADERS_GROQ, 7660000, "8", "absent"},
                {EMULATE_HEADERS_OPENAI, -1, "absent", "absent"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct head h = {.arena = &arena};
        head_retry(&h, rows[i].style, rows[i].us);
        assert_string_equal(rows[i].after, value(&h, "retry-after"));
        assert_string_equal(rows[i].after_ms, value(&h, "retry-after-ms"));
        assert_string_equal(rows[i].style == EMULATE_HEADERS_ANTHROPIC ? "true" : "absent",
                            value(&h, "x-should-retry"));
        arena_free(&arena);
    }
}

/* The same number gives the same id, another one another; each in its provider's form. */
static void ids_have_the_form_of_their_provider(void **state)
{
    static const struct {
        enum emulate_dialect dialect;
        const char *header, *start;
        size_t length;
    } rows[] = {{EMULATE_OPENAI, "x-request-id", "req_", 36},
                {EMULATE_GROQ, "x-request-id", "req_", 36},
                {EMULATE_ANTHROPIC, "request-id", "req_01", 28},
                {EMULATE_AZURE, "apim-request-id", "", 36}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct head h = {.arena = &arena};
        struct head_id id = head_request_id(rows[i].dialect, 7);
        struct head_id same = head_request_id(rows[i].dialect, 7);
        struct head_id other = head_request_id(rows[i].dialect, 8);
        assert_string_equal(id.text, same.text);
        assert_string_not_equal(id.text, other.text);
        assert_int_equal(rows[i].length, strlen(id.text));
        assert_true(str_starts(str_of(id.text), str_of(rows[i].start)));
        head_identity(&h, rows[i].dialect, &id, 1234567);
        assert_string_equal(id.text, value(&h, rows[i].header));
        if (rows[i].dialect == EMULATE_OPENAI)
            assert_string_equal("1234", value(&h, "openai-processing-ms"));
        if (rows[i].dialect == EMULATE_AZURE) /* a UUID of version 4 */
            assert_true(id.text[8] == '-' && id.text[14] == '4' && id.text[19] == '8');
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_shows_durations_in_the_manner_of_go),
        cmocka_unit_test(the_day_goes_before_the_minute),
        cmocka_unit_test(azure_rounds_up_to_seconds_and_shows_debt),
        cmocka_unit_test(anthropic_rounds_tokens_and_names_instants),
        cmocka_unit_test(some_show_nothing),
        cmocka_unit_test(retries_are_rounded_up),
        cmocka_unit_test(ids_have_the_form_of_their_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
