/* test_results.c: the output is the journal: what was written is read back, what is final
 * stays, what was passing is asked again, and what belongs to another input is left alone. */
#include "desk.h"
#include "random.h"
#include "results.h"

enum { ROWS = 12 };

struct book {
    struct desk desk;
    uv_loop_t loop;
    struct results *results;
    struct results_found found;
    struct diag diag;
};

/* Rows "row-0", "row-1" ...; `tag` makes other bodies. */
static void write_requests(struct book *b, int rows, const char *tag)
{
    struct buf text = {0};
    for (int i = 0; i < rows; i++)
        buf_printf(&text,
                   "{\"custom_id\":\"row-%d\",\"method\":\"POST\",\"url\":\"/v1/responses\","
                   "\"body\":{\"model\":\"gpt-4o\",\"input\":\"%s %d\"}}\n",
                   i, tag, i);
    desk_write(b->desk.requests, buf_cstr(&text));
    buf_free(&text);
}

static enum sl_err try_open(struct book *b)
{
    struct results_config c = {b->desk.output, NULL};
    return results_open(&b->loop, &c, &b->desk.input, &b->results, &b->found, &b->diag);
}

/* A run begins: the input is checked, the results are opened. */
static void begin(struct book *b)
{
    assert_int_equal(desk_open(&b->desk), SL_OK);
    assert_int_equal(try_open(b), SL_OK);
}

static void end(struct book *b)
{
    assert_int_equal(results_close(&b->results, &b->diag), SL_OK);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    input_close(&b->desk.input);
}

static void book_init(struct book *b)
{
    *b = (struct book){0};
    desk_init(&b->desk);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    write_requests(b, ROWS, "say");
}

static void book_free(struct book *b)
{
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    desk_free(&b->desk);
}

static const struct row *row_at(const struct book *b, int i)
{
    return &b->desk.input.rows.list[i];
}

static struct result result_for(const struct book *b, int i, char name[16], const char *body)
{
    snprintf(name, 16, "row-%d", i);
    return (struct result){.id = row_at(b, i)->id,
                           .custom_id = str_of(name),
                           .answered = true,
                           .status = 200,
                           .request_id = STR("req_1"),
                           .body = str_of(body)};
}

static void answer(struct book *b, int i)
{
    char name[16];
    struct result r = result_for(b, i, name, "{\"ok\":true}");
    assert_int_equal(results_answer(b->results, &r, &b->diag), SL_OK);
}

static void put_failure(struct book *b, int i, const char *code)
{
    char name[16];
    struct result r = result_for(b, i, name, "");
    r.answered = false;
    assert_int_equal(results_failure(b->results, &r, str_of(code), STR("no"), &b->diag), SL_OK);
}

/* ---- writing -------------------------------------------------------------------------------
 */

static void a_line_is_in_the_batch_form(void **state)
{
    static struct book b;
    struct buf text = {0}, wanted = {0};
    char name[16], id[ID_BYTES];
    struct str parts[] = {STR("row-3"), STR("{\"model\":\"gpt-4o\",\"input\":\"say 3\"}")};
    book_init(&b);
    begin(&b);
    struct result r = result_for(&b, 3, name, " {\n \"a\": \"\\n\",\r\n \"b\": 1 }\n");
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
    end(&b);
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
        begin(&b);
        struct result r = result_for(&b, 1, name, rows[i].body);
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
        end(&b);
        buf_free(&text);
        book_free(&b);
    }
}

/* ---- reading back --------------------------------------------------------------------------
 */

static void finished_rows_are_skipped(void **state)
{
    static struct book b;
    struct buf before = {0}, after = {0};
    book_init(&b);
    begin(&b);
    answer(&b, 0);
    answer(&b, 7);
    put_failure(&b, 2, "invalid_value"); /* the provider's own word: final */
    put_failure(&b, 3, "too_large");
    put_failure(&b, 4, "server_error"); /* passing */
    put_failure(&b, 5, "timeout");
    end(&b);
    for (int again = 0; again < 2; again++) { /* and a second look finds the same */
        begin(&b);
        assert_int_equal(2, b.found.ok);
        assert_int_equal(2, b.found.failed);
        assert_int_equal(again ? 0 : 2, b.found.retried);
        assert_int_equal(0, b.found.torn_bytes);
        for (int i = 0; i < ROWS; i++) {
            enum row_state is = i == 0 || i == 7   ? ROW_DONE
                                : i == 2 || i == 3 ? ROW_FAILED
                                                   : ROW_PENDING;
            assert_int_equal(is, row_at(&b, i)->state);
        }
        const char *errors = desk_read(b.desk.errors, again ? &after : &before);
        assert_non_null(strstr(errors, "row-2"));
        assert_non_null(strstr(errors, "row-3"));
        assert_null(strstr(errors, "row-4"));
        assert_null(strstr(errors, "row-5"));
        end(&b);
    }
    assert_string_equal(buf_cstr(&before), buf_cstr(&after));
    buf_free(&before);
    buf_free(&after);
    book_free(&b);
}

/* Complaints are made anew by each check, so those of an earlier run do not stay. */
static void complaints_of_an_earlier_run_leave(void **state)
{
    static struct book b;
    struct buf text = {0};
    book_init(&b);
    begin(&b);
    put_failure(&b, 1, FAILURE_INVALID);
    end(&b);
    begin(&b);
    assert_int_equal(ROW_PENDING, row_at(&b, 1)->state);
    assert_int_equal(0, b.found.failed + b.found.retried);
    assert_string_equal("", desk_read(b.desk.errors, &text));
    end(&b);
    buf_free(&text);
    book_free(&b);
}

/* Failed for good, asked by hand and answered after all: the answer counts, and stands alone.
 */
