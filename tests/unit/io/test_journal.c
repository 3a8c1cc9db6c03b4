#include "check.h"
#include "file.h"
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    char path[64];
    struct buf lines; /* what was read back, joined by | */
    struct diag diag;
};

static void world_open(struct world *w)
{
    *w = (struct world){0};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    snprintf(w->path, sizeof w->path, "/tmp/sluice-test-journal-XXXXXX");
    close(mkstemp(w->path));
    signal(SIGXFSZ, SIG_IGN);
}

static void world_close(struct world *w)
{
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    unlink(w->path);
    buf_free(&w->lines);
}

static enum sl_err on_line(void *ctx, struct str line, int64_t offset)
{
    struct world *w = ctx;
    buf_printf(&w->lines, "%lld:%.*s|", (long long)offset, STR_ARG(line));
    return str_eq(line, STR("bad")) ? diag_set(&w->diag, SL_SYNTAX, "", "bad") : SL_OK;
}

static struct journal *reopen(struct world *w)
{
    struct journal *j = NULL;
    buf_clear(&w->lines);
    struct journal_reader reader = {on_line, w};
    assert_int_equal(journal_open(&w->loop, w->path, reader, &j, &w->diag), SL_OK);
    return j;
}

static void put(struct world *w, const char *text)
{
    FILE *f = fopen(w->path, "w");
    fputs(text, f);
    fclose(f);
}

static void expect_file(struct world *w, const char *text)
{
    struct buf b = {0};
    assert_int_equal(file_read(w->path, 1 << 20, &b, &w->diag), SL_OK);
    assert_string_equal(buf_cstr(&b), text);
    buf_free(&b);
}

static void lines_are_read_back(void **state)
{
    struct world w;
    world_open(&w);
    unlink(w.path);
    struct journal *j = reopen(&w);
    assert_int_equal(journal_append(j, STR("one"), &w.diag), SL_OK);
    assert_int_equal(journal_append(j, STR(""), &w.diag), SL_OK);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(journal_append(j, STR("three"), &w.diag), SL_OK);
    assert_int_equal(journal_size(j), 11);
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    assert_null(j);
    expect_file(&w, "one\n\nthree\n");
    j = reopen(&w);
    assert_string_equal(buf_cstr(&w.lines), "0:one|4:|5:three|");
    assert_int_equal(journal_torn_bytes(j), 0);
    assert_int_equal(journal_append(j, STR("four"), &w.diag), SL_OK);
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    expect_file(&w, "one\n\nthree\nfour\n");
    world_close(&w);
}

/* With a sync in flight and without; a full disk is told here too. */
static void a_sync_may_be_waited_for(void **state)
{
    struct world w;
    struct journal *full = NULL;
    struct journal_reader silent = {0};
    world_open(&w);
    struct journal *j = reopen(&w);
    assert_int_equal(journal_append(j, STR("one"), &w.diag), SL_OK);
    assert_int_equal(journal_sync(j, &w.diag), SL_OK);
    assert_int_equal(journal_append(j, STR("two"), &w.diag), SL_OK);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(journal_sync(j, &w.diag), SL_OK);
    assert_int_equal(journal_sync(j, &w.diag), SL_OK);
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    expect_file(&w, "one\ntwo\n");
    assert_int_equal(journal_open(&w.loop, "/dev/full", silent, &full, &w.diag), SL_OK);
    assert_int_equal(journal_sync(full, &w.diag), SL_OK);
    assert_int_equal(journal_append(full, STR("x"), &w.diag), SL_FULL);
    assert_int_equal(journal_sync(full, &w.diag), SL_FULL);
    assert_int_equal(journal_close(&full, &w.diag), SL_OK);
    world_close(&w);
}

static void a_torn_last_line_is_cut_off(void **state)
{
    struct world w;
    world_open(&w);
    put(&w, "one\ntw");
    struct journal *j = reopen(&w);
    assert_string_equal(buf_cstr(&w.lines), "0:one|");
    assert_int_equal(journal_torn_bytes(j), 2);
    assert_int_equal(journal_append(j, STR("two"), &w.diag), SL_OK);
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    expect_file(&w, "one\ntwo\n");
    world_close(&w);
}

static void what_the_reader_refuses_is_not_touched(void **state)
{
    struct world w;
    struct journal *j = NULL;
    struct journal_reader reader = {on_line, &w};
    world_open(&w);
    put(&w, "good\nbad\nto");
    assert_int_equal(journal_open(&w.loop, w.path, reader, &j, &w.diag), SL_SYNTAX);
    assert_null(j);
    assert_string_equal(w.diag.what, "bad");
    expect_file(&w, "good\nbad\nto");
    world_close(&w);
}

static enum sl_err remove_it(void *ctx, struct str line, int64_t offset)
{
    return unlink(ctx) == 0 ? SL_OK : SL_IO;
}

/* Its owner ended and removed it between our opening and our lock. */
static void one_that_is_removed_meanwhile_is_not_written_to(void **state)
{
    struct world w;
    struct journal *j = NULL;
    struct diag d = {0};
    world_open(&w);
    put(&w, "over\n");
    struct journal_reader reader = {remove_it, w.path};
    assert_int_equal(journal_open(&w.loop, w.path, reader, &j, &d), SL_LOCKED);
    assert_string_equal(d.where, w.path);
    put(&w, "over\n");
    world_close(&w);
}

