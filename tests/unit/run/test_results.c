/* test_results.c: lines in the batch form, whatever was answered; codes that tell final from
 * passing. test_resume.c reads them back. */
#include "book.h"

/* ---- writing ------------------------------------------------------------------------- */

static void a_line_is_in_the_batch_form(void **state)
{
    static struct book b;
    struct buf text = {0}, wanted = {0};
    char name[16], id[ID_BYTES];
    struct str parts[] = {STR("row-3"), STR("{\"model\":\"gpt-4o\",\"input\":\"say 3\"}")};
    book_init(&b);
    book_begin(&b);
    struct result r = book_result(&b, 3, name, " {\n \"a\": \"\\n\",\r\n \"b\": 1 }\n");
    assert_int_equal(results_answer(b.results, &r, &b.diag), SL_OK);
    id_write(hash128_of(parts, 2), id);
    buf_printf(
        &wanted,
        "{\"id\":\"%.*s\",\"custom_id\":\"row-3\",\"response\":{\"status_code\":200,"
        "\"request_id\":\"req_1\",\"body\":{  \"a\": \"\\n\",   \"b\": 1 }},\"error\":null}\n",
        ID_BYTES, id);
    assert_string_equal(buf_cstr(&wanted), desk_read(b.desk.output, &text));
    assert_string_equal("",
                        desk_read(b.desk.errors, &text)); /* without a failure there is none */
    book_end(&b);
    buf_free(&text);
    buf_free(&wanted);
    book_free(&b);
}

/* A refusal's JSON stays JSON, an edge network's page becomes a string, a line without a name
 * has none. */
static void failures_keep_what_was_answered(void **state)
{
    static const struct {
        const char *body, *written;
        bool answered;
    } rows[] = {{"{\"error\":{}}", "\"body\":{\"error\":{}}}", true},
                {"<h1>Bad\nGateway</h1>", "\"body\":\"<h1>Bad\\nGateway</h1>\"}", true},
                {"", "\"body\":\"\"}", true},
                {"", "\"response\":null,", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct book b;
        struct buf text = {0};
        char name[16];
        book_init(&b);
        book_begin(&b);
        struct result r = book_result(&b, 1, name, rows[i].body);
        r.answered = rows[i].answered;
        r.status = 502;
        r.custom_id = i % 2 ? r.custom_id : (struct str){0};
        assert_int_equal(
            results_failure(b.results, &r, STR("server_error"), STR("say \"no\""), &b.diag),
            SL_OK);
        const char *line = desk_read(results_errors_path(b.results), &text);
        assert_non_null(strstr(line, rows[i].written));
        assert_non_null(strstr(line, i % 2 ? "\"custom_id\":\"row-1\"" : "\"custom_id\":null"));
        assert_non_null(strstr(
            line, "\"error\":{\"code\":\"server_error\",\"message\":\"say \\\"no\\\"\"}}\n"));
        assert_string_equal("", desk_read(b.desk.output, &text));
        book_end(&b);
        buf_free(&text);
        book_free(&b);
    }
}

/* ---- codes --------------------------------------------------------------------------- */

static void codes_tell_final_from_passing(void **state)
{
    static const struct {
        struct ending end;
        const char *code;
        bool passes;
    } rows[] = {
        {{.outcome = OUTCOME_TOO_LARGE}, "too_large", false},
        {{.err = SL_TIMEOUT}, "timeout", true},
        {{.err = SL_SYNTAX}, "broken_answer", true},
        {{.err = SL_TOO_LARGE}, "broken_answer", true},
        {{.err = SL_CLOSED}, "connection", true},
        {{.err = SL_RESOLVE}, "connection", true},
        {{.answered = true, .verdict = {.kind = VERDICT_OVERLOADED}}, "overloaded", true},
        {{.answered = true, .verdict = {.kind = VERDICT_RATE_LIMIT}}, "rate_limit", true},
        {{.answered = true, .verdict = {.kind = VERDICT_QUOTA}}, "quota", true},
        {{.answered = true, .verdict = {.kind = VERDICT_AUTH}}, "auth", true},
        {{.answered = true, .verdict = {.kind = VERDICT_CONTEXT_LENGTH}},
         "context_length",
         false},
        {{.answered = true, .verdict = {.kind = VERDICT_OTHER, .retryable = true}},
         "server_error",
         true},
        {{.answered = true, .verdict = {.kind = VERDICT_OTHER}}, "rejected", false},
        {{.answered = true, .verdict = {.kind = VERDICT_OTHER, .code = {"bad_voice", 9}}},
         "bad_voice",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str code = failure_code(&rows[i].end);
        if (!str_eq(code, str_of(rows[i].code)) || failure_passes(code) != rows[i].passes)
            fail_msg("%s: %.*s", rows[i].code, STR_ARG(code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_in_the_batch_form),
        cmocka_unit_test(failures_keep_what_was_answered),
        cmocka_unit_test(codes_tell_final_from_passing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
