/* test_wording.c: figures out of sentences: written by the grammar of wording.h they are read
 * back; what only looks like one is left alone. */
#include "check.h"
#include "random.h"
#include "wording.h"

#include <stdio.h>

static void numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t n; /* -1: none */
        size_t used;
    } rows[] = {
        {"30,000", 30000, 6},
        {"30,000.", 30000, 6},
        {"1,234,567 x", 1234567, 9},
        {"60.000000", 60, 9},
        {"30k", 30000, 3},
        {"2K,", 2000, 2},
        {"0", 0, 1},
        {"12,34", 12, 2},
        {"1,2345", 1, 1},
        {"7.", 7, 1},
        {"", -1, 0},
        {",000", -1, 0},
        {"gpt", -1, 0},
        {"4o", -1, 0},
        {"5s", -1, 0},
        {"30kb", -1, 0},
        {"-5", -1, 0},
        {"9223372036854775807", INT64_MAX, 19},
        {"9223372036854775808", -1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = 0;
        size_t used = 0;
        bool is = wording_number(str_of(rows[i].text), &n, &used);
        if (is != (rows[i].n >= 0) || (is && (n != rows[i].n || used != rows[i].used)))
            fail_msg("\"%s\": %lld of %zu", rows[i].text, (long long)n, used);
    }
}

/* ---- written and read back ----------------------------------------------------------- */

static void with_commas(struct buf *b, struct random *r, int64_t n)
{
    if (random_below(r, 2))
        buf_thousands(b, n);
    else
        buf_printf(b, "%lld", (long long)n);
}

/* A limit is named by words, by an acronym in parentheses, or by both. */
static enum dimension name_limit(struct buf *b, struct random *r)
{
    static const struct {
        enum dimension dim;
        const char *subject, *period;
    } rows[] = {{DIM_TPM, "tokens", "min"},        {DIM_RPM, "requests", "min"},
                {DIM_TPD, "tokens", "day"},        {DIM_RPD, "requests", "day"},
                {DIM_ITPM, "input tokens", "min"}, {DIM_OTPM, "output tokens", "min"},
                {DIM_IPM, "images", "min"}};
    size_t i = random_below(r, sizeof rows / sizeof *rows);
    const char *acronym = dimension_name(rows[i].dim);
    bool day = rows[i].period[0] == 'd';
    uint64_t form = random_below(r, 4);
    if (form == 0)
        buf_printf(b, "%s per %s (%s)", rows[i].subject, rows[i].period, acronym);
    else if (form == 1)
        buf_printf(b, "%s per %s", rows[i].subject, day ? "day" : "minute");
    else if (form == 2)
        buf_printf(b, "%s/%s", rows[i].subject, rows[i].period);
    else
        buf_printf(b, "your quota (%s)", acronym);
    return rows[i].dim;
}

static int64_t name_wait(struct buf *b, struct random *r)
{
    int64_t s = (int64_t)random_below(r, 3600), ms = (int64_t)random_below(r, 1000);
    switch (random_below(r, 5)) {
    case 0:
        buf_printf(b, "%lldms", (long long)ms);
        return ms * 1000;
    case 1:
        buf_printf(b, "%lld.%03llds", (long long)s, (long long)ms);
        return s * 1000000 + ms * 1000;
    case 2:
        buf_printf(b, "%lldm%lld.%03llds", (long long)(s / 60), (long long)(s % 60),
                   (long long)ms);
        return s * 1000000 + ms * 1000;
    case 3:
        buf_printf(b, "%lld seconds", (long long)s);
        return s * 1000000;
    default:
        buf_printf(b, "%lld minutes and %lld seconds", (long long)(s / 60),
                   (long long)(s % 60));
        return s * 1000000;
    }
}

static void what_the_grammar_writes_is_read(void **state)
{
    static const char *const models[] = {"gpt-4o", "gpt-4.1 (for limit gpt-4.1)", "o1",
                                         "gpt-4-0125"};
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        struct random r = {seed};
        struct buf b = {0};
        int64_t limit = (int64_t)random_below(&r, 3000000),
                used = (int64_t)random_below(&r, 3000000);
        int64_t requested = (int64_t)random_below(&r, 200000);
        buf_printf(&b, "Rate limit reached for %s in organization org-a1 on ",
                   models[random_below(&r, 4)]);
        enum dimension dim = name_limit(&b, &r);
        buf_puts(&b, ": Limit ");
        with_commas(&b, &r, limit);
        buf_puts(&b, ", Used ");
        with_commas(&b, &r, used);
        buf_puts(&b, ", Requested ");
        with_commas(&b, &r, requested);
        buf_puts(&b, ". Please try again in ");
        int64_t wait_us = name_wait(&b, &r);
        buf_puts(&b, ". Visit https://example.test/limits to learn more.");
        struct wording w = wording_read(buf_str(&b));
        if (w.dim != dim || w.limit != limit || w.used != used || w.requested != requested ||
            w.retry_us != wait_us)
            fail_msg("seed %llu: %s\nread: %s %lld %lld %lld %lld us", (unsigned long long)seed,
                     buf_cstr(&b), dimension_name(w.dim), (long long)w.limit, (long long)w.used,
                     (long long)w.requested, (long long)w.retry_us);
        buf_free(&b);
    }
}

