/* The charge of every rule in every dimension. */
#include "check.h"
#include "provider.h"

static void charges_by_rule_and_dimension(void **state)
{
    const struct demand named = {.input_tokens = 120,
                                 .char_tokens = 90,
                                 .max_output_tokens = 300,
                                 .images = 2,
                                 .max_output_given = true};
    struct demand unnamed = named, dense = named;
    unnamed.max_output_given = false;
    unnamed.max_output_tokens = 16384;
    dense.char_tokens = 400;
    const struct {
        const struct demand *demand;
        enum charge_rule rule;
        enum dimension dim;
        int64_t charge;
    } rows[] = {
        {&named, CHARGE_MAX, DIM_TPM, 300},
        {&unnamed, CHARGE_MAX, DIM_TPM, 120}, /* what is not asked for is not charged */
        {&dense, CHARGE_MAX, DIM_TPM, 400},
        {&named, CHARGE_SUM, DIM_TPM, 420},
        {&unnamed, CHARGE_SUM, DIM_TPM, 120},
        {&dense, CHARGE_SUM, DIM_TPM, 700},
        {&named, CHARGE_ACTUAL, DIM_TPM, 420},
        {&unnamed, CHARGE_ACTUAL, DIM_TPM, 16504}, /* until flow has learned better */
        {&named, CHARGE_MAX, DIM_TPD, 300},
        {&named, CHARGE_ACTUAL, DIM_ITPM, 120},
        {&dense, CHARGE_ACTUAL, DIM_ITPM, 120},
        {&named, CHARGE_ACTUAL, DIM_OTPM, 300},
        {&named, CHARGE_MAX, DIM_RPM, 1},
        {&named, CHARGE_SUM, DIM_RPD, 1},
        {&named, CHARGE_MAX, DIM_CONCURRENCY, 1},
        {&named, CHARGE_MAX, DIM_IPM, 2},
        {&named, CHARGE_MAX, DIM_BATCH_ENQUEUED, 120},
        {&named, CHARGE_MAX, DIM_UNKNOWN, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t got = demand_charge(rows[i].demand, rows[i].rule, rows[i].dim);
        if (got != rows[i].charge)
            fail_msg("row %zu: charge %lld, want %lld", i, (long long)got,
                     (long long)rows[i].charge);
    }
}

static void providers_by_name(void **state)
{
    for (int id = 0; id < PROVIDER_COUNT; id++) {
        const struct provider *p = provider_get((enum provider_id)id);
        assert_int_equal(p->id, id);
        assert_ptr_equal(provider_named(str_of(p->name)), p);
        assert_non_null(p->key_env);
        assert_non_null(p->key_header);
        assert_non_null(p->key_prefix);
    }
    assert_ptr_equal(provider_named(STR("OpenAI")), provider_get(PROVIDER_OPENAI));
    assert_null(provider_named(STR("openai2")));
    assert_null(provider_named(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_by_rule_and_dimension),
        cmocka_unit_test(providers_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
