/* Bodies as they arrive: kept whole, or as a form, or not at all beyond their bound. */
#include "bounds.h"
#include "check.h"
#include "intake.h"

#include <stdlib.h>

static void open_for(struct intake *i, const char *target, const char *type)
{
    struct target to = target_read(STR("POST"), str_of(target));
    *i = (struct intake){0};
    intake_open(i, &to, str_of(type));
}

#define NAMED     "Content-Disposition: form-data; name="
#define FILE_PART "--b\r\n" NAMED "file; filename=x\r\n\r\n"

static void a_form_gives_its_file_and_fields(void **state)
{
    static const char *const form = "--b\r\n" NAMED "\"purpose\"\r\n\r\nbatch\r\n"
                                    "--b\r\n" NAMED "\"expires_after[anchor]\"\r\n\r\n"
                                    "created_at\r\n"
                                    "--b\r\n" NAMED "\"other\"\r\n\r\nignored\r\n"
                                    "--b\r\n" NAMED "\"file\"; filename=\"jobs.jsonl\"\r\n"
                                    "Content-Type: text/plain\r\n\r\n{}\n{}\r\n"
                                    "--b\r\n" NAMED "\"expires_after[seconds]\"\r\n\r\n"
                                    "3600\r\n--b--\r\n";
    for (size_t piece = 1; piece < 90; piece += 8) {
        struct intake i;
        open_for(&i, "/v1/files", "multipart/form-data; boundary=b");
        struct buf file = {0};
        for (struct str rest = str_of(form); rest.n; rest = str_from(rest, piece))
            intake_add(&i, str_cut(rest, piece));
        intake_end(&i);
        assert_true(i.is_form);
        assert_null(i.form.wrong);
        assert_true(str_eq(i.form.purpose, STR("batch")));
        assert_true(str_eq(i.form.filename, STR("jobs.jsonl")));
        assert_true(str_eq(i.form.expires_anchor, STR("created_at")));
        assert_true(str_eq(i.form.expires_seconds, STR("3600")));
        assert_int_equal(spool_read(i.form.file, 0, 100, &file, NULL), SL_OK);
        assert_string_equal(buf_cstr(&file), "{}\n{}");
        buf_free(&file);
        intake_free(&i);
    }
}

static void what_is_no_form_says_why(void **state)
{
    static const struct {
        const char *type, *body, *why;
    } rows[] = {
        {"application/json", "{}", "expected multipart/form-data"},
        {"multipart/form-data", "{}", "expected multipart/form-data"},
        {"multipart/form-data; boundary=b", "{}", "begin with its boundary"},
        {"multipart/form-data; boundary=b", FILE_PART "{", "middle"},
        {"multipart/form-data; boundary=b", FILE_PART "1\r\n" FILE_PART "2\r\n--b--",
         "two files"},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct intake i;
        open_for(&i, "/v1/files", rows[k].type);
        intake_add(&i, str_of(rows[k].body));
        intake_end(&i);
        if (!i.form.wrong || !strstr(i.form.wrong, rows[k].why))
            fail_msg("%zu: %s", k, i.form.wrong ? i.form.wrong : "passed");
        intake_free(&i);
    }
}

static void bodies_have_bounds(void **state)
{
    static const struct {
        const char *target;
        size_t most;
    } rows[] = {{"/v1/messages", 32 << 20}, {"/v1/chat/completions", BOUND_BODY_BYTES}};
    char *mega = mem_zero(1 << 20);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct intake i;
        open_for(&i, rows[k].target, "application/json");
        for (size_t n = 0; n < rows[k].most; n += 1 << 20)
            intake_add(&i, (struct str){mega, 1 << 20});
        assert_false(i.too_large);
        assert_int_equal(i.body.n, rows[k].most);
        intake_add(&i, STR("x"));
        intake_add(&i, STR("x"));
        assert_true(i.too_large);
        assert_int_equal(i.body.n, 0);
        intake_free(&i);
    }
    free(mega);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_gives_its_file_and_fields),
        cmocka_unit_test(what_is_no_form_says_why),
        cmocka_unit_test(bodies_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
