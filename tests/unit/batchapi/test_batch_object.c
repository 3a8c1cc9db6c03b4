/* Batches, pages and files as both providers tell of them. */
#include "batch_object.h"
#include "check.h"

#include <stdio.h>

struct world {
    struct arena arena;
    struct diag diag;
    struct batch_object b;
};

static enum sl_err read(struct world *w, enum batch_dialect d, const char *text)
{
    struct diag why = {"", ""};
    arena_reset(&w->arena);
    w->diag = (struct diag){"", ""};
    const struct json *v = json_parse(&w->arena, str_of(text), &why);
    if (!v)
        fail_msg("%s: %s", text, why.what);
    return batch_object_read(d, v, &w->b, &w->diag);
}

static void openai_at_work_and_over(void **state)
{
    struct world w = {0};
    assert_int_equal(
        read(&w, BATCH_OPENAI,
             "{\"id\":\"batch_1\",\"object\":\"batch\",\"status\":\"in_progress\",\"errors\":"
             "null,\"output_file_id\":null,\"created_at\":1764000000,\"expires_at\":1764086400,"
             "\"request_counts\":{\"total\":9,\"completed\":3,\"failed\":1},"
             "\"metadata\":{\"sluice\":\"m.1\"}}"),
        SL_OK);
    assert_true(str_eq(w.b.id, STR("batch_1")) && str_eq(w.b.mark, STR("m.1")));
    assert_int_equal(w.b.phase, BATCH_AT_WORK);
    assert_int_equal(w.b.total, 9);
    assert_int_equal(w.b.done, 4);
    assert_int_equal(w.b.created_us, 1764000000000000);
    assert_int_equal(w.b.expires_us, 1764086400000000);
    assert_int_equal(w.b.output_file.n, 0);
    static const char *const over[] = {"completed", "expired", "cancelled"};
    for (size_t i = 0; i < 3; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "{\"id\":\"batch_1\",\"status\":\"%s\",\"output_file_id\":\"file-o\","
                 "\"error_file_id\":\"file-e\"}",
                 over[i]);
        assert_int_equal(read(&w, BATCH_OPENAI, text), SL_OK);
        assert_int_equal(w.b.phase, BATCH_OVER);
        assert_true(str_eq(w.b.output_file, STR("file-o")));
        assert_true(str_eq(w.b.error_file, STR("file-e")));
        assert_int_equal(w.b.total, -1);
    }
    static const char *const others[] = {"validating", "finalizing", "cancelling", "dreaming"};
    for (size_t i = 0; i < 4; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"id\":\"b\",\"status\":\"%s\"}", others[i]);
        assert_int_equal(read(&w, BATCH_OPENAI, text), SL_OK);
        assert_int_equal(w.b.phase, BATCH_AT_WORK);
    }
    arena_free(&w.arena);
}

static void openai_failed(void **state)
{
    struct world w = {0};
    assert_int_equal(read(&w, BATCH_OPENAI,
                          "{\"id\":\"b\",\"status\":\"failed\",\"errors\":{\"object\":\"list\","
                          "\"data\":[{\"code\":\"invalid_json_line\",\"line\":4,\"message\":"
                          "\"no\",\"param\":null},{\"code\":\"x\",\"line\":null}]}}"),
                     SL_OK);
    assert_int_equal(w.b.phase, BATCH_FAILED);
    assert_false(batch_queue_was_full(&w.b));
    struct batch_complaint c = batch_complaint_read(w.b.complaints);
    assert_int_equal(c.line, 4);
    assert_true(str_eq(c.code, STR("invalid_json_line")) && str_eq(c.message, STR("no")));
    assert_int_equal(batch_complaint_read(w.b.complaints->next).line, 0);
    assert_int_equal(
        read(&w, BATCH_OPENAI,
             "{\"id\":\"b\",\"status\":\"failed\",\"errors\":{\"data\":[{\"code\":"
             "\"token_limit_exceeded\",\"message\":\"Enqueued token limit reached for gpt-4o "
             "in organization org-x. Limit: 90,000 enqueued tokens.\",\"line\":null}]}}"),
        SL_OK);
    assert_true(batch_queue_was_full(&w.b));
    assert_int_equal(read(&w, BATCH_OPENAI, "{\"id\":\"b\",\"status\":\"failed\"}"), SL_OK);
    assert_null(w.b.complaints);
    arena_free(&w.arena);
}

