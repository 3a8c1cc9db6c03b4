/* The files API: what is kept and given back, what is refused, pages, and fate. */
#include "shop.h"

#define LINE "{\"custom_id\":\"a\"}\n"

static void a_file_comes_back_as_it_was(void **state)
{
    struct emulate_config c = plain_config("openai", NULL);
    struct shop s = shop_open(&c);
    const char *id = upload(&s, 5 * S, "batch", STR(LINE LINE));
    assert_int_equal(s.plan.status, 200);
    assert_true(str_starts(str_of(id), STR("file-")));
    expect(s.body, "object", "file");
    expect(s.body, "purpose", "batch");
    expect(s.body, "filename", "x.jsonl");
    expect(s.body, "status", "processed");
    assert_int_equal(number(s.body, "bytes"), 2 * strlen(LINE));
    assert_int_equal(number(s.body, "created_at"), 1767225605);
    assert_int_equal(number(s.body, "expires_at"), 1767225605 + 30 * 86400);

    call(&s, 6 * S, "GET", "/v1/files/%s", id);
    expect(s.body, "id", id);
    call(&s, 6 * S, "GET", "/v1/files/%s/content", id);
    assert_string_equal(content(&s), LINE LINE);
    assert_string_equal(header(&s, 0, 0, "content-type"), "application/octet-stream");
    call(&s, 7 * S, "DELETE", "/v1/files/%s", id);
    assert_true(json_true(json_get(s.body, "deleted")));
    static const char *const gone[] = {"/v1/files/%s", "/v1/files/%s/content"};
    for (size_t i = 0; i < 2; i++) {
        call(&s, 8 * S, "GET", gone[i], id);
        assert_int_equal(s.plan.status, 404);
        expect(s.body, "error.param", "id");
        assert_true(str_starts(json_str(json_path(s.body, "error.message")),
                               STR("No such File object: file-")));
    }
    call(&s, 8 * S, "PUT", "/v1/files/%s", id);
    assert_int_equal(s.plan.status, 405);
    shop_close(&s);
}

/* A month of this provider's lasts 0.72 s when its minute lasts a millisecond. */
static void files_expire(void **state)
{
    struct emulate_config c = plain_config("openai", NULL);
    c.minute_us = 60000;
    struct shop s = shop_open(&c);
    const char *id = upload(&s, 0, "batch", STR(LINE));
    const char *kept = upload(&s, 0, "user_data", STR("x"));
    int64_t month_us = INT64_C(30) * 24 * 60 * 60000;
    call(&s, month_us - 1, "GET", "/v1/files/%s", id);
    assert_int_equal(s.plan.status, 200);
    call(&s, month_us, "GET", "/v1/files?limit=9");
    assert_int_equal(json_get(s.body, "data")->count, 1);
    call(&s, month_us, "GET", "/v1/files/%s", id);
    assert_int_equal(s.plan.status, 404);
    call(&s, month_us, "GET", "/v1/files/%s", kept);
    assert_int_equal(s.plan.status, 200);
    shop_close(&s);
}

static void what_is_no_batch_file_is_refused(void **state)
{
    static const struct {
        const char *purpose, *text, *param, *words;
    } rows[] = {
        {"batch", "", "", "Invalid file format for Batch API. Must be .jsonl"},
        {"batch", "{bad\n{}\n", "", "Invalid file format for Batch API. Must be .jsonl"},
        {"batch", "[1]\n", "", "Invalid file format for Batch API. Must be .jsonl"},
        {"", "{}", "purpose", "Missing required parameter: 'purpose'."},
        {"music", "{}", "purpose", "Invalid value: 'music'. Supported values are: "},
    };
    struct emulate_config c = plain_config("openai", NULL);
    struct shop s = shop_open(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        upload(&s, 0, rows[i].purpose, str_of(rows[i].text));
        assert_int_equal(s.plan.status, 400);
        expect(s.body, "error.type", "invalid_request_error");
        if (rows[i].param[0])
            expect(s.body, "error.param", rows[i].param);
        if (!str_starts(json_str(json_path(s.body, "error.message")), str_of(rows[i].words)))
            fail_msg("%zu: %s", i, buf_cstr(&s.plan.body));
    }
    upload(&s, 0, "batch", STR("{}\n{bad\n")); /* only the first line is looked at */
    assert_int_equal(s.plan.status, 200);
    upload(&s, 0, "batch", STR("{}"));
    assert_int_equal(s.plan.status, 200);
    ask(&s, 0, "/v1/files", "{}");
    assert_int_equal(s.plan.status, 400);
    shop_close(&s);
}

