/* Where calls go, and what a batch is made by. */
#include "batch_call.h"
#include "check.h"

static void paths_below_a_base(void **state)
{
    static const struct {
        enum batch_dialect d;
        enum batch_verb v;
        const char *id, *method, *path;
    } rows[] = {
        {BATCH_OPENAI, BATCH_UPLOAD, "", "POST", "/files"},
        {BATCH_OPENAI, BATCH_FILES, "", "GET", "/files?purpose=batch&limit=100"},
        {BATCH_OPENAI, BATCH_FILES, "f1", "GET", "/files?purpose=batch&limit=100&after=f1"},
        {BATCH_OPENAI, BATCH_CREATE, "", "POST", "/batches"},
        {BATCH_OPENAI, BATCH_LOOK, "b1", "GET", "/batches/b1"},
        {BATCH_OPENAI, BATCH_LIST, "", "GET", "/batches?limit=100"},
        {BATCH_OPENAI, BATCH_LIST, "b1", "GET", "/batches?limit=100&after=b1"},
        {BATCH_OPENAI, BATCH_CANCEL, "b1", "POST", "/batches/b1/cancel"},
        {BATCH_OPENAI, BATCH_CONTENT, "f1", "GET", "/files/f1/content"},
        {BATCH_ANTHROPIC, BATCH_CREATE, "", "POST", "/messages/batches"},
        {BATCH_ANTHROPIC, BATCH_LOOK, "m1", "GET", "/messages/batches/m1"},
        {BATCH_ANTHROPIC, BATCH_LIST, "", "GET", "/messages/batches?limit=100"},
        {BATCH_ANTHROPIC, BATCH_LIST, "m1", "GET", "/messages/batches?limit=100&after_id=m1"},
        {BATCH_ANTHROPIC, BATCH_CANCEL, "m1", "POST", "/messages/batches/m1/cancel"},
        {BATCH_ANTHROPIC, BATCH_CONTENT, "m1", "GET", "/messages/batches/m1/results"},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_clear(&b);
        batch_path(rows[i].d, rows[i].v, str_of(rows[i].id), true, &b);
        assert_string_equal(buf_cstr(&b), rows[i].path);
        assert_string_equal(batch_method(rows[i].v), rows[i].method);
        batch_path(rows[i].d, rows[i].v, str_of(rows[i].id), false, &b);
        assert_true(str_starts(str_from(buf_str(&b), strlen(rows[i].path)), STR("/v1/")));
    }
    buf_free(&b);
}

static void ids_lead_nowhere_else(void **state)
{
    static const char *const good[] = {"a", "file-Abc_1.2", "...a"};
    static const char *const bad[] = {"", ".", "..", "a/b", "a?b", "a b", "a%2e", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(batch_id_is_plain(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(batch_id_is_plain(str_of(bad[i])));
    char longest[129];
    memset(longest, 'x', sizeof longest);
    assert_true(batch_id_is_plain((struct str){longest, 128}));
    assert_false(batch_id_is_plain((struct str){longest, 129}));
}

static void endpoints_are_those_of_the_rules(void **state)
{
    struct diag diag;
    struct catalogue *c = catalogue_open(STR(""), NULL, &diag);
    const struct batch_rules *r = batch_rules_of(c, provider_get(PROVIDER_OPENAI));
    int chat = batch_endpoint(r, STR("/v1/chat/completions"));
    assert_true(chat >= 0);
    assert_true(str_eq(r->endpoints[chat], STR("/v1/chat/completions")));
    assert_int_equal(batch_endpoint(r, STR("/chat/completions")), chat);
    int edits = batch_endpoint(r, STR("/v1/images/edits"));
    assert_true(edits >= 0 && edits != batch_endpoint(r, STR("/v1/images/generations")));
    static const char *const none[] = {"/v1/messages", "/v1/chat/completions?x=y",
                                       "/openai/deployments/m/chat/completions", "", "/v1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(batch_endpoint(r, str_of(none[i])), -1);
    assert_ptr_equal(batch_rules_of(c, provider_get(PROVIDER_COMPATIBLE)), r);
    assert_int_equal(batch_endpoint(batch_rules_of(c, provider_get(PROVIDER_ANTHROPIC)),
                                    STR("/v1/messages")),
                     0);
    assert_null(batch_rules_of(c, provider_get(PROVIDER_GROQ)));
    assert_int_equal(batch_dialect_of(provider_get(PROVIDER_AZURE)), BATCH_NONE);
    catalogue_close(&c);
}

static void a_file_is_framed_as_a_form(void **state)
{
    struct buf b = {0};
    batch_frame_head(BATCH_OPENAI, STR("B"), STR("x.jsonl"), &b);
    buf_puts(&b, "{}\n");
    batch_frame_tail(BATCH_OPENAI, STR("B"), &b);
    assert_string_equal(buf_cstr(&b),
                        "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch"
                        "\r\n--B\r\nContent-Disposition: form-data; name=\"file\"; "
                        "filename=\"x.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n{}\n"
                        "\r\n--B--\r\n");
    buf_clear(&b);
    batch_frame_type(BATCH_OPENAI, STR("B"), &b);
    assert_string_equal(buf_cstr(&b), "multipart/form-data; boundary=\"B\"");
    buf_clear(&b);
    batch_create_body(STR("file-1"), STR("/v1/embeddings"), STR("m"), &b);
    assert_string_equal(buf_cstr(&b),
                        "{\"input_file_id\":\"file-1\",\"endpoint\":\"/v1/embeddings\","
                        "\"completion_window\":\"24h\",\"metadata\":{\"sluice\":\"m\"}}");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_below_a_base),
        cmocka_unit_test(ids_lead_nowhere_else),
        cmocka_unit_test(endpoints_are_those_of_the_rules),
        cmocka_unit_test(a_file_is_framed_as_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
