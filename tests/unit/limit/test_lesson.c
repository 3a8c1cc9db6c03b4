/* How much of what was learned is used. */
#include "check.h"
#include "lesson.h"

#include <stdbool.h>

enum { MINUTE = 60000000 };

static void a_little_less_is_used(void **state)
{
    struct lesson l = {.window = WINDOW_SLIDING, .limit = 300};
    assert_int_equal(296, lesson_keep(&l, MINUTE));
    l.limit = 61; /* one may have been of the period before */
    assert_int_equal(60, lesson_keep(&l, MINUTE));
    l.limit = 20; /* of few, all */
    assert_int_equal(20, lesson_keep(&l, MINUTE));
}

static void of_slices_whole_requests(void **state)
{
    struct lesson l = {.window = WINDOW_SLICES, .limit = 300, .slice_us = MINUTE / 60};
    assert_int_equal(300, lesson_keep(&l, MINUTE)); /* five a second, not four */
    l.limit = 6000;
    assert_int_equal(99 * 60, lesson_keep(&l, MINUTE));
}

static void logs(void **state)
{
    const enum window_kind yes[] = {WINDOW_SLIDING, WINDOW_FIXED};
    const enum window_kind no[] = {WINDOW_AUTO, WINDOW_BUCKET, WINDOW_SLICES};
    for (size_t i = 0; i < 2; i++)
        assert_true(lesson_is_log(&(struct lesson){.window = yes[i]}));
    for (size_t i = 0; i < 3; i++)
        assert_false(lesson_is_log(&(struct lesson){.window = no[i]}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_little_less_is_used),
        cmocka_unit_test(of_slices_whole_requests),
        cmocka_unit_test(logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
