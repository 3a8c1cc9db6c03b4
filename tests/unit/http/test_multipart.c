/* Forms with files: what is read does not depend on how the bytes are cut; what two readers
 * could read in two ways is refused; what is written is read as it was meant. */
#include "bounds.h"
#include "check.h"
#include "multipart.h"

#include <stdio.h>

struct heard {
    struct buf text; /* "[name|filename|type|body]" for each part */
};

static void hear(void *ctx, enum multipart_event ev, const struct multipart_part *part,
                 struct str bytes)
{
    struct buf *text = &((struct heard *)ctx)->text;
    if (ev == MULTIPART_PART)
        buf_printf(text, "[%.*s|%.*s|%.*s|", STR_ARG(part->name),
                   STR_ARG(part->filename.p ? part->filename : STR("-")), STR_ARG(part->type));
    assert_true(ev != MULTIPART_DATA || bytes.n > 0);
    buf_add(text, bytes);
    buf_puts(text, ev == MULTIPART_END ? "]" : "");
}

/* What a body says, fed in pieces of that size; or why not. */
static enum sl_err listen(struct heard *h, struct str body, size_t piece, const char **why)
{
    struct multipart *m = multipart_new(STR("b0"), (struct multipart_handler){hear, h});
    enum sl_err err = SL_OK;
    buf_clear(&h->text);
    for (size_t at = 0; at < body.n && !err; at += piece)
        err = multipart_feed(m, str_cut(str_from(body, at), piece));
    if (!err)
        err = multipart_finish(m);
    if (err) /* for good */
        assert_int_equal(multipart_feed(m, STR("\r\n")), err);
    *why = multipart_why(m);
    multipart_free(&m);
    assert_null(m);
    return err;
}

#define FIELD "Content-Disposition: form-data; name=\"a\"\r\n\r\n"

