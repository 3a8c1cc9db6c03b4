/* shuffle: every pending row is drawn once, from its own pool's deck, in an order that the seed
 * decides and the file does not. */
#include "check.h"
#include "shuffle.h"

enum { ROWS = 1000, POOLS = 3 };

static struct batch_model list[POOLS] = {{.pool = 0}, {.pool = 1}, {.pool = 2}};
static const struct models models = {.list = list, .n = POOLS, .pool_count = POOLS};

/* Every third row of each model; one in ten is done already. */
static void fill(struct rows *rows)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        struct row row = {.number = i + 1,
                          .model = (uint16_t)(i % POOLS),
                          .state = i % 10 ? ROW_PENDING : ROW_DONE};
        assert_null(rows_add(rows, &row));
    }
}

static void draws_every_pending_row_once(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct shuffle s;
    bool drawn[ROWS] = {false};
    size_t row, n = 0;
    fill(&rows);
    shuffle_init(&s, &rows, &models, 1);
    for (size_t p = 0; p < POOLS; p++) {
        size_t left = shuffle_left(&s, p);
        for (; shuffle_next(&s, p, &row); n++) {
            assert_int_equal(rows.list[row].model, p);
            assert_int_equal(rows.list[row].state, ROW_PENDING);
            assert_false(drawn[row]);
            drawn[row] = true;
            assert_int_equal(shuffle_left(&s, p), --left);
        }
        assert_int_equal(left, 0);
    }
    assert_int_equal(n, ROWS - ROWS / 10);
    shuffle_free(&s);
    rows_free(&rows);
}

/* How many of the first hundred draws are the same as in the other order. */
static int same_draws(const struct rows *rows, uint64_t seed, uint64_t other)
{
    struct shuffle a, b;
    size_t x, y;
    int same = 0;
    shuffle_init(&a, rows, &models, seed);
    shuffle_init(&b, rows, &models, other);
    for (int i = 0; i < 100; i++) {
        assert_true(shuffle_next(&a, 0, &x));
        assert_true(shuffle_next(&b, 0, &y));
        same += x == y;
    }
    shuffle_free(&a);
    shuffle_free(&b);
    return same;
}

static void the_seed_decides_the_order(void **state)
{
    (void)state;
    struct rows rows = {0};
    fill(&rows);
    assert_int_equal(same_draws(&rows, 7, 7), 100);
    assert_true(same_draws(&rows, 7, 8) < 20);
    rows_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(draws_every_pending_row_once),
                                       cmocka_unit_test(the_seed_decides_the_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
