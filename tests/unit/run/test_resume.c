/* test_resume.c: the output is the journal: what is final stays, what was passing is asked
 * again, and what belongs to another input is left alone. */
#include "book.h"
#include "random.h"

/* ---- reading back -------------------------------------------------------------------- */

static void finished_rows_are_skipped(void **state)
{
    static struct book b;
    struct buf before = {0}, after = {0};
    book_init(&b);
    book_begin(&b);
    book_answer(&b, 0);
    book_answer(&b, 7);
    book_fail(&b, 2, "invalid_value"); /* the provider's own word: final */
    book_fail(&b, 3, "too_large");
    book_fail(&b, 4, "server_error"); /* passing */
    book_fail(&b, 5, "timeout");
    book_end(&b);
    for (int again = 0; again < 2; again++) { /* and a second look finds the same */
        book_begin(&b);
        assert_int_equal(2, b.found.ok);
        assert_int_equal(2, b.found.failed);
        assert_int_equal(again ? 0 : 2, b.found.retried);
        assert_int_equal(0, b.found.torn_bytes);
        for (int i = 0; i < BOOK_ROWS; i++) {
            enum row_state is = i == 0 || i == 7   ? ROW_DONE
                                : i == 2 || i == 3 ? ROW_FAILED
                                                   : ROW_PENDING;
            assert_int_equal(is, book_row(&b, i)->state);
        }
        const char *errors = desk_read(b.desk.errors, again ? &after : &before);
        assert_non_null(strstr(errors, "row-2"));
        assert_non_null(strstr(errors, "row-3"));
        assert_null(strstr(errors, "row-4"));
        assert_null(strstr(errors, "row-5"));
        book_end(&b);
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
    book_begin(&b);
    book_fail(&b, 1, FAILURE_INVALID);
    book_end(&b);
    book_begin(&b);
    assert_int_equal(ROW_PENDING, book_row(&b, 1)->state);
    assert_int_equal(0, b.found.failed + b.found.retried);
    assert_string_equal("", desk_read(b.desk.errors, &text));
    book_end(&b);
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
    book_begin(&b);
    book_fail(&b, 1, "rejected");
    book_answer(&b, 1);
    book_end(&b);
    book_begin(&b);
    assert_int_equal(ROW_DONE, book_row(&b, 1)->state);
    assert_int_equal(1, b.found.ok);
    assert_int_equal(0, b.found.failed);
    assert_string_equal("", desk_read(b.desk.errors, &text));
    book_end(&b);
    buf_free(&text);
    book_free(&b);
}

static void a_torn_line_is_asked_again(void **state)
{
    static struct book b;
    struct buf text = {0};
    book_init(&b);
    book_begin(&b);
    book_answer(&b, 0);
    book_answer(&b, 1);
    book_end(&b);
    size_t whole = strlen(desk_read(b.desk.output, &text));
    assert_int_equal(0, truncate(b.desk.output, (off_t)whole - 10));
    book_begin(&b);
    assert_int_equal(1, b.found.ok);
    assert_int_equal(whole / 2 - 10, b.found.torn_bytes);
    assert_int_equal(ROW_PENDING, book_row(&b, 1)->state);
    assert_int_equal(whole / 2, strlen(desk_read(b.desk.output, &text)));
    book_end(&b);
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
            book_begin(&b);
            if (in_errors)
                book_fail(&b, BOOK_ROWS - 1, "rejected");
            else
                book_answer(&b, BOOK_ROWS - 1);
            book_end(&b);
            if (k == NOTES)
                desk_write(path, "my notes\n");
            else
                book_requests(&b, k == FEWER_ROWS ? BOOK_ROWS - 1 : BOOK_ROWS,
                              k == OTHER_BODIES ? "sing" : "say");
            desk_read(path, &before);
            assert_int_equal(desk_open(&b.desk), SL_OK);
            assert_int_equal(book_try(&b), SL_RANGE);
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
        int left = BOOK_ROWS, runs = 0;
        book_init(&b);
        while (left > 0) {
            book_begin(&b);
            left = 0;
            for (int i = 0; i < BOOK_ROWS; i++) {
                bool pending = book_row(&b, i)->state == ROW_PENDING,
                     gone = random_below(&r, 2);
                left += pending;
                if (pending && gone && random_below(&r, 3))
                    book_answer(&b, i);
                else if (pending && gone)
                    book_fail(&b, i, codes[random_below(&r, 11)]);
            }
            book_end(&b);
            if (left > 0 && random_below(&r, 2))
                cut_somewhere(&r, random_below(&r, 2) ? b.desk.output : b.desk.errors);
            assert_seeded(seed, runs++ < 1000);
        }
        for (int i = 0; i < BOOK_ROWS; i++)
            assert_seeded(seed,
                          count(&text, b.desk.output, i) + count(&text, b.desk.errors, i) == 1);
        buf_free(&text);
        book_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finished_rows_are_skipped),
        cmocka_unit_test(complaints_of_an_earlier_run_leave),
        cmocka_unit_test(an_answer_outweighs_a_failure),
        cmocka_unit_test(a_torn_line_is_asked_again),
        cmocka_unit_test(what_belongs_to_another_input_is_left_alone),
        cmocka_unit_test(whatever_kills_it_each_row_ends_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
