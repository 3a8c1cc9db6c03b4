/* test_hour.c: issue 3, "a mixed-fault hour in virtual time: accounts add up to the token". */
#include "check.h"
#include "hour.h"

static void accounts_add_up_to_the_token(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct hour h = hour_run(seed, 60);
        print_message("# seed %d: %lld requests, %lld answered, %lld failed, %lld left, %lld "
                      "attempts, %lld faults, %lld renewals\n",
                      (int)seed, (long long)h.requests, (long long)h.answered,
                      (long long)h.failed, (long long)h.left, (long long)h.attempts,
                      (long long)h.faults, (long long)h.renewals);
        assert_true(h.requests == 60 * 60 * 12 && h.answered > h.requests / 2);
        assert_true(h.faults > h.attempts / 25 && h.left > 100 && h.failed > 100);
        assert_int_equal(0, h.refused);
        assert_int_equal(0, h.unfinished);
        assert_int_equal(0, h.twice);
        assert_int_equal(0, h.requests_off);
        assert_int_equal(0, h.tokens_off);
        assert_int_equal(0, h.tenants_off);
        assert_int_equal(0, h.held);
        assert_int_equal(0, h.over);
        assert_int_equal(h.requests, h.answered + h.failed + h.left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_add_up_to_the_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
