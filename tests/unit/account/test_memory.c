/* test_memory.c: what was learned of limits outlives the process that learned it. */
#include "check.h"
#include "memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MINUTE = 60000000, SECOND = 1000000 };
static const int64_t NOW = 5 * (int64_t)MINUTE, UNIX = 1764158400000000;
static const struct str ACCOUNT = STR_INIT("https://x.test/v1 0011223344556677");

struct place {
    char directory[64];
    struct buf nested, file;
};

static struct place at;
static struct account *account;

static int make(void **state)
{
    struct account_config c = account_defaults(NULL);
    snprintf(at.directory, sizeof at.directory, "/tmp/sluice-memory-XXXXXX");
    assert_non_null(mkdtemp(at.directory));
    buf_printf(&at.nested, "%s/a/b", at.directory);
    buf_printf(&at.file, "%s/lessons.jsonl", buf_cstr(&at.nested));
    buf_cstr(&at.file);
    account = account_new(&c);
    return 0;
}

static int unmake(void **state)
{
    struct buf parent = {0};
    buf_printf(&parent, "%s/a", at.directory);
    unlink(at.file.p);
    rmdir(at.nested.p);
    rmdir(buf_cstr(&parent));
    rmdir(at.directory);
    buf_free(&parent);
    buf_free(&at.nested);
    buf_free(&at.file);
    account_free(&account);
    return 0;
}

static struct memory *opened(void)
{
    struct memory *m;
    struct diag diag;
    assert_int_equal(memory_open(at.nested.p, &m, &diag), SL_OK);
    return m;
}

static void write_down(struct memory *m, bool last)
{
    struct diag diag;
    assert_int_equal(memory_write(m, last, &diag), SL_OK);
}

static struct pool *pool_that_knows(const char *name, struct lesson lesson)
{
    struct pool *p = account_pool(account, str_of(name), NULL, 0);
    pool_recall(p, NOW, &lesson, NOW, 7);
    return p;
}

static const struct lesson sliding = {.window = WINDOW_SLIDING, .limit = 300};

static void a_lesson_is_there_for_the_next(void **state)
{
    const struct lesson fixed = {
        .window = WINDOW_FIXED, .limit = 90, .edge_us = NOW - SECOND, .zone_us = 4 * SECOND};
    struct memory *m = opened();
    memory_note(m, ACCOUNT, pool_that_knows("things", fixed), NOW, UNIX);
    write_down(m, false);
    memory_close(&m);

    m = opened();
    const int64_t now_us = 3 * (int64_t)MINUTE; /* another clock, ten seconds later */
    struct account_config c = account_defaults(NULL);
    struct account *later = account_new(&c);
    struct pool *same = account_pool(later, STR("things"), NULL, 0);
    struct pool *other = account_pool(later, STR("others"), NULL, 0);
    memory_recall(m, ACCOUNT, same, now_us, UNIX + 10 * SECOND);
    memory_recall(m, ACCOUNT, other, now_us, UNIX + 10 * SECOND);
    struct lesson found;
    int64_t lately;
    assert_true(pool_lesson(same, now_us, &found, &lately));
    assert_int_equal(found.window, WINDOW_FIXED);
    assert_int_equal(found.limit, 90);
    assert_int_equal(found.zone_us, 4 * SECOND);
    assert_int_equal(found.edge_us, now_us - 11 * SECOND);
    assert_int_equal(lately, 7);
    assert_false(pool_lesson(other, now_us, &found, &lately));
    struct pool *elsewhere = account_pool(later, STR("elsewhere"), NULL, 0);
    memory_recall(m, STR("https://y.test"), elsewhere, now_us, UNIX);
    assert_false(pool_lesson(elsewhere, now_us, &found, &lately));
    account_free(&later);
    memory_close(&m);
}

static void what_is_no_news_is_written_at_the_end(void **state)
{
    struct memory *m = opened();
    struct stat st;
    write_down(m, true);
    assert_int_not_equal(stat(at.file.p, &st), 0); /* nothing was learned: no file */
    struct pool *p = pool_that_knows("things", sliding);
    memory_note(m, ACCOUNT, p, NOW, UNIX);
    write_down(m, false);
    assert_int_equal(stat(at.file.p, &st), 0);
    unlink(at.file.p);
    memory_note(m, ACCOUNT, p, NOW + SECOND, UNIX + SECOND);
    write_down(m, false);
    assert_int_not_equal(stat(at.file.p, &st), 0);
    write_down(m, true);
    assert_int_equal(stat(at.file.p, &st), 0);
    memory_close(&m);
    m = opened();
    assert_int_equal(memory_entry_of(m, ACCOUNT, 0)->at_us, UNIX + SECOND);
    assert_null(memory_entry_of(m, ACCOUNT, 1));
    assert_null(memory_entry_of(m, STR("https://y.test"), 0));
    assert_null(memory_entry_of(NULL, ACCOUNT, 0));
    memory_close(&m);
}

