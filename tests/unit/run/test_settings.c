/* test_settings.c: what a command line of `sluice run` may say, and what is said of one that
 * cannot be run. */
#include "check.h"
#include "settings.h"

enum { ARGS_MAX = 10 };

static enum sl_err read_args(const char *const args[ARGS_MAX], struct settings *s, bool *help,
                             struct diag *d)
{
    static char *argv[ARGS_MAX];
    int n = 0;
    for (; n < ARGS_MAX && args[n]; n++)
        argv[n] = (char *)args[n];
    *d = (struct diag){"", ""};
    return settings_read(s, n, argv, help, d);
}

#define URL "--base-url", "http://127.0.0.1:1/v1"

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *args[ARGS_MAX];
        enum sl_err err;
        const char *where, *what;
    } rows[] = {
        {{URL}, SL_MISSING, "", "which file?"},
        {{"in.jsonl", URL}, SL_MISSING, "-o", "where answers are appended"},
        {{"a", "b", "-o", "out", URL}, SL_RANGE, "b", "one file at a time"},
        {{"in", "--prompts", "p", "--model", "m", "-o", "o", URL},
         SL_RANGE,
         "--prompts",
         "takes the place of the request file in"},
        {{"--prompts", "p", "-o", "o", URL}, SL_MISSING, "--model", "needed with --prompts"},
        {{"in", "--model", "m", "-o", "o", URL}, SL_RANGE, "--model", "goes with --prompts"},
        {{"in", "-o", "o"}, SL_MISSING, "", "--provider NAME --tier TIER"},
        {{"in", "-o", "o", "--patience", "soon", URL}, SL_RANGE, "--patience", "soon"},
        {{"in", "-o", "o", "--mode", "auto", URL}, SL_MISSING, "--mode", "name one"},
        {{"in", "-o", "o", "--mode", "by car", URL}, SL_UNKNOWN, "--mode", "live, batch, auto"},
        {{"in", "-o", "o", "--deadline", "6h", URL}, SL_RANGE, "--deadline", "--mode auto"},
        {{"in", "-o", "o", "--budget", "6", URL}, SL_RANGE, "--budget", "--mode auto"},
        {{"in", "-o", "o", "--mode=auto", "--budget", "x", URL},
         SL_SYNTAX,
         "--budget",
         "\"x\" is not of the form 20usd"},
        {{"in", "-o", "o", "--mode=auto", "--budget", "9300000", URL},
         SL_SYNTAX,
         "--budget",
         "is not of the form"},
        {{"in", "-o", "o", "--outptu", "x", URL}, SL_UNKNOWN, "--outptu", "--output"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings s;
        struct diag d;
        bool help;
        enum sl_err err = read_args(rows[i].args, &s, &help, &d);
        if (err != rows[i].err || strcmp(d.where, rows[i].where) != 0 ||
            !strstr(d.what, rows[i].what))
            fail_msg("case %zu: %s: %s: %s", i, sl_err_text(err), d.where, d.what);
        settings_free(&s);
    }
}

static void what_is_given_is_taken(void **state)
{
    static const char *const args[ARGS_MAX] = {"in.jsonl", "-oout.jsonl",    "--errors", "e",
                                               "-q",       "--skip-invalid", URL};
    struct settings s;
    struct diag d;
    bool help;
    assert_int_equal(read_args(args, &s, &help, &d), SL_OK);
    assert_false(help);
    assert_string_equal("in.jsonl", s.input);
    assert_string_equal("out.jsonl", s.output);
    assert_string_equal("e", s.errors);
    assert_true(s.quiet && s.skip_invalid && !s.color);
    assert_true(s.patience_us == 3600 * INT64_C(1000000));
    assert_false(s.form.prompts);
    assert_int_equal(PROVIDER_COMPATIBLE, s.form.provider->id);
    assert_int_equal(ORDER_BALANCE, s.account.config.order); /* rows may go in any order */
    settings_free(&s);
}

static void wishes_are_taken(void **state)
{
    static const char *const args[ARGS_MAX] = {"in",
                                               "-oout",
                                               "--mode=auto",
                                               "--deadline=6h",
                                               "--budget=20usd",
                                               "--output-tokens=50",
                                               "--service-time=2s",
                                               URL};
    struct settings s;
    struct diag d;
    bool help;
    assert_int_equal(read_args(args, &s, &help, &d), SL_OK);
    assert_int_equal(s.mode, MODE_AUTO);
    assert_int_equal(s.deadline_us, 21600 * INT64_C(1000000));
    assert_int_equal(s.budget_pusd, 20 * INT64_C(1000000000000));
    assert_int_equal(outputs_mean(&s.outputs, 300), 50);
    assert_int_equal(s.service_us.low, 2000000);
    settings_free(&s);
}

static void prompts_stand_for_the_file(void **state)
{
    static const char *const args[ARGS_MAX] = {
        "--prompts", "p.txt", "--model", "gpt-4o", "-o", "-", "--max-tokens", "50", URL};
    struct settings s;
    struct diag d;
    bool help;
    assert_int_equal(read_args(args, &s, &help, &d), SL_OK);
    assert_string_equal("p.txt", s.input);
    assert_true(s.form.prompts);
    assert_string_equal("gpt-4o", s.form.model);
    assert_int_equal(50, s.form.max_tokens);
    settings_free(&s);
}

/* Help is help whatever else is missing. */
static void help_needs_nothing_else(void **state)
{
    static const char *const args[ARGS_MAX] = {"--help"};
    struct settings s;
    struct diag d;
    bool help = false;
    assert_int_equal(read_args(args, &s, &help, &d), SL_OK);
    assert_true(help);
    settings_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_told),   cmocka_unit_test(what_is_given_is_taken),
        cmocka_unit_test(wishes_are_taken),        cmocka_unit_test(prompts_stand_for_the_file),
        cmocka_unit_test(help_needs_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