static void parts_come_out_however_the_bytes_are_cut(void **state)
{
    static const struct {
        const char *body, *heard;
    } rows[] = {
        {"--b0\r\n" FIELD "batch\r\n--b0--\r\n", "[a|-||batch]"},
        {"--b0\r\n" FIELD "\r\n--b0--", "[a|-||]"},
        {"--b0--\r\n", ""},
        {"--b0\r\n" FIELD "x\r\n--b0--\r\n\r\n", "[a|-||x]"},
        {"--b0\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
         "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.jsonl\"\r\n"
         "Content-Type: application/x-ndjson\r\n\r\n{\"a\":1}\n\r\n--b0--\r\n",
         "[purpose|-||batch][file|x.jsonl|application/x-ndjson|{\"a\":1}\n]"},
        /* almost a delimiter, again and again */
        {"--b0\r\n" FIELD "\r\r\n\r\n-\r\n--\r\n--b\r\n--b\r\n--b0--\r\n",
         "[a|-||\r\r\n\r\n-\r\n--\r\n--b\r\n--b]"},
        {"--b0\r\n" FIELD "--b0\r\n--b0--", "[a|-||--b0]"},
        /* names: escapes of curl, a Windows path, UTF-8, tokens, white space, other fields */
        {"--b0\r\ncontent-disposition:form-data;name=a;filename=\"C:\\tmp\\x \\\"1\\\" "
         "\\\\\"\r\n"
         "X-Other: 1\r\ncontent-transfer-encoding: binary\r\n\r\n\r\n--b0--",
         "[a|C:\\tmp\\x \"1\" \\||]"},
        {"--b0\r\nContent-Disposition: form-data ; name=\"\xC3\xA4\" ; filename*=utf-8''x ; "
         "filename=\"\"\r\n\r\n1\r\n--b0--",
         "[\xC3\xA4|||1]"},
    };
    struct heard h = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str body = str_of(rows[i].body);
        for (size_t piece = 1; piece <= body.n; piece++) {
            const char *why;
            enum sl_err err = listen(&h, body, piece, &why);
            if (err || !str_eq(buf_str(&h.text), str_of(rows[i].heard)))
                fail_msg("row %zu in pieces of %zu: %s %s", i, piece, why, buf_cstr(&h.text));
        }
    }
    buf_free(&h.text);
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static const struct {
        const char *body;
        enum sl_err err;
        const char *why;
    } rows[] = {
        {"preamble\r\n--b0\r\n" FIELD "\r\n--b0--", SL_SYNTAX, "begin with its boundary"},
        {"\r\n--b0\r\n" FIELD "\r\n--b0--", SL_SYNTAX, "begin with its boundary"},
        {"--b0 \r\n" FIELD "\r\n--b0--", SL_SYNTAX, "followed by other"},
        {"--b0\n" FIELD "\r\n--b0--", SL_SYNTAX, "followed by other"},
        {"--b0\r\n" FIELD "x\r\n--b01--", SL_SYNTAX, "followed by other"},
        {"--b0\r\n" FIELD "x\r\n--b0--x", SL_CLOSED, "ends in the middle"},
        {"--b0\r\n" FIELD "x\r\n--b0--xy", SL_SYNTAX, "follow the end"},
        {"--b0\r\n" FIELD "x\r\n--b0--\r\nx", SL_CLOSED, "ends in the middle"},
        {"--b0\r\n" FIELD "x\r\n--b0--\r\nxx", SL_SYNTAX, "follow the end"},
        {"--b0\r\n" FIELD "x\r\n--b0--\r\n\r\n\r\n", SL_SYNTAX, "follow the end"},
        {"--b0\r\n" FIELD "x\n--b0--\r\n", SL_CLOSED, "ends in the middle"},
        {"--b0\r\n" FIELD "x\r\n--b0", SL_CLOSED, "ends in the middle"},
        {"--b0\r\nContent-Disposition: form-data", SL_CLOSED, "ends in the middle"},
        {"--b0\r\n\r\nx\r\n--b0--", SL_MISSING, "no name"},
        {"--b0\r\nContent-Disposition: form-data; filename=x\r\n\r\n\r\n--b0--", SL_MISSING,
         "no name"},
        {"--b0\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n\r\n--b0--", SL_MISSING,
         "no name"},
        {"--b0\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--b0--", SL_SYNTAX,
         "not form-data"},
        {"--b0\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n\r\n--b0--", SL_SYNTAX,
         "two names"},
        {"--b0\r\n"
         "Content-Disposition: form-data; name=a\r\n" FIELD "\r\n--b0--",
         SL_SYNTAX, "two names"},
        {"--b0\r\nContent-Disposition: form-data; name\r\n\r\n\r\n--b0--", SL_SYNTAX,
         "Content-Disposition"},
        {"--b0\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--b0--", SL_SYNTAX,
         "Content-Disposition"},
        {"--b0\r\nContent-Disposition: form-data, name=a\r\n\r\n\r\n--b0--", SL_SYNTAX,
         "Content-Disposition"},
        {"--b0\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n\r\n--b0--", SL_SYNTAX,
         "Content-Disposition"},
        {"--b0\r\nX: 1\r\n fold\r\n" FIELD "\r\n--b0--", SL_SYNTAX, "header of a part"},
        {"--b0\r\nX: \x01\r\n" FIELD "\r\n--b0--", SL_SYNTAX, "control byte"},
        {"--b0\r\nX: 1\n" FIELD "\r\n--b0--", SL_SYNTAX, "CR LF"},
        {"--b0\r\nX: 1\rY: 2\r\n" FIELD "\r\n--b0--", SL_SYNTAX, "CR LF"},
        {"--b0\r\nContent-Transfer-Encoding: base64\r\n" FIELD "\r\n--b0--", SL_SYNTAX,
         "transfer encoding"},
    };
    struct heard h = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t piece = 1; piece < 200; piece += 7) {
            const char *why;
            enum sl_err err = listen(&h, str_of(rows[i].body), piece, &why);
            if (err != rows[i].err || !strstr(why, rows[i].why))
                fail_msg("row %zu: %s: %s", i, sl_err_text(err), why);
        }
    }
    buf_free(&h.text);
}

static void heads_and_parts_are_bounded(void **state)
{
    struct heard h = {0};
    struct buf body = {0};
    const char *why;
    buf_puts(&body, "--b0\r\nX: ");
    for (size_t i = 0; i < BOUND_PART_HEAD_BYTES; i++)
        buf_char(&body, 'x');
    assert_int_equal(listen(&h, buf_str(&body), 1000, &why), SL_TOO_LARGE);
    for (int over = 0; over < 2; over++) {
        struct multipart_writer w = {.boundary = STR("b0")};
        buf_clear(&body);
        for (int i = 0; i < BOUND_PARTS + over; i++)
            assert_int_equal(multipart_write_field(&w, &body, STR("n"), STR("v")), SL_OK);
        multipart_write_tail(&w, &body);
        assert_int_equal(listen(&h, buf_str(&body), 1000, &why), over ? SL_TOO_LARGE : SL_OK);
    }
    buf_free(&body);
    buf_free(&h.text);
}

