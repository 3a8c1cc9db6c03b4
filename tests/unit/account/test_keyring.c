/* Keys from the environment and from files; none ever stands in a message. */
#include "check.h"
#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char SECRET[] = "not-a-real-key-but-never-told";

static void from_the_environment(void **state)
{
    struct keyring k = {.n = 0};
    struct diag d;
    setenv("TEST_KEY", " not-a-real-key-but-never-told\n", 1);
    assert_int_equal(SL_OK, keyring_add_env(&k, "TEST_KEY", &d));
    assert_true(str_eq(k.lent[0], str_of(SECRET)));
    unsetenv("TEST_KEY");
    assert_int_equal(SL_MISSING, keyring_add_env(&k, "TEST_KEY", &d));
    assert_string_equal("TEST_KEY", d.where);
    keyring_wipe(&k);
}

static void from_a_file(void **state)
{
    struct keyring k = {.n = 0};
    struct diag d;
    char path[] = "test_keyring.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(sizeof SECRET - 1, write(fd, SECRET, sizeof SECRET - 1));
    assert_int_equal(SL_OK, keyring_add_file(&k, path, &d));
    assert_int_equal(1, write(fd, " ", 1));
    assert_int_equal(5, write(fd, "other", 5));
    assert_int_equal(SL_SYNTAX, keyring_add_file(&k, path, &d));
    assert_null(strstr(d.what, SECRET));
    assert_null(strstr(d.where, SECRET));
    assert_int_equal(0, ftruncate(fd, 0));
    assert_int_equal(SL_MISSING, keyring_add_file(&k, path, &d));
    close(fd);
    unlink(path);
    assert_int_equal(SL_IO, keyring_add_file(&k, path, &d));
    assert_int_equal(1, k.n);
    keyring_wipe(&k);
}

static void not_too_many(void **state)
{
    struct keyring k = {.n = 0};
    struct diag d;
    setenv("TEST_KEY", SECRET, 1);
    for (int i = 0; i < KEYRING_MAX; i++)
        assert_int_equal(SL_OK, keyring_add_env(&k, "TEST_KEY", &d));
    assert_int_equal(SL_TOO_LARGE, keyring_add_env(&k, "TEST_KEY", &d));
    assert_null(strstr(d.what, SECRET));
    keyring_wipe(&k);
}

static void a_key_in_the_place_of_its_name_is_not_told(void **state)
{
    static const char *const keys[] = {"sk-proj-abcdefgh0123456789",
                                       "9f86d081884c7d659a2feaa0c55ad015"};
    static const char *const names[] = {"OPENAI_API_KEY_OF_THE_2ND_SHOP", "MYKEY"};
    struct keyring k = {.n = 0};
    struct diag d;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(SL_SYNTAX, keyring_add_env(&k, keys[i], &d));
        assert_null(strstr(d.where, keys[i]));
        assert_null(strstr(d.what, keys[i]));
        assert_int_equal(SL_SYNTAX, keyring_add_file(&k, keys[i], &d));
        assert_null(strstr(d.where, keys[i]));
        assert_int_equal(SL_MISSING, keyring_add_env(&k, names[i], &d));
        assert_string_equal(names[i], d.where);
    }
    assert_int_equal(SL_IO, keyring_add_file(&k, "/nowhere/sk-proj-abcdefgh0123456789", &d));
    assert_int_equal(0, k.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_environment),
        cmocka_unit_test(from_a_file),
        cmocka_unit_test(not_too_many),
        cmocka_unit_test(a_key_in_the_place_of_its_name_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
