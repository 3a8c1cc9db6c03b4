/* Which requests a pattern means, and which of several patterns is meant. */
#include "check.h"
#include "pattern.h"

static void a_star_is_a_segment_and_at_the_end_the_rest(void **state)
{
    static const struct {
        const char *pattern, *method, *target;
        bool matches;
    } rows[] = {
        {"POST /v1/threads/*/runs", "POST", "/v1/threads/t1/runs", true},
        {"POST /v1/threads/*/runs", "POST", "/v1/threads/t1/runs?stream=x/y", true},
        {"POST /v1/threads/*/runs", "GET", "/v1/threads/t1/runs", false},
        {"POST /v1/threads/*/runs", "POST", "/v1/threads/runs", false},
        {"POST /v1/threads/*/runs", "POST", "/v1/threads/t1/runs/r1", false},
        {"POST /v1/threads/*/runs", "POST", "/v1/threads//runs", false},
        {"GET /v1/threads/*", "GET", "/v1/threads/t1", true},
        {"GET /v1/threads/*", "GET", "/v1/threads/t1/messages/m1", true},
        {"GET /v1/threads/*", "GET", "/v1/threads", false},
        {"GET /v1/threads/*", "GET", "/v1/threads/", false},
        {"GET /v1/threads", "GET", "/v1/threads", true},
        {"GET /v1/threads", "GET", "/v1/threads/", false},
        {"* /v1/x", "DELETE", "/v1/x", true},
        {"* /*", "DELETE", "/v1/x", true},
        {"GET /v1/*/x", "GET", "/v1/a/b/x", false},
        {"GET", "GET", "/v1", false},
        {"GET /v1", "GET", "", false},
        {"GET /v1", "GET", "*", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (pattern_matches(str_of(rows[i].pattern), str_of(rows[i].method),
                            str_of(rows[i].target)) != rows[i].matches)
            fail_msg("%s and %s %s", rows[i].pattern, rows[i].method, rows[i].target);
    }
}

static void the_narrower_pattern_weighs_more(void **state)
{
    static const char *const ascending[] = {"* /*",
                                            "GET /*",
                                            "GET /v1/*",
                                            "GET /v1/*/*",
                                            "GET /v1/threads/*",
                                            "GET /v1/threads/*/*",
                                            "GET /v1/threads/*/runs",
                                            "GET /v1/threads/*/runs/*"};
    for (size_t i = 1; i < sizeof ascending / sizeof *ascending; i++)
        assert_true(pattern_weight(str_of(ascending[i - 1])) <
                    pattern_weight(str_of(ascending[i])));
    assert_true(pattern_weight(STR("POST /v1/threads/runs")) >
                pattern_weight(STR("POST /v1/threads/*")));
}

static void bad_patterns_are_refused_with_advice(void **state)
{
    static const char *const good[] = {"GET /v1", "* /*", "POST /v1/threads/*/runs"};
    static const char *const bad[] = {"",           "GET",      "GET v1",    "/v1",
                                      "GET /",      "GET /v1/", "GET /v1//", " /v1",
                                      "GET /v1/x*", "GET /**",  "GET  /v1"};
    struct diag diag;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(pattern_check(str_of(good[i]), &diag), SL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        diag = (struct diag){{0}, {0}};
        if (pattern_check(str_of(bad[i]), &diag) != SL_SYNTAX || !diag.what[0])
            fail_msg("\"%s\" passed", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_is_a_segment_and_at_the_end_the_rest),
        cmocka_unit_test(the_narrower_pattern_weighs_more),
        cmocka_unit_test(bad_patterns_are_refused_with_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
