/* What Python and Node print of an object reads as the JSON it stands for. */
#include "check.h"
#include "literal.h"

static void literals_become_json(void **state)
{
    static const struct {
        const char *literal, *json;
    } rows[] = {
        {"{'error': {'message': 'a', 'param': None, 'ok': True}}",
         "{\"error\":{\"message\":\"a\",\"param\":null,\"ok\":true}}"},
        {"{'m': \"it's\", 'n': 'say \"no\"'}", "{\"m\":\"it's\",\"n\":\"say \\\"no\\\"\"}"},
        {"{'m': 'it\\'s \\n \\xe9 \\\\'}", "{\"m\":\"it's \\n \\u00e9 \\\\\"}"},
        {"[1, 2.5, -3,]", "[1,2.5,-3]"},
        {"{ status: 429, error: { message: 'a ' +\n    'b', code: undefined } }",
         "{\"status\":429,\"error\":{\"message\":\"a b\",\"code\":null}}"},
        {"{\"a\": \"\\u00e9\\/\", \"b\": [true, null]} and more",
         "{\"a\":\"\\u00e9\\/\",\"b\":[true,null]}"},
        {"{'a-b': `c`}", "{\"a-b\":\"c\"}"},
        {"{ headers: Headers { 'a': '1' } }", "{\"headers\":{\"a\":\"1\"}}"},
        {"{}", "{}"},
        {"{:error=>{:message=>\"a\", :param=>nil}}",
         "{\"error\":{\"message\":\"a\",\"param\":null}}"},
        {"{\"a\" => 1, \"b\" => :sym}", "{\"a\":1,\"b\":\"sym\"}"},
        {"{type=error, error={message=some words, and more, code=null}}",
         "{\"type\":\"error\",\"error\":{\"message\":\"some words, and more\",\"code\":null}}"},
        {"{ message: \"a\", type: Some(\"b\"), param: None }",
         "{\"message\":\"a\",\"type\":\"b\",\"param\":null}"},
        {"{ a: [ [Object] ], b: [Headers] }", "{\"a\":[[\"Object\"]],\"b\":[\"Headers\"]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        size_t used = 0;
        assert_int_equal(literal_json(str_of(rows[i].literal), &out, &used), SL_OK);
        assert_string_equal(buf_cstr(&out), rows[i].json);
        assert_true(used <= strlen(rows[i].literal));
        buf_free(&out);
    }
}

static void torn_literals_are_refused(void **state)
{
    static const char *const rows[] = {"",      "{",          "{'a",         "{'a\\",
                                       "[1, 2", "{'a': <b>}", "{'a': '\\q'}"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        size_t used = 0;
        if (literal_json(str_of(rows[i]), &out, &used) == SL_OK)
            fail_msg("%s: %s", rows[i], buf_cstr(&out));
        buf_free(&out);
    }
}

static void protocol_buffers_as_text(void **state)
{
    struct buf out = {0};
    assert_true(literal_quota_failure(
        STR("429 x [violations {\n  quota_id: \"APerDay\"\n  quota_value: 250\n}\nviolations "
            "{\n"
            "  quota_id: \"BPerMinute\"\n}\n, retry_delay {\n  seconds: 41\n}\n]"),
        STR("x"), &out));
    assert_string_equal(
        buf_cstr(&out),
        "{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\",\"message\":\"x\","
        "\"details\":["
        "{\"violations\":[{\"quotaId\":\"APerDay\",\"quotaValue\":\"250\"},{\"quotaId\":"
        "\"BPerMinute\"}]},{\"retryDelay\":\"41s\"}]}}");
    buf_clear(&out);
    assert_false(literal_quota_failure(STR("violations of taste"), STR(""), &out));
    assert_false(literal_quota_failure(STR("quota_id: \"a\""), STR(""), &out));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_become_json),
        cmocka_unit_test(torn_literals_are_refused),
        cmocka_unit_test(protocol_buffers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
