/* test_turn_away.c: our refusals, as what reads the providers' refusals reads them. */
#include "check.h"
#include "turn_away.h"

static struct verdict read_back(enum turn_away_kind kind, bool anthropic, const char *what,
                                int64_t wait_us, struct arena *arena, struct turn_away *t)
{
    turn_away_write(
        t,
        &(struct refusal_words){
            .kind = kind, .anthropic = anthropic, .what = str_of(what), .wait_us = wait_us},
        arena);
    struct message m = {.status = t->status, .header_count = t->header_count};
    memcpy(m.headers, t->headers, sizeof t->headers);
    enum provider_id id = anthropic ? PROVIDER_ANTHROPIC : PROVIDER_OPENAI;
    return verdict_of(provider_get(id), t->status, &m, t->body, 0, arena);
}

static void test_meanings(void **unused)
{
    static const struct {
        enum turn_away_kind kind;
        const char *what;
        enum verdict_kind verdict;
    } cases[] = {
        {TURN_AWAY_WAIT,
         "Rate limit reached for m on tokens per minute (TPM): Limit 10, Used 9.",
         VERDICT_RATE_LIMIT},
        {TURN_AWAY_TOO_LARGE, "Request too large for m", VERDICT_TOO_LARGE},
        {TURN_AWAY_FULL, "full", VERDICT_OVERLOADED},
        {TURN_AWAY_ENDING, "ending", VERDICT_OVERLOADED},
        {TURN_AWAY_KEY, "Incorrect API key provided", VERDICT_AUTH},
        {TURN_AWAY_BAD_REQUEST, "body.model: missing", VERDICT_OTHER},
    };
    for (int anthropic = 0; anthropic < 2; anthropic++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct arena arena = {0};
            struct turn_away t;
            struct verdict v =
                read_back(cases[i].kind, anthropic, cases[i].what, -1, &arena, &t);
            if (v.kind != cases[i].verdict)
                fail_msg("case %d, %s: %s", (int)i, anthropic ? "anthropic" : "openai",
                         verdict_name(v.kind));
            arena_free(&arena);
        }
    }
}

static void test_retry_is_rounded_up(void **unused)
{
    struct arena arena = {0};
    struct turn_away t;
    struct verdict v =
        read_back(TURN_AWAY_WAIT, false, "Rate limit reached", 1200001, &arena, &t);
    assert_int_equal(v.retry_us, 1201000);
    struct message m = {.header_count = t.header_count};
    memcpy(m.headers, t.headers, sizeof t.headers);
    assert_true(str_eq(message_header(&m, "retry-after"), STR("2")));
    assert_true(str_eq(message_header(&m, "x-should-retry"), STR("true")));
    arena_free(&arena);
}

/* SDKs would ask again after seconds; who reads the wait still knows that it passes. */
static void test_what_takes_longer_than_sdks_obey_is_not_asked_again(void **unused)
{
    struct arena arena = {0};
    struct turn_away t;
    struct verdict v =
        read_back(TURN_AWAY_WAIT, false, "Rate limit reached", 60000001, &arena, &t);
    struct message m = {.header_count = t.header_count};
    memcpy(m.headers, t.headers, sizeof t.headers);
    assert_true(str_eq(message_header(&m, "x-should-retry"), STR("false")));
    assert_true(v.retryable);
    arena_free(&arena);
}

/* An empty wallet of the tenant's own: told as one, so that nobody asks again. */
static void test_spend_is_billing(void **unused)
{
    struct arena arena = {0};
    struct turn_away t;
    struct verdict v = read_back(TURN_AWAY_SPEND, false, "spent", 1000000, &arena, &t);
    assert_int_equal(v.kind, VERDICT_QUOTA);
    assert_false(v.retryable);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_retry_is_rounded_up),
        cmocka_unit_test(test_what_takes_longer_than_sdks_obey_is_not_asked_again),
        cmocka_unit_test(test_spend_is_billing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
