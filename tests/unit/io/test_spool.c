/* Bytes kept in memory and beyond it: what is added is read, wherever it lies. */
#include "arena.h"
#include "check.h"
#include "random.h"
#include "spool.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

static void what_is_added_is_read(void **state)
{
    enum { BYTES = 5 * SPOOL_MEMORY / 2, READS = 300 };
    char *all = mem_alloc(BYTES);
    struct random r = {3};
    struct spool *s = spool_new(), *second = spool_share(s);
    for (size_t i = 0; i < BYTES; i++)
        all[i] = (char)random_next(&r);
    for (size_t at = 0; at < BYTES;) {
        size_t n = random_below(&r, 90000);
        n = n < BYTES - at ? n : BYTES - at;
        assert_int_equal(spool_add(s, (struct str){all + at, n}, NULL), SL_OK);
        at += n;
        assert_int_equal(spool_size(s), at);
    }
    spool_free(&s); /* the other owner still has it */
    assert_null(s);
    struct buf out = {0};
    for (size_t i = 0; i < READS; i++) {
        size_t at = random_below(&r, BYTES + 1), n = random_below(&r, 2 * SPOOL_MEMORY);
        assert_int_equal(spool_read(second, (int64_t)at, n, &out, NULL), SL_OK);
        assert_int_equal(out.n, n < BYTES - at ? n : BYTES - at);
        assert_true(out.n == 0 || memcmp(out.p, all + at, out.n) == 0);
    }
    buf_free(&out);
    spool_free(&second);
    free(all);
}

/* Adds up to the bound of memory and one byte more, which has to go into a file. */
static enum sl_err overflow(struct diag *diag)
{
    struct spool *s = spool_new();
    char *bytes = mem_zero(SPOOL_MEMORY);
    struct buf out = {0};
    assert_int_equal(spool_add(s, (struct str){bytes, SPOOL_MEMORY}, diag), SL_OK);
    enum sl_err err = spool_add(s, STR("x"), diag);
    if (err) { /* nothing was added, and nothing will be */
        assert_int_equal(spool_size(s), SPOOL_MEMORY);
        assert_int_equal(spool_add(s, STR("x"), diag), SL_IO);
        assert_int_equal(spool_read(s, SPOOL_MEMORY - 1, 5, &out, NULL), SL_OK);
        assert_int_equal(out.n, 1);
    }
    buf_free(&out);
    free(bytes);
    spool_free(&s);
    return err;
}

static void a_disk_that_takes_no_more_is_told(void **state)
{
    struct diag diag = {{0}, {0}};
    assert_int_equal(overflow(&diag), SL_OK);
    assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
    assert_int_equal(overflow(&diag), SL_IO);
    assert_int_equal(unsetenv("TMPDIR"), 0);

    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum sl_err err = overflow(&diag);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err, SL_FULL);
    assert_non_null(strstr(diag.what, "temporary file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_read),
        cmocka_unit_test(a_disk_that_takes_no_more_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
