/* test_seen.c: which requests were carried out more than once, against a plain list. */
#include "check.h"
#include "random.h"
#include "seen.h"

enum { NAMES = 5000, EVENTS = 40000 };

/* Names that fall on each other's places, zero among them, which marks a free one. */
static uint64_t name_of(uint64_t i)
{
    return i % 3 ? i * 1024 : i;
}

static void every_second_time_is_counted(void **state)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        static int admitted[NAMES], answered[NAMES];
        struct random r = {seed};
        struct seen s = {0};
        int64_t admitted_again = 0, answered_again = 0;
        memset(admitted, 0, sizeof admitted);
        memset(answered, 0, sizeof answered);
        for (int e = 0; e < EVENTS; e++) {
            uint64_t i = 2 + random_below(&r, NAMES - 2);
            if (random_below(&r, 2)) {
                admitted_again += admitted[i]++ > 0;
                seen_admitted(&s, name_of(i));
            } else {
                answered_again += answered[i]++ > 0;
                seen_answered(&s, name_of(i));
            }
            assert_seeded(seed, s.admitted_again == admitted_again);
            assert_seeded(seed, s.answered_again == answered_again);
        }
        seen_free(&s);
        assert_int_equal(0, s.admitted_again);
    }
}

static void the_name_zero_is_a_name(void **state)
{
    struct seen s = {0};
    seen_admitted(&s, 0);
    seen_admitted(&s, 1024); /* wants the same place */
    assert_int_equal(0, s.admitted_again);
    seen_admitted(&s, 0);
    assert_int_equal(1, s.admitted_again);
    seen_free(&s);
    seen_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_second_time_is_counted),
        cmocka_unit_test(the_name_zero_is_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
