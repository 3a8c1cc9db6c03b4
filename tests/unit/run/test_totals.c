/* totals, recent, shuffle: counting and drawing. */
#include "check.h"
#include "recent.h"
#include "shuffle.h"
#include "totals.h"

#include <stdio.h>

static void kinds_are_counted_by_name(void **state)
{
    (void)state;
    struct kinds k = {0};
    struct buf b = {0};
    kinds_add(&k, STR("503"));
    kinds_add(&k, STR("connection"));
    kinds_add(&k, STR("503"));
    kinds_write(&k, &b);
    assert_string_equal(buf_cstr(&b), "503 x2, connection x1");
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "kind-%d", i);
        kinds_add(&k, str_of(name));
    }
    assert_int_equal(kinds_total(&k), 103);
    assert_string_equal(k.list[TOTALS_KINDS - 1].name, "other");
    buf_free(&b);
}

static void covering_is_the_least_that_covers(void **state)
{
    (void)state;
    struct totals t;
    totals_init(&t);
    assert_int_equal(totals_output_covering(&t, 99), -1);
    for (int i = 1; i <= 100; i++)
        totals_output(&t, i);
    assert_int_equal(totals_output_covering(&t, 99), 99);
    assert_int_equal(totals_output_covering(&t, 50), 50);
    totals_output(&t, INT64_MAX);
    totals_output(&t, -1);
    assert_int_equal(totals_output_covering(&t, 100), TOTALS_OUTPUTS - 1);
    totals_free(&t);
}

static void growth_is_that_of_the_last_period(void **state)
{
    (void)state;
    struct recent r = {0};
    int64_t growth = -1;
    for (int64_t s = 0; s <= 300; s++) /* 10 a second for a minute, then nothing */
        growth = recent_growth(&r, s * 1000000, 60000000, s < 60 ? s * 10 : 600);
    assert_int_equal(growth, 0);
    r = (struct recent){0};
    for (int64_t s = 0; s <= 300; s++)
        growth = recent_growth(&r, s * 1000000, 60000000, s * 10);
    assert_in_range(growth, 590, 620);
}

static void every_pending_row_is_dealt_once(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct rows rows = {0};
    struct batch_model list[] = {{.pool = 0}, {.pool = 1}, {.pool = 0}};
    struct models models = {.list = list, .n = 3, .pool_count = 2};
    for (size_t i = 0; i < N; i++) {
        struct row row = {.model = (uint16_t)(i % 3), .state = i % 10 ? ROW_PENDING : ROW_DONE};
        assert_null(rows_add(&rows, &row));
    }
    struct shuffle shuffle;
    bool seen[N] = {false};
    size_t row, dealt = 0, in_order = 0, last = 0;
    shuffle_init(&shuffle, &rows, &models, 1);
    for (size_t pool = 0; pool < 2; pool++) {
        while (shuffle_next(&shuffle, pool, &row)) {
            assert_false(seen[row]);
            assert_int_equal(list[rows.list[row].model].pool, pool);
            seen[row] = true;
            dealt++;
            in_order += row > last;
            last = row;
        }
        assert_int_equal(shuffle_left(&shuffle, pool), 0);
    }
    assert_int_equal(dealt, N - N / 10);
    assert_in_range(in_order, 300, 600); /* of 900: a shuffle, not the file's order */
    shuffle_free(&shuffle);
    rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_counted_by_name),
        cmocka_unit_test(covering_is_the_least_that_covers),
        cmocka_unit_test(growth_is_that_of_the_last_period),
        cmocka_unit_test(every_pending_row_is_dealt_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