static void files_have_their_sizes_and_lives(void **state)
{
    static const struct {
        struct form form;
        const char *words;
    } rows[] = {
        {{.purpose = STR("user_data"), .too_large = true}, "File is too large."},
        {{.purpose = STR("user_data"), .wrong = "a part has no name"}, "a part has no name"},
        {{.purpose = STR("user_data"),
          .expires_anchor = STR("created_at"),
          .expires_seconds = STR("3599")},
         "Invalid 'expires_after'"},
        {{.purpose = STR("user_data"),
          .expires_anchor = STR("now"),
          .expires_seconds = STR("3600")},
         "Invalid 'expires_after'"},
        {{.purpose = STR("user_data"),
          .expires_anchor = STR("created_at"),
          .expires_seconds = STR("3600")},
         NULL},
    };
    struct emulate_config c = plain_config("openai", NULL);
    struct shop s = shop_open(&c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct form f = rows[i].form;
        struct service_request r = {
            .method = STR("POST"), .target = STR("/v1/files"), .form = &f};
        f.file = spool_new();
        ask_so(&s, 0, &r);
        spool_free(&f.file);
        if (rows[i].words)
            assert_true(str_find(buf_str(&s.plan.body), str_of(rows[i].words), 0) > 0);
        else
            assert_int_equal(number(s.body, "expires_at"), 1767225600 + 3600);
        assert_int_equal(s.plan.status, rows[i].words ? 400 : 200);
    }
    shop_close(&s);
}

/* Ids of the page, each by its last digit: files are numbered from 1. */
static const char *page_of(struct shop *s, const char *query)
{
    static char text[100];
    size_t n = 0;
    call(s, 0, "GET", "/v1/files?%s", query);
    if (s->plan.status != 200)
        return "refused";
    for (const struct json *f = json_get(s->body, "data")->first; f; f = f->next) {
        struct str id = json_str(json_get(f, "id"));
        text[n++] = id.p[id.n - 1];
    }
    n += (size_t)snprintf(text + n, 10, "%s",
                          json_true(json_get(s->body, "has_more")) ? "+" : "");
    return text;
}

static void lists_come_in_pages(void **state)
{
    struct emulate_config c = plain_config("openai", NULL);
    struct shop s = shop_open(&c);
    const char *ids[7];
    assert_string_equal(page_of(&s, ""), "");
    assert_int_equal(json_get(s.body, "first_id")->type, JSON_NULL);
    for (int i = 1; i <= 6; i++)
        ids[i] = upload(&s, i, i % 2 ? "user_data" : "vision", STR("x"));
    call(&s, 9, "DELETE", "/v1/files/%s", ids[3]);
    assert_string_equal(page_of(&s, ""), "65421");
    expect(s.body, "first_id", ids[6]);
    expect(s.body, "last_id", ids[1]);
    assert_string_equal(page_of(&s, "limit=2"), "65+");
    assert_string_equal(page_of(&s, "order=asc"), "12456");
    assert_string_equal(page_of(&s, "purpose=vision"), "642");
    char query[200];
    snprintf(query, sizeof query, "limit=2&after=%s", ids[5]);
    assert_string_equal(page_of(&s, query), "42+");
    snprintf(query, sizeof query, "limit=2&after=%s", ids[4]);
    assert_string_equal(page_of(&s, query), "21");
    snprintf(query, sizeof query, "limit=2&before=%s", ids[1]);
    assert_string_equal(page_of(&s, query), "42+");
    snprintf(query, sizeof query, "limit=4&before=%s", ids[1]);
    assert_string_equal(page_of(&s, query), "6542");
    snprintf(query, sizeof query, "after=%s", ids[1]);
    assert_string_equal(page_of(&s, query), "");
    static const char *const bad[] = {"limit=0", "limit=x", "limit=10001", "after=file-none",
                                      "before=file-none"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_string_equal(page_of(&s, bad[i]), "refused");
    shop_close(&s);
}

static void fate_strikes_files_too(void **state)
{
    struct emulate_config c = plain_config("openai", NULL);
    assert_int_equal(snag_parse(STR("busy=100%"), &c.snags, NULL), SL_OK);
    struct shop s = shop_open(&c);
    upload(&s, 0, "user_data", STR("x"));
    assert_int_equal(s.plan.status, 503);
    call(&s, 0, "GET", "/v1/files");
    assert_int_equal(s.plan.status, 200);
    assert_int_equal(json_get(s.body, "data")->count, 0); /* nothing was done */
    shop_close(&s);

    c.snags = (struct snag_rates){{0}};
    assert_int_equal(snag_parse(STR("drop=100%,absent=100%"), &c.snags, NULL), SL_OK);
    s = shop_open(&c);
    const char *id = upload(&s, 0, "user_data", STR("x"));
    assert_true(s.plan.dropped);
    call(&s, 0, "GET", "/v1/files"); /* but it is there */
    assert_int_equal(json_get(s.body, "data")->count, 1);
    call(&s, 0, "GET", "/v1/files/%s", id);
    assert_int_equal(s.plan.status, 404);
    call(&s, 0, "GET", "/v1/files/%s/content", id);
    assert_int_equal(s.plan.status, 200);
    shop_close(&s);
    struct diag diag = {{0}, {0}};
    assert_int_equal(snag_parse(STR("500=1%"), &c.snags, &diag), SL_UNKNOWN);
    assert_non_null(strstr(diag.what, "busy, drop, absent, fail, zero, expire"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back_as_it_was),
        cmocka_unit_test(files_expire),
        cmocka_unit_test(what_is_no_batch_file_is_refused),
        cmocka_unit_test(files_have_their_sizes_and_lives),
        cmocka_unit_test(lists_come_in_pages),
        cmocka_unit_test(fate_strikes_files_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
