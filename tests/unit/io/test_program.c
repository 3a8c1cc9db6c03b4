/* test_program.c: a program gets its input, knows no key, and cannot stay. */
#include "check.h"
#include "file.h"
#include "program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct seen {
    uv_loop_t loop;
    int times;
    bool well;
    char why[80];
};

static void on_over(void *ctx, bool well, const char *why)
{
    struct seen *s = ctx;
    s->times++;
    s->well = well;
    snprintf(s->why, sizeof s->why, "%s", why);
}

static enum sl_err run(struct seen *s, const char *script, int64_t timeout_us,
                       struct program **e)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                    (char *)(uintptr_t)script, NULL};
    struct diag diag;
    const struct program_config c = {.argv = argv,
                                     .input = STR("{\"alert\":1}\n"),
                                     .timeout_us = timeout_us,
                                     .over = on_over,
                                     .ctx = s};
    return program_run(&s->loop, &c, e, &diag);
}

static void finish(struct seen *s)
{
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(0, uv_loop_close(&s->loop));
}

static void test_input_and_end(void **unused)
{
    struct seen s = {.times = 0};
    struct program *e;
    uv_loop_init(&s.loop);
    assert_int_equal(SL_OK, run(&s, "test \"$(cat)\" = '{\"alert\":1}'", 60000000, &e));
    finish(&s);
    assert_int_equal(1, s.times);
    assert_true(s.well);
}

static void test_bad_ends(void **unused)
{
    struct seen s = {.times = 0};
    struct program *e;
    uv_loop_init(&s.loop);
    assert_int_equal(SL_OK, run(&s, "exit 3", 60000000, &e));
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_false(s.well);
    assert_string_equal("it ended with 3", s.why);
    assert_int_equal(SL_OK, run(&s, "kill -9 $$", 60000000, &e));
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_string_equal("it was killed by signal 9", s.why);
    assert_int_equal(SL_OK, run(&s, "exec sleep 1000", 1000, &e));
    finish(&s);
    assert_string_equal("it took too long and was killed", s.why);
}

static void test_what_is_not_there(void **unused)
{
    struct seen s = {.times = 0};
    struct program *e;
    struct diag diag;
    char *argv[] = {(char *)(uintptr_t) "/nonexistent/program", NULL};
    uv_loop_init(&s.loop);
    const struct program_config c = {
        .argv = argv, .timeout_us = 1000000, .over = on_over, .ctx = &s};
    assert_int_equal(SL_IO, program_run(&s.loop, &c, &e, &diag));
    assert_string_equal("/nonexistent/program", diag.where);
    finish(&s);
    assert_int_equal(0, s.times);
}

/* Variables may hold keys. */
static void test_knows_no_key(void **unused)
{
    struct seen s = {.times = 0};
    struct program *e;
    uv_loop_init(&s.loop);
    setenv("OPENAI_API_KEY", "secret", 1);
    assert_int_equal(SL_OK,
                     run(&s, "test -z \"$OPENAI_API_KEY\" && test -n \"$PATH\"", 60000000, &e));
    finish(&s);
    assert_true(s.well);
    unsetenv("OPENAI_API_KEY");
}

static void test_dropped(void **unused)
{
    struct seen s = {.times = 0};
    struct program *e;
    uv_loop_init(&s.loop);
    assert_int_equal(SL_OK, run(&s, "exec sleep 1000", 3600000000, &e));
    program_drop(&e);
    finish(&s);
    assert_int_equal(0, s.times);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_and_end),     cmocka_unit_test(test_bad_ends),
        cmocka_unit_test(test_what_is_not_there), cmocka_unit_test(test_knows_no_key),
        cmocka_unit_test(test_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
