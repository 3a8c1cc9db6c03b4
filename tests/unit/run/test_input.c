/* test_input.c: every line is judged before anything is sent: which line, which field, what to
 * do about it; and what was judged is what is read again. */
#include "desk.h"

#define CHAT(id, body)                                                                         \
    "{\"custom_id\":\"" id                                                                     \
    "\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":" body "}"
#define ASK                                                                                    \
    "{\"model\":\"gpt-4o\",\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":"    \
    "\"hi\"}]}"

/* One line that is wrong, and what is said of it: the field, and words that must be there. */
static const struct {
    const char *line, *field, *what;
} wrong[] = {
    {"{not json", "", "JSON"},
    {"[1]", "", "must be a JSON object"},
    {"{\"method\":\"POST\"}", "custom_id", "missing"},
    {"{\"custom_id\":7}", "custom_id", "must be a string"},
    {"{\"custom_id\":\"\"}", "custom_id", "must not be empty"},
    {"{\"custom_id\":\"a\"}", "method", "missing"},
    {"{\"custom_id\":\"a\",\"method\":\"GET\"}", "method", "must be \"POST\""},
    {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/nowhere\",\"body\":{}}", "url",
     "known are /v1/chat/completions"},
    {"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\"}", "body",
     "missing: the request itself"},
    {"{\"custom_id\":\"a\",\"custom_id\":\"b\",\"method\":\"POST\"}", "",
     "\"custom_id\" stands twice"},
    {CHAT("a", "{\"messages\":[]}"), "body.model", "missing"},
    {CHAT("a", "{\"model\":\"gpt-4o\",\"messages\":7}"), "body.messages", "must be a list"},
    {CHAT("a", "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}"), "body.stream",
     "remove it"},
    {CHAT("a", "{\"model\":\"gpt-4o\",\"max_tokens\":999999,\"messages\":[]}"), "body",
     "999,999"},
    {"{\"custom_id\":\"a\",\"params\":7}", "params", "must be an object"},
    {"{\"custom_id\":\"a\",\"params\":{\"messages\":[]}}", "params.model", "missing"},
};

static void each_complaint_names_line_field_and_advice(void **state)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        static struct desk d;
        char text[600], start[120];
        desk_init(&d);
        snprintf(text, sizeof text, "%s\n%s\n%s\n", CHAT("good", ASK), wrong[i].line,
                 CHAT("fine", ASK));
        desk_write(d.requests, text);
        assert_int_equal(desk_open(&d), SL_OK);
        assert_int_equal(3, d.input.rows.n);
        assert_int_equal(1, d.input.invalid);
        snprintf(start, sizeof start, "2 %s: ", wrong[i].field);
        const char *said = buf_cstr(&d.complaints);
        if (strncmp(said, start, strlen(start)) != 0 || !strstr(said, wrong[i].what))
            fail_msg("%s\nsaid: %swanted: %s ... %s", wrong[i].line, said, start,
                     wrong[i].what);
        desk_free(&d);
    }
}

/* The same words when the line is read again for the error file. */
static void a_complaint_is_told_again_in_the_same_words(void **state)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        static struct desk d;
        struct input_request again = {0};
        struct buf twice = {0};
        desk_init(&d);
        desk_write(d.requests, wrong[i].line);
        assert_int_equal(desk_open(&d), SL_OK);
        const struct row *row = &d.input.rows.list[0];
        assert_int_equal(ROW_INVALID, row->state);
        input_complaint(&d.input, row, &again, &d.diag);
        buf_printf(&twice, "%u %s: %s\n", row->number, d.diag.where, d.diag.what);
        assert_string_equal(buf_cstr(&d.complaints), buf_cstr(&twice));
        buf_free(&twice);
        input_request_free(&again);
        desk_free(&d);
    }
}

static void what_no_limit_takes_is_told(void **state)
{
    static struct desk d;
    struct option_list limits = {{"gpt-4o:rpm=5,tpm=100"}, 1};
    desk_init(&d);
    assert_int_equal(limit_source_add(&d.limits, &limits, &d.diag), SL_OK);
    desk_write(
        d.requests,
        CHAT("a",
             "{\"model\":\"gpt-4o\",\"max_tokens\":101,\"messages\":[]"
             "}") "\n" CHAT("b",
                            "{\"model\":\"gpt-4o\",\"max_tokens\":"
                            "100,\"messages\":[]}") "\n" CHAT("c",
                                                              "{\"model\":\"gpt-4o\",\"max_"
                                                              "tokens\":999999,\"messages\":["
                                                              "]}") "\n");
    assert_int_equal(desk_open(&d), SL_OK);
    assert_int_equal(2, d.input.invalid);
    assert_int_equal(ROW_PENDING, d.input.rows.list[1].state);
    assert_non_null(strstr(buf_cstr(&d.complaints), "1 "));
    assert_non_null(strstr(buf_cstr(&d.complaints), "100"));     /* the limit */
    assert_non_null(strstr(buf_cstr(&d.complaints), "999,999")); /* over the model's output */
    desk_free(&d);
}

static void a_second_use_of_a_name_is_invalid(void **state)
{
    static struct desk d;
    struct input_request again = {0};
    desk_init(&d);
    desk_write(d.requests, CHAT("a", ASK) "\n" CHAT("b", ASK) "\n\n" CHAT("a", ASK) "\n");
    assert_int_equal(desk_open(&d), SL_OK);
    assert_string_equal("4 : custom_id \"a\" was already used on line 1\n",
                        buf_cstr(&d.complaints));
    assert_int_equal(ROW_PENDING, d.input.rows.list[0].state);
    assert_int_equal(ROW_INVALID, d.input.rows.list[2].state);
    input_complaint(&d.input, &d.input.rows.list[2], &again, &d.diag);
    assert_string_equal("custom_id was already used on line 1", d.diag.what);
    assert_true(str_eq(again.line.custom_id, STR("a")));
    input_request_free(&again);
    desk_free(&d);
}

