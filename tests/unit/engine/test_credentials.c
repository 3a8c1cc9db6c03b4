/* Keys in turn; one that is refused is left out while another works. */
#include "check.h"
#include "credentials.h"

static struct str value(const struct credentials *c, size_t i)
{
    return credentials_header(c, i).value;
}

static void taken_in_turn(void **state)
{
    struct credentials c = {.n = 0};
    const struct str keys[] = {STR("one"), STR("two"), STR("three")};
    credentials_set(&c, provider_get(PROVIDER_OPENAI), keys, 3);
    for (int round = 0; round < 2; round++) {
        assert_true(str_eq(STR("Bearer one"), value(&c, credentials_next(&c))));
        assert_true(str_eq(STR("Bearer two"), value(&c, credentials_next(&c))));
        assert_true(str_eq(STR("Bearer three"), value(&c, credentials_next(&c))));
    }
    assert_true(str_eq(STR("authorization"), credentials_header(&c, 0).name));
    credentials_wipe(&c);
    assert_int_equal(0, c.n);
}

static void a_refused_one_is_left_out(void **state)
{
    struct credentials c = {.n = 0};
    const struct str keys[] = {STR("one"), STR("two")};
    credentials_set(&c, provider_get(PROVIDER_ANTHROPIC), keys, 2);
    assert_true(credentials_hear(&c, 0, true)); /* the other one may do */
    assert_int_equal(1, credentials_next(&c));
    assert_int_equal(1, credentials_next(&c));
    assert_false(credentials_hear(&c, 1, true)); /* nobody left */
    assert_int_equal(2, credentials_refused(&c));
    size_t first = credentials_next(&c), second = credentials_next(&c);
    assert_true(first != second); /* all are asked again */
    assert_false(credentials_hear(&c, 1, false));
    assert_int_equal(1, credentials_next(&c));
    assert_int_equal(1, credentials_refused(&c));
    assert_false(credentials_hear(&c, 7, true)); /* of a ring that was replaced */
    credentials_wipe(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken_in_turn),
        cmocka_unit_test(a_refused_one_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