/* ---- one by one ---------------------------------------------------------------------- */

static void what_is_not_said_stays_unknown(void **state)
{
    static const char *const messages[] = {"",
                                           "no",
                                           "The model gpt-4 is overloaded.",
                                           "Limits are limited; see limit.html",
                                           "Used up.",
                                           "perminute",
                                           "a token of thanks"};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        struct wording w = wording_read(str_of(messages[i]));
        if (w.dim != DIM_UNKNOWN || w.limit != -1 || w.used != -1 || w.requested != -1 ||
            w.retry_us != -1 || w.bucket.n)
            fail_msg("\"%s\": %s %lld %lld", messages[i], dimension_name(w.dim),
                     (long long)w.limit, (long long)w.retry_us);
    }
}

static void other_words_for_the_same(void **state)
{
    struct wording w =
        wording_read(STR("Limit: 500 requests. Current: 499. Retry after 1.2345s"));
    assert_int_equal(500, w.limit);
    assert_int_equal(499, w.used);
    assert_int_equal(1234000, w.retry_us); /* truncated to ms */
    w = wording_read(STR("on tokens (for limit gpt-4.1 ): please wait 7"));
    assert_true(str_eq(w.bucket, STR("gpt-4.1")));
    assert_int_equal(7000000, w.retry_us); /* no unit: seconds */
}

static void dimensions(void **state)
{
    static const struct {
        const char *text;
        enum dimension dim;
    } rows[] = {
        {"RequestsPerDayPerProject", DIM_RPD},
        {"GenerateRequestsPerMinutePerProjectPerModel", DIM_RPM},
        {"GenerateContentInputTokensPerModelPerMinute", DIM_ITPM},
        {"tokens per min (TPM)", DIM_TPM},
        {"daily requests", DIM_RPD},
        {"daily input token limit", DIM_TPD},
        {"per-minute output token budget", DIM_OTPM},
        {"calls per minute", DIM_RPM},
        {"number of concurrent connections", DIM_CONCURRENCY},
        {"Enqueued token limit", DIM_BATCH_ENQUEUED},
        {"call rate limit of your tier", DIM_RPM},
        {"your TPM", DIM_TPM},
        {"images per minute", DIM_IPM},
        {"requests permitted", DIM_UNKNOWN},
        {"tokens perdition", DIM_UNKNOWN},
        {"tokens per mining", DIM_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum dimension d = wording_dimension(str_of(rows[i].text));
        if (d != rows[i].dim)
            fail_msg("\"%s\": %s", rows[i].text, dimension_name(d));
    }
}

static void windows_and_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t limit, requested;
    } rows[] = {
        {"This model's maximum context length is 128000 tokens. However, your messages "
         "resulted "
         "in 130,001 tokens.",
         128000, 130001},
        {"prompt is too long: 210000 tokens > 200000 maximum", 200000, 210000},
        {"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", 200000,
         210000},
        {"a model with 32768 maximum context length", 32768, -1},
        {"nothing of the kind", -1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t limit, requested;
        wording_context(str_of(rows[i].text), &limit, &requested);
        if (limit != rows[i].limit || requested != rows[i].requested)
            fail_msg("%s: %lld, %lld", rows[i].text, (long long)limit, (long long)requested);
    }
}

static void phrases_ignore_case(void **state)
{
    static const char *const phrases[] = {"slow down", "overloaded", NULL};
    static const char *const none[] = {NULL};
    assert_true(wording_has(STR("Please SLOW DOWN."), phrases));
    assert_true(wording_has(STR("is overloaded"), phrases));
    assert_false(wording_has(STR("slowdown"), phrases));
    assert_false(wording_has(STR("anything"), none));
}

/* Pieces of such sentences in any order: no figure below "not said", no wait without an end. */
static void nonsense_is_survived(void **state)
{
    static const char *const pieces[] = {"limit ",
                                         "used",
                                         "per ",
                                         "min",
                                         "day",
                                         " 5",
                                         ",000",
                                         "k",
                                         "try again in ",
                                         "1h",
                                         "(",
                                         "TPM)",
                                         "tokens",
                                         "/",
                                         "9999999999999999999",
                                         ".",
                                         "and ",
                                         "> ",
                                         "retry after ",
                                         "s",
                                         "maximum ",
                                         "+",
                                         "\xff",
                                         "input "};
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct random r = {seed};
        struct buf b = {0};
        int64_t limit, requested;
        for (size_t n = random_below(&r, 12); n > 0; n--)
            buf_puts(&b, pieces[random_below(&r, sizeof pieces / sizeof *pieces)]);
        struct wording w = wording_read(buf_str(&b));
        wording_context(buf_str(&b), &limit, &requested);
        assert_seeded(seed, w.limit >= -1 && w.used >= -1 && w.requested >= -1);
        assert_seeded(seed, w.retry_us >= -1 && limit >= -1 && requested >= -1);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(what_the_grammar_writes_is_read),
        cmocka_unit_test(what_is_not_said_stays_unknown),
        cmocka_unit_test(other_words_for_the_same),
        cmocka_unit_test(dimensions),
        cmocka_unit_test(windows_and_sizes),
        cmocka_unit_test(phrases_ignore_case),
        cmocka_unit_test(nonsense_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
