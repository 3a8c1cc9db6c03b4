#include "check.h"
#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

static void a_directory_is_made_with_those_it_is_in(void **state)
{
    char root[] = "/tmp/sluice-test-file-XXXXXX", one[64], two[64], three[64];
    struct diag diag = {0};
    struct stat st;
    assert_non_null(mkdtemp(root));
    snprintf(one, sizeof one, "%s/a", root);
    snprintf(two, sizeof two, "%s/a/b", root);
    assert_int_equal(file_make_directory(two, &diag), SL_OK);
    assert_int_equal(stat(two, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(file_make_directory(two, &diag), SL_OK);
    snprintf(three, sizeof three, "%s/a/b/c", root);
    fclose(fopen(three, "w"));
    snprintf(three, sizeof three, "%s/a/b/c/d", root);
    assert_int_equal(file_make_directory(three, &diag), SL_IO);
    assert_string_equal(diag.where, three);
    assert_string_equal(diag.what, "Not a directory");
    three[strlen(three) - 2] = '\0';
    unlink(three);
    rmdir(two);
    rmdir(one);
    rmdir(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_appended_whole_or_refused),
        cmocka_unit_test(a_file_passes_by_in_pieces),
        cmocka_unit_test(a_directory_is_made_with_those_it_is_in)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
