#include "check.h"
#include "log_sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/sluice-test-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void add(struct log_sink *s, int i)
{
    buf_printf(&s->lines, "line %d %0100d\n", i, 0);
    log_sink_added(s);
}

static void read_all(int fd, struct buf *out)
{
    char piece[65536];
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        buf_add(out, (struct str){piece, (size_t)n});
}

static void test_lines_are_appended_to_a_file(void **unused)
{
    struct log_sink s;
    struct diag d;
    struct buf all = {0};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(log_sink_open(&s, path_of("log"), false, &d), SL_OK);
        add(&s, i);
        log_sink_close(&s, 0);
    }
    int fd = open(path_of("log"), O_RDONLY);
    read_all(fd, &all);
    assert_true(str_starts(buf_str(&all), STR("line 0 ")));
    assert_true(str_find(buf_str(&all), STR("\nline 1 "), 0) > 0);
    close(fd);
    buf_free(&all);
}

static void test_no_log_is_none(void **unused)
{
    struct log_sink s;
    struct diag d;
    assert_int_equal(log_sink_open(&s, NULL, false, &d), SL_OK);
    assert_true(s.fd < 0);
    log_sink_close(&s, 0);
    assert_int_equal(log_sink_open(&s, "/nowhere/log", false, &d), SL_IO);
    assert_string_equal(d.where, "/nowhere/log");
}

/* Nobody reads: nothing waits for it, memory is bounded, only whole lines are left out, and how
 * many is told when somebody reads again. */
static void test_a_pipe_that_nobody_reads(void **unused)
{
    enum { LINES = 3 * LOG_SINK_MOST_BYTES / 100 };
    struct log_sink s;
    struct diag d;
    struct buf all = {0};
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    int reader = open(path_of("pipe"), O_RDONLY | O_NONBLOCK);
    assert_int_equal(log_sink_open(&s, path_of("pipe"), true, &d), SL_OK);
    for (int i = 0; i < LINES; i++) {
        add(&s, i);
        assert_true(s.lines.n <= LOG_SINK_MOST_BYTES);
    }
    long long lost = s.lost;
    assert_true(lost > 0);
    while (s.lost || s.lines.n) {
        read_all(reader, &all);
        log_sink_flush(&s);
    }
    read_all(reader, &all);
    log_sink_close(&s, 0);
    long long seen = 0, told = 0;
    for (struct str rest = buf_str(&all), line; rest.n;) {
        line = str_split(&rest, '\n');
        long long i = 0;
        if (sscanf(line.p, "line %lld ", &i) == 1) {
            assert_int_equal(i, seen);
            assert_int_equal(line.p[line.n - 1], '0');
            seen++;
        } else {
            assert_int_equal(sscanf(line.p, "{\"lost_lines\":%lld}", &told), 1);
        }
    }
    assert_int_equal(told, lost);
    assert_int_equal(seen + told, LINES);
    close(reader);
    buf_free(&all);
}

static int begin(void **unused)
{
    return mkdtemp(directory) ? 0 : -1;
}

static int end(void **unused)
{
    unlink(path_of("log"));
    unlink(path_of("pipe"));
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_appended_to_a_file),
        cmocka_unit_test(test_no_log_is_none),
        cmocka_unit_test(test_a_pipe_that_nobody_reads),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
