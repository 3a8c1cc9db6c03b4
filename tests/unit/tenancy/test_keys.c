/* Keys of tenants: shown once, stored as HMAC, good until revoked. */
#include "check.h"
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static int enter(void **state)
{
    snprintf(directory, sizeof directory, "test_keys.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static const char *file(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int leave(void **state)
{
    unlink(file("keys.jsonl"));
    unlink(file("keys.secret"));
    return rmdir(directory);
}

static struct keys *open_keys(void)
{
    struct keys *k;
    struct diag d;
    if (keys_open(directory, &k, &d) != SL_OK)
        fail_msg("%s: %s", d.where, d.what);
    return k;
}

static void create(const char *tenant, struct buf *key)
{
    struct diag d;
    assert_int_equal(SL_OK, keys_create(directory, str_of(tenant), STR("a \"note\""), key, &d));
}

static void made_found_revoked(void **state)
{
    struct buf web = {0}, batch = {0};
    struct diag d;
    struct keys *k = open_keys();
    assert_null(keys_find(k, STR("sluice-abcdefgh-0123456789")));
    keys_close(&k);
    create("web", &web);
    create("batch", &batch);
    k = open_keys();
    assert_true(str_eq(STR("web"), keys_find(k, buf_str(&web))->tenant));
    const struct key_entry *second = keys_at(k, 1);
    assert_ptr_equal(second, keys_find(k, buf_str(&batch)));
    assert_true(str_eq(STR("a \"note\""), second->note));
    assert_null(keys_at(k, 2));
    char id[KEY_ID_LETTERS + 1];
    memcpy(id, second->id, sizeof id);
    keys_close(&k);
    assert_int_equal(SL_OK, keys_revoke(directory, str_of(id), &d));
    assert_int_equal(SL_UNKNOWN, keys_revoke(directory, str_of(id), &d));
    k = open_keys();
    assert_null(keys_find(k, buf_str(&batch)));
    assert_non_null(keys_find(k, buf_str(&web)));
    assert_true(keys_at(k, 1)->revoked.n > 0);
    keys_close(&k);
    buf_free(&web);
    buf_free(&batch);
}

static void almost_a_key_is_none(void **state)
{
    struct buf key = {0};
    create("web", &key);
    struct keys *k = open_keys();
    for (size_t i = 0; i < key.n; i++) {
        char kept = key.p[i];
        key.p[i] = kept == 'x' ? 'y' : 'x';
        assert_null(keys_find(k, buf_str(&key)));
        key.p[i] = kept;
        assert_null(keys_find(k, str_cut(buf_str(&key), i)));
    }
    assert_non_null(keys_find(k, buf_str(&key)));
    buf_puts(&key, "a");
    assert_null(keys_find(k, buf_str(&key)));
    keys_close(&k);
    buf_free(&key);
}

/* Who reads the files learns no key, and others on the machine do not read them at all. */
static void nothing_usable_is_stored(void **state)
{
    struct buf key = {0};
    char text[2000] = {0};
    struct stat st;
    create("web", &key);
    struct diag d;
    FILE *f = fopen(file("keys.jsonl"), "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    assert_null(strstr(text, buf_cstr(&key)));
    assert_null(strstr(text, key.p + sizeof "sluice-" + KEY_ID_LETTERS));
    char id[KEY_ID_LETTERS + 1] = {0};
    memcpy(id, key.p + sizeof "sluice-" - 1, KEY_ID_LETTERS);
    assert_int_equal(SL_OK, keys_revoke(directory, str_of(id), &d));
    assert_int_equal(0, stat(file("keys.jsonl"), &st));
    assert_int_equal(0600, st.st_mode & 0777);
    assert_int_equal(0, stat(file("keys.secret"), &st));
    assert_int_equal(0600, st.st_mode & 0777);
    buf_free(&key);
}

/* One entry that cannot be read again would lock out everybody. */
static void who_has_no_name_gets_no_key(void **state)
{
    static const char *const names[] = {"", "a\nb", "\x7f",
                                        ("a name of sixty-five bytes, which is one more than a "
                                         "name may have")};
    struct buf key = {0};
    struct diag d;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(SL_RANGE, keys_create(directory, str_of(names[i]), STR(""), &key, &d));
    assert_string_equal(d.where, "--tenant");
    assert_int_equal(SL_RANGE, keys_create(directory, STR("a"), STR("two\nlines"), &key, &d));
    assert_int_equal(key.n, 0);
    create("\xff \xc3\xa4", &key); /* odd, but read again */
    struct keys *k = open_keys();
    assert_non_null(keys_find(k, buf_str(&key)));
    assert_null(keys_at(k, 1));
    keys_close(&k);
    buf_free(&key);
}

static void a_new_home_is_made(void **state)
{
    char home[128];
    struct buf key = {0};
    struct diag d;
    snprintf(home, sizeof home, "%s/local/state", directory);
    assert_int_equal(SL_OK, keys_create(home, STR("web"), STR(""), &key, &d));
    unlink(file("local/state/keys.jsonl"));
    unlink(file("local/state/keys.secret"));
    rmdir(file("local/state"));
    rmdir(file("local"));
    buf_free(&key);
}

static void spoilt_files_are_told(void **state)
{
    struct buf key = {0};
    struct keys *k;
    struct diag d;
    create("web", &key);
    FILE *f = fopen(file("keys.jsonl"), "a");
    assert_non_null(f);
    fputs("\n{\"id\":\"short\",\"tenant\":\"x\",\"hmac\":\"00\"}\n", f);
    fclose(f);
    assert_int_equal(SL_SYNTAX, keys_open(directory, &k, &d));
    assert_non_null(strstr(d.where, "keys.jsonl:3"));
    unlink(file("keys.jsonl"));
    create("web", &key);
    unlink(file("keys.secret"));
    assert_int_equal(SL_MISSING, keys_open(directory, &k, &d));
    buf_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_found_revoked, enter, leave),
        cmocka_unit_test_setup_teardown(almost_a_key_is_none, enter, leave),
        cmocka_unit_test_setup_teardown(nothing_usable_is_stored, enter, leave),
        cmocka_unit_test_setup_teardown(spoilt_files_are_told, enter, leave),
        cmocka_unit_test_setup_teardown(who_has_no_name_gets_no_key, enter, leave),
        cmocka_unit_test_setup_teardown(a_new_home_is_made, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
