/* test_backoff.c: waits grow, are spread, and honour what was asked for up to a minute. */
#include "backoff.h"
#include "check.h"

enum { SECOND = 1000000, DRAWS = 500 };

static int64_t own_us(int n)
{
    int64_t us = SECOND / 2;
    while (n-- > 0 && us < 8 * SECOND)
        us *= 2;
    return us;
}

static void doubles_up_to_eight_seconds_less_a_quarter(void **state)
{
    for (int n = 0; n < 70; n++) {
        struct random r = {(uint64_t)n + 1};
        int64_t least_us = INT64_MAX, most_us = 0;
        for (int i = 0; i < DRAWS; i++) {
            int64_t us = backoff_us(n, i % 2 ? -1 : 0, &r); /* nothing asked, or no wait */
            least_us = us < least_us ? us : least_us;
            most_us = us > most_us ? us : most_us;
        }
        int64_t own = own_us(n);
        assert_seeded(n + 1, least_us >= own - own / 4 && most_us <= own);
        assert_seeded(n + 1, most_us - least_us > own / 5); /* spread over most of it */
    }
}

/* Never before the instant that was asked for, at most a quarter of it later; but an edge
 * network that asks for 15 hours is probed after a minute. */
static void at_least_what_was_asked_for(void **state)
{
    struct random r = {7};
    for (int i = 0; i < 20 * DRAWS; i++) {
        int n = (int)random_below(&r, 6);
        int64_t asked_us = (int64_t)random_below(&r, 60 * SECOND + 1), own = own_us(n);
        int64_t us = backoff_us(n, asked_us, &r), most_us = asked_us + asked_us / 4;
        assert_seeded(7, us >= asked_us);
        assert_seeded(7, us <= (most_us > own ? most_us : own));
        assert_seeded(7, us >= own - own / 4);
        us = backoff_us(n, 15 * 3600 * INT64_C(1000000) + asked_us, &r);
        assert_seeded(7, us >= 60 * SECOND && us <= 75 * SECOND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_eight_seconds_less_a_quarter),
        cmocka_unit_test(at_least_what_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