static void anthropic_counts_what_is_over(void **state)
{
    struct world w = {0};
    assert_int_equal(
        read(&w, BATCH_ANTHROPIC,
             "{\"id\":\"msgbatch_01\",\"type\":\"message_batch\",\"processing_status\":"
             "\"canceling\",\"request_counts\":{\"processing\":5,\"succeeded\":1,\"errored\":2,"
             "\"canceled\":3,\"expired\":4},\"created_at\":\"2026-01-02T03:04:05Z\"}"),
        SL_OK);
    assert_int_equal(w.b.phase, BATCH_AT_WORK);
    assert_int_equal(w.b.done, 10);
    assert_int_equal(w.b.total, 15);
    assert_int_equal(w.b.created_us, 1767323045000000);
    assert_int_equal(
        read(&w, BATCH_ANTHROPIC, "{\"id\":\"m\",\"processing_status\":\"ended\"}"), SL_OK);
    assert_int_equal(w.b.phase, BATCH_OVER);
    arena_free(&w.arena);
}

static void what_is_no_batch_is_refused(void **state)
{
    static const struct {
        const char *text, *where;
    } rows[] = {
        {"[]", "id"},
        {"{\"status\":\"failed\"}", "id"},
        {"{\"id\":\"b\"}", "status"},
        {"{\"id\":\"../b\",\"status\":\"failed\"}", "id"},
        {"{\"id\":\"..\",\"status\":\"failed\"}", "id"},
        {"{\"id\":7,\"status\":\"failed\"}", "id"},
        {"{\"id\":\"b\",\"status\":\"completed\",\"output_file_id\":\"a?b\"}",
         "output_file_id"},
        {"{\"id\":\"b\",\"status\":\"completed\",\"error_file_id\":\"\"}", "error_file_id"},
    };
    struct world w = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum sl_err err = read(&w, BATCH_OPENAI, rows[i].text);
        if (err == SL_OK || strcmp(w.diag.where, rows[i].where) != 0)
            fail_msg("%s: %s", rows[i].text, w.diag.where);
    }
    arena_free(&w.arena);
}

static void pages_and_files(void **state)
{
    struct world w = {0};
    struct batch_page page;
    struct batch_file file;
    const struct json *v =
        json_parse(&w.arena,
                   STR("{\"data\":[{\"id\":\"file-1\",\"filename\":\"a.jsonl\"},{\"id\":"
                       "\"file-2\"}],\"has_more\":true,\"last_id\":\"file-2\"}"),
                   NULL);
    assert_int_equal(batch_page_read(v, &page, &w.diag), SL_OK);
    assert_true(page.more && str_eq(page.last, STR("file-2")));
    assert_int_equal(batch_file_read(page.first, &file, &w.diag), SL_OK);
    assert_true(str_eq(file.id, STR("file-1")) && str_eq(file.filename, STR("a.jsonl")));
    assert_int_equal(batch_file_read(page.first->next, &file, &w.diag), SL_OK);
    assert_int_equal(file.filename.n, 0);
    v = json_parse(&w.arena, STR("{\"data\":[],\"first_id\":null,\"last_id\":null}"), NULL);
    assert_int_equal(batch_page_read(v, &page, &w.diag), SL_OK);
    assert_true(!page.more && !page.first && page.last.n == 0);
    assert_int_equal(batch_page_read(NULL, &page, &w.diag), SL_TYPE);
    assert_int_equal(batch_file_read(v, &file, &w.diag), SL_MISSING);
    arena_free(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_at_work_and_over),
        cmocka_unit_test(openai_failed),
        cmocka_unit_test(anthropic_counts_what_is_over),
        cmocka_unit_test(what_is_no_batch_is_refused),
        cmocka_unit_test(pages_and_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
