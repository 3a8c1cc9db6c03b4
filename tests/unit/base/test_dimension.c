/* test_dimension.c: names as providers and the facts write them. */
#include "check.h"
#include "dimension.h"

static void names_are_found_again_in_any_case(void **state)
{
    for (enum dimension d = DIM_RPM; d < DIM_UNKNOWN; d++) {
        char upper[32];
        const char *name = dimension_name(d);
        for (size_t i = 0; i <= strlen(name); i++)
            upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 32) : name[i];
        assert_int_equal(d, dimension_of(str_of(name)));
        assert_int_equal(d, dimension_of(str_of(upper)));
        assert_true(strlen(dimension_unit(d)) > 0);
    }
}

/* As the `dimension` of facts/errors.jsonl has them. */
static void the_names_of_the_facts(void **state)
{
    static const struct {
        const char *name;
        enum dimension dim;
        int64_t period_s;
    } rows[] = {{"rpm", DIM_RPM, 60},
                {"tpm", DIM_TPM, 60},
                {"itpm", DIM_ITPM, 60},
                {"otpm", DIM_OTPM, 60},
                {"ipm", DIM_IPM, 60},
                {"rpd", DIM_RPD, 86400},
                {"tpd", DIM_TPD, 86400},
                {"concurrency", DIM_CONCURRENCY, 0},
                {"batch_enqueued", DIM_BATCH_ENQUEUED, 0}};
    /* Dollars are a tenant's limit, and no provider's. */
    assert_int_equal(DIM_COUNT, sizeof rows / sizeof *rows + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(rows[i].dim, dimension_of(str_of(rows[i].name)));
        assert_int_equal(rows[i].period_s, dimension_period_s(rows[i].dim));
    }
    assert_string_equal("unknown", dimension_name(DIM_UNKNOWN));
}

static void other_words_are_none(void **state)
{
    static const char *const words[] = {"", "rp", "rpms", "wpm", "unknown", " rpm", "requests"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_int_equal(DIM_UNKNOWN, dimension_of(str_of(words[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_again_in_any_case),
        cmocka_unit_test(the_names_of_the_facts),
        cmocka_unit_test(other_words_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
