#include "check.h"
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/sluice-test-lines-XXXXXX";

static int make_path(void **state)
{
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
    return unlink(path);
}

static void put(struct str text)
{
    FILE *f = fopen(path, "w");
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    fclose(f);
}

static void lines_know_their_places(void **state)
{
    struct lines *l = NULL;
    struct line line;
    struct diag d;
    bool more;
    put(STR("one\n\nthr\0ee\r\nfour"));
    assert_int_equal(lines_open(path, 100, &l, &d), SL_OK);
    static const struct {
        struct str text;
        int64_t offset;
        bool torn;
    } rows[] = {{STR("one"), 0, false},
                {STR(""), 4, false},
                {STR("thr\0ee\r"), 5, false},
                {STR("four"), 13, true}};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
        assert_true(more && str_eq(line.text, rows[i].text));
        assert_int_equal(line.offset, rows[i].offset);
        assert_int_equal(line.number, i + 1);
        assert_int_equal(line.torn, rows[i].torn);
    }
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_false(more);
    struct buf again = {0};
    assert_int_equal(lines_again(l, 5, 7, &again, &d), SL_OK);
    assert_true(str_eq(buf_str(&again), STR("thr\0ee\r")));
    assert_int_equal(lines_again(l, 13, 5, &again, &d), SL_IO);
    assert_int_equal(lines_size(l), 17);
    buf_free(&again);
    lines_close(&l);
    assert_null(l);
}

static void a_line_may_be_longer_than_the_buffer_but_not_than_the_bound(void **state)
{
    struct lines *l = NULL;
    struct line line;
    struct diag d;
    bool more;
    struct buf text = {0};
    buf_puts(&text, "short\n");
    for (int i = 0; i < 1000000; i++)
        buf_char(&text, (char)('a' + i % 26));
    buf_puts(&text, "\nlast\n");
    put(buf_str(&text));
    assert_int_equal(lines_open(path, 1000000, &l, &d), SL_OK);
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_true(str_eq(line.text, str_cut(str_from(buf_str(&text), 6), 1000000)));
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_true(more && !line.torn && str_eq(line.text, STR("last")));
    assert_int_equal(line.offset, 1000007);
    lines_close(&l);

    assert_int_equal(lines_open(path, 999999, &l, &d), SL_OK);
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_int_equal(lines_next(l, &line, &more, &d), SL_TOO_LARGE);
    assert_non_null(strstr(d.where, ":2"));
    lines_close(&l);
    buf_free(&text);
}

static void a_pipe_is_spooled_and_can_be_read_again(void **state)
{
    struct lines *l = NULL;
    struct line line;
    struct diag d;
    bool more;
    int fds[2];
    char name[64];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "one\ntwo\n", 8), 8);
    close(fds[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", fds[0]);
    assert_int_equal(lines_open(name, 100, &l, &d), SL_OK);
    close(fds[0]);
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_true(str_eq(line.text, STR("one")));
    struct buf again = {0};
    assert_int_equal(lines_again(l, 4, 3, &again, &d), SL_OK);
    assert_string_equal(buf_cstr(&again), "two");
    buf_free(&again);
    lines_close(&l);
}

static void what_cannot_be_read_says_why(void **state)
{
    struct lines *l = NULL;
    struct diag d;
    assert_int_equal(lines_open("/nowhere/x", 100, &l, &d), SL_IO);
    assert_string_equal(d.where, "/nowhere/x");
    assert_string_equal(d.what, "No such file or directory");
    assert_int_equal(lines_open("/tmp", 100, &l, &d), SL_IO);
    assert_string_equal(d.what, "Is a directory");
    assert_null(l);
}

static void an_empty_file_has_no_line(void **state)
{
    struct lines *l = NULL;
    struct line line;
    struct diag d;
    bool more;
    put(STR(""));
    assert_int_equal(lines_open(path, 100, &l, &d), SL_OK);
    assert_int_equal(lines_next(l, &line, &more, &d), SL_OK);
    assert_false(more);
    lines_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_know_their_places),
        cmocka_unit_test(a_line_may_be_longer_than_the_buffer_but_not_than_the_bound),
        cmocka_unit_test(a_pipe_is_spooled_and_can_be_read_again),
        cmocka_unit_test(what_cannot_be_read_says_why),
        cmocka_unit_test(an_empty_file_has_no_line),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
