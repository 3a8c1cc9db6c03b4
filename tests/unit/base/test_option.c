#include "check.h"
#include "option.h"

struct values {
    bool quiet;
    const char *out;
    int64_t count, wait_us, use;
    struct option_list limits;
    const char *ui;
};

static enum sl_err parse(struct values *v, int argc, char **args, int *positional, bool *help,
                         struct diag *d)
{
    const struct option options[] = {
        {"quiet", 'q', OPTION_FLAG, NULL, "no progress", &v->quiet},
        {"output", 'o', OPTION_TEXT, "FILE", "results", &v->out},
        {"concurrency", 0, OPTION_COUNT, "N", "most in flight", &v->count},
        {"minute", 0, OPTION_DURATION, "TIME", "a shorter minute", &v->wait_us},
        {"use", 0, OPTION_PERCENT, "N%", "our share", &v->use},
        {"ui", 0, OPTION_MAYBE, "PLACE", "a page", &v->ui},
        {"limits", 0, OPTION_LIST, "SPEC", "limits of a model", &v->limits},
    };
    return options_parse(options, sizeof options / sizeof *options, argc, args, positional,
                         help, d);
}

#define PARSE(...)                                                                             \
    char *args[] = {__VA_ARGS__};                                                              \
    struct values v = {0};                                                                     \
    struct diag d = {0};                                                                       \
    int n;                                                                                     \
    bool help;                                                                                 \
    enum sl_err err = parse(&v, sizeof args / sizeof *args, args, &n, &help, &d)

static void all_forms_are_read(void **state)
{
    PARSE("in.jsonl", "-oout", "--concurrency=1,000", "--minute", "2s", "--use", "90%", "-q",
          "--limits", "a", "--limits=b", "-", "--", "--odd");
    assert_int_equal(err, SL_OK);
    assert_int_equal(n, 3);
    assert_string_equal(args[0], "in.jsonl");
    assert_string_equal(args[1], "-");
    assert_string_equal(args[2], "--odd");
    assert_string_equal(v.out, "out");
    assert_int_equal(v.count, 1000);
    assert_int_equal(v.wait_us, 2000000);
    assert_int_equal(v.use, 90);
    assert_true(v.quiet);
    assert_int_equal(v.limits.n, 2);
    assert_string_equal(v.limits.items[1], "b");
}

static void a_value_may_be_left_out(void **state)
{
    {
        PARSE("--ui", "in.jsonl");
        assert_int_equal(err, SL_OK);
        assert_string_equal(v.ui, "");
        assert_int_equal(n, 1);
    }
    {
        PARSE("--ui=127.0.0.1:1");
        assert_int_equal(err, SL_OK);
        assert_string_equal(v.ui, "127.0.0.1:1");
    }
}

static void a_misspelling_is_answered_with_the_nearest_name(void **state)
{
    PARSE("--concurency", "4");
    assert_int_equal(err, SL_UNKNOWN);
    assert_string_equal(d.where, "--concurency");
    assert_non_null(strstr(d.what, "did you mean --concurrency?"));
}

static void a_missing_value_is_told(void **state)
{
    PARSE("--output");
    assert_int_equal(err, SL_MISSING);
    assert_non_null(strstr(d.what, "FILE"));
}

static void values_are_checked(void **state)
{
    {
        PARSE("--use", "0%");
        assert_int_equal(err, SL_RANGE);
    }
    {
        PARSE("--concurrency", "many");
        assert_int_equal(err, SL_RANGE);
    }
    {
        PARSE("--minute", "soon");
        assert_int_equal(err, SL_RANGE);
    }
    {
        PARSE("--quiet=yes");
        assert_int_equal(err, SL_RANGE);
    }
}

static void help_fits_80_columns_and_man_names_every_option(void **state)
{
    const struct option options[] = {
        {"Account", 0, OPTION_HEADING, NULL, NULL, NULL},
        {"use", 0, OPTION_PERCENT, "N%",
         "How much of each limit is ours; the rest is left to others who share the account and "
         "its budgets.",
         NULL},
    };
    const struct verb v = {.name = "run",
                           .summary = "runs a batch",
                           .usage = "sluice run FILE",
                           .about = "One paragraph.\n\nAnother.",
                           .exits = "0 all done\n"};
    struct buf help = {0}, man = {0};
    options_help(&help, &v, options, 2);
    options_man(&man, &v, options, 2);
    struct str rest = buf_str(&help);
    while (rest.n)
        assert_true(str_split(&rest, '\n').n <= 80);
    assert_non_null(strstr(buf_cstr(&help), "--use N%"));
    assert_non_null(strstr(buf_cstr(&man), "Fl Fl use Ar N%"));
    buf_free(&help);
    buf_free(&man);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_are_read),
        cmocka_unit_test(a_value_may_be_left_out),
        cmocka_unit_test(a_misspelling_is_answered_with_the_nearest_name),
        cmocka_unit_test(a_missing_value_is_told),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(help_fits_80_columns_and_man_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