static void two_processes_keep_to_one_file(void **state)
{
    struct memory *one = opened(), *other = opened();
    memory_note(one, ACCOUNT, pool_that_knows("a", sliding), NOW, UNIX);
    memory_note(other, ACCOUNT, pool_that_knows("b", sliding), NOW, UNIX);
    memory_note(other, STR("https://y.test"), pool_that_knows("a", sliding), NOW, UNIX);
    write_down(one, true);
    write_down(other, true);
    write_down(one, true);
    memory_close(&one);
    memory_close(&other);
    one = opened();
    assert_non_null(memory_entry_of(one, ACCOUNT, 1));
    assert_null(memory_entry_of(one, ACCOUNT, 2));
    assert_non_null(memory_entry_of(one, STR("https://y.test"), 0));
    memory_close(&one);
}

static void put_text(const char *text)
{
    struct diag diag;
    struct memory *m = opened(); /* makes the directory */
    memory_note(m, ACCOUNT, pool_that_knows("a", sliding), NOW, UNIX);
    write_down(m, true);
    memory_close(&m);
    FILE *f = fopen(at.file.p, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(memory_open(at.nested.p, &m, &diag), SL_SYNTAX);
    assert_null(m);
    assert_non_null(strstr(diag.what, "line 2"));
    unlink(at.file.p);
}

static void what_nobody_can_have_learned_is_refused(void **state)
{
    static const char good[] =
        "{\"account\":\"a\",\"pool\":\"p\",\"window\":\"sliding\",\"limit\":300,\"slice_us\":0,"
        "\"edge\":0,\"zone_us\":0,\"lately\":0,\"at\":1}\n";
    static const char *const bad[] = {
        "no json",
        "{}",
        "{\"account\":\"a\",\"pool\":\"p\",\"window\":\"auto\",\"limit\":300,\"slice_us\":0,"
        "\"edge\":0,\"zone_us\":0,\"lately\":0,\"at\":1}",
        "{\"account\":\"a\",\"pool\":\"p\",\"window\":\"sliding\",\"limit\":0,\"slice_us\":0,"
        "\"edge\":0,\"zone_us\":0,\"lately\":0,\"at\":1}",
        "{\"account\":\"a\",\"pool\":\"p\",\"window\":\"slices\",\"limit\":300,\"slice_us\":0,"
        "\"edge\":0,\"zone_us\":0,\"lately\":0,\"at\":1}",
        "{\"account\":\"a\",\"pool\":\"p\",\"window\":\"sliding\",\"limit\":300,\"slice_us\":0,"
        "\"edge\":0,\"zone_us\":0,\"lately\":-1,\"at\":1}",
        "{\"pool\":\"p\",\"window\":\"sliding\",\"limit\":300,\"slice_us\":0,\"edge\":0,"
        "\"zone_us\":0,\"lately\":0,\"at\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf text = {0};
        buf_printf(&text, "%s%s\n", good, bad[i]);
        put_text(buf_cstr(&text));
        buf_free(&text);
    }
}

static void slices_that_do_not_fit_a_minute_are_not_recalled(void **state)
{
    const struct lesson odd = {.window = WINDOW_SLICES, .limit = 300, .slice_us = 2 * MINUTE};
    const struct lesson few = {.window = WINDOW_SLICES, .limit = 5, .slice_us = SECOND};
    struct lesson found;
    int64_t lately;
    assert_false(pool_lesson(pool_that_knows("odd", odd), NOW, &found, &lately));
    assert_false(pool_lesson(pool_that_knows("few", few), NOW, &found, &lately));
}

static void an_account_is_its_address_and_key(void **state)
{
    struct account_options a = {.base_url = "https://x.test/v1", .minute_us = MINUTE};
    struct buf bare = {0}, keyed = {0}, other = {0}, quick = {0};
    memory_account(&a, &bare);
    assert_string_equal(buf_cstr(&bare), "https://x.test/v1");
    a.keys.n = 1;
    a.keys.lent[0] = STR("password");
    memory_account(&a, &keyed);
    /* SHA-256 of "password" begins so */
    assert_string_equal(buf_cstr(&keyed), "https://x.test/v1 5e884898da280471");
    a.keys.lent[0] = STR("Password");
    memory_account(&a, &other);
    assert_string_not_equal(buf_cstr(&other), keyed.p);
    a.minute_us = SECOND;
    memory_account(&a, &quick);
    assert_string_not_equal(buf_cstr(&quick), other.p);
    buf_free(&bare);
    buf_free(&keyed);
    buf_free(&other);
    buf_free(&quick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lesson_is_there_for_the_next, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_no_news_is_written_at_the_end, make, unmake),
        cmocka_unit_test_setup_teardown(two_processes_keep_to_one_file, make, unmake),
        cmocka_unit_test_setup_teardown(what_nobody_can_have_learned_is_refused, make, unmake),
        cmocka_unit_test_setup_teardown(slices_that_do_not_fit_a_minute_are_not_recalled, make,
                                        unmake),
        cmocka_unit_test(an_account_is_its_address_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
