/* test_account_options.c: what an account may be told to be, what is said of one that cannot
 * be, and that a key goes only where it belongs and stands in no message. */
#include "account_options.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARGS_MAX = 12 };
#define KEY "sk-the-key-itself"

static enum sl_err make(const char *const args[ARGS_MAX], struct account_options *a,
                        struct diag *d)
{
    struct option rows[ACCOUNT_OPTIONS];
    static char *argv[ARGS_MAX];
    int n = 0, files;
    bool help;
    *d = (struct diag){"", ""};
    *a = account_options_defaults();
    for (; n < ARGS_MAX && args[n]; n++)
        argv[n] = (char *)args[n];
    size_t count = account_options_rows(a, rows);
    enum sl_err err = options_parse(rows, count, n, argv, &files, &help, d);
    return err == SL_OK ? account_options_make(a, ORDER_QUEUE, d) : err;
}

/* No error tells the key, nor does the account's name. */
static void assert_discreet(const struct account_options *a, const struct diag *d)
{
    assert_null(strstr(d->where, KEY));
    assert_null(strstr(d->what, KEY));
    assert_true(str_find(buf_str(&a->name), STR(KEY), 0) < 0);
}

#define URL "--base-url", "http://127.0.0.1:1/v1"

static void what_is_wrong_is_told(void **state)
{
    static const struct {
        const char *args[ARGS_MAX];
        enum sl_err err;
        const char *where, *what;
    } rows[] = {
        {{NULL}, SL_MISSING, "", "where to?"},
        {{"--provider", "nobody"}, SL_UNKNOWN, "--provider", "openai, anthropic, azure"},
        {{"--provider", "azure"}, SL_MISSING, "--base-url", "needed for azure"},
        {{"--emulate", "nobody/tier-1"}, SL_UNKNOWN, "--emulate", "\"nobody\" is not known"},
        {{"--emulate", "openai/tier-1", "--provider", "openai"},
         SL_RANGE,
         "--emulate",
         "alone"},
        {{"--emulate", "openai/tier-1", URL}, SL_RANGE, "--emulate", "alone"},
        {{"--emulate", "openai/tier-1", "--tier", "1"}, SL_RANGE, "--emulate", "alone"},
        {{"--emulate", "openai/tier-99"}, SL_UNKNOWN, "", "tier"},
        {{"--emulate-latency", "5ms", URL}, SL_RANGE, "--emulate-...", "goes with --emulate"},
        {{"--emulate", "openai/tier-1", "--emulate-latency", "soon"}, SL_RANGE, "", ""},
        {{"--emulate", "openai/tier-1", "--emulate-faults", "500=x"}, SL_RANGE, "", ""},
        {{"--window", "round", URL}, SL_UNKNOWN, "--window", "none of bucket, fixed, sliding"},
        {{"--charge", "less", URL}, SL_UNKNOWN, "--charge", "none of max, sum, actual"},
        {{"--minute", "0s", URL}, SL_RANGE, "--minute", "a millisecond at least"},
        {{"--minute", "999us", URL}, SL_RANGE, "--minute", "a millisecond at least"},
        {{"--tier", "1", URL}, SL_UNKNOWN, "--tier", "no tiers of compatible"},
        {{"--provider", "openai", "--tier", "77", URL}, SL_UNKNOWN, "--tier", "1, 2, 3"},
        {{"--base-url", "ftp://127.0.0.1"}, SL_SYNTAX, "--base-url", "must start with http"},
        {{"--limits", "gpt-4o:rpm", URL}, SL_RANGE, "--limits", ""},
        {{"--catalogue", "/nowhere/at/all.json", URL}, SL_IO, "/nowhere/at/all.json", ""},
        {{"--api-key-file", "/nowhere/at/all.key", URL}, SL_IO, "/nowhere/at/all.key", ""},
        {{"--api-key-env", "SLUICE_TEST_UNSET", URL},
         SL_MISSING,
         "SLUICE_TEST_UNSET",
         "not set"},
        {{"--api-key-env", "SLUICE_TEST_BLANK", URL},
         SL_MISSING,
         "SLUICE_TEST_BLANK",
         "holds no key"},
        {{"--api-key-env", "SLUICE_TEST_LINES", URL},
         SL_SYNTAX,
         "SLUICE_TEST_LINES",
         "is it one line?"},
        {{"--provider", "groq"}, SL_MISSING, "GROQ_API_KEY", "name a file that does"},
    };
    setenv("SLUICE_TEST_BLANK", " \n", 1);
    setenv("SLUICE_TEST_LINES", KEY "\n" KEY, 1);
    setenv("OPENAI_API_KEY", KEY, 1);
    unsetenv("SLUICE_TEST_UNSET");
    unsetenv("GROQ_API_KEY");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account_options a;
        struct diag d;
        enum sl_err err = make(rows[i].args, &a, &d);
        bool place = rows[i].where[0] ? strcmp(d.where, rows[i].where) == 0 : true;
        if (err == SL_OK || (rows[i].what[0] && err != rows[i].err) || !place ||
            !strstr(d.what, rows[i].what) || !d.what[0])
            fail_msg("case %zu: %s: %s: %s", i, sl_err_text(err), d.where, d.what);
        assert_discreet(&a, &d);
        account_options_free(&a);
    }
}

