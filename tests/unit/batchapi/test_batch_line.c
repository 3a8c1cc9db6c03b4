/* Requests in the forms of both providers, results out of theirs. */
#include "batch_line.h"
#include "check.h"

static void requests_are_written_as_each_wants_them(void **state)
{
    struct buf b = {0};
    struct batch_request r = {STR("a\"b"), STR("/v1/embeddings"), STR("{\"model\":\"m\"}")};
    batch_request_write(BATCH_OPENAI, &r, true, &b);
    batch_request_write(BATCH_OPENAI, &r, false, &b);
    assert_string_equal(buf_cstr(&b),
                        "{\"custom_id\":\"a\\\"b\",\"method\":\"POST\",\"url\":\"/v1/"
                        "embeddings\",\"body\":{\"model\":\"m\"}}\n"
                        "{\"custom_id\":\"a\\\"b\",\"method\":\"POST\",\"url\":\"/v1/"
                        "embeddings\",\"body\":{\"model\":\"m\"}}\n");
    buf_clear(&b);
    batch_frame_head(BATCH_ANTHROPIC, STR(""), STR(""), &b);
    r.custom_id = STR("7-x");
    batch_request_write(BATCH_ANTHROPIC, &r, true, &b);
    batch_request_write(BATCH_ANTHROPIC, &r, false, &b);
    batch_frame_tail(BATCH_ANTHROPIC, STR(""), &b);
    assert_string_equal(buf_cstr(&b),
                        "{\"requests\":[{\"custom_id\":\"7-x\",\"params\":{\"model\":\"m\"}},"
                        "{\"custom_id\":\"7-x\",\"params\":{\"model\":\"m\"}}]}");
    buf_free(&b);
}

static void ids_of_ours_carry_a_mark(void **state)
{
    struct buf b = {0};
    batch_id_write(4294967295, STR("0123456789abcdef0123456789abcdef"), &b);
    assert_true(b.n <= 64); /* Anthropic's bound */
    struct str mark = STR("0123456789abcdef0123456789abcdef");
    assert_int_equal(batch_id_read(buf_str(&b), mark), 4294967295);
    assert_int_equal(batch_id_read(buf_str(&b), STR("0123456789abcdef0123456789abcdee")), -1);
    static const char *const others[] = {"", "12", "-0123", "a-0123", "-1-0123", "1-01234"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(batch_id_read(str_of(others[i]), STR("0123")), -1);
    assert_int_equal(batch_id_read(STR("12-0123"), STR("0123")), 12);
    buf_free(&b);
}

static const struct {
    enum batch_dialect d;
    const char *text;
    enum batch_fate fate;
    int status;
    const char *body, *code;
} good[] = {
    {BATCH_OPENAI,
     "{\"id\":\"batch_req_1\",\"custom_id\":\"a\",\"response\":{\"status_code\":200,"
     "\"request_id\":\"r\",\"body\":{\"id\": 1}},\"error\":null}",
     FATE_ANSWERED, 200, "{\"id\": 1}", ""},
    {BATCH_OPENAI,
     "{\"id\":\"b\",\"custom_id\":\"a\",\"response\":{\"status_code\":400,"
     "\"request_id\":\"r\",\"body\":{\"error\":{}}},\"error\":null}",
     FATE_ERRORED, 400, "{\"error\":{}}", ""},
    /* as seen: tidyverse/ellmer#830 */
    {BATCH_OPENAI,
     "{\"id\":\"b\",\"custom_id\":\"a\",\"response\":{\"status_code\":0,"
     "\"request_id\":\"\",\"body\":{}},\"error\":null}",
     FATE_ERRORED, 0, "{}", ""},
    {BATCH_OPENAI,
     "{\"custom_id\":\"a\",\"response\":null,\"error\":{\"code\":\"batch_expired\","
     "\"message\":\"late\"}}",
     FATE_EXPIRED, 0, NULL, "batch_expired"},
    {BATCH_OPENAI,
     "{\"custom_id\":\"a\",\"response\":null,\"error\":{\"code\":\"batch_cancelled\"}}",
     FATE_CANCELLED, 0, NULL, "batch_cancelled"},
    {BATCH_OPENAI, "{\"custom_id\":\"a\",\"error\":{\"code\":\"other\"}}", FATE_ERRORED, 0,
     NULL, "other"},
    {BATCH_ANTHROPIC,
     "{\"custom_id\":\"a\",\"result\":{\"type\":\"succeeded\",\"message\":{\"x\":[]}}}",
     FATE_ANSWERED, 200, "{\"x\":[]}", ""},
    {BATCH_ANTHROPIC,
     "{\"custom_id\":\"a\",\"result\":{\"type\":\"errored\",\"error\":{\"type\":\"error\"}}}",
     FATE_ERRORED, 0, "{\"type\":\"error\"}", ""},
    {BATCH_ANTHROPIC, "{\"custom_id\":\"a\",\"result\":{\"type\":\"expired\"}}", FATE_EXPIRED,
     0, NULL, ""},
    {BATCH_ANTHROPIC, "{\"custom_id\":\"a\",\"result\":{\"type\":\"canceled\"}}",
     FATE_CANCELLED, 0, NULL, ""},
};

static void results_tell_their_fate(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct arena arena = {0};
        struct batch_result r;
        struct diag diag = {"", ""};
        enum sl_err err = batch_result_read(good[i].d, str_of(good[i].text), &arena, &r, &diag);
        if (err != SL_OK || r.fate != good[i].fate || r.status != good[i].status ||
            !str_eq(r.custom_id, STR("a")) || !str_eq(r.body, str_of(good[i].body)) ||
            !str_eq(r.code, str_of(good[i].code)))
            fail_msg("%s: %s: %s", good[i].text, diag.where, diag.what);
        arena_free(&arena);
    }
}

