#include "check.h"
#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void a_file_is_appended_whole_or_refused(void **state)
{
    char path[] = "/tmp/sluice-test-file-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "second\n", 7), 7);
    close(fd);
    struct buf text = {0};
    struct diag diag = {0};
    buf_puts(&text, "first ");
    assert_int_equal(file_read(path, 7, &text, &diag), SL_OK);
    assert_string_equal(buf_cstr(&text), "first second\n");
    assert_int_equal(file_read(path, 6, &text, &diag), SL_TOO_LARGE);
    assert_string_equal(diag.where, path);
    unlink(path);
    assert_int_equal(file_read(path, 7, &text, &diag), SL_IO);
    assert_string_equal(diag.what, "No such file or directory");
    assert_int_equal(file_read("/", 7, &text, &diag), SL_IO);
    buf_free(&text);
}

static void add(void *ctx, struct str bytes)
{
    buf_add(ctx, bytes);
}

static void a_file_passes_by_in_pieces(void **state)
{
    enum { BYTES = 200000 };
    char path[] = "/tmp/sluice-test-file-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "wb");
    assert_non_null(f);
    for (int i = 0; i < BYTES; i++)
        fputc('a' + i % 26, f);
    fclose(f);
    struct buf text = {0};
    struct diag diag = {0};
    assert_int_equal(file_pass(path, add, &text, &diag), SL_OK);
    assert_int_equal(text.n, BYTES);
    assert_int_equal(text.p[BYTES - 1], 'a' + (BYTES - 1) % 26);
    unlink(path);
    assert_int_equal(file_pass(path, add, &text, &diag), SL_IO);
    assert_string_equal(diag.where, path);
    assert_int_equal(file_pass("/", add, &text, &diag), SL_IO);
    assert_int_equal(text.n, BYTES);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_is_appended_whole_or_refused),
                                       cmocka_unit_test(a_file_passes_by_in_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