/* Empty lines, carriage returns, a last line without an end, Anthropic's form among OpenAI's:
 * each row leads back to the bytes of its body. */
static void rows_lead_back_to_their_bytes(void **state)
{
    static const char *const bodies[] = {
        ASK, "{ \"model\" : \"gpt-4o\", \"messages\":[], \"max_tokens\":3 }",
        "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[]}"};
    static struct desk d;
    struct input_request r = {0};
    desk_init(&d);
    desk_write(d.requests, "\n  \n" CHAT("a", ASK) "\r\n\n" CHAT(
                               "b", "{ \"model\" : \"gpt-4o\", \"messages\":[], "
                                    "\"max_tokens\":3 }") "\n"
                                                          "{\"custom_id\":\"c\",\"params\":"
                                                          "{\"model\":\"claude-sonnet-4-5\","
                                                          "\"max_tokens\":5,\"messages\":[]}}");
    assert_int_equal(desk_open(&d), SL_OK);
    assert_string_equal("", buf_cstr(&d.complaints));
    assert_int_equal(3, d.input.rows.n);
    assert_int_equal(2, d.input.models.n);
    static const uint32_t numbers[] = {3, 5, 6}, outputs[] = {20, 3, 5};
    for (size_t i = 3; i-- > 0;) {
        const struct row *row = &d.input.rows.list[i];
        assert_int_equal(numbers[i], row->number);
        assert_true(str_eq(d.input.models.list[row->model].name,
                           i == 2 ? STR("claude-sonnet-4-5") : STR("gpt-4o")));
        assert_int_equal(outputs[i], row->max_output_tokens);
        assert_int_equal(input_read(&d.input, row, &r, &d.diag), SL_OK);
        assert_true(str_eq(r.line.body, str_of(bodies[i])));
    }
    input_request_free(&r);
    desk_free(&d);
}

static void a_file_that_changes_while_in_use_is_noticed(void **state)
{
    static struct desk d;
    struct input_request r = {0};
    desk_init(&d);
    desk_write(d.requests, CHAT("a", ASK) "\n" CHAT("b", ASK) "\n");
    assert_int_equal(desk_open(&d), SL_OK);
    const struct row *second = &d.input.rows.list[1];
    desk_write(d.requests, CHAT("a", ASK) "\n" CHAT("c", ASK) "\n");
    assert_int_equal(input_read(&d.input, second, &r, &d.diag), SL_RANGE);
    assert_string_equal("line 2 has changed since the file was checked", d.diag.what);
    desk_write(d.requests, CHAT("a", ASK) "\n");
    assert_int_equal(input_read(&d.input, second, &r, &d.diag), SL_IO);
    assert_int_equal(input_read(&d.input, &d.input.rows.list[0], &r, &d.diag), SL_OK);
    input_request_free(&r);
    desk_free(&d);
}

/* Nothing can be run against a tier that does not know the model. */
static void a_model_without_limits_ends_it(void **state)
{
    static struct desk d;
    desk_init(&d);
    d.limits.tier = STR("1");
    desk_write(d.requests,
               CHAT("a", ASK) "\n" CHAT("b", "{\"model\":\"tomorrow\",\"messages\":[]}"));
    assert_int_equal(desk_open(&d), SL_UNKNOWN);
    assert_int_equal(0, strncmp(d.diag.where, "2: ", 3));
    assert_non_null(strstr(d.diag.what, "--limits tomorrow:"));
    desk_free(&d);
    desk_init(&d);
    assert_int_equal(desk_open(&d), SL_IO); /* no such file */
    assert_string_equal(d.requests, d.diag.where);
    desk_free(&d);
}

static void prompts_become_rows(void **state)
{
    static struct desk d;
    struct input_request r = {0};
    desk_init(&d);
    d.config.form = (struct line_form){true, "gpt-4o", 9, d.config.provider};
    desk_write(d.requests, "say \"one\"\n\n\xff\xfe not text\n");
    assert_int_equal(desk_open(&d), SL_OK);
    assert_int_equal(2, d.input.rows.n);
    assert_int_equal(0, d.input.invalid);
    assert_int_equal(input_read(&d.input, &d.input.rows.list[1], &r, &d.diag), SL_OK);
    assert_true(str_eq(r.line.custom_id, STR("prompt-3")));
    assert_string_equal("standard input", input_name(&(struct input_config){.path = "-"}));
    input_request_free(&r);
    desk_free(&d);
}

static void progress_is_told_every_few_thousand_lines(void **state)
{
    static struct desk d;
    struct buf text = {0};
    desk_init(&d);
    for (int i = 0; i < 9000; i++)
        buf_printf(&text, CHAT("row-%d", ASK) "\n", i);
    desk_write(d.requests, buf_cstr(&text));
    buf_free(&text);
    assert_int_equal(desk_open(&d), SL_OK);
    assert_int_equal(9000, d.input.rows.n);
    assert_int_equal(2, d.progress);
    desk_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_complaint_names_line_field_and_advice),
        cmocka_unit_test(a_complaint_is_told_again_in_the_same_words),
        cmocka_unit_test(what_no_limit_takes_is_told),
        cmocka_unit_test(a_second_use_of_a_name_is_invalid),
        cmocka_unit_test(rows_lead_back_to_their_bytes),
        cmocka_unit_test(a_file_that_changes_while_in_use_is_noticed),
        cmocka_unit_test(a_model_without_limits_ends_it),
        cmocka_unit_test(prompts_become_rows),
        cmocka_unit_test(progress_is_told_every_few_thousand_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