static void an_answer_outweighs_a_failure(void **state)
{
    static struct book b;
    struct buf text = {0};
    book_init(&b);
    begin(&b);
    put_failure(&b, 1, "rejected");
    answer(&b, 1);
    end(&b);
    begin(&b);
    assert_int_equal(ROW_DONE, row_at(&b, 1)->state);
    assert_int_equal(1, b.found.ok);
    assert_int_equal(0, b.found.failed);
    assert_string_equal("", desk_read(b.desk.errors, &text));
    end(&b);
    buf_free(&text);
    book_free(&b);
}

static void a_torn_line_is_asked_again(void **state)
{
    static struct book b;
    struct buf text = {0};
    book_init(&b);
    begin(&b);
    answer(&b, 0);
    answer(&b, 1);
    end(&b);
    size_t whole = strlen(desk_read(b.desk.output, &text));
    assert_int_equal(0, truncate(b.desk.output, (off_t)whole - 10));
    begin(&b);
    assert_int_equal(1, b.found.ok);
    assert_int_equal(whole / 2 - 10, b.found.torn_bytes);
    assert_int_equal(ROW_PENDING, row_at(&b, 1)->state);
    assert_int_equal(whole / 2, strlen(desk_read(b.desk.output, &text)));
    end(&b);
    buf_free(&text);
    book_free(&b);
}

/* Output or error file of another input: told, with the line; and not a byte is touched. */
static void what_belongs_to_another_input_is_left_alone(void **state)
{
    enum change { OTHER_BODIES, FEWER_ROWS, NOTES, CHANGES };
    static const char *const said[] = {"has another body in the input now",
                                       "is not in the input",
                                       "is not a result of an earlier run"};
    for (enum change k = OTHER_BODIES; k < CHANGES; k++) {
        for (int in_errors = 0; in_errors < 2; in_errors++) {
            static struct book b;
            struct buf before = {0}, after = {0};
            book_init(&b);
            const char *path = in_errors ? b.desk.errors : b.desk.output;
            begin(&b);
            if (in_errors)
                put_failure(&b, ROWS - 1, "rejected");
            else
                answer(&b, ROWS - 1);
            end(&b);
            if (k == NOTES)
                desk_write(path, "my notes\n");
            else
                write_requests(&b, k == FEWER_ROWS ? ROWS - 1 : ROWS,
                               k == OTHER_BODIES ? "sing" : "say");
            desk_read(path, &before);
            assert_int_equal(desk_open(&b.desk), SL_OK);
            assert_int_equal(try_open(&b), SL_RANGE);
            assert_null(b.results);
            assert_non_null(strstr(b.diag.what, said[k]));
            assert_int_equal(0, strncmp(b.diag.where, path, strlen(path)));
            assert_string_equal(":1", b.diag.where + strlen(path));
            assert_string_equal(buf_cstr(&before), desk_read(path, &after));
            input_close(&b.desk.input);
            buf_free(&before);
            buf_free(&after);
            book_free(&b);
        }
    }
}

static void cut_somewhere(struct random *r, const char *path)
{
    struct buf text = {0};
    size_t n = strlen(desk_read(path, &text)), line = n;
    while (line > 1 && text.p[line - 2] != '\n')
        line--;
    if (n > 0)
        assert_int_equal(0, truncate(path, (off_t)(line + random_below(r, n - line + 1))));
    buf_free(&text);
}

static int count(struct buf *text, const char *path, int i)
{
    char name[32];
    int n = 0;
    snprintf(name, sizeof name, "\"custom_id\":\"row-%d\"", i);
    desk_read(path, text);
    for (ptrdiff_t at = -1;
         (at = str_find(buf_str(text), str_of(name), (size_t)(at + 1))) >= 0;)
        n++;
    return n;
}

/* Runs that are killed anywhere, a last line torn or not: in the end every row stands exactly
 * once in output and error file together. */
static void whatever_kills_it_each_row_ends_once(void **state)
{
    static const char *const codes[] = {"overloaded", "rate_limit",    "server_error",
                                        "connection", "timeout",       "broken_answer",
                                        "quota",      "auth",          "content_filter",
                                        "too_large",  "context_length"};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static struct book b;
        struct random r = {seed};
        struct buf text = {0};
        int left = ROWS, runs = 0;
        book_init(&b);
        while (left > 0) {
            begin(&b);
            left = 0;
            for (int i = 0; i < ROWS; i++) {
                bool pending = row_at(&b, i)->state == ROW_PENDING, gone = random_below(&r, 2);
                left += pending;
                if (pending && gone && random_below(&r, 3))
                    answer(&b, i);
                else if (pending && gone)
                    put_failure(&b, i, codes[random_below(&r, 11)]);
            }
            end(&b);
            if (left > 0 && random_below(&r, 2))
                cut_somewhere(&r, random_below(&r, 2) ? b.desk.output : b.desk.errors);
            assert_seeded(seed, runs++ < 1000);
        }
        for (int i = 0; i < ROWS; i++)
            assert_seeded(seed,
                          count(&text, b.desk.output, i) + count(&text, b.desk.errors, i) == 1);
        buf_free(&text);
        book_free(&b);
    }
}

/* ---- codes ---------------------------------------------------------------------------------
 */

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
        cmocka_unit_test(finished_rows_are_skipped),
        cmocka_unit_test(complaints_of_an_earlier_run_leave),
        cmocka_unit_test(an_answer_outweighs_a_failure),
        cmocka_unit_test(a_torn_line_is_asked_again),
        cmocka_unit_test(what_belongs_to_another_input_is_left_alone),
        cmocka_unit_test(whatever_kills_it_each_row_ends_once),
        cmocka_unit_test(codes_tell_final_from_passing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