static void what_is_no_result_is_refused(void **state)
{
    static const struct {
        enum batch_dialect d;
        const char *text, *where;
    } rows[] = {
        {BATCH_OPENAI, "", ""},
        {BATCH_OPENAI, "{\"custom_id\":\"a\"", ""},
        {BATCH_OPENAI, "[]", "custom_id"},
        {BATCH_OPENAI, "{\"response\":null}", "custom_id"},
        {BATCH_OPENAI, "{\"custom_id\":\"a\",\"response\":null,\"error\":null}", "error"},
        {BATCH_OPENAI, "{\"custom_id\":\"a\",\"response\":7}", "response"},
        {BATCH_OPENAI, "{\"custom_id\":\"a\",\"response\":{\"status_code\":200}}", "response"},
        {BATCH_OPENAI, "{\"custom_id\":\"a\",\"response\":{\"status_code\":-1,\"body\":{}}}",
         "response.status_code"},
        {BATCH_ANTHROPIC, "{\"custom_id\":\"a\",\"response\":null}", "result.type"},
        {BATCH_ANTHROPIC, "{\"custom_id\":\"a\",\"result\":{\"type\":\"succeeded\"}}",
         "result"},
        {BATCH_ANTHROPIC, "{\"custom_id\":\"a\",\"result\":{\"type\":\"lost\"}}",
         "result.type"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct batch_result r;
        struct diag diag = {"", ""};
        enum sl_err err = batch_result_read(rows[i].d, str_of(rows[i].text), &arena, &r, &diag);
        if (err == SL_OK || strcmp(diag.where, rows[i].where) != 0)
            fail_msg("%s: %d, %s: %s", rows[i].text, (int)err, diag.where, diag.what);
        arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_written_as_each_wants_them),
        cmocka_unit_test(ids_of_ours_carry_a_mark),
        cmocka_unit_test(results_tell_their_fate),
        cmocka_unit_test(what_is_no_result_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
