/* test_reckon.c: what endings add to a tally, and what is said of them. */
#include "check.h"
#include "reckon.h"

static struct ending refused(void)
{
    return (struct ending){.outcome = OUTCOME_FAILED,
                           .answered = true,
                           .status = 429,
                           .verdict = {.kind = VERDICT_RATE_LIMIT,
                                       .dim = DIM_TPM,
                                       .limit = 30000,
                                       .used = 29937,
                                       .requested = 385,
                                       .retry_us = -1}};
}

static const struct provider *openai(void)
{
    return provider_get(PROVIDER_OPENAI);
}

static struct message told(const char *remaining)
{
    struct message m = {.status = 429, .header_count = 2};
    m.headers[0] = (struct header){STR("x-ratelimit-limit-tokens"), STR("30000")};
    m.headers[1] = (struct header){STR("x-ratelimit-remaining-tokens"), str_of(remaining)};
    return m;
}

static int64_t headroom(struct tally *t, const char *remaining, int64_t units)
{
    int64_t before = t->refusals[TALLY_CAUSE_HEADROOM][DIM_TPM];
    struct ending end = refused();
    struct message m = told(remaining);
    struct flow f = {.sent_us = 0};
    end.head = &m;
    f.bill.units[DIM_TPM] = units;
    reckon_refusal(t, openai(), &f, &end, 0);
    return t->refusals[TALLY_CAUSE_HEADROOM][DIM_TPM] - before;
}

static void test_who_refused(void **unused)
{
    struct tally t = {.wallet_empty = 0};
    struct flow f = {.sent_us = 0};
    assert_int_equal(0, headroom(&t, "63", 385));
    assert_int_equal(1, headroom(&t, "20000", 385));
    assert_int_equal(0, headroom(&t, "20000", 25000)); /* there was room, but not for this */
    assert_int_equal(2, t.refusals[TALLY_CAUSE_PROVIDER][DIM_TPM]);
    struct ending end = refused();
    struct message m = told("20000"); /* of TPM, which says nothing of another limit */
    end.head = &m;
    end.verdict.dim = DIM_RPM;
    reckon_refusal(&t, openai(), &f, &end, 0);
    assert_int_equal(1, t.refusals[TALLY_CAUSE_PROVIDER][DIM_RPM]);
    end.verdict.kind = VERDICT_QUOTA;
    reckon_refusal(&t, openai(), &f, &end, 0);
    end.verdict.kind = VERDICT_AUTH;
    reckon_refusal(&t, openai(), &f, &end, 0);
    end.answered = false;
    reckon_refusal(&t, openai(), &f, &end, 0);
    assert_int_equal(1, t.wallet_empty);
    assert_int_equal(1, t.key_refused);
}

static void test_the_last_setback_is_no_retry(void **unused)
{
    struct tally t = {.wallet_empty = 0};
    struct setbacks s = {{0}};
    struct ending end = {.outcome = OUTCOME_FAILED, .err = SL_TIMEOUT, .why = "timed out"};
    for (int i = 0; i < 3; i++)
        reckon_setback(&s, &end);
    reckon_retries(&t, &s, &end);
    assert_int_equal(2, t.retries[TALLY_RETRY_TIMEOUT]);
    end.outcome = OUTCOME_OK;
    reckon_retries(&t, &s, &end);
    assert_int_equal(5, t.retries[TALLY_RETRY_TIMEOUT]);
}

static void test_what_was_used(void **unused)
{
    struct tally t = {.wallet_empty = 0};
    struct flow f = {.sent_us = 1000, .head_us = 21000};
    struct ending end = {.answered = true, .service_us = 40000};
    f.bill.units[DIM_ITPM] = 30;
    f.bill.units[DIM_OTPM] = 70;
    end.usage = (struct usage){.input_tokens = 28, .output_tokens = 9, .cached_tokens = -1};
    reckon_used(&t, &f, &end);
    assert_int_equal(100, t.reserved_tokens);
    assert_int_equal(37, t.used_tokens);
    assert_int_equal(0, t.cached_tokens);
    assert_int_equal(20000, t.first_byte.sum_us);
    assert_int_equal(40000, t.latency.sum_us);
}

static void assert_said(const struct ending *end, const char *words)
{
    struct buf b = {0};
    reckon_diagnosis(end, &b);
    assert_string_equal(words, buf_cstr(&b));
    buf_free(&b);
}

static void test_diagnosis(void **unused)
{
    struct ending end = refused();
    assert_said(&end, "rate limit: tokens per minute (tpm), limit 30,000, used 29,937, "
                      "requested 385 (status 429)");
    end.status = 400;
    end.verdict = (struct verdict){.kind = VERDICT_OTHER,
                                   .dim = DIM_UNKNOWN,
                                   .limit = -1,
                                   .used = -1,
                                   .requested = -1,
                                   .code = STR("invalid_request_error"),
                                   .message = STR("Invalid value: 'my secret'")};
    assert_said(&end, "the provider will not have this request (status 400, "
                      "invalid_request_error)");
    end.verdict.code = STR("sk-live-42");
    assert_said(&end, "the provider will not have this request (status 400)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_refused),
        cmocka_unit_test(test_the_last_setback_is_no_retry),
        cmocka_unit_test(test_what_was_used),
        cmocka_unit_test(test_diagnosis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