static void what_is_given_is_taken(void **state)
{
    static const char *const args[ARGS_MAX] = {"--use",         "90%", "--window", "slices:10s",
                                               "--charge",      "sum", "--minute", "6s",
                                               "--concurrency", "7",   URL};
    struct account_options a;
    struct diag d;
    assert_int_equal(make(args, &a, &d), SL_OK);
    assert_int_equal(PROVIDER_COMPATIBLE, a.provider->id);
    assert_int_equal(90, a.config.use_percent);
    assert_int_equal(WINDOW_SLICES, a.config.window);
    assert_int_equal(1000000, a.config.slice_us); /* ten seconds of a minute of six */
    assert_int_equal(CHARGE_SUM, a.config.charge);
    assert_int_equal(7, a.config.concurrency);
    assert_int_equal(ORDER_QUEUE, a.config.order);
    assert_false(a.config.idle); /* somebody may have used it a moment ago */
    assert_string_equal("http://127.0.0.1:1/v1", buf_cstr(&a.name));
    assert_null(a.emulator);
    account_options_free(&a);
}

static void retries_are_taken_within_reason(void **state)
{
    static const struct {
        const char *args[ARGS_MAX];
        int retries;
    } rows[] = {
        {{URL}, 4}, {{"--retries", "0", URL}, 0}, {{"--retries", "9999999", URL}, 1000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct account_options a;
        struct diag d;
        assert_int_equal(make(rows[i].args, &a, &d), SL_OK);
        assert_int_equal(rows[i].retries, a.config.retries_max);
        account_options_free(&a);
    }
}

/* The longest and the shortest minutes that can be written: no figure of theirs overflows, and
 * the variation of the way stays within its bounds. */
static void minutes_of_any_length(void **state)
{
    static const char *const minutes[] = {"1ms", "1s", "60s", "1h", "9000h", "90000h"};
    for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
        const char *const args[ARGS_MAX] = {"--minute", minutes[i], "--window", "slices:10s",
                                            URL};
        struct account_options a;
        struct diag d;
        if (make(args, &a, &d) != SL_OK)
            fail_msg("%s: %s", minutes[i], d.what);
        assert_true(a.config.slice_us > 0 && a.config.slice_us <= a.minute_us / 6);
        assert_in_range(a.config.jitter_us, 25000, 100000);
        account_options_free(&a);
    }
}

static void an_emulated_account_is_idle_and_keyless(void **state)
{
    static const char *const args[ARGS_MAX] = {
        "--emulate", "anthropic/tier-1",        "--emulate-output", "3-5", "--window", "fixed",
        "--limits",  "claude-sonnet-4-5:rpm=9", "--minute",         "2s",  "--seed",   "7"};
    struct account_options a;
    struct diag d;
    setenv("ANTHROPIC_API_KEY", KEY, 1);
    assert_int_equal(make(args, &a, &d), SL_OK);
    assert_int_equal(PROVIDER_ANTHROPIC, a.provider->id);
    assert_true(a.config.idle);
    assert_int_equal(0, a.keys.n); /* nobody needs it here */
    assert_string_equal("anthropic/tier-1 (emulated)", buf_cstr(&a.name));
    assert_non_null(a.emulator);
    assert_int_equal(GAUGE_FIXED, a.emulator->window);
    assert_int_equal(2000000, a.emulator->minute_us);
    assert_int_equal(7, a.emulator->seed);
    account_options_free(&a);
}

/* ---- keys ---------------------------------------------------------------------------- */

static void assert_key(const char *const args[ARGS_MAX], const char *key, const char *name)
{
    struct account_options a;
    struct diag d;
    if (make(args, &a, &d) != SL_OK)
        fail_msg("%s: %s", d.where, d.what);
    assert_int_equal(*key != '\0', a.keys.n);
    if (*key)
        assert_string_equal(key, buf_cstr(&a.keys.keys[0]));
    assert_string_equal(name, buf_cstr(&a.name));
    assert_discreet(&a, &d);
    account_options_free(&a);
}

/* The provider's own variable is for the provider's name, not for any base URL. */
static void a_key_goes_only_where_it_belongs(void **state)
{
    static const char *const bare[ARGS_MAX] = {URL};
    static const char *const named[ARGS_MAX] = {"--provider", "openai", URL};
    static const char *const own[ARGS_MAX] = {"--provider", "openai", "--tier", "1"};
    static const char *const told[ARGS_MAX] = {"--api-key-env", "SLUICE_TEST_KEY", URL};
    setenv("OPENAI_API_KEY", KEY, 1);
    setenv("SLUICE_TEST_KEY", "  " KEY "2\n", 1);
    assert_key(bare, "", "http://127.0.0.1:1/v1");
    assert_key(named, KEY, "openai");
    assert_key(own, KEY, "openai/tier-1");
    assert_key(told, KEY "2", "http://127.0.0.1:1/v1");
}

static void a_key_from_a_file(void **state)
{
    static const struct {
        const char *text;
        enum sl_err err;
    } rows[] = {{KEY, SL_OK},           {"\n  " KEY " \r\n", SL_OK},    {"", SL_MISSING},
                {" \n", SL_MISSING},    {KEY "\n" KEY "\n", SL_SYNTAX}, {KEY "\x01", SL_SYNTAX},
                {"\xc3\xa9", SL_SYNTAX}};
    char path[] = "/tmp/sluice-test-key-XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const args[ARGS_MAX] = {"--api-key-file", path, URL};
        struct account_options a;
        struct diag d;
        FILE *f = fopen(path, "w");
        fputs(rows[i].text, f);
        fclose(f);
        assert_int_equal(make(args, &a, &d), rows[i].err);
        if (rows[i].err == SL_OK)
            assert_string_equal(KEY, buf_cstr(&a.keys.keys[0]));
        assert_discreet(&a, &d);
        account_options_free(&a);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(what_is_given_is_taken),
        cmocka_unit_test(retries_are_taken_within_reason),
        cmocka_unit_test(minutes_of_any_length),
        cmocka_unit_test(an_emulated_account_is_idle_and_keyless),
        cmocka_unit_test(a_key_goes_only_where_it_belongs),
        cmocka_unit_test(a_key_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
