/* Every provider's spelling of rate-limit headers, from facts/providers.md and captures. */
#include "check.h"
#include "provider.h"

#include <stdio.h>

enum { MS = 1000, S = 1000000 };
static const int64_t now = 1711483190 * (int64_t)S; /* 2024-03-26T19:59:50Z */

/* "name: value" lines into a message. */
static struct message head_of(const char *lines)
{
    struct message m = {.status = 200, .content_length = -1};
    struct str rest = str_of(lines);
    while (rest.n) {
        struct str value = str_split(&rest, '\n');
        struct str name = str_split(&value, ':');
        m.headers[m.header_count++] = (struct header){name, str_trim(value)};
    }
    return m;
}

struct want {
    enum dimension dim;
    int64_t limit, remaining, reset_us, period_us, round_us;
};

struct row {
    const char *provider, *lines;
    struct want want[4];
};

static const struct row rows[] = {
    {"openai",
     "x-ratelimit-limit-requests: 500\nx-ratelimit-remaining-requests: 499\n"
     "x-ratelimit-reset-requests: 120ms\nX-RateLimit-Limit-Tokens: 60000\n"
     "x-ratelimit-remaining-tokens: 4787\nx-ratelimit-reset-tokens: 55.212s",
     {{DIM_RPM, 500, 499, 120 * MS, -1, MS}, {DIM_TPM, 60000, 4787, 55212 * MS, -1, MS}}},
    /* the same names for the day: 46.001 s for six of 10,000 */
    {"openai",
     "x-ratelimit-limit-requests: 10000\nx-ratelimit-remaining-requests: 9994\n"
     "x-ratelimit-reset-requests: 46.001s\nx-ratelimit-limit-tokens: 1500000\n"
     "x-ratelimit-remaining-tokens: 1495621\nx-ratelimit-reset-tokens: 4m12.172s",
     {{DIM_RPD, 10000, 9994, 46001 * MS, 86400LL * S, MS},
      {DIM_TPD, 1500000, 1495621, 252172 * MS, 86400LL * S, MS}}},
    {"openai",
     "x-ratelimit-limit-requests: 200\nx-ratelimit-remaining-requests: 0\n"
     "x-ratelimit-reset-requests: 23h18m29.144s",
     {{DIM_RPD, 200, 0, 83909144LL * MS, 86400LL * S, MS}}},
    /* nothing used: nothing to infer from */
    {"openai",
     "x-ratelimit-limit-requests: 500\nx-ratelimit-remaining-requests: 500\n"
     "x-ratelimit-reset-requests: 0s",
     {{DIM_RPM, 500, 500, 0, -1, MS}}},
    /* the project's limit is the tighter one */
    {"openai",
     "x-ratelimit-limit-tokens: 30000\nx-ratelimit-remaining-tokens: 29000\n"
     "x-ratelimit-reset-tokens: 2s\nx-ratelimit-limit-project-tokens: 10000\n"
     "x-ratelimit-remaining-project-tokens: 9000\nx-ratelimit-reset-project-tokens: 6s",
     {{DIM_TPM, 10000, 9000, 6 * S, -1, MS}}},
    {"openai",
     "x-ratelimit-limit-tokens: 300000\nx-ratelimit-remaining-tokens: 10\n"
     "x-ratelimit-limit-tokens_usage_based: 300000\n"
     "x-ratelimit-remaining-tokens_usage_based: 2000",
     {{DIM_TPM, 300000, 10, -1, -1, MS}}},
    /* Groq: requests by the day, tokens by the minute, always */
    {"groq",
     "x-ratelimit-limit-requests: 14400\nx-ratelimit-remaining-requests: 14370\n"
     "x-ratelimit-reset-requests: 2m59.56s\nx-ratelimit-limit-tokens: 18000\n"
     "x-ratelimit-remaining-tokens: 17997\nx-ratelimit-reset-tokens: 7.66s",
     {{DIM_RPD, 14400, 14370, 179560 * MS, 86400LL * S, MS},
      {DIM_TPM, 18000, 17997, 7660 * MS, -1, MS}}},
    /* Azure: whole seconds, debts, the slice's length */
    {"azure",
     "x-ratelimit-limit-requests: 120\nx-ratelimit-remaining-requests: 19\n"
     "x-ratelimit-renewalperiod-requests: 10\nx-ratelimit-reset-requests: 7\n"
     "x-ratelimit-remaining-tokens: -27689\nx-ratelimit-limit-tokens: 80000\n"
     "x-ratelimit-reset-tokens: 57",
     {{DIM_RPM, 120, 19, 7 * S, 10 * S, S}, {DIM_TPM, 80000, -27689, 57 * S, -1, S}}},
    {"azure",
     "x-ratelimit-remaining-tokens: 500\nx-rate-limit-reset-tokens: 3",
     {{DIM_TPM, -1, 500, 3 * S, -1, S}}},
    /* Anthropic: instants against the answer's own date */
    {"anthropic",
     "date: Tue, 26 Mar 2024 19:59:59 GMT\n"
     "anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 49\n"
     "anthropic-ratelimit-requests-reset: 2024-03-26T20:00:00Z\n"
     "anthropic-ratelimit-input-tokens-limit: 30000\n"
     "anthropic-ratelimit-input-tokens-remaining: 16000\n"
     "anthropic-ratelimit-input-tokens-reset: 2024-03-26T20:00:27Z\n"
     "anthropic-ratelimit-tokens-limit: 38000\nanthropic-ratelimit-tokens-remaining: 20000\n"
     "anthropic-ratelimit-tokens-reset: 2024-03-26T20:00:27Z\n"
     "anthropic-ratelimit-output-tokens-limit: 8000\n"
     "anthropic-ratelimit-output-tokens-remaining: 8000\n"
     "anthropic-ratelimit-output-tokens-reset: 2024-03-26T19:59:58Z\n"
     "anthropic-ratelimit-unified-tokens-limit: 5",
     {{DIM_RPM, 50, 49, 1 * S, -1, S},
      {DIM_ITPM, 30000, 16000, 28 * S, -1, S},
      {DIM_OTPM, 8000, 8000, 0, -1, S}}},
    /* without a date: against our clock */
    {"anthropic",
     "anthropic-ratelimit-tokens-limit: 25000\nanthropic-ratelimit-tokens-remaining: 16000\n"
     "anthropic-ratelimit-tokens-reset: 2024-03-26T20:00:00Z",
     {{DIM_TPM, 25000, 16000, 10 * S, -1, S}}},
    /* compatible ones send anything: names by period, Unix times, lists, fractions */
    {"compatible",
     "x-ratelimit-limit-requests-minute: 30\nx-ratelimit-remaining-requests-minute: 12.0\n"
     "x-ratelimit-reset-requests-minute: 59.5\nx-ratelimit-limit-tokens-day: 1000000, 1;w=9\n"
     "x-ratelimit-remaining-tokens-day: 5\nx-ratelimit-reset-tokens-day: 1711483195",
     {{DIM_RPM, 30, 12, 59500 * MS, -1, MS}, {DIM_TPD, 1000000, 5, 5 * S, 86400LL * S, S}}},
    /* a fixed minute has just begun: not a day */
    {"compatible",
     "x-ratelimit-limit-requests: 500\nx-ratelimit-remaining-requests: 499\n"
     "x-ratelimit-reset-requests: 59.9s",
     {{DIM_RPM, 500, 499, 59900 * MS, -1, MS}}},
    {"compatible",
     "x-ratelimit-limit-requests: 500\nx-ratelimit-remaining-requests: 499\n"
     "x-ratelimit-reset-requests: 23h59m59s",
     {{DIM_RPD, 500, 499, 86399LL * S, 86400LL * S, MS}}},
    {"openai",
     "x-ratelimit-limit-input-images: 5\nx-ratelimit-remaining-input-images: 4",
     {{DIM_IPM, 5, 4, -1, -1, MS}}},
    /* nothing that can be used */
    {"openai",
     "x-ratelimit-limit-requests: many\nx-ratelimit-remaining-requests: 1e3\n"
     "x-ratelimit-limit-audio-seconds: 7\nx-ratelimit-reset-tokens: 5s\nx-ratelimit-: 3\n"
     "x-ratelimit-limit: 3\nanthropic-ratelimit-: 1\nanthropic-ratelimit-limit: 2",
     {{0}}},
};