static void one_process_owns_it(void **state)
{
    struct world w;
    struct journal *second = NULL;
    struct journal_reader silent = {0};
    world_open(&w);
    struct journal *j = reopen(&w);
    char owner[32];
    snprintf(owner, sizeof owner, "process %d", (int)getpid());
    assert_int_equal(journal_open(&w.loop, w.path, silent, &second, &w.diag), SL_LOCKED);
    assert_string_equal(w.diag.where, w.path);
    assert_non_null(strstr(w.diag.what, owner));
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    assert_int_equal(journal_open(&w.loop, w.path, silent, &second, &w.diag), SL_OK);
    assert_int_equal(journal_close(&second, &w.diag), SL_OK);
    world_close(&w);
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct world w;
    struct journal *j = NULL;
    struct journal_reader silent = {0};
    world_open(&w);
    assert_int_equal(journal_open(&w.loop, "/tmp", silent, &j, &w.diag), SL_IO);
    assert_string_equal(w.diag.what, "Is a directory");
    assert_int_equal(journal_open(&w.loop, "/nowhere/x", silent, &j, &w.diag), SL_IO);
    assert_string_equal(w.diag.where, "/nowhere/x");
    world_close(&w);
}

static void a_full_disk_leaves_whole_lines(void **state)
{
    struct world w;
    world_open(&w);
    struct journal *j = reopen(&w);
    struct rlimit old, tight;
    getrlimit(RLIMIT_FSIZE, &old);
    tight = (struct rlimit){6, old.rlim_max};
    assert_int_equal(journal_append(j, STR("one"), &w.diag), SL_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_equal(journal_append(j, STR("two"), &w.diag), SL_FULL);
    assert_string_equal(w.diag.where, w.path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    /* for good: there is room again, but what was lost was lost */
    assert_int_equal(journal_append(j, STR("x"), &w.diag), SL_FULL);
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    expect_file(&w, "one\n");
    world_close(&w);
}

static void devices_are_written_to_and_nothing_else(void **state)
{
    struct world w;
    struct journal *j = NULL;
    struct journal_reader reader = {on_line, &w};
    world_open(&w);
    assert_int_equal(journal_open(&w.loop, "/dev/full", reader, &j, &w.diag), SL_OK);
    assert_int_equal(journal_append(j, STR("x"), &w.diag), SL_FULL);
    assert_string_equal(w.diag.what, "No space left on device");
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    assert_int_equal(journal_open(&w.loop, "/dev/null", reader, &j, &w.diag), SL_OK);
    assert_int_equal(journal_append(j, STR("x"), &w.diag), SL_OK);
    assert_int_equal(journal_close(&j, &w.diag), SL_OK);
    world_close(&w);
}

/* Appends lines that tell their own length, until it is killed. */
static void append_for_ever(const char *path, int told)
{
    uv_loop_t loop;
    struct journal *j;
    struct diag d;
    struct journal_reader silent = {0};
    struct buf line = {0};
    uv_loop_init(&loop);
    if (journal_open(&loop, path, silent, &j, &d) != SL_OK)
        _exit(1);
    for (size_t i = 0;; i++) {
        buf_clear(&line);
        for (size_t k = 0; k < i % 5000; k++)
            buf_char(&line, 'x');
        buf_printf(&line, " %zu", i % 5000);
        if (journal_append(j, buf_str(&line), &d) != SL_OK || write(told, "+", 1) != 1)
            _exit(1);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static enum sl_err check_line(void *ctx, struct str line, int64_t offset)
{
    int *count = ctx;
    int64_t n;
    struct str rest = line;
    struct str xs = str_split(&rest, ' ');
    assert_int_equal(str_int(rest, false, &n), SL_OK);
    assert_int_equal(n, xs.n);
    assert_int_equal(n, *count % 5000);
    *count += 1;
    return SL_OK;
}

static void a_killed_process_loses_no_line_it_told_of(void **state)
{
    for (int round = 0; round < 20; round++) {
        struct world w;
        int told[2];
        world_open(&w);
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0)
            append_for_ever(w.path, told[1]);
        close(told[1]);
        char byte;
        int seen = 0;
        while (seen < 50 + round * 37 && read(told[0], &byte, 1) == 1)
            seen++;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &byte, 1) == 1)
            seen++;
        close(told[0]);
        int count = 0;
        struct journal *j;
        struct journal_reader reader = {check_line, &count};
        assert_int_equal(journal_open(&w.loop, w.path, reader, &j, &w.diag), SL_OK);
        assert_true(count == seen || count == seen + 1);
        assert_int_equal(journal_close(&j, &w.diag), SL_OK);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_back),
        cmocka_unit_test(a_sync_may_be_waited_for),
        cmocka_unit_test(a_torn_last_line_is_cut_off),
        cmocka_unit_test(what_the_reader_refuses_is_not_touched),
        cmocka_unit_test(one_that_is_removed_meanwhile_is_not_written_to),
        cmocka_unit_test(one_process_owns_it),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(a_full_disk_leaves_whole_lines),
        cmocka_unit_test(devices_are_written_to_and_nothing_else),
        cmocka_unit_test(a_killed_process_loses_no_line_it_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
