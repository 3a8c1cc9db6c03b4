/* test_err.c: every error has words of its own, complaints are cut and never overrun, and a
 * broken invariant ends the process. */
#include "aborts.h"
#include "check.h"
#include "err.h"

static void every_error_has_words_of_its_own(void **state)
{
    static const char *const texts[] = {
#define X(name, text) [SL_##name] = text,
        SL_ERRORS(X)
#undef X
    };
    enum { N = sizeof texts / sizeof *texts };
    assert_int_equal(0, SL_OK); /* so that `if (err)` reads as it is meant */
    for (int i = 0; i < N; i++) {
        assert_string_equal(texts[i], sl_err_text((enum sl_err)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(texts[k], texts[i]);
    }
    assert_string_equal("unknown error", sl_err_text((enum sl_err)N));
}

static void complaints_are_cut_and_never_overrun(void **state)
{
    struct {
        struct diag d;
        char guard[64];
    } x;
    char where[1000], what[1000];
    for (size_t n = 0; n < sizeof where; n += 37) {
        memset(&x, '#', sizeof x);
        memset(where, 'a', n);
        memset(what, 'b', n);
        where[n] = what[n] = '\0';
        assert_int_equal(SL_RANGE, diag_set(&x.d, SL_RANGE, where, "%s", what));
        size_t most_where = sizeof x.d.where - 1, most_what = sizeof x.d.what - 1;
        assert_int_equal(n < most_where ? n : most_where, strlen(x.d.where));
        assert_int_equal(n < most_what ? n : most_what, strlen(x.d.what));
        for (size_t i = 0; i < sizeof x.guard; i++)
            assert_int_equal('#', x.guard[i]);
    }
    assert_int_equal(SL_IO, diag_set(NULL, SL_IO, "nobody", "listens"));
}

static void assert_that(void *claim)
{
    sl_assert(*(bool *)claim);
}

static void a_broken_invariant_ends_the_process(void **state)
{
    bool yes = true, no = false;
    assert_false(aborts(assert_that, &yes));
    assert_true(aborts(assert_that, &no));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_words_of_its_own),
        cmocka_unit_test(complaints_are_cut_and_never_overrun),
        cmocka_unit_test(a_broken_invariant_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