static void readings_of_every_spelling(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message m = head_of(rows[i].lines);
        struct reading got[8];
        const struct provider *p = provider_named(str_of(rows[i].provider));
        size_t n = headers_read(p, &m, now, got, 8), wanted = 0;
        while (wanted < 4 && rows[i].want[wanted].limit)
            wanted++;
        if (n != wanted)
            fail_msg("row %zu: %zu readings, want %zu", i, n, wanted);
        for (size_t r = 0; r < n; r++) {
            const struct want *w = &rows[i].want[r];
            size_t at = 0;
            while (at < n && got[at].dim != w->dim)
                at++;
            if (at == n)
                fail_msg("row %zu: no %s", i, dimension_name(w->dim));
            if (got[at].limit != w->limit || got[at].remaining != w->remaining ||
                got[at].reset_us != w->reset_us || got[at].period_us != w->period_us ||
                got[at].reset_round_us != w->round_us)
                fail_msg("row %zu: %s: limit %lld remaining %lld reset %lld period %lld "
                         "round %lld",
                         i, dimension_name(w->dim), (long long)got[at].limit,
                         (long long)got[at].remaining, (long long)got[at].reset_us,
                         (long long)got[at].period_us, (long long)got[at].reset_round_us);
        }
    }
}

static void anthropic_rounds_tokens_to_thousands(void **state)
{
    struct message m = head_of("anthropic-ratelimit-requests-limit: 50\n"
                               "anthropic-ratelimit-input-tokens-limit: 30000");
    struct reading got[2];
    const struct provider *p = provider_get(PROVIDER_ANTHROPIC);
    assert_int_equal(headers_read(p, &m, now, got, 2), 2);
    assert_int_equal(got[0].remaining_round, 1);
    assert_int_equal(got[1].remaining_round, 1000);
    assert_false(got[1].has_remaining);
    assert_int_equal(headers_read(p, &m, now, got, 1), 1); /* never past the room given */
}