static void boundaries_are_found_in_content_types(void **state)
{
    static const struct {
        const char *type, *boundary;
        enum sl_err err;
    } rows[] = {
        {"multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk",
         "----WebKitFormBoundary7MA4YWxk", SL_OK},
        {"Multipart/Form-Data;boundary=\"a b:c\"; charset=utf-8", "a b:c", SL_OK},
        {"multipart/form-data; charset=utf-8 ; BOUNDARY=x ", "x", SL_OK},
        {"multipart/form-data", NULL, SL_MISSING},
        {"multipart/form-data;", NULL, SL_SYNTAX},
        {"multipart/form-data; charset=utf-8", NULL, SL_MISSING},
        {"multipart/mixed; boundary=x", NULL, SL_TYPE},
        {"application/json", NULL, SL_TYPE},
        {"", NULL, SL_TYPE},
        {"multipart/form-datax; boundary=x", NULL, SL_SYNTAX},
        {"multipart/form-data; boundary=x; boundary=y", NULL, SL_SYNTAX},
        {"multipart/form-data; boundary=\"x \"", NULL, SL_SYNTAX},
        {"multipart/form-data; boundary=\"\"", NULL, SL_SYNTAX},
        {"multipart/form-data; boundary=\"x\\\"\"", NULL, SL_SYNTAX},
        {"multipart/form-data; boundary=x%", NULL, SL_SYNTAX},
        {"multipart/form-data; boundary=0123456789012345678901234567890123456789"
         "0123456789012345678901234567890",
         NULL, SL_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str got = {0};
        enum sl_err err = multipart_boundary(str_of(rows[i].type), &got);
        if (err != rows[i].err || (!err && !str_eq(got, str_of(rows[i].boundary))))
            fail_msg("%s: %s, %.*s", rows[i].type, sl_err_text(err), STR_ARG(got));
    }
}

static void what_is_written_is_read_as_meant(void **state)
{
    struct buf boundary = {0}, type = {0}, body = {0};
    multipart_make_boundary(&boundary, 0x0123456789ABCDEF, 0xFEDC);
    struct multipart_writer w = {.boundary = buf_str(&boundary)};
    multipart_write_type(&w, &type);
    struct str found;
    assert_int_equal(multipart_boundary(buf_str(&type), &found), SL_OK);
    assert_true(str_eq(found, w.boundary));

    const struct multipart_part file = {STR("file"), STR("a \"b\" \\c.jsonl"), STR("text/x")};
    assert_int_equal(multipart_write_field(&w, &body, STR("purpose"), STR("batch")), SL_OK);
    assert_int_equal(multipart_write_file(&w, &body, &file), SL_OK);
    buf_puts(&body, "line\r\n\r\n--sluice-0123456789abcdef");
    multipart_write_tail(&w, &body);

    struct heard h = {0};
    struct multipart *m = multipart_new(found, (struct multipart_handler){hear, &h});
    assert_int_equal(multipart_feed(m, buf_str(&body)), SL_OK);
    assert_int_equal(multipart_finish(m), SL_OK);
    assert_string_equal(buf_cstr(&h.text),
                        "[purpose|-||batch][file|a \"b\" \\c.jsonl|text/x|line\r\n\r\n"
                        "--sluice-0123456789abcdef]");
    multipart_free(&m);

    /* nothing that could end a line early */
    size_t before = body.n;
    const struct multipart_part bad[] = {{STR("a\r\nb"), {0}, {0}},
                                         {STR(""), {0}, {0}},
                                         {STR("a"), STR("x\ny"), {0}},
                                         {STR("a"), STR("x"), STR("t\r\n")}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(multipart_write_file(&w, &body, &bad[i]), SL_SYNTAX);
    assert_int_equal(body.n, before);
    buf_free(&boundary);
    buf_free(&type);
    buf_free(&body);
    buf_free(&h.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_out_however_the_bytes_are_cut),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(heads_and_parts_are_bounded),
        cmocka_unit_test(boundaries_are_found_in_content_types),
        cmocka_unit_test(what_is_written_is_read_as_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
