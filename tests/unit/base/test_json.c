#include "check.h"
#include "json.h"
#include "keyset.h"

#include <stdio.h>

static struct json *parse(struct arena *a, const char *text)
{
    return json_parse(a, str_of(text), NULL);
}

static void raw_slices_are_the_bytes_of_each_value(void **state)
{
    struct arena a = {0};
    struct json *v =
        parse(&a, " {\"a\": [1, -2.5e3, \"x\\\"\\\\\"], \"b\":{\"c\" : null}, \"d\":true } ");
    assert_non_null(v);
    assert_true(str_eq(json_get(v, "a")->raw, STR("[1, -2.5e3, \"x\\\"\\\\\"]")));
    struct json *e = json_get(v, "a")->first;
    assert_true(str_eq(e->raw, STR("1")));
    assert_true(str_eq(e->next->raw, STR("-2.5e3")));
    assert_true(str_eq(e->next->next->raw, STR("\"x\\\"\\\\\"")));
    assert_true(str_eq(e->next->next->text, STR("x\"\\")));
    assert_true(str_eq(json_get(v, "b")->raw, STR("{\"c\" : null}")));
    assert_true(str_eq(json_path(v, "b.c")->raw, STR("null")));
    assert_true(str_eq(json_get(v, "d")->raw, STR("true")));
    assert_true(str_eq(parse(&a, "  0")->raw, STR("0")));
    assert_true(str_eq(parse(&a, " -1.5 ")->raw, STR("-1.5")));
    assert_true(str_eq(parse(&a, " true ")->raw, STR("true")));
    arena_free(&a);
}

static void strings_keep_nul_and_refuse_bad_utf8(void **state)
{
    struct arena a = {0};
    struct json *v = parse(&a, "\"a\\u0000b\"");
    assert_int_equal(json_str(v).n, 3);
    struct diag d;
    assert_null(json_parse(&a, STR("\"\xff\""), &d));
    assert_non_null(strstr(d.what, "bad JSON at byte"));
    assert_null(parse(&a, "{} x"));
    assert_null(parse(&a, "01"));
    assert_null(parse(&a, ""));
    arena_free(&a);
}

static void depth_is_bounded(void **state)
{
    struct arena a = {0};
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    assert_null(json_parse(&a, (struct str){deep, 400}, NULL));
    arena_free(&a);
}

static void integers_may_be_written_as_decimals(void **state)
{
    struct arena a = {0};
    int64_t n = 0;
    assert_int_equal(json_int(parse(&a, "3.0"), &n), SL_OK);
    assert_int_equal(n, 3);
    assert_int_equal(json_int(parse(&a, "3.5"), &n), SL_RANGE);
    assert_int_equal(json_int(parse(&a, "\"3\""), &n), SL_TYPE);
    arena_free(&a);
}

static void duplicates_are_told(void **state)
{
    struct arena a = {0};
    assert_null(json_duplicate(parse(&a, "{\"a\":{\"b\":1},\"b\":2}")));
    const struct json *d = json_duplicate(parse(&a, "{\"a\":[{\"b\":1,\"c\":0,\"b\":2}]}"));
    assert_non_null(d);
    assert_true(str_eq(d->key, STR("b")));
    arena_free(&a);
}

/* What a file of a hostile customer costs: 20,000 keys in one object, of which none is twice;
 * pair by pair that were 200 million comparisons. Counted work, not time. */
static void duplicates_are_told_in_linear_work(void **state)
{
    enum { KEYS = 20000 };
    struct arena a = {0};
    struct buf text = {0};
    size_t bytes = 0, steps;
    for (size_t i = 0; i < KEYS; i++) {
        buf_printf(&text, "%c\"%zu\":{\"a\":1,\"b\":2}", i ? ',' : '{', i);
        bytes += (size_t)snprintf(NULL, 0, "%zu", i) + 1 + 4;
    }
    buf_puts(&text, "}");
    assert_null(json_duplicate_counted(parse(&a, buf_cstr(&text)), &steps));
    assert_true(steps >= KEYS && steps <= KEYSET_STEPS * bytes);

    text.n--;
    buf_puts(&text, ",\"77\":0}");
    const struct json *d = json_duplicate_counted(parse(&a, buf_cstr(&text)), &steps);
    assert_true(d && str_eq(d->key, STR("77")) && d->type == JSON_NUMBER);
    buf_free(&text);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_slices_are_the_bytes_of_each_value),
        cmocka_unit_test(strings_keep_nul_and_refuse_bad_utf8),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(integers_may_be_written_as_decimals),
        cmocka_unit_test(duplicates_are_told),
        cmocka_unit_test(duplicates_are_told_in_linear_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