static void retry_times(void **state)
{
    static const struct {
        const char *lines;
        int64_t us;
    } cases[] = {
        {"", -1},
        {"retry-after: 2", 2 * S},
        {"Retry-After: 0", 0},
        {"retry-after: 0.25", 250 * MS},
        {"retry-after: 54749", 54749LL * S},
        {"retry-after: 7\nretry-after-ms: 6540", 6540 * MS},
        {"retry-after-ms: 12.5", 12500},
        {"retry-after-ms: soon\nretry-after: 3", 3 * S},
        {"retry-after: Tue, 26 Mar 2024 19:59:59 GMT", 9 * S},
        {"date: Tue, 26 Mar 2024 19:59:58 GMT\nretry-after: Tue, 26 Mar 2024 19:59:59 GMT",
         1 * S},
        {"retry-after: Tue, 26 Mar 2024 19:00:00 GMT", 0},
        {"retry-after: -3", -1},
        {"retry-after: later", -1},
        {"retry-after: 99999999999999999999999", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message m = head_of(cases[i].lines);
        int64_t us = headers_retry_us(&m, now);
        if (us != cases[i].us)
            fail_msg("\"%s\": %lld us, want %lld", cases[i].lines, (long long)us,
                     (long long)cases[i].us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_of_every_spelling),
        cmocka_unit_test(anthropic_rounds_tokens_to_thousands),
        cmocka_unit_test(retry_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
