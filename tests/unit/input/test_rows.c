/* rows: every name is found again, a second use is noticed, ids survive writing and reading. */
#include "check.h"
#include "rows.h"

#include <stdio.h>

static struct hash128 name_of(size_t i)
{
    char text[32];
    int n = snprintf(text, sizeof text, "row-%zu", i);
    struct str part = {text, (size_t)n};
    return hash128_of(&part, 1);
}

static void finds_every_name(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct rows rows = {0};
    for (size_t i = 0; i < N; i++) {
        struct row row = {.number = (uint32_t)i, .name = name_of(i)};
        assert_null(rows_add(&rows, &row));
    }
    for (size_t i = 0; i < N; i++) {
        struct row *found = rows_find(&rows, name_of(i));
        assert_non_null(found);
        assert_int_equal(found->number, i);
    }
    assert_null(rows_find(&rows, name_of(N)));
    rows_free(&rows);
}

static void notices_a_second_use(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct row first = {.number = 12, .name = name_of(1)};
    struct row second = {.number = 377, .name = name_of(1)};
    assert_null(rows_add(&rows, &first));
    const struct row *earlier = rows_add(&rows, &second);
    assert_non_null(earlier);
    assert_int_equal(earlier->number, 12);
    assert_int_equal(rows_find(&rows, name_of(1))->number, 12);
    rows_free(&rows);
}

static void nameless_rows_are_kept_apart(void **state)
{
    (void)state;
    struct rows rows = {0};
    for (uint32_t i = 0; i < 3000; i++) {
        struct row row = {.number = i};
        assert_null(rows_add(&rows, &row));
    }
    assert_int_equal(rows.n, 3000);
    rows_free(&rows);
}

/* The bound of rows.h, in its words: 72 bytes per row, so that a million lines fit into 100 MB.
 */
static void a_row_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct row) <= 72);
}

static void hashes_tell_parts_apart(void **state)
{
    (void)state;
    struct str a[] = {STR("ab"), STR("c")}, b[] = {STR("a"), STR("bc")};
    assert_false(hash128_eq(hash128_of(a, 2), hash128_of(b, 2)));
    assert_false(hash128_eq(hash128_of(a, 1), hash128_of(a, 2)));
    assert_true(hash128_eq(hash128_of(a, 2), hash128_of(a, 2)));
}

static void ids_are_read_as_written(void **state)
{
    (void)state;
    struct hash128 id = {0x0123456789abcdef, 0xfedcba9876543210}, back;
    char text[ID_BYTES];
    id_write(id, text);
    assert_memory_equal(text, "batch_req_0123456789abcdeffedcba9876543210", ID_BYTES);
    assert_int_equal(id_read((struct str){text, ID_BYTES}, &back), SL_OK);
    assert_true(hash128_eq(id, back));
    static const char *const bad[] = {"", "batch_req_",
                                      "batch_req_0123456789ABCDEFfedcba9876543210",
                                      "batch_req_0123456789abcdeffedcba98765432101",
                                      "cmpl_req__0123456789abcdeffedcba9876543210"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(id_read(str_of(bad[i]), &back), SL_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_name),
        cmocka_unit_test(notices_a_second_use),
        cmocka_unit_test(nameless_rows_are_kept_apart),
        cmocka_unit_test(a_row_is_small),
        cmocka_unit_test(hashes_tell_parts_apart),
        cmocka_unit_test(ids_are_read_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
